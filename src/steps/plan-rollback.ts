// What puts a host back to a snapshot that it keeps, and what stands in the way.
import type { Change, RestoreChange, RestorePackagesChange } from '../core/change.ts';
import type { Facts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import { digestIn } from '../core/fingerprint.ts';
import {
  isRolledBack,
  type KeptEntry,
  type KeptListing,
  type KeptName,
  type KeptPackages,
  type KeptSnapshot,
} from '../core/kept-snapshot.ts';
import { makePlan, type Plan, type Sha256 } from '../core/plan.ts';
import { printable } from '../core/printable.ts';
import type { Settings } from '../core/settings.ts';
import { platformOf } from '../platform/debian.ts';
import { noexecFindings, spaceFindingsOf } from './packages.ts';
import { breach, warning } from './step.ts';

/** What the operator asks of a rollback. */
export interface RollbackWish {
  /** `null`: each host's newest snapshot. */
  readonly run: string | null;
  /** Put back also what somebody has changed since. */
  readonly discardEdits: boolean;
}

/** As the guard keeps them: templates/guard.sh, KEEP_SNAPSHOTS and KEEP_SNAPSHOTS_DAYS. */
const KEPT_MAX = 5;
const KEPT_DAYS = 90;

/**
 * The plan of one host. In reverse of how it was brought there: modules and settings of packages first, so that a stack finds
 * what it names, then the PAM stacks, sshd's settings, and the packages in the end. No changes: it is back already.
 */
export const planRollback = (
  kept: KeptListing,
  facts: Facts,
  of: { readonly settings: Settings; readonly wish: RollbackWish; readonly sha256: Sha256 },
): Plan => {
  const { settings, wish, sha256 } = of;
  const only = (finding: Finding): Plan =>
    makePlan(settings.host, { changes: [], findings: [finding] }, sha256);
  const platform = platformOf(facts);
  if ('refused' in platform)
    return only(breach('platform-unsupported', `${settings.host} ${platform.refused}`));
  const { chosen } = kept;
  if (chosen === null) return only(breach('no-snapshot', noSnapshot(settings.host, kept.names, wish.run)));
  if (chosen === 'too-old') {
    return only(
      breach(
        'snapshot-too-old',
        `${settings.host} keeps what was before that run, but an earlier version of duo-fleet made it and did not note what the run wrote, so nobody can tell an edit from it; by hand: /var/lib/duo-fleet/snapshots on the host`,
      ),
    );
  }
  const done = wish.run === null ? isRolledBack(kept) : false;
  if (done !== false) return only(doneFinding(chosen, done));
  const parted = partEntries(chosen.entries);
  const packages = packagesChange(chosen);
  const findings = [
    ...notPlain(parted.written),
    ...editFindings(chosen, parted, { kept, wish }),
    ...missingCopies(chosen, packages),
    ...spaceFindingsOf({ facts }),
    ...(packages.length === 0 ? [] : noexecFindings({ facts })),
  ];
  const rollback = {
    tx: chosen.tx,
    run: chosen.run,
    changedSince: [...chosen.changedSince, ...parted.left.map(({ path }) => path).filter(decidesLogins)],
  };
  return makePlan(
    settings.host,
    { changes: changesOf(chosen, parted, packages), findings, rollback },
    sha256,
  );
};

/** Without a run a rollback goes one way only: said twice, it must not bring hosts to Duo again. */
const doneFinding = (newest: KeptName, done: true | 'unknown'): Finding => {
  const run = printable(newest.run);
  return done === true
    ? warning(
        'already-rolled-back',
        `run ${run} has rolled this host back already; to undo that: --run ${run}`,
      )
    : breach(
        'rollback-unclear',
        `run ${run}, the newest that this host keeps, was a rollback itself, and what it put back is not kept any more, so which way is back is not clear; to undo that run: --run ${run}`,
      );
};

const noSnapshot = (host: string, names: readonly KeptName[], run: string | null): string => {
  const limits = `a host keeps the last ${KEPT_MAX}, for ${KEPT_DAYS} days`;
  if (names.length === 0) {
    return `${host} keeps no snapshot: no run was confirmed on it, or it is gone (${limits})`;
  }
  const list = names.map(
    (name) => `${printable(name.run)} (${new Date(name.sinceS * 1000).toISOString().slice(0, 10)})`,
  );
  return `${host} keeps no snapshot of run ${printable(run ?? '')}; it has those of ${list.join(', ')} (${limits}): give one of them with --run`;
};

// --- files ---

interface Parted {
  /** Files that the run wrote or removed. */
  readonly written: readonly KeptEntry[];
  /** Of those, what somebody has changed since. */
  readonly edited: readonly KeptEntry[];
  /** What goes along with the packages and is put back; and what is left as it is, since it was changed since. */
  readonly along: readonly KeptEntry[];
  readonly left: readonly KeptEntry[];
}

/** pam-auth-update's files are one matter: whoever changed one of them changed the stack that all of them make. */
const isPamAuthUpdate = ({ path }: KeptEntry): boolean =>
  path.startsWith('/etc/pam.d/common-') || path.startsWith('/var/lib/pam/');

const decidesLogins = (path: string): boolean =>
  ['/etc/pam.d/', '/etc/security/'].some((folder) => path.startsWith(folder));

/** Neither as the run left it nor as it was before. */
const isChanged = ({ was, after, now }: KeptEntry): boolean => now !== after && now !== was;

const partEntries = (entries: readonly KeptEntry[]): Parted => {
  const written = entries.filter(({ step }) => step !== null);
  // What a package brought goes with it: its scripts take away what was not there.
  const others = entries.filter(({ step, was }) => step === null && was !== 'absent');
  const isStackChanged = others.some((entry) => isPamAuthUpdate(entry) && isChanged(entry));
  const isLeft = (entry: KeptEntry): boolean =>
    isChanged(entry) || digestIn(entry.now) === null || (isStackChanged && isPamAuthUpdate(entry));
  return {
    written,
    edited: written.filter(isChanged),
    along: others.filter((entry) => !isLeft(entry)),
    left: others.filter((entry) => isLeft(entry) && entry.now !== entry.was),
  };
};

const notPlain = (written: readonly KeptEntry[]): readonly Finding[] =>
  written
    .filter(({ was, now }) => digestIn(now) === null || digestIn(was) === null)
    .map(({ path }) =>
      breach(
        'not-a-plain-file',
        `${printable(path)} is no plain file any more; what is in its place must go first: move it away`,
      ),
    );

const changesOf = (
  chosen: KeptSnapshot,
  { written, along }: Parted,
  packages: readonly RestorePackagesChange[],
): readonly Change[] => {
  const why = [`as it was before run ${printable(chosen.run)}`];
  const restore = (entry: KeptEntry): RestoreChange => ({
    kind: 'restore',
    step: entry.step ?? 'packages',
    target: entry.path,
    why: entry.was === 'absent' ? [`was not there before run ${printable(chosen.run)}`] : why,
    number: entry.number,
    copy: entry.was,
    now: entry.now,
    along: entry.step === null,
  });
  const inReverse = [...along, ...written]
    .filter(({ was, now }) => was !== now)
    .toSorted((a, b) => b.number - a.number);
  const files = inReverse.map(restore);
  const isSshd = files.some(({ step }) => step === 'sshd-settings');
  return [
    ...files,
    ...(isSshd
      ? chosen.reloads.map((service): Change => ({
          kind: 'reload',
          step: 'sshd-settings',
          target: service,
          why: ['sshd reads its settings only then'],
        }))
      : []),
    ...packages,
  ];
};

// --- packages ---

const isThere = (status: string | undefined): boolean => status !== undefined && status !== 'not-installed';

const installed = (packages: KeptPackages): readonly string[] =>
  Object.entries(packages)
    .filter(([, { status }]) => status === 'installed')
    .map(([name]) => name)
    .toSorted();

const packagesChange = ({ packages, run }: KeptSnapshot): readonly RestorePackagesChange[] => {
  if (packages === null) return [];
  const { was, now } = packages;
  const wanted = installed(was).map((name) => ({ name, version: was[name]?.version ?? '' }));
  const install = wanted.filter(
    ({ name, version }) => now[name]?.status !== 'installed' || now[name].version !== version,
  );
  // Of what was only configuration then, nothing comes back; what is only configuration now may stay.
  const purge = Object.keys(now).filter(
    (name) => now[name]?.status !== 'config-files' && !isThere(was[name]?.status),
  );
  if (install.length === 0 && purge.length === 0) return [];
  const names = new Set([...install.map(({ name }) => name), ...purge]);
  const lines = Object.entries(now)
    .filter(([name, { status }]) => names.has(name) && isThere(status))
    .map(([name, { status, version }]) => `${status} ${name} ${version}`);
  return [
    {
      kind: 'restore-packages',
      step: 'packages',
      target: purge[0] ?? install[0]?.name ?? '',
      why: [`as they were before run ${printable(run)}`],
      install,
      purge,
      // As sort(1) has them with LC_ALL=C, which the guard compares with.
      now: lines.toSorted((a, b) => (a < b ? -1 : 1)),
    },
  ];
};

const missingCopies = (
  { debs }: KeptSnapshot,
  changes: readonly RestorePackagesChange[],
): readonly Finding[] =>
  changes
    .flatMap(({ install }) => install)
    .filter(({ name }) => !debs.includes(name))
    .map(({ name, version }) =>
      breach(
        'package-copy-missing',
        `${name} ${version} was installed then, and the host keeps no copy of it: install that version by hand, then again`,
      ),
    );

// --- what was changed since ---

const editFindings = (
  chosen: KeptSnapshot,
  { written, edited }: Parted,
  { kept, wish }: { readonly kept: KeptListing; readonly wish: RollbackWish },
): readonly Finding[] => {
  const { packages } = chosen;
  const after = packages === null ? [] : installed(packages.after);
  const now = packages === null ? [] : installed(packages.now);
  // The same command again finds all of it back, which is no edit; packages alone are somebody's.
  const isBack =
    packages !== null &&
    now.join() === installed(packages.was).join() &&
    written.every((entry) => entry.now === entry.was);
  const swapped = isBack
    ? []
    : [...after.filter((name) => !now.includes(name)), ...now.filter((name) => !after.includes(name))];
  const what = [
    ...edited.map(({ path, now: print }) => `${printable(path)}${print === 'absent' ? ' (removed)' : ''}`),
    ...swapped.map((name) => `package ${printable(name)}`),
  ];
  if (what.length === 0) return [];
  const list = what.join(', ');
  if (wish.discardEdits) {
    return [
      warning(
        'edits-discarded',
        `changed since run ${printable(chosen.run)}, and put back all the same: ${list}; how they are now stays in the snapshot that this rollback makes of the host, and undoing it brings them back`,
      ),
    ];
  }
  const later = kept.names
    .slice(
      0,
      kept.names.findIndex(({ tx }) => tx === chosen.tx),
    )
    .map(({ run }) => printable(run));
  const remedy =
    later.length === 0
      ? ''
      : ` Later runs were here, too: ${later.join(', ')}; roll the newest back first (--run ${later[0] ?? ''}).`;
  return [
    breach(
      'edited-since',
      `changed since run ${printable(chosen.run)} by somebody else: ${list}.${remedy} Put them back as the run left them, or have them overwritten with --discard-edits: their present state stays in the snapshot that the rollback makes`,
    ),
  ];
};
