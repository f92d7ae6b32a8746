// The last line of defence for secrets: known values are cut out of whatever is about to be written down.
import { reveal, type Secret } from './secret.ts';

/** Shorter values would tear holes into ordinary words; nothing that short is a secret worth the name. */
export const SCRUB_LENGTH_MIN = 4;

/**
 * Fields that hold our own words or the operator's names, never a host's: a host called like somebody's password
 * must keep its name in the contract.
 */
const OWN_WORDS: ReadonlySet<string> = new Set([
  'type',
  'run',
  'command',
  'operator',
  'host',
  'hosts',
  'task',
  'step',
  'kind',
  'verdict',
  'reason',
  'rule',
  'severity',
  'digest',
  'tx',
  'version',
  'signal',
]);

/** Takes a JSON-like value and gives it back with every known secret replaced by `[secret]`. */
export type Scrub = <T>(value: T) => T;

/**
 * Makes a scrubber for these secrets. Types keep secrets out of events already; this catches what came round another
 * way, such as a host that repeats a password in an error. It finds a value as it stands, not encoded forms of it.
 */
export const makeScrub = (secrets: readonly Secret[]): Scrub => {
  const values = [...new Set(secrets.map(reveal))].filter((value) => value.length >= SCRUB_LENGTH_MIN);
  if (values.length === 0) return (value) => value;
  // The longest first, so that a secret within another one does not leave the other's rest behind.
  values.sort((a, b) => b.length - a.length);
  const known = new RegExp(
    values.map((value) => value.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)).join('|'),
    'g',
  );
  const scrub = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replace(known, '[secret]');
    if (Array.isArray(value)) return value.map(scrub);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, field]) => [
        key,
        OWN_WORDS.has(key) && !isNested(field) ? field : scrub(field),
      ]),
    );
  };
  return <T>(value: T): T => scrub(value) as T;
};

/** `hosts` is a list of names in one event and of results in the JSON document: only the latter is looked into. */
const isNested = (field: unknown): boolean =>
  typeof field === 'object' &&
  field !== null &&
  Object.values(field).some((item) => typeof item === 'object');
