// What a host keeps of the runs that it confirmed: the guard's answer to `kept`, as data. Pure; templates/guard.sh writes it.
import { STEP_IDS, type StepId } from './change.ts';
import { Failure } from './failure.ts';
import type { PackageFacts } from './facts.ts';
import type { Fingerprint } from './fingerprint.ts';

/** A kept snapshot by its name. */
export interface KeptName {
  readonly tx: string;
  /** Seconds since the epoch, host's clock. */
  readonly sinceS: number;
  /** It was made by a rollback, which put back this transaction's snapshot. */
  readonly undoes: string | null;
  readonly run: string;
  readonly operator: string;
}

/** One file that a snapshot has, or of which it knows that there was none. */
export interface KeptEntry {
  /** The step that wrote it; `null`: it goes along with the packages, whose scripts may have written it. */
  readonly step: StepId | null;
  /** Of its copy in the snapshot. */
  readonly number: number;
  readonly path: string;
  /** Before the transaction, at its end, and now. */
  readonly was: Fingerprint;
  readonly after: Fingerprint;
  readonly now: Fingerprint;
}

/** State and version by name, of those packages that a transaction is about. */
export type KeptPackages = Readonly<Record<string, Pick<PackageFacts, 'status' | 'version'>>>;

/** One kept snapshot, with what has become of it since. */
export interface KeptSnapshot extends KeptName {
  readonly entries: readonly KeptEntry[];
  /** Services that were reloaded. */
  readonly reloads: readonly string[];
  /** `null`: that transaction had nothing to do with packages. */
  readonly packages: Readonly<Record<'was' | 'after' | 'now', KeptPackages>> | null;
  /** Packages of which it has a copy. */
  readonly debs: readonly string[];
  /** Files besides its own by which logins are decided, and which are not what they were before that transaction. */
  readonly changedSince: readonly string[];
}

/** What a host keeps. */
export interface KeptListing {
  /** The newest first. */
  readonly names: readonly KeptName[];
  /** The one that was asked for; `null`: there is none. `too-old`: a version made it that did not note what it wrote. */
  readonly chosen: KeptSnapshot | 'too-old' | null;
}

/**
 * Whether the host stands as a rollback has left it: its newest snapshot is a rollback's, and not one that undid a rollback.
 * `unknown` where the snapshot that it went by is not kept any more.
 */
export const isRolledBack = (
  { names }: KeptListing,
  newest: KeptName | undefined = names[0],
): boolean | 'unknown' => {
  if (newest === undefined || newest.undoes === null) return false;
  // Each step leads to an older one, so that no list can lead round in a circle.
  const older = names.slice(names.indexOf(newest) + 1);
  const undone = older.find(({ tx }) => tx === newest.undoes);
  if (undone === undefined) return 'unknown';
  const before = isRolledBack({ names: older, chosen: null }, undone);
  return before === 'unknown' ? before : !before;
};

/** What a host without a guard keeps. */
export const KEPT_NOTHING: KeptListing = { names: [], chosen: null };

/** @throws Failure `exit` where the answer is not what the guard says */
export const readKept = (lines: readonly string[]): KeptListing => {
  const names: KeptName[] = [];
  const about: string[] = [];
  let chosen: string | null = null;
  for (const line of lines) {
    if (chosen !== null) about.push(line);
    else if (line.startsWith('chosen ')) chosen = line.slice('chosen '.length);
    else names.push(readName(line));
  }
  if (chosen === null) return { names, chosen };
  const name = names.find(({ tx }) => tx === chosen);
  if (name === undefined) throw strange(`chosen ${chosen}`);
  return { names, chosen: about.includes('too-old') ? 'too-old' : readSnapshot(name, about) };
};

const strange = (line: string): Failure =>
  new Failure('exit', `the host's list of what it keeps is not understood: ${JSON.stringify(line)}`);

const readName = (line: string): KeptName => {
  const match = /^kept ([a-z0-9-]{1,64}) (\d{1,12}) ([a-z0-9-]{1,64}) (\S+) ?(.*)$/.exec(line);
  if (match === null) throw strange(line);
  const [, tx = '', since = '', undoes = '', run = '', operator = ''] = match;
  return { tx, sinceS: Number(since), undoes: undoes === '-' ? null : undoes, run, operator };
};

const PRINT = '(absent|other|link:[0-9a-f]{64}|[0-9a-f]{64}:[0-7]{1,4}:\\d+:\\d+)';
const ENTRY = new RegExp(`^entry ([a-z-]+) (\\d{1,5}) ${PRINT} ${PRINT} ${PRINT} (/.+)$`);
const isStep = (word: string): word is StepId => (STEP_IDS as readonly string[]).includes(word);

const readEntry = (line: string): KeptEntry => {
  const match = ENTRY.exec(line);
  if (match === null) throw strange(line);
  const [, step = '', number = '', was = '', after = '', now = '', path = ''] = match;
  if (step !== '-' && !isStep(step)) throw strange(line);
  return { step: step === '-' ? null : step, number: Number(number), path, was, after, now };
};

const WHEN = ['was', 'after', 'now'] as const;

const readSnapshot = (name: KeptName, lines: readonly string[]): KeptSnapshot => {
  const entries: KeptEntry[] = [];
  const packages: Record<(typeof WHEN)[number], Record<string, Pick<PackageFacts, 'status' | 'version'>>> = {
    was: {},
    after: {},
    now: {},
  };
  const words = { reload: [], deb: [], since: [], packages: [] } as Record<string, string[]>;
  for (const line of lines) {
    const [word = '', ...rest] = line.split(' ');
    const [when, status = '', pkg = '', version = ''] = rest;
    const moment = WHEN.find((one) => one === when);
    if (word === 'entry') entries.push(readEntry(line));
    else if (word === 'package' && moment !== undefined) packages[moment][pkg] = { status, version };
    else if (words[word] !== undefined && rest.length > 0) words[word].push(rest.join(' '));
    else throw strange(line);
  }
  return {
    ...name,
    entries,
    reloads: words['reload'] ?? [],
    packages: words['packages']?.length === 0 ? null : packages,
    debs: words['deb'] ?? [],
    changedSince: words['since'] ?? [],
  };
};
