// The flags of the commands: one table, read from argv and from DUO_FLEET_*, checked once.
import { isAbsolute, join, resolve } from 'node:path';
import type { Options as YargsOption } from 'yargs';
import type { Command } from '../core/event.ts';
import { nearestName } from '../core/nearest-name.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** What the operator asked for, with defaults. */
export interface Options {
  /** As given; `null`: look in the usual places. */
  readonly inventory: string | null;
  readonly hosts: readonly string[];
  readonly limit: string | undefined;
  readonly forks: number;
  readonly json: boolean;
  /** Absolute path, or `null`. */
  readonly report: string | null;
  readonly knownHosts: string;
  readonly hostKeys: HostKeys;
  readonly privateKey: string | null;
  readonly yes: boolean;
  readonly leaseS: number;
  readonly probe: boolean;
}

const HOST_KEYS = ['strict', 'accept-new', 'off'] as const;
/** How unknown host keys are met. */
export type HostKeys = (typeof HOST_KEYS)[number];

const FORKS = { default: 20, min: 1, max: 500 } as const;
/** Below 20 s a slow link could let it lapse between two renewals; above 600 s a lock-out would last too long. */
const LEASE_S = { default: 60, min: 20, max: 600 } as const;

interface Flag {
  readonly type: 'string' | 'number' | 'boolean';
  readonly describe: string;
  readonly requiresArg?: boolean;
  readonly commands: readonly Command[];
}

const ALL: readonly Command[] = ['apply', 'plan', 'verify'];

/** Every flag by its name; `DUO_FLEET_<NAME>` sets it from the environment. */
const FLAGS: Readonly<Record<string, Flag>> = {
  host: { commands: ALL, type: 'string', requiresArg: true, describe: 'Only this host (repeatable)' },
  limit: {
    commands: ALL,
    type: 'string',
    requiresArg: true,
    describe: "Only hosts that match Ansible's pattern",
  },
  yes: { commands: ['apply'], type: 'boolean', describe: 'Do not ask; required without a terminal' },
  forks: {
    commands: ALL,
    type: 'number',
    requiresArg: true,
    describe: `Hosts at a time (${FORKS.default})`,
  },
  lease: {
    commands: ['apply'],
    type: 'number',
    requiresArg: true,
    describe: `Seconds after which a host that hears nothing puts itself back, ${LEASE_S.min} to ${LEASE_S.max} (${LEASE_S.default})`,
  },
  probe: { commands: ['verify'], type: 'boolean', describe: 'Also try logins that must succeed' },
  json: { commands: ALL, type: 'boolean', describe: 'One JSON document on stdout, progress on stderr' },
  report: {
    commands: ALL,
    type: 'string',
    requiresArg: true,
    describe: 'Also write the JSON document to this file',
  },
  'known-hosts': {
    commands: ALL,
    type: 'string',
    requiresArg: true,
    describe: 'Host keys (~/.ssh/known_hosts)',
  },
  'host-keys': {
    commands: ALL,
    type: 'string',
    requiresArg: true,
    describe: `Unknown host keys: ${HOST_KEYS.join(', ')} (strict)`,
  },
  'private-key': { commands: ALL, type: 'string', requiresArg: true, describe: 'Key file to log in with' },
};

/** The flags of one command, for yargs. */
export const flagsOf = (command: Command): Readonly<Record<string, YargsOption>> =>
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

/**
 * Checks what was given; argv wins over the environment, that over the defaults.
 * The environment is read by this table and not by yargs' own `env`, which calls every foreign DUO_FLEET_* an unknown flag.
 * @throws UsageError naming all that is wrong
 */
export const readOptions = (command: Command, raw: RawOptions, surroundings: Surroundings): Options => {
  const problems: string[] = [...strangers(command, raw), ...valuesOfSwitches(surroundings.argv)];
  const given = (name: string): unknown => {
    const value = raw[name];
    if (value !== undefined) return value;
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
  const path = (name: string): string | null => {
    const text = check(() => oneText(name, given(name)), null);
    return text === null ? null : absolute(text, surroundings);
  };
  const flag = (name: string): boolean => check(() => yesOrNo(name, given(name)), false);
  const options: Options = {
    inventory: typeof raw['inventory'] === 'string' ? raw['inventory'] : null,
    hosts: hostNames(given('host')),
    limit: check(() => oneText('limit', given('limit')), null) ?? undefined,
    forks: check(() => wholeNumber('forks', given('forks'), FORKS), FORKS.default),
    leaseS: check(() => wholeNumber('lease', given('lease'), LEASE_S), LEASE_S.default),
    json: flag('json'),
    yes: flag('yes'),
    probe: flag('probe'),
    report: path('report'),
    knownHosts: path('known-hosts') ?? join(surroundings.home, '.ssh', 'known_hosts'),
    hostKeys: check(() => hostKeys(given('host-keys')), 'strict'),
    privateKey: path('private-key'),
  };
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return options;
};

/** Unknown flags and superfluous words; our own look instead of yargs' `strict`, for the suggestions. */
const strangers = (command: Command, raw: RawOptions): readonly string[] => {
  const known = new Set([...Object.keys(flagsOf(command)), 'inventory', 'help', 'version', '_', '$0']);
  const flags = Object.keys(raw).filter((name) => !known.has(name));
  const words = Array.isArray(raw['_']) ? raw['_'].slice(1) : [];
  return [
    ...flags.map((name) => {
      const flag = FLAGS[name];
      if (flag !== undefined) return `--${name} belongs to ${flag.commands.join(' and ')}, not to ${command}`;
      const nearest = nearestName(name, Object.keys(flagsOf(command)));
      return `there is no flag --${name}${nearest === null ? `: duo-fleet ${command} --help lists them` : `: did you mean --${nearest}?`}`;
    }),
    ...words.map((word) => `one inventory is enough: what is ${JSON.stringify(String(word))} for?`),
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
