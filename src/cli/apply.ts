// duo-fleet apply
import type { CommandModule } from 'yargs';
import { commandModule, type OnChosen } from './command-module.ts';

/** Brings hosts to the declared state. */
export const applyCommand = (onChosen: OnChosen): CommandModule =>
  commandModule('apply', onChosen, {
    describe: 'Bring every host to the declared state, each as one transaction that reverts itself',
    positional: ['inventory', 'Inventory file or folder, or a plan that plan --out has written'],
    examples: [
      ['duo-fleet apply inventory.yml', 'All hosts of the inventory, after a question'],
      ['duo-fleet apply --check --diff', 'What plan does, as Ansible has it; touches nothing'],
      ['duo-fleet apply --host web1 --yes', 'One host, without a question'],
      ['duo-fleet apply plan.json', 'What duo-fleet plan --out plan.json said, or nothing'],
      ['duo-fleet apply --limit "web*:!web3" --json --yes', 'A pattern, for a script'],
    ],
  });
