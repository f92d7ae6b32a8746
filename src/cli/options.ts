// The flags of the commands: one table, read from argv and from DUO_FLEET_*, checked once.
import { isAbsolute, join, resolve } from 'node:path';
import type { Options as YargsOption } from 'yargs';
import { DUO_ANSWERS, type DuoAnswer } from '../auth/duo-answer.ts';
import type { Command } from '../core/event.ts';
import { nearestName } from '../core/nearest-name.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** All that can be asked for: the runs, and `explain`, which is none. */
export type CommandName = Command | 'explain';

/** How hosts are found and connected to. */
export interface ConnectOptions {
  /** As given; `null`: look in the usual places. */
  readonly inventory: string | null;
  readonly hosts: readonly string[];
  readonly limit: string | undefined;
  readonly knownHosts: string;
  readonly hostKeys: HostKeys;
  readonly privateKey: string | null;
}

/** What the operator asked of a run, with defaults. */
export interface Options extends ConnectOptions {
  readonly forks: number;
  readonly json: boolean;
  /** Absolute path, or `null`. */
  readonly report: string | null;
  readonly yes: boolean;
  readonly leaseS: number;
  readonly probe: boolean;
  /** A member of Duo's groups whose push the operator approves by hand; `null`: nobody is asked. */
  readonly as: string | null;
  /** Duo is asked whom of the members it does not know. */
  readonly checkEnrolment: boolean;
}

const HOST_KEYS = ['strict', 'accept-new', 'off'] as const;
/** How unknown host keys are met. */
export type HostKeys = (typeof HOST_KEYS)[number];

const FORKS = { default: 20, min: 1, max: 500 } as const;
/** Below 20 s a slow link could let it lapse between two renewals; above 600 s a lock-out would last too long. */
const LEASE_S = { default: 60, min: 20, max: 600 } as const;

/** The answers of Duo that a table shows where none is asked for: the three that an administrator plans for. */
export const DUO_SHOWN: readonly DuoAnswer[] = ['allow', 'deny', 'unreachable'];

interface Flag {
  readonly type: 'string' | 'number' | 'boolean';
  readonly describe: string;
  readonly requiresArg?: boolean;
  readonly commands: readonly CommandName[];
}

const ALL: readonly CommandName[] = ['apply', 'plan', 'verify', 'resume'];
const CONNECTING: readonly CommandName[] = [...ALL, 'explain'];

/** Every flag by its name; `DUO_FLEET_<NAME>` sets it from the environment. */
const FLAGS: Readonly<Record<string, Flag>> = {
  host: { commands: CONNECTING, type: 'string', requiresArg: true, describe: 'Only this host (repeatable)' },
  limit: {
    commands: ALL,
    type: 'string',
    requiresArg: true,
    describe: "Only hosts that match Ansible's pattern",
  },
  yes: {
    commands: ['apply', 'resume'],
    type: 'boolean',
    describe: 'Do not ask; required without a terminal',
  },
  forks: {
    commands: ALL,
    type: 'number',
    requiresArg: true,
    describe: `Hosts at a time (${FORKS.default})`,
  },
  lease: {
    commands: ['apply', 'resume'],
    type: 'number',
    requiresArg: true,
    describe: `Seconds after which a host that hears nothing puts itself back, ${LEASE_S.min} to ${LEASE_S.max} (${LEASE_S.default})`,
  },
  'check-enrolment': {
    commands: ALL,
    type: 'boolean',
    describe: "Also ask Duo who of its groups' members is not enrolled; nobody gets a push",
  },
  probe: { commands: ['verify'], type: 'boolean', describe: 'Also try logins that must succeed' },
  as: {
    commands: ['apply', 'verify', 'resume'],
    type: 'string',
    requiresArg: true,
    describe: "Also log in as this member of Duo's groups, on the first host: you approve the push",
  },
  inventory: {
    commands: ['resume'],
    type: 'string',
    requiresArg: true,
    describe: "Inventory file (the run's own)",
  },
  'only-settle': {
    commands: ['resume'],
    type: 'boolean',
    describe: 'Only ask cut-off hosts how they ended, and bring none any further',
  },
  json: {
    commands: CONNECTING,
    type: 'boolean',
    describe: 'One JSON document on stdout, progress on stderr',
  },
  report: {
    commands: ALL,
    type: 'string',
    requiresArg: true,
    describe: 'Also write the JSON document to this file',
  },
  'known-hosts': {
    commands: CONNECTING,
    type: 'string',
    requiresArg: true,
    describe: 'Host keys (~/.ssh/known_hosts)',
  },
  'host-keys': {
    commands: CONNECTING,
    type: 'string',
    requiresArg: true,
    describe: `Unknown host keys: ${HOST_KEYS.join(', ')} (strict)`,
  },
  'private-key': {
    commands: CONNECTING,
    type: 'string',
    requiresArg: true,
    describe: 'Key file to log in with',
  },
  user: {
    commands: ['explain'],
    type: 'string',
    requiresArg: true,
    describe: 'Only this account, with the walk through the stack, line by line',
  },
  service: {
    commands: ['explain'],
    type: 'string',
    requiresArg: true,
    describe: 'sshd or sudo; with --pam-dir any file of the folder',
  },
  from: {
    commands: ['explain'],
    type: 'string',
    requiresArg: true,
    describe: 'Address that the login comes from (ours)',
  },
  duo: {
    commands: ['explain'],
    type: 'string',
    requiresArg: true,
    describe: `How Duo answers: ${DUO_ANSWERS.join(', ')} (the table has ${DUO_SHOWN.join(', ')})`,
  },
  planned: {
    commands: ['explain'],
    type: 'boolean',
    describe: 'Who would get in after apply, not who gets in now',
  },
  'pam-dir': {
    commands: ['explain'],
    type: 'string',
    requiresArg: true,
    describe: 'No host: evaluate the service files of this folder',
  },
};

/** The flags of one command, for yargs. */
export const flagsOf = (command: CommandName): Readonly<Record<string, YargsOption>> =>
  Object.fromEntries(
    Object.entries(FLAGS)
      .filter(([, flag]) => flag.commands.includes(command))
      .map(([name, { type, describe, requiresArg }]) => [
        name,
        { type, describe, requiresArg: requiresArg ?? false },
      ]),
  );

/** `known-hosts` -> `DUO_FLEET_KNOWN_HOSTS`. */
export const environmentName = (flag: string): string =>
  `DUO_FLEET_${flag.toUpperCase().replaceAll('-', '_')}`;

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

/** How hosts are found and connected to, with defaults. */
export const connectOptions = (
  reader: FlagReader,
  raw: RawOptions,
  { home }: Surroundings,
): ConnectOptions => ({
  inventory: typeof raw['inventory'] === 'string' ? raw['inventory'] : null,
  hosts: hostNames(reader.given('host')),
  limit: reader.text('limit') ?? undefined,
  knownHosts: reader.path('known-hosts') ?? join(home, '.ssh', 'known_hosts'),
  hostKeys: reader.check(() => hostKeys(reader.given('host-keys')), 'strict'),
  privateKey: reader.path('private-key'),
});

/**
 * What is asked of a run, with defaults.
 * @throws UsageError naming all that is wrong
 */
export const readOptions = (command: Command, raw: RawOptions, surroundings: Surroundings): Options => {
  const reader = flagReader(command, raw, surroundings);
  const { given, check, flag } = reader;
  const options: Options = {
    ...connectOptions(reader, raw, surroundings),
    forks: check(() => wholeNumber('forks', given('forks'), FORKS), FORKS.default),
    leaseS: check(() => wholeNumber('lease', given('lease'), LEASE_S), LEASE_S.default),
    json: flag('json'),
    yes: flag('yes'),
    probe: flag('probe'),
    as: check(() => userNameOf('as', given('as')), null),
    checkEnrolment: flag('check-enrolment'),
    report: reader.path('report'),
  };
  if (command === 'verify' && options.as !== null && !options.probe) {
    reader.problem('--as tries a login: verify does that only with --probe');
  }
  reader.end();
  return options;
};

/** Unknown flags and superfluous words; our own look instead of yargs' `strict`, for the suggestions. */
const strangers = (command: CommandName, raw: RawOptions): readonly string[] => {
  const known = new Set([
    ...Object.keys(flagsOf(command)),
    command === 'resume' ? 'run' : 'inventory',
    'help',
    'version',
    '_',
    '$0',
  ]);
  const flags = Object.keys(raw).filter((name) => !known.has(name));
  const words = Array.isArray(raw['_']) ? raw['_'].slice(1) : [];
  return [
    ...flags.map((name) => {
      const flag = FLAGS[name];
      if (flag !== undefined) return `--${name} belongs to ${flag.commands.join(' and ')}, not to ${command}`;
      const nearest = nearestName(name, Object.keys(flagsOf(command)));
      return `there is no flag --${name}${nearest === null ? `: duo-fleet ${command} --help lists them` : `: did you mean --${nearest}?`}`;
    }),
    ...words.map(
      (word) =>
        `one ${command === 'resume' ? 'run' : 'inventory'} is enough: what is ${JSON.stringify(String(word))} for?`,
    ),
  ];
};

/** `--json=yes`: yargs takes any value but `true` for false and says nothing, so a typing slip would go unseen. */
const valuesOfSwitches = (argv: readonly string[]): readonly string[] =>
  argv.flatMap((word) => {
    const [, name = '', value = ''] = /^--([^=]+)=(.*)$/s.exec(word) ?? [];
    if (FLAGS[name]?.type !== 'boolean' || value === 'true' || value === 'false') return [];
    return [`--${name} takes no value: leave out ${JSON.stringify(`=${value}`)}`];
  });

const oneText = (name: string, value: unknown): string | null => {
  if (value === undefined) return null;
  if (Array.isArray(value)) throw new UsageError(`--${name} is given more than once`);
  if (typeof value !== 'string' || value === '') throw new UsageError(`--${name} needs a value`);
  return value;
};

/** As a POSIX account's name, and as AD's, with a dot, a blank or a domain in it; no option and no control characters. */
const userNameOf = (name: string, value: unknown): string | null => {
  const text = oneText(name, value);
  if (text === null || /^[\p{L}\p{N}_][\p{L}\p{N}_.@$ -]{0,255}$/u.test(text)) return text;
  throw new UsageError(`--${name} needs the name of an account`);
};

const hostNames = (value: unknown): readonly string[] => {
  if (value === undefined) return [];
  const texts = (Array.isArray(value) ? value : [value]).map(String);
  return texts
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
};

const wholeNumber = (
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

const hostKeys = (value: unknown): HostKeys => {
  const text = oneText('host-keys', value) ?? 'strict';
  const found = HOST_KEYS.find((one) => one === text);
  if (found === undefined) throw new UsageError(`--host-keys takes one of ${HOST_KEYS.join(', ')}`);
  return found;
};

const absolute = (path: string, { cwd, home }: Surroundings): string => {
  // From the environment or a quoted argument, no shell has expanded it.
  if (path === '~' || path.startsWith('~/')) return join(home, path.slice(1));
  return isAbsolute(path) ? path : resolve(cwd, path);
};
