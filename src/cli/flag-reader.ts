// Reads one command's flags from argv and from DUO_FLEET_*, and gathers what is wrong with them.
import { isAbsolute, join, resolve } from 'node:path';
import { nearestName } from '../core/nearest-name.ts';
import { insteadOf } from './ansible-flags.ts';
import { environmentName, FLAGS, flagsOf, type CommandName } from './flags.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** What yargs found: by flag name, and the positional words. */
export type RawOptions = Readonly<Record<string, unknown>>;

/** What was given, checked; mistakes are gathered and thrown together by `end`. */
export interface FlagReader {
  /** As given on the command line or in the environment; `undefined` where it is not. */
  readonly given: (name: string) => unknown;
  /** The value, or `instead` where `read` throws a UsageError, which is kept. */
  readonly check: <T>(read: () => T, instead: T) => T;
  readonly text: (name: string) => string | null;
  /** An absolute path. */
  readonly path: (name: string) => string | null;
  readonly flag: (name: string) => boolean;
  readonly problem: (message: string) => void;
  /** @throws UsageError naming all that is wrong */
  readonly end: () => void;
}

/**
 * Reads one command's flags; argv wins over the environment.
 * The environment is read by this table and not by yargs' own `env`, which calls every foreign DUO_FLEET_* an unknown flag.
 */
export const flagReader = (command: CommandName, raw: RawOptions, surroundings: Surroundings): FlagReader => {
  const problems: string[] = [...strangers(command, raw), ...valuesOfSwitches(surroundings.argv)];
  const given = (name: string): unknown => {
    const value = raw[name];
    // A variable that is set for other commands says nothing to this one.
    if (value !== undefined || FLAGS[name]?.commands.includes(command) !== true) return value;
    const text = surroundings.env[environmentName(name)];
    // A variable set to nothing is the usual way to unset one in a crontab.
    return text === '' ? undefined : text;
  };
  const check = <T>(read: () => T, instead: T): T => {
    try {
      return read();
    } catch (thrown) {
      if (!(thrown instanceof UsageError)) throw thrown;
      problems.push(thrown.message);
      return instead;
    }
  };
  const text = (name: string): string | null => check(() => oneText(name, given(name)), null);
  return {
    given,
    check,
    text,
    path: (name) => {
      const path = text(name);
      return path === null ? null : absolute(path, surroundings);
    },
    flag: (name) => check(() => yesOrNo(name, given(name)), false),
    problem: (message) => void problems.push(message),
    end: () => {
      if (problems.length > 0) throw new UsageError(problems.join('\n'));
    },
  };
};

/** Unknown flags and superfluous words; our own look instead of yargs' `strict`, for the suggestions. */
const strangers = (command: CommandName, raw: RawOptions): readonly string[] => {
  const flagNames = Object.entries(flagsOf(command)).flatMap(([name, { alias }]) => [
    name,
    String(alias ?? name),
  ]);
  const known = new Set([...flagNames, ...(WORDS[command] ?? ['inventory']), 'help', 'version', '_', '$0']);
  const flags = Object.keys(raw).filter((name) => !known.has(name));
  const words = Array.isArray(raw['_']) ? raw['_'].slice(1) : [];
  return [
    ...flags.map((name) => {
      const flag = FLAGS[name];
      if (flag !== undefined) return `--${name} belongs to ${listed(flag.commands)}, not to ${command}`;
      const instead = insteadOf(name);
      if (instead !== null) return instead;
      const nearest = nearestName(name, Object.keys(flagsOf(command)));
      return `there is no flag ${dashed(name)}${nearest === null ? `: duo-fleet ${command} --help lists them` : `: did you mean --${nearest}?`}`;
    }),
    ...words.map((word) => superfluous(command, JSON.stringify(String(word)))),
  ];
};

const dashed = (name: string): string => `${name.length === 1 ? '-' : '--'}${name}`;

const listed = (names: readonly string[]): string =>
  [names.slice(0, -1).join(', '), names.at(-1)].filter(Boolean).join(' and ');

/** The words behind a command, by their names, where they are not the inventory. */
export const WORDS: Readonly<Partial<Record<CommandName, readonly string[]>>> = {
  resume: ['run'],
  report: ['run'],
  runs: [],
  secret: ['action', 'name'],
  init: ['file'],
  completion: ['shell'],
};

const superfluous = (command: CommandName, word: string): string => {
  // That word may well be the secret, and is not said again.
  if (command === 'secret') return 'a secret is never an argument: it is asked for, or read from stdin';
  const [name] = WORDS[command] ?? ['inventory'];
  if (name === undefined) return `${command} takes flags only: what is ${word} for?`;
  return `one ${name} is enough: what is ${word} for?${name === 'inventory' ? ' (Several are given with -i each.)' : ''}`;
};

/** `--json=yes`: yargs takes any value but `true` for false and says nothing, so a typing slip would go unseen. */
const valuesOfSwitches = (argv: readonly string[]): readonly string[] =>
  argv.flatMap((word) => {
    const [, name = '', value = ''] = /^--([^=]+)=(.*)$/s.exec(word) ?? [];
    if (FLAGS[name]?.type !== 'boolean' || value === 'true' || value === 'false') return [];
    return [`--${name} takes no value: leave out ${JSON.stringify(`=${value}`)}`];
  });

/** One text that is not empty; `null` where the flag is not given. @throws UsageError */
export const oneText = (name: string, value: unknown): string | null => {
  if (value === undefined) return null;
  if (Array.isArray(value)) throw new UsageError(`--${name} is given more than once`);
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name} needs a value`);
  return value;
};

/** A whole number within its bounds. @throws UsageError */
export const wholeNumber = (
  name: string,
  value: unknown,
  bounds: { readonly default: number; readonly min: number; readonly max: number },
): number => {
  if (value === undefined) return bounds.default;
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < bounds.min || number > bounds.max) {
    throw new UsageError(`--${name} takes one whole number from ${bounds.min} to ${bounds.max}`);
  }
  return number;
};

const YES: readonly unknown[] = [true, 'true', '1', 'yes'];
const NO: readonly unknown[] = [undefined, false, 'false', '0', 'no'];

const yesOrNo = (name: string, value: unknown): boolean => {
  if (YES.includes(value)) return true;
  if (NO.includes(value)) return false;
  throw new UsageError(`--${name} (${environmentName(name)}) takes yes or no`);
};

const absolute = (path: string, { cwd, home }: Surroundings): string => {
  // From the environment or a quoted argument, no shell has expanded it.
  if (path === '~' || path.startsWith('~/')) return join(home, path.slice(1));
  return isAbsolute(path) ? path : resolve(cwd, path);
};
