// What the fake host keeps of confirmed transactions, and what it tells of it: templates/guard.sh's `kept`, told again in
// memory. It keeps files and versions; nothing goes along with packages on it.
import { fingerprint, type FakeHost, type FakeKept, type FakeTransaction } from './fake-host.ts';
import { isOfFile, manifestOf, type Say } from './fake-host-units.ts';

const OTHERS = ['bash'];

const duoPackages = (packages: ReadonlyMap<string, string>): ReadonlyMap<string, string> =>
  new Map([...packages].filter(([name]) => !OTHERS.includes(name)));

/** The snapshot of a transaction that has been confirmed. */
export const keptOf = (host: FakeHost, transaction: FakeTransaction): FakeKept => {
  let step = '-';
  const entries: FakeKept['entries'][number][] = [];
  const reloads: string[] = [];
  for (const { kind, n, path } of manifestOf(transaction)) {
    if (kind === 'step') step = n;
    if (kind === 'reload') reloads.push(path);
    if (!isOfFile(kind)) continue;
    entries.push({
      step,
      n,
      path,
      was: transaction.snapshot.get(n) ?? null,
      after: host.files.get(path) ?? null,
    });
  }
  return {
    tx: transaction.tx,
    owner: transaction.owner,
    undoes: transaction.received.get('source')?.trim() ?? null,
    entries,
    reloads,
    packages: transaction.received.has('pkg/install')
      ? { was: duoPackages(transaction.packagesBefore), after: duoPackages(host.packages) }
      : null,
  };
};

const ownerOf = ({ owner }: FakeKept, key: string): string =>
  owner.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';

/** All snapshots, the newest first, and all about the one that is meant: a run's, or the newest. */
export const tellKept = (host: FakeHost, run: string | undefined, say: Say): void => {
  const newestFirst = [...host.disk.kept.values()].toReversed();
  for (const kept of newestFirst) {
    const owner = ['since', 'run', 'operator'].map((key) => ownerOf(kept, key));
    say(`kept ${kept.tx} ${owner[0]} ${kept.undoes ?? '-'} ${owner[1]} ${owner[2]}`);
  }
  const chosen = newestFirst.find((kept) => run === undefined || ownerOf(kept, 'run') === run);
  if (chosen === undefined) return;
  say(`chosen ${chosen.tx}`);
  for (const { step, n, path, was, after } of chosen.entries) {
    const now = host.files.get(path) ?? null;
    say(`entry ${step} ${n} ${[was, after, now].map(fingerprint).join(' ')} ${path}`);
  }
  for (const service of chosen.reloads) say(`reload ${service}`);
  if (chosen.packages === null) return;
  say('packages known');
  const { was, after } = chosen.packages;
  const states = { was, after, now: duoPackages(host.packages) };
  for (const [when, packages] of Object.entries(states)) {
    for (const [name, version] of packages) say(`package ${when} installed ${name} ${version}`);
  }
  for (const name of was.keys()) say(`deb ${name}`);
};
