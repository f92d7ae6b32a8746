// duo-fleet verify
import type { CommandModule } from 'yargs';
import { commandModule, type OnChosen } from './command-module.ts';

/** Looks whether hosts are as declared; read-only. */
export const verifyCommand = (onChosen: OnChosen): CommandModule =>
  commandModule('verify', onChosen, {
    describe: 'Look whether every host is as declared; read-only',
    examples: [
      ['duo-fleet verify --host web1', 'One host of the default inventory'],
      ['duo-fleet verify inventory.yml --probe', 'Also try the logins that must succeed'],
      ['duo-fleet verify --check-enrolment', 'Also whom Duo would deny because it does not know them'],
    ],
  });
