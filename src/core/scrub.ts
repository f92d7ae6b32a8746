// The last line of defence for secrets: known values are cut out of whatever is about to be written down.
import { printable } from './printable.ts';
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
  const known = new RegExp([...values.map(literally), ...values.map(cutShort)].join('|'), 'g');
  return everywhere((text) => text.replace(known, '[secret]'));
};

/**
 * The same for what may hold a host's words: they are made {@link printable} first, since what vanishes on the way to a
 * terminal could stand in the midst of a secret, which would come together only after it was looked for.
 */
export const makeHarmless = (secrets: readonly Secret[]): Scrub => {
  const scrub = makeScrub(secrets);
  return everywhere((text) => scrub(printable(text)));
};

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);

/** A message that is too long ends in `…`, and before that may stand the beginning of a secret: so much of it is too much. */
const CUT_LENGTH_MIN = 8;
const cutShort = (value: string): string => {
  const rest = Array.from(value.slice(CUT_LENGTH_MIN)).reduceRight(
    (after, sign) => `(?:${literally(sign)}${after})?`,
    '',
  );
  return `${literally(value.slice(0, CUT_LENGTH_MIN))}${rest}(?=…)`;
};

/** Takes a value and gives it back with every text in it changed, but for our own words. */
const everywhere = (change: (text: string) => string): Scrub => {
  const changed = (value: unknown): unknown => {
    if (typeof value === 'string') return change(value);
    if (Array.isArray(value)) return value.map(changed);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, field]) => [
        key,
        OWN_WORDS.has(key) && !isNested(field) ? field : changed(field),
      ]),
    );
  };
  return <T>(value: T): T => changed(value) as T;
};

/** `hosts` is a list of names in one event and of results in the JSON document: only the latter is looked into. */
const isNested = (field: unknown): boolean =>
  typeof field === 'object' &&
  field !== null &&
  Object.values(field).some((item) => typeof item === 'object');
