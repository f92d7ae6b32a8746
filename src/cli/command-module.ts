// The shape that all commands share: an inventory, flags, examples.
import type { CommandModule } from 'yargs';
import { flagsOf, type CommandName, type RawOptions } from './options.ts';

/** Told which command was chosen, with what yargs found; nothing runs inside yargs. */
export type OnChosen = (command: CommandName, raw: RawOptions) => void;

/** Makes a command of yargs. */
export const commandModule = (
  name: CommandName,
  onChosen: OnChosen,
  texts: {
    readonly describe: string;
    readonly examples: readonly (readonly [command: string, meaning: string])[];
  },
): CommandModule => ({
  command: `${name} [inventory]`,
  describe: texts.describe,
  builder: (yargs) =>
    yargs
      .positional('inventory', {
        type: 'string',
        describe: 'Inventory file ($DUO_FLEET_INVENTORY, ./inventory.yml, ./inventory/)',
      })
      .options(flagsOf(name))
      .example(texts.examples.map(([command, meaning]): [string, string] => [command, meaning]))
      .epilog('Every flag can come from the environment: DUO_FLEET_FORKS=5 is --forks 5.'),
  handler: (raw) => onChosen(name, raw),
});
