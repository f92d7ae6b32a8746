// What is asked of a run: how hosts are found and connected to, and how it goes about them.
import { join } from 'node:path';
import type { Command } from '../core/event.ts';
import { JUMPS_MAX, parseJumps, type NamedJump } from '../core/jump-host.ts';
import { flagReader, oneText, wholeNumber, type FlagReader, type RawOptions } from './flag-reader.ts';
import { FORKS, HOST_KEYS, LEASE_S, type HostKeys } from './flags.ts';
import { readRolloutOptions, type RolloutOptions } from './rollout-options.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** How hosts are found and connected to. */
export interface ConnectOptions {
  /** As given, several with commas between; `null`: look in the usual places. */
  readonly inventory: string | null;
  readonly hosts: readonly string[];
  readonly limit: string | undefined;
  readonly knownHosts: string;
  /** --known-hosts was given: it goes before what ssh's configuration says. */
  readonly isKnownHostsGiven: boolean;
  readonly hostKeys: HostKeys;
  readonly privateKey: string | null;
  /** For hosts whose inventory names none; `null`: none were given. */
  readonly jumps: readonly NamedJump[] | null;
  readonly sshConfig: 'usual' | 'none' | { readonly file: string };
}

/** What the operator asked of a run, with defaults. */
export interface Options extends ConnectOptions {
  readonly forks: number;
  readonly json: boolean;
  /** Absolute path, or `null`. */
  readonly report: string | null;
  /** Where the plan is written, an absolute path, or `null`. */
  readonly out: string | null;
  readonly yes: boolean;
  /** Of apply: nothing is touched. */
  readonly check: boolean;
  /** What was changed is shown in the end. */
  readonly diff: boolean;
  readonly leaseS: number;
  readonly probe: boolean;
  /** A member of Duo's groups whose push the operator approves by hand; `null`: nobody is asked. */
  readonly as: string | null;
  /** Duo is asked whom of the members it does not know. */
  readonly checkEnrolment: boolean;
  readonly rollout: RolloutOptions;
  /** Why the run is started, in the operator's words; '' where nobody said. */
  readonly reason: string;
}

/** A ticket and a few words: it is in the log of every host. */
const REASON_CHARS_MAX = 200;

/** How hosts are found and connected to, with defaults. */
export const connectOptions = (
  reader: FlagReader,
  raw: RawOptions,
  { home }: Surroundings,
): ConnectOptions => ({
  inventory: reader.check(() => inventories(raw), null),
  hosts: hostNames(reader.given('host')),
  limit: reader.text('limit') ?? undefined,
  knownHosts: reader.path('known-hosts') ?? join(home, '.ssh', 'known_hosts'),
  hostKeys: reader.check(() => hostKeys(reader.given('host-keys')), 'strict'),
  isKnownHostsGiven: reader.given('known-hosts') !== undefined,
  privateKey: reader.path('private-key'),
  jumps: reader.check(() => jumpHosts(reader.text('jump')), null),
  sshConfig: sshConfigOf(reader),
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
    check: flag('check'),
    diff: flag('diff'),
    probe: flag('probe'),
    as: check(() => userNameOf('as', given('as')), null),
    checkEnrolment: flag('check-enrolment'),
    rollout: readRolloutOptions(reader),
    reason: check(() => reasonOf(oneText('reason', given('reason'))), ''),
    report: reader.path('report'),
    out: reader.path('out'),
  };
  if (command === 'verify' && options.as !== null && !options.probe) {
    reader.problem('--as tries a login: verify does that only with --probe');
  }
  if (options.out !== null && options.out === options.report) {
    reader.problem('--out and --report need a file each');
  }
  reader.end();
  return options;
};

/** One line that cannot pose as another one in a log or in a file of lines. */
const reasonOf = (text: string | null): string => {
  if (text === null) return '';
  if (text.length <= REASON_CHARS_MAX && !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)) return text;
  throw new UsageError(
    `--reason takes one line of at most ${REASON_CHARS_MAX} characters, without control characters`,
  );
};

/** As a POSIX account's name, and as AD's, with a dot, a blank or a domain in it; no option and no control characters. */
const userNameOf = (name: string, value: unknown): string | null => {
  const text = oneText(name, value);
  if (text === null || /^[\p{L}\p{N}_][\p{L}\p{N}_.@$ -]{0,255}$/u.test(text)) return text;
  throw new UsageError(`--${name} needs the name of an account`);
};

/** The word behind the command, then each -i, joined with commas as in DUO_FLEET_INVENTORY; `null`: none is given. */
const inventories = (raw: RawOptions): string | null => {
  const paths = [raw['inventory'], raw['inventory-file']].flat().filter((path) => path !== undefined);
  const texts = paths.map((path) => oneText('inventory', path) ?? '');
  if (texts.length > 1 && texts.some((path) => path.includes(','))) {
    throw new UsageError(
      '-i: a path with a comma in it stands alone, or several inventories have an -i each',
    );
  }
  return texts.length === 0 ? null : texts.join(',');
};

const hostNames = (value: unknown): readonly string[] => {
  if (value === undefined) return [];
  const texts = (Array.isArray(value) ? value : [value]).map(String);
  return texts
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
};

const jumpHosts = (text: string | null): readonly NamedJump[] | null => {
  if (text === null) return null;
  const parsed = parseJumps(text);
  if (parsed.wrong !== null) {
    throw new UsageError(`--jump takes [user@]host[:port], not ${JSON.stringify(parsed.wrong)}`);
  }
  if (parsed.jumps.length > JUMPS_MAX) throw new UsageError(`--jump takes ${JUMPS_MAX} hosts at most`);
  return parsed.jumps;
};

const sshConfigOf = (reader: FlagReader): ConnectOptions['sshConfig'] => {
  const text = reader.text('ssh-config');
  if (text === null) return 'usual';
  const file = text === 'none' ? null : reader.path('ssh-config');
  return file === null ? 'none' : { file };
};

const hostKeys = (value: unknown): HostKeys => {
  const text = oneText('host-keys', value) ?? 'strict';
  const found = HOST_KEYS.find((one) => one === text);
  if (found === undefined) throw new UsageError(`--host-keys takes one of ${HOST_KEYS.join(', ')}`);
  return found;
};
