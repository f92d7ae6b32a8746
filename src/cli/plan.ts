// duo-fleet plan
import type { CommandModule } from 'yargs';
import { commandModule, type OnChosen } from './command-module.ts';

/** Shows what apply would change; touches nothing. */
export const planCommand = (onChosen: OnChosen): CommandModule =>
  commandModule('plan', onChosen, {
    describe: 'Show what apply would change, as a diff; touches nothing',
    examples: [
      ['duo-fleet plan inventory.yml --host web1', 'The changes of one host, secrets masked'],
      ['duo-fleet plan --out plan.json', 'Also kept, to be looked at and then applied'],
    ],
  });
