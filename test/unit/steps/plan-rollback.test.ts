import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/core/change.ts';
import type { KeptEntry, KeptListing, KeptSnapshot } from '../../../src/core/kept-snapshot.ts';
import { transactionFiles } from '../../../src/core/transaction.ts';
import { judgeRollback, rollbackDifferences } from '../../../src/steps/judge-rollback.ts';
import { planRollback, type RollbackWish } from '../../../src/steps/plan-rollback.ts';
import { planHost } from '../../../src/steps/plan-host.ts';
import {
  afterChanges,
  exampleFacts,
  exampleSettings,
  exampleTools,
  fileOf,
  sha256,
  STOCK_COMMON_AUTH,
} from '../../support/example-host.ts';

const print = (digit: string, mode = '644') => `${digit.repeat(64)}:${mode}:0:0`;
const RUN = '20261121-100000-0001';

const entry = (path: string, over: Partial<KeptEntry> = {}): KeptEntry => ({
  step: 'pam-sshd',
  number: 1,
  path,
  was: print('a'),
  after: print('b'),
  now: print('b'),
  ...over,
});
const SSHD = entry('/etc/pam.d/sshd', { number: 13 });
const DROP_IN = entry('/etc/ssh/sshd_config.d/00-duo-fleet.conf', { step: 'sshd-settings', was: 'absent' });
const MODULE = entry('/lib/security/pam_duo.so', { step: null, number: 28, after: 'absent', now: 'absent' });
const SEEN = entry('/var/lib/pam/seen', { step: null, number: 20 });
const COMMON = entry('/etc/pam.d/common-auth', {
  step: null,
  number: 19,
  was: print('c'),
  after: print('c'),
  now: print('c'),
});

const LEGACY = { 'libpam-duo': { status: 'installed', version: '1.11.3-1' } };
const DUO = { 'duo-unix': { status: 'installed', version: '2.2.3-0' } };
const PACKAGES = { was: LEGACY, after: DUO, now: DUO };

const snapshot = (over: Partial<KeptSnapshot> = {}): KeptSnapshot => ({
  tx: 'tx-1',
  sinceS: 1_795_870_000,
  undoes: null,
  run: RUN,
  operator: 'ann@bastion',
  entries: [DROP_IN, SSHD, COMMON, SEEN, MODULE],
  reloads: ['ssh'],
  packages: PACKAGES,
  debs: ['libpam-duo'],
  changedSince: [],
  ...over,
});
const listing = (over: Partial<KeptSnapshot> = {}): KeptListing => {
  const chosen = snapshot(over);
  return { names: [chosen], chosen };
};
const plan = (kept: KeptListing = listing(), wish: Partial<RollbackWish> = {}) =>
  planRollback(kept, exampleFacts(), {
    settings: exampleSettings(),
    wish: { run: null, discardEdits: false, ...wish },
    sha256,
  });
const rules = (kept: KeptListing, wish: Partial<RollbackWish> = {}) =>
  plan(kept, wish).findings.map(({ rule, severity }) => `${severity} ${rule}`);
const targets = (changes: readonly Change[]) => changes.map(({ kind, target }) => `${kind} ${target}`);

describe('a rollback', () => {
  test('puts back in reverse: what a stack needs before it, sshd’s settings after it, the packages last', () => {
    const { changes, findings, rollback } = plan();
    expect(findings).toEqual([]);
    expect(targets(changes)).toEqual([
      'restore /lib/security/pam_duo.so',
      'restore /var/lib/pam/seen',
      'restore /etc/pam.d/sshd',
      'restore /etc/ssh/sshd_config.d/00-duo-fleet.conf',
      'reload ssh',
      'restore-packages duo-unix',
    ]);
    expect(rollback).toEqual({ tx: 'tx-1', run: RUN, changedSince: [] });
  });

  test('tells the guard of each file which copy it is, and what must be there now; no content leaves the host', () => {
    const { changes } = plan();
    const files = transactionFiles(changes, exampleFacts(), {
      modulePath: null,
      repositoryUrl: '',
      source: 'tx-1',
    });
    const text = (name: string) => new TextDecoder().decode(files[name]);
    expect(text('manifest').split('\n')).toEqual([
      `along 1 28:${print('a')} absent /lib/security/pam_duo.so`,
      `along 2 20:${print('a')} ${'b'.repeat(64)} /var/lib/pam/seen`,
      'step pam-sshd',
      `back 3 13:${print('a')} ${'b'.repeat(64)} /etc/pam.d/sshd`,
      'step sshd-settings',
      `absent 4 - ${'b'.repeat(64)} /etc/ssh/sshd_config.d/00-duo-fleet.conf`,
      'reload 5 - - ssh',
      'step packages',
      'packages 6 - - -',
      '',
    ]);
    expect([text('source'), text('pkg/install'), text('pkg/purge'), text('pkg/live')]).toEqual([
      'tx-1\n',
      'libpam-duo 1.11.3-1\n',
      'duo-unix\n',
      'installed duo-unix 2.2.3-0\n',
    ]);
    expect(Object.keys(files).toSorted()).toEqual([
      'manifest',
      'pkg/install',
      'pkg/live',
      'pkg/purge',
      'source',
    ]);
  });

  test('of a host that is as it was has nothing to do', () => {
    const same = [SSHD, DROP_IN].map((one) => ({ ...one, now: one.was }));
    const back = listing({ entries: same, packages: { ...PACKAGES, now: LEGACY } });
    expect(plan(back, { run: RUN })).toMatchObject({ changes: [], findings: [] });
    // The package alone is there again by somebody's hand, which is told.
    expect(rules(listing({ packages: { ...PACKAGES, now: LEGACY } }))).toEqual(['breach edited-since']);
    expect(plan(listing({ entries: same, packages: null }))).toMatchObject({ changes: [], findings: [] });
  });

  test('of a rollback, without its name, does nothing and says how', () => {
    const back = { ...snapshot({ tx: 'tx-2', undoes: 'tx-1', run: '20261122-100000-0002' }) };
    const kept = { names: [back, snapshot()], chosen: back };
    expect(plan(kept)).toMatchObject({ changes: [], findings: [{ rule: 'already-rolled-back' }] });
    expect(plan(kept).findings[0]?.message).toContain('--run 20261122-100000-0002');
    expect(plan(kept, { run: '20261122-100000-0002' }).changes.length).toBeGreaterThan(0);
    expect(rules({ names: [back], chosen: back })).toEqual(['breach rollback-unclear']);
  });
});

describe('a rollback is refused', () => {
  test('where there is no such snapshot, with those that there are', () => {
    const { message } = plan({ names: [snapshot()], chosen: null }, { run: 'x' }).findings[0] ?? {};
    expect(message).toContain(`it has those of ${RUN} (2026-11-28)`);
    expect(plan({ names: [], chosen: null }).findings[0]?.message).toContain('keeps no snapshot');
    expect(rules({ names: [], chosen: 'too-old' })).toEqual(['breach snapshot-too-old']);
  });

  test.each([
    ['changed', { now: print('d') }],
    ['given another mode', { now: print('b', '600') }],
    ['removed', { now: 'absent' }],
  ])('where a file that the run wrote was %s since, unless its edits are discarded', (_, over) => {
    const kept = listing({ entries: [{ ...SSHD, ...over }] });
    expect(rules(kept)).toEqual(['breach edited-since']);
    expect(plan(kept).findings[0]?.message).toContain('/etc/pam.d/sshd');
    expect(rules(kept, { discardEdits: true })).toEqual(['warning edits-discarded']);
    expect(targets(plan(kept, { discardEdits: true }).changes)).toContain('restore /etc/pam.d/sshd');
  });

  test('where a later run changed the same, with that run’s name', () => {
    const later = { ...snapshot({ tx: 'tx-2', run: '20261125-100000-0002' }) };
    const chosen = snapshot({ entries: [{ ...SSHD, now: print('d') }] });
    const { findings } = plan({ names: [later, chosen], chosen }, { run: RUN });
    expect(findings[0]?.message).toContain('roll the newest back first (--run 20261125-100000-0002)');
  });

  test('where something else than a file is in the place of one', () => {
    const kept = listing({ entries: [{ ...SSHD, now: 'other' }] });
    expect(rules(kept, { discardEdits: true })).toContain('breach not-a-plain-file');
  });

  test('where other packages are installed than the run left, and not where theirs are newer', () => {
    const now = { 'duo-unix': { status: 'installed', version: '2.3.0-0' } };
    expect(rules(listing({ packages: { ...PACKAGES, now } }))).toEqual([]);
    expect(rules(listing({ packages: { ...PACKAGES, now: { ...DUO, ...LEGACY } } }))).toEqual([
      'breach edited-since',
    ]);
  });

  test('where a package cannot be put back without a network', () => {
    expect(rules(listing({ debs: [] }))).toEqual(['breach package-copy-missing']);
  });
});

describe('what goes along with packages', () => {
  test('and was changed since is left as it is: all of pam-auth-update’s, since they are one stack', () => {
    const moved = { ...COMMON, now: print('e') };
    const { changes, rollback } = plan(listing({ entries: [SSHD, moved, SEEN, MODULE] }));
    expect(targets(changes)).not.toContain('restore /var/lib/pam/seen');
    expect(targets(changes)).toContain('restore /lib/security/pam_duo.so');
    expect(rollback?.changedSince).toEqual(['/etc/pam.d/common-auth']);
  });

  test('and was not there before goes with its package, not by itself', () => {
    const gone = { ...MODULE, was: 'absent', after: print('b'), now: print('b') };
    expect(targets(plan(listing({ entries: [gone] })).changes)).toEqual(['restore-packages duo-unix']);
  });
});

describe('the host as it would be', () => {
  const settings = exampleSettings();
  const old = exampleFacts();
  const now = afterChanges(old, planHost(old, settings, exampleTools()).changes, settings);
  const judged = (over: Partial<typeof old> = {}, changedSince: readonly string[] = []) => {
    const kept = listing({ changedSince });
    return judgeRollback({ now, after: exampleFacts(over) }, { settings, plan: plan(kept) });
  };
  const permit = {
    ...old.files,
    '/etc/pam.d/common-auth': fileOf(STOCK_COMMON_AUTH.replace('pam_unix.so nullok', 'pam_permit.so')),
  };

  test('is not refused because Duo is gone, and less is asked for', () => {
    expect(judged().filter(({ severity }) => severity === 'breach')).toEqual([]);
    expect(judged().map(({ rule }) => rule)).not.toContain('weaker-than-before');
  });

  test('is refused where automation could not log in', () => {
    const automation = { ...old.sshd.effective['*'], pubkeyauthentication: ['no'] };
    const sshd = { ...old.sshd, effective: { ...old.sshd.effective, automation } };
    expect(judged({ sshd }).map(({ rule }) => rule)).toContain('automation-shut-out');
    expect(judged({ sshd: { ...old.sshd, effective: {} } })[0]?.rule).toBe('sshd-settings-invalid');
  });

  test('is refused where break-glass could not log in', () => {
    const breakglass = { ...old.sshd.effective['*'], passwordauthentication: ['no'] };
    const sshd = { ...old.sshd, effective: { ...old.sshd.effective, breakglass } };
    const breaches = judged({ sshd }).filter(({ severity }) => severity === 'breach');
    expect(breaches.map(({ rule }) => rule)).toEqual(['break-glass-shut-out']);
  });

  test('with a door of the old state is told, and refused where that may not have been there then', () => {
    const told = judged({ files: permit }).filter(({ rule }) => rule === 'door-without-proof');
    expect(told.map(({ severity }) => severity)).toEqual(told.map(() => 'warning'));
    expect(told[0]?.message).toContain('as before that run');
    const since = judged({ files: permit }, ['/etc/pam.d/common-auth']);
    expect(since).toContainEqual(expect.objectContaining({ rule: 'door-without-proof', severity: 'breach' }));
    expect(since.find(({ severity }) => severity === 'breach')?.message).toContain(
      '/etc/pam.d/common-auth changed since that run',
    );
  });
});

test('after a rollback each file and package that a look shows is compared with what it was', () => {
  const { changes, ...rest } = plan();
  const facts = exampleFacts({
    files: { '/etc/pam.d/sshd': { ...fileOf('x'), sha256: 'a'.repeat(64) } },
    packages: { 'libpam-duo': { status: 'installed', version: '1.11.3-1', origins: [] } },
  });
  expect(rollbackDifferences(facts, { ...rest, changes })).toEqual([]);
  const wrong = exampleFacts({
    files: { '/etc/pam.d/sshd': fileOf('x') },
    packages: { 'duo-unix': { status: 'installed', version: '2.2.3-0', origins: [] } },
  });
  expect(rollbackDifferences(wrong, { ...rest, changes }).map(({ target }) => target)).toEqual([
    '/etc/pam.d/sshd',
    'libpam-duo',
    'duo-unix',
  ]);
});
