import { describe, expect, test } from 'vitest';
import type { Finding } from '../../../src/core/finding.ts';
import type { PreflightFacts } from '../../../src/core/preflight.ts';
import { makeEnrolmentBook } from '../../../src/engine/enrolment-book.ts';
import type { PreflightDeps } from '../../../src/engine/transact-deps.ts';
import { DUO_WELL } from '../../support/fake-host.ts';
import { makeScene, newState, scenePreflight, type Scene } from '../../support/fake-host-scene.ts';

const BAD_KEYS: PreflightFacts = { ...DUO_WELL, keys: { kind: 'refused', why: 'HTTP 401' } };
const rulesOf = (findings: readonly Finding[]) => findings.map(({ rule }) => rule);
const looksOf = ({ link }: Scene) => link.operations.filter((name) => name === 'preflight').length;
const guardCalls = ({ link }: Scene) => link.operations.filter((name) => name.startsWith('guard '));
const sceneWith = (duo: PreflightFacts, live?: typeof newState): Scene => {
  const scene = makeScene(live);
  scene.host.duo = duo;
  return scene;
};

describe('a look at Duo that finds a breach', () => {
  test('refuses the host before anything of ours is on it', async () => {
    const scene = sceneWith(BAD_KEYS);
    const result = await scene.apply();
    expect([result.verdict, rulesOf(result.findings), result.changes]).toEqual(['refused', ['duo-keys'], []]);
    expect(guardCalls(scene)).toEqual([]);
  });

  test('is told by plan, with the changes that are waiting', async () => {
    const result = await sceneWith(BAD_KEYS).apply({ mode: 'plan' });
    expect([result.verdict, rulesOf(result.findings)]).toEqual(['refused', ['duo-keys']]);
    expect(result.changes.length).toBeGreaterThan(0);
  });

  test('is drift for verify', async () => {
    const result = await sceneWith(BAD_KEYS, newState).apply({ mode: 'verify' });
    expect([result.verdict, rulesOf(result.findings)]).toEqual(['drifted', ['duo-keys']]);
  });
});

describe('a look at Duo', () => {
  test('that finds something to warn of stands in nobody’s way', async () => {
    const scene = sceneWith({ ...DUO_WELL, unproven: 'there is no bash' });
    const result = await scene.apply();
    expect([result.verdict, rulesOf(result.findings)]).toEqual(['confirmed', ['duo-unproven']]);
  });

  test('is not paid for by a host that is as declared, nor by one that is refused already', async () => {
    const unchanged = sceneWith(BAD_KEYS, newState);
    expect((await unchanged.apply()).verdict).toBe('unchanged');
    const refused = sceneWith(BAD_KEYS);
    refused.findings = [{ rule: 'open-door', persona: 'host', message: 'no', severity: 'breach' }];
    expect((await refused.apply()).verdict).toBe('refused');
    expect([looksOf(unchanged), looksOf(refused)]).toEqual([0, 0]);
  });

  test('is left out by verify only where the platform is refused', async () => {
    const finding = { persona: 'host', message: 'no', severity: 'breach' } as const;
    const looks = async (rule: string) => {
      const scene = sceneWith(DUO_WELL, newState);
      scene.findings = [{ ...finding, rule }];
      await scene.apply({ mode: 'verify' });
      return looksOf(scene);
    };
    expect([await looks('platform-unsupported'), await looks('open-door')]).toEqual([0, 1]);
  });

  test('whose connection breaks is unproven and no failure of its own', async () => {
    const scene = makeScene();
    const at = await sceneOperations('preflight');
    scene.link.plan = [{ at, fault: 'no-answer' }];
    const result = await scene.apply();
    expect([result.verdict, rulesOf(result.findings)]).toEqual(['confirmed', ['duo-unproven']]);
  });

  test('makes the comparison with our own clock superfluous where Duo tells the time', async () => {
    const skew: Finding = { rule: 'clock-skew', persona: 'host', message: 'off', severity: 'warning' };
    const rules = async (clock: PreflightFacts['clock']) => {
      const scene = sceneWith({ ...DUO_WELL, clock });
      scene.findings = [skew];
      return rulesOf((await scene.apply({ mode: 'plan' })).findings);
    };
    expect(await rules(null)).toEqual(['clock-skew']);
    expect(await rules({ hostEpochS: 1000, duoEpochS: 1000 })).toEqual([]);
    expect(await rules({ hostEpochS: 2000, duoEpochS: 1000 })).toEqual(['duo-clock']);
  });
});

test('what the plan says of LoginGraceTime is told once, by the number of addresses that Duo really has', async () => {
  const short: Finding = { rule: 'login-grace-short', persona: 'member', message: '', severity: 'warning' };
  const grace: Finding = { rule: 'duo-grace-time', persona: 'host', message: '', severity: 'warning' };
  const rules = async (found: readonly Finding[]) => {
    const scene = makeScene();
    scene.findings = [short];
    const preflight = { ...scenePreflight, findings: () => found };
    return rulesOf((await scene.apply({ mode: 'plan', preflight })).findings);
  };
  expect([await rules([]), await rules([grace])]).toEqual([['login-grace-short'], ['duo-grace-time']]);
});

test('enrolment is asked for where it is wanted, also on a host that is as declared', async () => {
  const scene = sceneWith({ ...DUO_WELL, enrolment: { amy: { kind: 'not-enrolled' } } }, newState);
  const result = await scene.apply({ preflight: { ...scenePreflight, members: () => ['amy'] } });
  expect([result.verdict, rulesOf(result.findings), looksOf(scene)]).toEqual([
    'unchanged',
    ['duo-not-enrolled'],
    1,
  ]);
});

test.each([
  ['counts for the hosts after it, since nobody on its way can answer in Duo’s name', null, 'bypass'],
  [
    'counts for nobody else under a CA file of its own, by which it can answer in Duo’s name',
    '/etc/ca.pem',
    'not-enrolled',
  ],
] as const)('what one host hears of a user %s', async (_what, cafile, second) => {
  const book = makeEnrolmentBook();
  const heard: unknown[] = [];
  const preflight: PreflightDeps = {
    ...scenePreflight,
    members: () => ['amy'],
    request: (settings, enrolment) => ({ ...scenePreflight.request(settings, enrolment), cafile }),
    bookFor: () => book,
    findings: ({ enrolment }) => {
      heard.push(enrolment['amy']?.kind);
      return [];
    },
  };
  for (const kind of ['bypass', 'not-enrolled'] as const) {
    await sceneWith({ ...DUO_WELL, enrolment: { amy: { kind } } }, newState).apply({ preflight });
  }
  expect(heard).toEqual(['bypass', second]);
});

/** The place of an operation in an apply that nothing disturbs. */
const sceneOperations = async (name: string): Promise<number> => {
  const scene = makeScene();
  await scene.apply();
  return scene.link.operations.indexOf(name);
};
