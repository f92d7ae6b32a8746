// duo-fleet rollback
import type { CommandModule } from 'yargs';
import { commandModule, type OnChosen } from './command-module.ts';

/** Puts hosts back to what they were before a run. */
export const rollbackCommand = (onChosen: OnChosen): CommandModule =>
  commandModule('rollback', onChosen, {
    describe: 'Put hosts back to what they were before a run, from what each keeps of it',
    examples: [
      ['duo-fleet rollback --host web1', 'What the newest run did there is undone, after a question'],
      ['duo-fleet rollback --run 20261122-054735-ab12 --yes', 'What that run did, without a question'],
      ['duo-fleet rollback --host web1 --discard-edits', 'Also where files were changed since'],
    ],
  });
