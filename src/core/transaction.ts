// A plan as the guard takes it: the manifest and the files of one transaction. Pure; see templates/guard.sh for the reader.
import type { Change, PackagesChange, RestoreChange, RestorePackagesChange } from './change.ts';
import type { Facts } from './facts.ts';
import { Failure } from './failure.ts';
import { digestIn } from './fingerprint.ts';

const text = (lines: readonly string[]): Uint8Array =>
  new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''));

/** A path or word that the manifest can hold: it is split at blanks and read by a shell. */
const plainWord = (word: string): string => {
  if (!/^[A-Za-z0-9@%+=:,./_~-]+$/.test(word) || word.includes('/../')) {
    throw new Failure('bug', `not a word for the manifest: ${JSON.stringify(word)}`);
  }
  return word;
};

const digestBefore = (facts: Facts, path: string): string => {
  const file = facts.files[path];
  if (file === undefined) throw new Failure('bug', `${path} was not observed, so it cannot be changed`);
  switch (file.kind) {
    case 'absent':
      return 'absent';
    case 'file':
      return file.sha256;
    case 'other':
      throw new Failure('drifted', `${path} is ${file.what}, not a plain file`);
    default:
      return file satisfies never;
  }
};

const manifestLine = (change: Change, index: number, facts: Facts): string => {
  const target = plainWord(change.target);
  switch (change.kind) {
    case 'file':
      return `file ${index} ${change.mode.toString(8).padStart(4, '0')} ${digestBefore(facts, target)} ${target}`;
    case 'absent':
      return `absent ${index} - ${digestBefore(facts, target)} ${target}`;
    case 'restore':
      return restoreLine(change, index);
    case 'packages':
    case 'restore-packages':
      return `packages ${index} - - -`;
    case 'reload':
      return `reload ${index} - - ${target}`;
    default:
      return change satisfies never;
  }
};

const restoreLine = ({ target, copy, now, number, along }: RestoreChange, index: number): string => {
  const before = digestIn(now);
  if (before === null) throw new Failure('drifted', `${target} is not a plain file`);
  return copy === 'absent'
    ? `absent ${index} - ${before} ${target}`
    : `${along ? 'along' : 'back'} ${index} ${number}:${copy} ${before} ${target}`;
};

const keptPackageFiles = (change: RestorePackagesChange): Record<string, Uint8Array> => ({
  'pkg/install': text(change.install.map(({ name, version }) => `${plainWord(name)} ${plainWord(version)}`)),
  'pkg/purge': text(change.purge.map(plainWord)),
  'pkg/live': text(change.now),
});

const packageFiles = (change: PackagesChange, repositoryUrl: string): Record<string, Uint8Array> => ({
  'pkg/install': text(change.install.map((name) => `${plainWord(name)} ${plainWord(change.minimumVersion)}`)),
  'pkg/purge': text(change.purge.map(plainWord)),
  'pkg/source': text([change.sourceLine]),
  'pkg/url': text([repositoryUrl]),
  'pkg/keyring': change.keyring,
});

/**
 * The files of a transaction by their name in its `in/` folder: `manifest`, `new/N` for each file, `pkg/*` when packages
 * change, `module`, the path of the module that must load in the end (`null`: none has to), and `source`, the transaction
 * whose kept snapshot a rollback takes its contents from.
 * @throws Failure `bug` for a change that the manifest cannot hold, `drifted` where a target is no plain file
 */
export const transactionFiles = (
  changes: readonly Change[],
  facts: Facts,
  options: {
    readonly modulePath: string | null;
    readonly repositoryUrl: string;
    readonly source?: string | undefined;
  },
): Readonly<Record<string, Uint8Array>> => {
  const { modulePath, source } = options;
  const files: Record<string, Uint8Array> = {
    ...(modulePath === null ? {} : { module: text([plainWord(modulePath)]) }),
    ...(source === undefined ? {} : { source: text([plainWord(source)]) }),
  };
  const lines: string[] = [];
  let step: string | null = null;
  for (const [position, change] of changes.entries()) {
    const index = position + 1;
    // What goes along with packages is no step of its own: the packages' begins when they are changed.
    const isAlong = change.kind === 'restore' && change.along;
    if (!isAlong && change.step !== step) lines.push(`step ${change.step}`);
    if (!isAlong) step = change.step;
    lines.push(manifestLine(change, index, facts));
    if (change.kind === 'file') files[`new/${index}`] = change.content;
    if (change.kind === 'restore-packages') Object.assign(files, keptPackageFiles(change));
    if (change.kind === 'packages') Object.assign(files, packageFiles(change, options.repositoryUrl));
  }
  files['manifest'] = text(lines);
  return files;
};

/** How a transaction ended by the host's own record, or how far it is. */
export type HostRecord =
  | { readonly kind: 'ended'; readonly how: 'confirmed' | 'aborted' | 'reverted' | 'foreign' }
  | { readonly kind: 'running'; readonly state: string };

/** Reads the guard's `status` lines; `null` when they say neither (an answer that was cut off proves nothing). */
export const readRecord = (lines: readonly string[]): HostRecord | null => {
  for (const line of lines.toReversed()) {
    const [word, what] = line.split(/[ :]/);
    if (
      word === 'ended' &&
      (what === 'confirmed' || what === 'aborted' || what === 'reverted' || what === 'foreign')
    ) {
      return { kind: 'ended', how: what };
    }
    if (word === 'state' && what !== undefined) return { kind: 'running', state: what };
  }
  return null;
};

/** The file `refusals` of a transaction: how many logins that must fail are tried in the rehearsal and over the network. */
export const refusalsFile = (count: { readonly rehearsed: number; readonly live: number }): Uint8Array =>
  text([`${count.rehearsed} ${count.live}`]);
