// duo-fleet runs
import type { CommandModule } from 'yargs';
import { commandModule, type OnChosen } from './command-module.ts';

/** Lists the runs that there are journals of. */
export const runsCommand = (onChosen: OnChosen): CommandModule =>
  commandModule('runs', onChosen, {
    describe: 'List the runs that this account has journals of, the newest first',
    positional: null,
    examples: [
      ['duo-fleet runs', 'When, who, which hosts with which verdicts, and how it ended'],
      ['duo-fleet runs --count 100 --json', 'More of them, for a script'],
    ],
  });
