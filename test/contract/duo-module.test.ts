// Our reading of the module's settings, and our idea of its answers, against the real pam_duo.so and a stand-in for Duo's cloud.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DuoAnswer } from '../../src/auth/duo-answer.ts';
import { readDuoConf, type DuoConfReading } from '../../src/auth/duo-conf.ts';
import { duoIniEntries } from '../../src/auth/duo-ini.ts';
import { answerOfDuo, type DuoCircumstances, type DuoOutcome } from '../../src/auth/duo-module.ts';
import type { PamCode } from '../../src/auth/pam-code.ts';
import type { AccountFacts } from '../../src/core/facts.ts';
import { startDuoCloud, type DuoCloud } from '../support/duo-cloud.ts';
import { GROUPS, makeDuoFile, numbersFrom } from '../support/duo-module-files.ts';
import {
  CASE_ADDRESS,
  CASE_CONF,
  runModule,
  sweep,
  type ModuleCase,
  type ModuleRun,
} from '../support/duo-module-run.ts';
import type { DuoDecision } from '../support/duo-protocol.ts';
import { makePki } from '../support/lab-control.ts';
import { LAB_DUO_HOST, LAB_IKEY, LAB_SKEY } from '../support/lab-hosts.ts';
import { fleetPaths } from '../support/lab-paths.ts';

const canRun =
  process.getuid?.() === 0 && spawnSync('sh', ['-c', 'command -v pamtester unshare openssl']).status === 0;

const SEED = Number(process.env['DUO_FLEET_TEST_SEED'] ?? 1);
const RANDOM_CASES = 500;

/** How the cloud stands to a user, and what that is in our words. */
const STANDINGS: readonly {
  readonly name: string;
  readonly decision: DuoDecision;
  readonly answer: DuoAnswer;
  readonly isLockedOut?: true;
}[] = [
  { name: 'allowed', decision: 'allow', answer: 'allow' },
  { name: 'denied', decision: 'deny', answer: 'deny' },
  { name: 'lockedout', decision: 'locked-out', answer: 'deny', isLockedOut: true },
  { name: 'bypassed', decision: 'bypass', answer: 'bypass' },
  { name: 'stranger', decision: 'enroll', answer: 'unknown-user' },
  { name: 'badkeys', decision: '401', answer: 'badkeys' },
  { name: 'forbidden', decision: '403', answer: 'forbidden' },
  { name: 'limited', decision: '429', answer: 'forbidden' },
  { name: 'broken', decision: '500', answer: 'error' },
  { name: 'garbage', decision: 'garbage', answer: 'error' },
];
const MEMBERSHIPS: readonly (readonly string[])[] = [
  ['users'],
  ['users', 'alpha'],
  ['users', 'alpha', 'beta'],
  ['gamma', 'domain admins'],
  ['Alpha', 'grün'],
];

const ACCOUNTS = STANDINGS.flatMap((standing) =>
  MEMBERSHIPS.map((groups, at) => ({ user: `${standing.name}${at}`, groups, standing })),
);
type Account = (typeof ACCOUNTS)[number];

const factsOf = (account: Account): AccountFacts => ({
  uid: 5000,
  home: '/',
  shell: '/bin/sh',
  groups: account.groups,
  password: 'locked',
  expired: false,
  authorizedKeys: 0,
  keyLoginDaysAgo: null,
  sudo: { kind: 'unknown' },
});

let cloud: DuoCloud;
let folder: string;
let cafile: string;

beforeAll(async () => {
  if (!canRun) return;
  folder = await mkdtemp(join(tmpdir(), 'duo-module-'));
  const paths = { ...fleetPaths('module'), pki: join(folder, 'pki') };
  await makePki(paths);
  cafile = join(paths.pki, 'ca.pem');
  cloud = await startDuoCloud({
    address: '127.0.0.1',
    port: 0,
    certificate: await readFile(join(paths.pki, 'server.pem')),
    certificateKey: await readFile(join(paths.pki, 'server.key')),
    keys: { ikey: LAB_IKEY, skey: LAB_SKEY },
  });
  for (const { user, standing } of ACCOUNTS) cloud.decide(user, standing.decision);
});

afterAll(async () => {
  if (!canRun) return;
  await cloud.close();
  await sweep(folder);
});

const caseOf = (text: string, user: string, more: Partial<ModuleCase> = {}): ModuleCase => ({
  file: { bytes: new TextEncoder().encode(text), mode: 0o600 },
  service: 'plain',
  user,
  answers: true,
  ...more,
});

const goodFile = (...lines: readonly string[]): string =>
  [
    `ikey = ${LAB_IKEY}`,
    `skey = ${LAB_SKEY}`,
    `host = ${LAB_DUO_HOST}:${cloud.port}`,
    `cafile = ${cafile}`,
    ...lines,
    '',
  ].join('\n');

/** Random files first; then each pattern with each membership, each standing with each failmode, and words for numbers and truth. */
function allCases(): readonly ModuleCase[] {
  const random = numbersFrom(SEED);
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const made = Array.from({ length: RANDOM_CASES }, (): ModuleCase => ({
    file: makeDuoFile(random, { port: cloud.port, cafile }),
    service: any(['sshd', 'plain'] as const),
    user: random() < 0.02 ? 'nobodyhere' : any(ACCOUNTS).user,
    answers: random() < 0.8,
  }));
  const patterns = GROUPS.flatMap((groups) =>
    MEMBERSHIPS.map((_, at) => caseOf(goodFile(`groups = ${groups}`), `bypassed${at}`)),
  );
  const standings = STANDINGS.flatMap(({ name }) =>
    ['failmode = safe', 'failmode = secure', 'prompts = 1', 'autopush = yes'].flatMap((line) =>
      (['sshd', 'plain'] as const).map((service) => caseOf(goodFile(line), `${name}1`, { service })),
    ),
  );
  // With autopush on, nobody has to answer: that tells which words the module takes for true.
  const words = ['yes', 'true', 'on', '1', 'Yes', 'True', 'ON', '2', 'yes ; x', 'yes # x', 'yes;', ''].map(
    (word) => caseOf(goodFile(`autopush = ${word}`), 'allowed1', { answers: false }),
  );
  const prompts = ['0', '1', '2', '3', '4', 'x'].map((count) =>
    caseOf(goodFile(`prompts = ${count}`), 'denied1'),
  );
  return [...made, ...patterns, ...standings, ...words, ...prompts];
}

/** The last value that a key is given: what DuoConf, which holds no secrets, does not tell. */
const lastOf = (key: string, bytes: Uint8Array): string =>
  [...duoIniEntries(bytes)]
    .flatMap((entry) => (entry.kind === 'setting' && entry.key === key ? [entry.value] : []))
    .at(-1) ?? '';

/** What we say of a case; the cloud's part follows from where the file points. */
function expected({ file, user, answers }: ModuleCase): DuoOutcome {
  const reading = readDuoConf({ bytes: file.bytes, mode: file.mode, kind: 'pam', version: 'v1' });
  const account = ACCOUNTS.find((one) => one.user === user);
  const circumstances: DuoCircumstances = {
    version: 'v1',
    confPath: CASE_CONF,
    rhost: CASE_ADDRESS,
    canAnswer: answers,
    isLockedOut: account?.standing.isLockedOut === true,
    cafileLoads: reading.kind === 'read' && reading.conf.cafile === cafile,
  };
  const who = { user, account: account === undefined ? null : factsOf(account) };
  return answerOfDuo(reading, who, cloudFor(file.bytes, reading, account), circumstances);
}

function cloudFor(bytes: Uint8Array, reading: DuoConfReading, account: Account | undefined): DuoAnswer {
  const isReached =
    reading.kind === 'read' &&
    reading.conf.host === `${LAB_DUO_HOST}:${cloud.port}` &&
    (reading.conf.unverified || reading.conf.cafile === cafile) &&
    lastOf('http_proxy', bytes) === '';
  if (!isReached || account === undefined) return 'unreachable';
  const { answer } = account.standing;
  // Whatever it thinks of the user, the cloud answers by the keys first.
  return lastOf('ikey', bytes) === LAB_IKEY && lastOf('skey', bytes) === LAB_SKEY ? answer : 'badkeys';
}

/** pam_strerror's texts of Linux-PAM 1.4 to 1.7 for what the module returns. */
const ERRORS: Readonly<Record<string, PamCode>> = {
  'Failed to load module': 'PAM_OPEN_ERR',
  'Error in service module': 'PAM_SERVICE_ERR',
  'User not known to the underlying authentication module': 'PAM_USER_UNKNOWN',
  'Have exhausted maximum number of retries for service': 'PAM_MAXTRIES',
  'Critical error - immediate abort': 'PAM_ABORT',
};

/** Said while the file is read, and no part of the answer. */
const NOTICE = /^The gecos_parsed configuration item/;

const SEGMENTATION_FAULT = 139;

const codeOf = ({ status, error }: ModuleRun): string => {
  if (status === 0) return 'PAM_SUCCESS';
  return status === SEGMENTATION_FAULT ? 'crash' : (ERRORS[error] ?? `${status}: ${error}`);
};

describe.skipIf(!canRun)('Duo’s real module, 1.11.3', () => {
  let cases: readonly ModuleCase[];
  let runs: readonly ModuleRun[];

  beforeAll(async () => {
    cases = allCases();
    runs = await runModule(cases, ACCOUNTS, folder);
  });

  test(`answers every account with every file as we say, and logs it in our words (seed ${SEED})`, () => {
    const disagreements = cases.flatMap((one, at) => {
      const run = runs[at];
      if (run === undefined) return [{ at }];
      const ours = expected(one);
      const crashes =
        ours.answer.kind === 'returns' && ours.answer.code === 'PAM_ABORT' && ours.stands === 'broken';
      const code = crashes ? 'crash' : ours.answer.kind === 'returns' ? ours.answer.code : 'unknown';
      const said = run.log.findLast((line) => !NOTICE.test(line)) ?? '';
      const agrees =
        code === codeOf(run) && (ours.log.endsWith(' ') ? said.startsWith(ours.log) : said === ours.log);
      const text = new TextDecoder().decode(one.file.bytes);
      const { user, service, answers } = one;
      return agrees
        ? []
        : [
            {
              at,
              user,
              service,
              answers,
              mode: one.file.mode,
              text,
              ours: [code, ours.log],
              real: [codeOf(run), said],
            },
          ];
    });
    expect(disagreements).toEqual([]);
  });

  test('has met every way to stand and every return code in these cases', () => {
    const stands = new Set(cases.map((one) => expected(one).stands));
    expect([...stands].toSorted()).toEqual(['broken', 'challenged', 'exempt', 'unknown-user']);
    const codes = new Set(runs.map(codeOf));
    expect([...codes].toSorted()).toEqual([...Object.values(ERRORS), 'PAM_SUCCESS', 'crash'].toSorted());
  });
});
