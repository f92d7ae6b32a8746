import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Wire } from '../../../src/cli/carry-run.ts';
import { invoke } from '../../../src/cli/invoke.ts';
import type { Surroundings } from '../../../src/cli/surroundings.ts';
import type { Facts } from '../../../src/core/facts.ts';
import { Failure } from '../../../src/core/failure.ts';
import type { PreflightFacts } from '../../../src/core/preflight.ts';
import type {
  GuardCall,
  GuardOperation,
  GuardReply,
  HostSession,
  LoginOutcome,
  Remote,
} from '../../../src/core/remote.ts';
import { makeScene, oldState, settingsWithPeople } from '../../support/fake-host-scene.ts';
import { INVENTORY as THREE_HOSTS, SKEY } from '../../support/invocation.ts';
import { EVERY_ESCAPE, steeringOf } from '../../support/hostile-text.ts';
import { testSurroundings } from '../../support/surroundings.ts';
import { exampleFacts, exampleSettings, exampleTools, fileOf } from '../../support/example-host.ts';
import { planHost } from '../../../src/steps/plan-host.ts';

const INVENTORY = THREE_HOSTS.replaceAll(/ {4}(?:web2|db1):\n/g, '');
/** The secret as it is, and with what vanishes on its way to a terminal in the midst of it. */
const SPLIT = `${SKEY.slice(0, 9)}\u001b[0m${SKEY.slice(9)}`;
const LIE = `${EVERY_ESCAPE.replaceAll('\ud800', '')} ${SKEY} ${SPLIT} \nended confirmed\n${'x'.repeat(300_000)}`;
/** What no picture of ours needs, though it is of the same kind as what it does. */
const OURS = /\u001b\[(?:\d+m|\?25[lh]|\d*[AG]|[02]?K|0?J)/g;
/** A megabyte for a run of one host is far more than any sink needs, and far less than the host sends. */
const SINK_CHARS_MAX = 200_000;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-hostile-'));
  writeFileSync(join(folder, 'inventory.yml'), INVENTORY);
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** Everything that one call of the program writes, by where it went. */
const sinksOf = async (line: string, wire: Wire, over: Partial<Surroundings> = {}) => {
  const drawn: string[] = [];
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, 'write').mockImplementation((text) => {
      drawn.push(String(text));
      return true;
    });
  }
  const outside = testSurroundings({
    argv: `${line} --report report.json`.split(' '),
    cwd: folder,
    home: folder,
    env: { XDG_STATE_HOME: join(folder, 'state') },
    ...over,
  });
  const { exitCode } = await invoke(outside, wire).finally(() => vi.restoreAllMocks());
  const runs = join(folder, 'state', 'duo-fleet', 'runs');
  const journals = readdirSync(runs).map((run) => readFileSync(join(runs, run, 'events.jsonl'), 'utf8'));
  return {
    exitCode,
    sinks: {
      stdout: outside.written.stdout,
      stderr: outside.written.stderr,
      drawn: drawn.join(''),
      journal: journals.join(''),
      report: readFileSync(join(folder, 'report.json'), 'utf8'),
    },
  };
};

const expectHarmless = (sinks: Readonly<Record<string, string>>): void => {
  for (const [name, text] of Object.entries(sinks)) {
    expect(`${name}: ${steeringOf(text.replaceAll(OURS, '')) ?? 'harmless'}`).toBe(`${name}: harmless`);
    expect(text.includes(SKEY), `the secret in ${name}`).toBe(false);
    expect(text.length, `the length of ${name}`).toBeLessThan(SINK_CHARS_MAX);
  }
};

/** A remote whose host does as it is told until one moment, at which it lies. */
type Lie = Partial<HostSession> & { readonly connect?: () => never };
const lyingRemote = (honest: Remote, lie: Lie, login?: LoginOutcome): Remote => ({
  connect: async (settings, options) => {
    lie.connect?.();
    const session = await honest.connect(settings, options);
    return new Proxy(session, {
      get: (target, name) => {
        const lied = lie[name as keyof Lie];
        if (lied !== undefined) return lied;
        const value = target[name as keyof HostSession] as unknown;
        return typeof value === 'function' ? (value as (...words: unknown[]) => unknown).bind(target) : value;
      },
    });
  },
  login: (settings, attempt, deadlineMs) =>
    login === undefined ? honest.login(settings, attempt, deadlineMs) : Promise.resolve(login),
});

/** The real engine over that remote; its events reach the journal and the view when it is over, for its time is not ours. */
const engineOver =
  (lie: (honest: Remote) => Remote, mode: 'apply' | 'verify' = 'apply'): Wire =>
  async () =>
  async (_settings, emit) => {
    const scene = makeScene(oldState, settingsWithPeople);
    const result = await scene.apply({ mode, remote: lie(scene.link.remote), probe: scene.probe });
    for (const event of scene.events) await emit(event);
    return result;
  };

const guardLies =
  (operation: GuardOperation, reply: GuardReply) =>
  (honest: Remote): Remote => ({
    ...honest,
    connect: async (settings, options) => {
      const session = await honest.connect(settings, options);
      const guard = async (call: GuardCall): Promise<GuardReply> => {
        if (call.operation !== operation) return session.guard(call);
        call.onMark?.(`task-started snapshot`);
        call.onMark?.(`task-ended snapshot ${LIE}`);
        call.onMark?.(LIE);
        return reply;
      };
      return Object.assign(Object.create(session) as HostSession, session, { guard });
    },
  });

const OPERATIONS: readonly GuardOperation[] = ['claim', 'prepare', 'activate', 'confirm', 'revert', 'status'];
const CODES = [0, 1, 64, 75, 76, 77, 127, 255];
const REPLIES = CODES.flatMap((code) => [
  { code, lines: [LIE] },
  {
    code,
    lines: [
      `E: error ${LIE}`,
      `operator=${LIE}`,
      `run=${LIE}`,
      `since=${LIE}`,
      `ended ${LIE}`,
      `state ${LIE}`,
    ],
  },
]);

const outcomes: readonly LoginOutcome[] = [
  { kind: 'in', exitCode: 1, output: LIE, prompts: [LIE] },
  { kind: 'in', exitCode: 0, output: LIE, prompts: [] },
  { kind: 'refused', prompts: [LIE] },
  { kind: 'unproven', message: LIE },
];

const DUO_LIES: PreflightFacts = {
  target: { name: LIE, port: 443, isProxy: false },
  unproven: null,
  addresses: [
    { address: LIE, kind: 'untrusted', why: LIE },
    { address: LIE, kind: 'no-tls', why: LIE },
    { address: LIE, kind: 'unproven', why: LIE },
  ],
  addressesLeft: 1,
  cafile: 'unusable',
  clock: { hostEpochS: 1, duoEpochS: 999_999_999_999 },
  keys: { kind: 'unproven', why: LIE },
  enrolment: { [LIE]: { kind: 'denied', why: LIE } },
};

const LIES: readonly (readonly [string, (honest: Remote) => Remote])[] = [
  ...OPERATIONS.map(
    (operation) =>
      [
        `the guard’s ${operation}`,
        (honest: Remote) => guardLies(operation, { code: 1, lines: [LIE, `E: ${LIE}`] })(honest),
      ] as const,
  ),
  ...outcomes.flatMap((outcome) => [
    [
      `a rehearsal that is ${outcome.kind}`,
      (honest: Remote) => lyingRemote(honest, { rehearse: async () => outcome }),
    ] as const,
    [`a login that is ${outcome.kind}`, (honest: Remote) => lyingRemote(honest, {}, outcome)] as const,
  ]),
  [
    'the log',
    (honest) => lyingRemote(honest, { duoLog: async () => [LIE, `Failsafe Duo login for 'canary' ${LIE}`] }),
  ],
  ['the look at Duo', (honest) => lyingRemote(honest, { preflight: async () => DUO_LIES })],
  [
    'a lost link',
    (honest) =>
      lyingRemote(honest, {
        connect: () => {
          throw new Failure('link', LIE);
        },
      }),
  ],
  [
    'a crash of ours',
    (honest) =>
      lyingRemote(honest, {
        observe: async () => {
          throw new TypeError(LIE);
        },
      }),
  ],
];

describe('whatever a host says', () => {
  const views = [
    ['plain lines', '', {}],
    ['JSON', ' --json', {}],
    ['a terminal', '', { isTty: true }],
  ] as const;
  describe.each(views)('to %s', (_view, flag, { isTty = false }: { readonly isTty?: boolean }) => {
    const screen = { isTty, size: () => ({ lines: 40, columns: 100 }) };
    test.each(LIES)('as %s is harmless on screen, in the journal and in the report', async (_what, lie) => {
      const written: string[] = [];
      const stdout = { ...screen, write: async (text: string) => void written.push(text) };
      const { sinks, exitCode } = await sinksOf(
        `apply --yes${flag}`,
        engineOver(lie),
        isTty ? { stdout } : {},
      );
      expectHarmless({ ...sinks, written: written.join('') });
      expect([0, 1, 3]).toContain(exitCode);
    });
  });

  test.each(OPERATIONS)(
    'with every status of the guard at %s, the run comes to a verdict that people can read',
    async (operation) => {
      for (const reply of REPLIES) {
        const { sinks } = await sinksOf('apply --yes', engineOver(guardLies(operation, reply)));
        expectHarmless(sinks);
        const { hosts } = JSON.parse(sinks.report) as {
          hosts: readonly { failure: { reason: string } | null }[];
        };
        // A host that lies is no bug of ours.
        expect(hosts[0]?.failure?.reason).not.toBe('bug');
      }
    },
    60_000,
  );

  test('its files are harmless in a plan', async () => {
    const facts = exampleFacts();
    const lies: Facts['files'] = {
      '/etc/pam.d/sshd': fileOf(`${LIE}\n@include common-auth\n# ${LIE}\n`),
      '/etc/duo/pam_duo.conf': fileOf(`[duo]\nskey=${SPLIT}\n; ${LIE}\n`),
      '/etc/sudoers.d/sudo_timestamp_timeout': fileOf(LIE),
    };
    const looking: Wire = async (order) => async (_settings, emit) => {
      const plan = planHost(
        { ...facts, files: { ...facts.files, ...lies } },
        exampleSettings(),
        exampleTools(),
      );
      order.onPlan(plan);
      const changes = plan.changes.map(({ step, kind, target, why }) => ({ step, kind, target, why }));
      await emit({ type: 'planned', host: 'web1', digest: plan.digest, changes, findings: plan.findings });
      return {
        host: 'web1',
        verdict: 'planned',
        changes,
        findings: plan.findings,
        checks: [],
        failure: null,
        durationMs: 1,
      };
    };
    const { sinks } = await sinksOf('plan', looking);
    expectHarmless(sinks);
    expect(sinks.stdout).toContain('+++ /etc/duo/pam_duo.conf');
  });
});
