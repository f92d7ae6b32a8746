// argv -> the command that was chosen, or a text to show.
import yargs from 'yargs';
import type { Command } from '../core/event.ts';
import { nearestName } from '../core/nearest-name.ts';
import { COMMAND_NAMES, COMMANDS } from './commands.ts';
import { readCompletionOptions, type CompletionOptions } from './completion-options.ts';
import { readExplainOptions, type ExplainOptions } from './explain-options.ts';
import type { RawOptions } from './flag-reader.ts';
import { FLAGS, type CommandName } from './flags.ts';
import { readInitOptions, type InitOptions } from './init-options.ts';
import { readOptions, type Options } from './options.ts';
import {
  readReportOptions,
  readRunsOptions,
  type ReportOptions,
  type RunsOptions,
} from './report-options.ts';
import { readResumeOptions, type ResumeOptions } from './resume-options.ts';
import { readRollbackOptions, type RollbackOptions } from './rollback-options.ts';
import { readSecretOptions, type SecretOptions } from './secret-options.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** `text`: help or the version, for stdout. */
export type Invocation =
  | {
      readonly kind: 'command';
      readonly command: Exclude<Command, 'resume' | 'rollback'>;
      readonly options: Options;
    }
  | { readonly kind: 'rollback'; readonly options: RollbackOptions }
  | { readonly kind: 'resume'; readonly options: ResumeOptions }
  | { readonly kind: 'explain'; readonly options: ExplainOptions }
  | { readonly kind: 'runs'; readonly options: RunsOptions }
  | { readonly kind: 'report'; readonly options: ReportOptions }
  | { readonly kind: 'secret'; readonly options: SecretOptions }
  | { readonly kind: 'init'; readonly options: InitOptions }
  | { readonly kind: 'completion'; readonly options: CompletionOptions }
  | { readonly kind: 'text'; readonly text: string };

const HELP_WIDTH = 100;
/** What scripts go by; README.md says more. */
const EXIT_CODES = [
  'Exit codes:',
  '  0    every host is as it shall be',
  '  1    every host is safe, not every one is as it shall be',
  '  2    usage, inventory or settings; nothing was touched',
  '  3    a host needs a person; the message says what to do',
  '  130  interrupted',
].join('\n');

/**
 * Reads argv. Nothing is run and nothing is printed here.
 * @throws UsageError
 */
export const parseArgv = async (surroundings: Surroundings): Promise<Invocation> => {
  let chosen: Chosen | null = null;
  let text = '';
  const onChosen = (command: CommandName, raw: RawOptions): void => {
    chosen = { command, raw };
  };
  const parser = yargs()
    .scriptName('duo-fleet')
    .usage(
      '$0 <command> [inventory]\n\nDuo MFA on SSH login and sudo, on every host, without locking anybody out.',
    )
    .command(COMMAND_NAMES.map((name) => COMMANDS[name](onChosen)))
    .demandCommand(1, 'which command? duo-fleet --help lists them')
    .epilog(EXIT_CODES)
    .version(surroundings.version)
    .alias('help', 'h')
    .locale('en')
    .updateStrings({ 'Not enough arguments following: %s': '--%s needs a value' })
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
  const argv = surroundings.argv
    .flatMap(lettersApart)
    .map((word) => word.replace(/^--inventory(?==|$)/, '--inventory-file'));
  await parser.parseAsync(argv, {}, (_error, _argv, output) => {
    text = output;
  });
  const found = chosen as Chosen | null;
  if (found === null && text === '') throw new UsageError(noSuchCommand(surroundings.argv));
  if (found === null) return { kind: 'text', text: `${text}\n` };
  const { command, raw } = found;
  switch (command) {
    case 'explain':
      return { kind: 'explain', options: readExplainOptions(raw, surroundings) };
    case 'completion':
      return { kind: 'completion', options: readCompletionOptions(raw, surroundings) };
    case 'init':
      return { kind: 'init', options: readInitOptions(raw, surroundings) };
    case 'rollback':
      return { kind: 'rollback', options: readRollbackOptions(raw, surroundings) };
    case 'runs':
      return { kind: 'runs', options: readRunsOptions(raw, surroundings) };
    case 'report':
      return { kind: 'report', options: readReportOptions(raw, surroundings) };
    case 'secret':
      return { kind: 'secret', options: readSecretOptions(raw, surroundings) };
    case 'resume':
      return { kind: 'resume', options: readResumeOptions(raw, surroundings) };
    case 'apply': {
      const options = readOptions(command, raw, surroundings);
      return { kind: 'command', command: options.check ? 'plan' : command, options };
    }
    case 'plan':
    case 'verify':
      return { kind: 'command', command, options: readOptions(command, raw, surroundings) };
    default:
      return command satisfies never;
  }
};

/** `-CD` -> `-C -D`, for the switches that have letters; yargs' own grouping would take `-host` for four flags. */
const lettersApart = (word: string): readonly string[] => {
  const letters = /^-([A-Za-z]{2,})$/.exec(word)?.[1]?.split('') ?? [];
  const areSwitches = letters.every((letter) =>
    Object.values(FLAGS).some((flag) => flag.alias === letter && flag.type === 'boolean'),
  );
  return letters.length > 0 && areSwitches ? letters.map((letter) => `-${letter}`) : [word];
};

interface Chosen {
  readonly command: CommandName;
  readonly raw: RawOptions;
}

/** Our own look instead of yargs' `strictCommands`, which says only what was meant, and calls a second inventory a command. */
const noSuchCommand = (argv: readonly string[]): string => {
  const word = argv.find((each) => !each.startsWith('-'));
  if (word === undefined) return 'which command? duo-fleet --help lists them';
  const nearest = nearestName(word, COMMAND_NAMES);
  return `there is no command ${JSON.stringify(word)}: ${nearest === null ? 'duo-fleet --help lists them' : `did you mean ${nearest}?`}`;
};
