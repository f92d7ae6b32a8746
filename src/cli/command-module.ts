// The shape that all commands share: an inventory, flags, examples.
import type { CommandModule } from 'yargs';
import type { RawOptions } from './flag-reader.ts';
import { flagsOf, type CommandName } from './flags.ts';

/** Told which command was chosen, with what yargs found; nothing runs inside yargs. */
export type OnChosen = (command: CommandName, raw: RawOptions) => void;

const INVENTORY = [
  'inventory',
  'Inventory file or folder ($DUO_FLEET_INVENTORY, ./inventory.yml, ./inventory/)',
] as const;

/** Makes a command of yargs. */
export const commandModule = (
  name: CommandName,
  onChosen: OnChosen,
  texts: {
    readonly describe: string;
    /** Name and meaning of the word behind the command (the inventory); `null`: there is none. */
    readonly positional?: readonly [name: string, describe: string] | null;
    readonly examples: readonly (readonly [command: string, meaning: string])[];
  },
): CommandModule => {
  const word = texts.positional === undefined ? INVENTORY : texts.positional;
  return {
    command: word === null ? name : `${name} [${word[0]}]`,
    describe: texts.describe,
    builder: (yargs) =>
      (word === null ? yargs : yargs.positional(word[0], { type: 'string', describe: word[1] }))
        .options(flagsOf(name))
        .example(texts.examples.map(([command, meaning]): [string, string] => [command, meaning]))
        .epilog('Every flag can come from the environment: DUO_FLEET_FORKS=5 is --forks 5.'),
    handler: (raw) => onChosen(name, raw),
  };
};
