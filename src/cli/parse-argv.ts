// argv -> the command that was chosen, or a text to show.
import yargs from 'yargs';
import type { Command } from '../core/event.ts';
import { applyCommand } from './apply.ts';
import { readOptions, type Options, type RawOptions } from './options.ts';
import { planCommand } from './plan.ts';
import { UsageError, type Surroundings } from './surroundings.ts';
import { verifyCommand } from './verify.ts';

/** `text`: help or the version, for stdout. */
export type Invocation =
  | { readonly kind: 'command'; readonly command: Command; readonly options: Options }
  | { readonly kind: 'text'; readonly text: string };

const HELP_WIDTH = 100;

/**
 * Reads argv. Nothing is run and nothing is printed here.
 * @throws UsageError
 */
export const parseArgv = async (surroundings: Surroundings): Promise<Invocation> => {
  let chosen: { readonly command: Command; readonly raw: RawOptions } | null = null;
  let text = '';
  const onChosen = (command: Command, raw: RawOptions): void => {
    chosen = { command, raw };
  };
  const parser = yargs()
    .scriptName('duo-fleet')
    .usage(
      '$0 <command> [inventory]\n\nDuo MFA on SSH login and sudo, on every host, without locking anybody out.',
    )
    .command(applyCommand(onChosen))
    .command(planCommand(onChosen))
    .command(verifyCommand(onChosen))
    .demandCommand(1, 'which command? duo-fleet --help lists them')
    .strictCommands()
    .recommendCommands()
    .version(surroundings.version)
    .locale('en')
    .wrap(Math.min(HELP_WIDTH, surroundings.stdout.size().columns))
    .parserConfiguration({
      'camel-case-expansion': false,
      'dot-notation': false,
      'short-option-groups': false,
    })
    .exitProcess(false)
    .fail((message, error) => {
      // yargs' own complaints come as YError; anything else that is thrown in there is a bug and stays one.
      throw error === undefined || error.name === 'YError'
        ? new UsageError(message ?? error?.message)
        : error;
    });
  await parser.parseAsync([...surroundings.argv], {}, (_error, _argv, output) => {
    text = output;
  });
  const found = chosen as { readonly command: Command; readonly raw: RawOptions } | null;
  if (found === null) return { kind: 'text', text: `${text}\n` };
  return {
    kind: 'command',
    command: found.command,
    options: readOptions(found.command, found.raw, surroundings),
  };
};
