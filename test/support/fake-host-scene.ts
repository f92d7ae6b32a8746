// One fake host, what is declared for it, and an apply on it: what the engine's tests begin with.
import {
  canaryOf,
  probeOf,
  rehearsalOf,
  rollbackCanaryOf,
  rollbackRehearsalOf,
} from '../../src/auth/rehearsal.ts';
import { summarize, type Change, type FileChange } from '../../src/core/change.ts';
import type { RunEvent } from '../../src/core/event.ts';
import type { Facts } from '../../src/core/facts.ts';
import { Failure } from '../../src/core/failure.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { Plan } from '../../src/core/plan.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Settings } from '../../src/core/settings.ts';
import { transactionFiles } from '../../src/core/transaction.ts';
import type { HostResult } from '../../src/core/verdict.ts';
import { makeEnrolmentBook } from '../../src/engine/enrolment-book.ts';
import { transact } from '../../src/engine/transact.ts';
import type { Difference, PreflightDeps, TransactDeps } from '../../src/engine/transact-deps.ts';
import { rollbackDifferences } from '../../src/steps/judge-rollback.ts';
import { planRollback, type RollbackWish } from '../../src/steps/plan-rollback.ts';
import { preflightFindings } from '../../src/steps/preflight-findings.ts';
import { makePreflightRequest } from '../../src/steps/preflight-request.ts';
import { sha256 } from './example-host.ts';
import { fakeLink, type FakeLink } from './fake-host-link.ts';
import { virtualTime, type VirtualTime } from './fake-host-time.ts';
import {
  BREAK_GLASS,
  BREAK_GLASS_PASSWORD,
  digestOf,
  fakeHost,
  type FakeFile,
  type FakeHost,
  type LiveState,
} from './fake-host.ts';

/** In the declared pam_duo.conf, and nowhere else. */
export const SKEY = 'skey-that-nobody-may-see';
/** What the rehearsal tries, which is nobody's password. */
export const WRONG_PASSWORD = 'wrong-password-that-nobody-may-see';
export const LEASE_S = 60;
const START_MS = Date.UTC(2026, 0, 1);
const PAM_SSHD = '/etc/pam.d/sshd';

/** What is live before the first apply. */
export const oldState: LiveState = {
  files: new Map<string, FakeFile>([
    [PAM_SSHD, { text: 'auth old\n', mode: 0o644 }],
    ['/etc/pam.d/sudo', { text: 'auth old sudo\n', mode: 0o644 }],
    ['/etc/hostname', { text: 'web1\n', mode: 0o644 }],
  ]),
  packages: new Map([
    ['libpam-duo', '1.11.3-1'],
    ['bash', '5.2'],
  ]),
};

const declared = [
  {
    step: 'sshd-settings',
    path: '/etc/ssh/sshd_config.d/00-duo-fleet.conf',
    text: 'UsePAM yes\n',
    mode: 0o644,
  },
  { step: 'pam-duo-conf', path: '/etc/duo/pam_duo.conf', text: `skey = ${SKEY}\n`, mode: 0o600 },
  { step: 'pam-sudo', path: '/etc/pam.d/sudo', text: 'auth new sudo\n', mode: 0o644 },
  { step: 'pam-sshd', path: PAM_SSHD, text: 'auth new\n', mode: 0o644 },
] as const;

/** What is live after an apply that was confirmed. */
export const newState: LiveState = {
  files: new Map<string, FakeFile>([
    ...oldState.files,
    ...declared.map(({ path, text, mode }) => [path, { text, mode }] as const),
  ]),
  packages: new Map([
    ['bash', '5.2'],
    ['duo-unix', '2.2.3'],
  ]),
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The settings of the one host of a scene. */
export const settings: Settings = {
  host: 'web1',
  connection: {
    address: '192.0.2.1',
    port: 22,
    user: 'automation',
    privateKeyFile: null,
    password: null,
    jumps: [],
    become: true,
  },
  duo: {
    ikey: 'DI00000000000000000',
    skey: { kind: 'literal', value: new Secret(SKEY) },
    apiHost: 'api-00000000.duosecurity.com',
    failmode: 'safe',
    options: [],
  },
  serverAccessGroup: 'sg_serveraccess',
  sudoGroup: 'sg_sudo',
  breakGlass: null,
  keyOnlyUsers: [],
  keyOnlyGroups: [],
  keyLoginLossAccepted: [],
  canary: null,
  sudoTimestampTimeoutMin: 30,
  repository: { url: 'https://pkg.duosecurity.com', key: '/key', fingerprints: [] },
  sshdConfig: 'managed',
  pamTemplates: { sshd: null, sudo: null },
};

/** The same host with people whose logins are tried beside automation's. */
export const settingsWithPeople: Settings = {
  ...settings,
  canary: { user: 'canary', passcode: null, privateKeyFile: null },
  breakGlass: {
    user: BREAK_GLASS,
    allowedSources: [],
    password: { kind: 'literal', value: new Secret(BREAK_GLASS_PASSWORD) },
  },
};

const differing = (facts: Facts) =>
  declared.filter(({ path, text, mode }) => {
    const file = facts.files[path];
    return file?.kind !== 'file' || file.sha256 !== digestOf(text) || file.mode !== mode;
  });

const fileChange = ({ step, path, text, mode }: (typeof declared)[number]): FileChange => ({
  kind: 'file',
  step,
  target: path,
  why: ['is not as declared'],
  content: bytes(text),
  mode,
  secret: step === 'pam-duo-conf',
  shown: { before: null, after: null },
});

const changesOf = (facts: Facts): readonly Change[] => {
  const changes: Change[] = [];
  const files = differing(facts).map(fileChange);
  const dropIn = files.filter(({ step }) => step === 'sshd-settings');
  changes.push(...dropIn);
  if (dropIn.length > 0) changes.push({ kind: 'reload', step: 'sshd-settings', target: 'ssh', why: [] });
  if (facts.packages['duo-unix'] === undefined) {
    changes.push({
      kind: 'packages',
      step: 'packages',
      target: 'duo-unix',
      why: ['is not installed'],
      install: ['duo-unix'],
      purge: ['libpam-duo'],
      minimumVersion: '2.2.3',
      sourceLine: 'deb [signed-by=KEYRING] https://pkg.duosecurity.com/Debian bookworm main',
      keyring: bytes('key'),
    });
  }
  return [...changes, ...files.filter(({ step }) => step !== 'sshd-settings')];
};

/** The look at Duo as the product makes it; nobody is asked about. */
export const scenePreflight: PreflightDeps = {
  members: null,
  request: (given, enrolment) => makePreflightRequest(given, () => new Secret(SKEY), enrolment),
  bookFor: () => makeEnrolmentBook(),
  findings: (seen, { settings: given, facts }) =>
    preflightFindings(seen, { settings: given, facts, duoPackage: 'duo-unix', packagesChange: true }),
};

export interface Scene {
  readonly time: VirtualTime;
  readonly host: FakeHost;
  readonly link: FakeLink;
  /** What was durable, in its order. */
  readonly events: RunEvent[];
  /** `fullAt` turns true at the event with which the journal's disk is full. */
  readonly journal: { fullAt: (event: RunEvent) => boolean; readonly isFull: () => boolean };
  /** What the plan finds beside its changes. */
  findings: readonly Finding[];
  /** What verify --probe tries on this host. */
  readonly probe: NonNullable<TransactDeps['probe']>;
  /** One run over the host, to its verdict. Time passes until then and no further. */
  readonly apply: (deps?: Partial<TransactDeps>) => Promise<HostResult>;
  /** What the look at the host as a rollback would make it finds. */
  judged: readonly Finding[];
  /** A rollback over the host, to its verdict. */
  readonly rollback: (wish?: Partial<RollbackWish>) => Promise<HostResult>;
}

/** What the host does not have yet of what is declared. */
const differencesOf = (facts: Facts): readonly Difference[] =>
  differing(facts).map(({ step, path }) => ({ step, target: path, message: 'is not as declared' }));

/** A scene with a host that is as `live` says. */
export const makeScene = (live: LiveState = oldState, given: Settings = settings): Scene => {
  const time = virtualTime(START_MS);
  const host = fakeHost(settings.host, time, live);
  // A stack that names a module which is not there, or has no settings, shuts everybody out.
  host.letsIn = () =>
    host.files.get(PAM_SSHD)?.text !== 'auth new\n' ||
    (host.packages.has('duo-unix') && host.files.has('/etc/duo/pam_duo.conf'));
  const link = fakeLink(host);
  let runs = 0;
  let full = false;
  const means = {
    wrong: new Secret(WRONG_PASSWORD),
    empty: new Secret(''),
    breakGlassPassword: given.breakGlass === null ? null : new Secret(BREAK_GLASS_PASSWORD),
    canaryPasscode: null,
    asUser: null,
  };
  const deps: TransactDeps = {
    mode: 'apply',
    remote: link.remote,
    emit: async (event) => {
      await time.sleep(1);
      full ||= scene.journal.fullAt(event);
      if (full) throw new Failure('exit', 'no space left for the journal');
      scene.events.push(event);
    },
    run: 'run-1',
    operator: 'ada@bastion',
    leaseS: LEASE_S,
    nowMs: time.nowMs,
    sleep: time.sleep,
    newTx: () => `tx-${runs}`,
    newNonce: () => `nonce-that-nobody-may-see-${runs}`,
    observeRequest: () => ({
      packages: ['duo-unix'],
      files: declared.map(({ path }) => ({ path, text: true })),
      groups: [],
      accounts: [],
      connections: [],
      personas: [],
      dropInPath: '/etc/ssh/sshd_config.d/00-duo-fleet.conf',
      spacePaths: [],
      repositoryUrl: settings.repository.url,
      modulePath: '/usr/lib64/security/pam_duo.so',
      census: false,
    }),
    makePlan: (facts): Plan => ({
      host: settings.host,
      changes: changesOf(facts),
      findings: scene.findings,
      digest: 'digest',
    }),
    deviation: () => '',
    show: (plan) => ({ changes: plan.changes.map(summarize) }),
    differences: differencesOf,
    preflight: scenePreflight,
    rehearsal: (host, facts) => rehearsalOf(host, facts, means),
    canary: (host, facts, sourceAddress) => canaryOf(host, facts, { means, sourceAddress }),
    transactionFiles: (plan, facts) =>
      transactionFiles(plan.changes, facts, {
        modulePath: '/usr/lib64/security/pam_duo.so',
        repositoryUrl: settings.repository.url,
      }),
    guardScript: bytes('#!/bin/sh\n'),
    onPlan: () => undefined,
    probe: null,
    earlier: null,
    rollback: null,
    bake: null,
    reason: '',
  };
  const rollbackDeps = (wish: RollbackWish): Partial<TransactDeps> => ({
    mode: 'rollback',
    run: `run-${runs + 1}`,
    rollback: {
      logins: () => ({ logins: { now: 'as-it-is', after: 'as-it-was' } }),
      run: wish.run,
      plan: (kept, facts, host_) => planRollback(kept, facts, { settings: host_, wish, sha256 }),
      judge: () => scene.judged,
    },
    differences: (facts, _host, plan) => rollbackDifferences(facts, plan),
    rehearsal: (host_, facts) => rollbackRehearsalOf(host_, facts, means),
    canary: (host_, facts, sourceAddress) => rollbackCanaryOf(host_, facts, { means, sourceAddress }),
    transactionFiles: (plan, facts) =>
      transactionFiles(plan.changes, facts, {
        modulePath: null,
        repositoryUrl: '',
        source: plan.rollback?.tx,
      }),
  });
  const scene: Scene = {
    time,
    host,
    link,
    events: [],
    journal: { fullAt: () => false, isFull: () => full },
    findings: [],
    probe: (host, sourceAddress) => probeOf(host, { means, sourceAddress }),
    apply: (changed = {}) => {
      runs += 1;
      full = false;
      return time.until(transact(given, { ...deps, ...changed }));
    },
    judged: [],
    rollback: (wish = {}) => scene.apply(rollbackDeps({ run: null, discardEdits: false, ...wish })),
  };
  return scene;
};
