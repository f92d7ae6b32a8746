// duo-fleet init
import type { CommandModule } from 'yargs';
import { commandModule, type OnChosen } from './command-module.ts';

/** Writes a first inventory. */
export const initCommand = (onChosen: OnChosen): CommandModule =>
  commandModule('init', onChosen, {
    describe: 'Write a first inventory, by asking',
    positional: ['file', 'The file to write (inventory.yml); an existing one is left as it is'],
    examples: [
      ['duo-fleet init', 'Asks, and writes inventory.yml into this folder'],
      ['duo-fleet init prod.yml', 'The same under another name'],
    ],
  });
