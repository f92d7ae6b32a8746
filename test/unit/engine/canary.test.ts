// Logins of people beside automation's: in the rehearsal, after activation, and by verify --probe.
import { describe, expect, test } from 'vitest';
import { isAsItMust, type HostResult } from '../../../src/core/verdict.ts';
import { complaintsAbout, liveIs } from '../../support/fake-host-checker.ts';
import { BREAK_GLASS } from '../../support/fake-host.ts';
import {
  makeScene,
  newState,
  oldState,
  settingsWithPeople,
  type Scene,
} from '../../support/fake-host-scene.ts';

const DUST_MS = 600_000;
const withPeople = (): Scene => makeScene(oldState, settingsWithPeople);
const applied = async (scene: Scene): Promise<HostResult> => {
  const result = await scene.apply();
  await scene.time.pass(DUST_MS);
  return result;
};
const failsafe = (user: string): string => `sshd[1]: Failsafe Duo login for '${user}' from UNKNOWN: HTTP 500`;
const at = (scene: Scene, name: string): number => scene.link.operations.indexOf(name);

describe('an apply on a host with a canary user and a break-glass password', () => {
  test('is confirmed, and every login that was tried is in its result, each as it must be', async () => {
    const scene = withPeople();
    const result = await applied(scene);
    expect(result.verdict).toBe('confirmed');
    expect(result.checks.every(isAsItMust)).toBe(true);
    expect(result.checks.filter(({ phase }) => phase === 'canary').map(({ title }) => title)).toEqual([
      'automation by key, and sudo -n true',
      'canary by key and Duo',
      'breakglass by password, and sudo by password',
      'automation with a wrong password',
    ]);
    expect(result.checks.filter(({ phase }) => phase === 'rehearse').length).toBe(
      scene.link.operations.filter((name) => name.startsWith('rehearse ')).length,
    );
  });

  test('tries nobody over the network before activation, and confirms only when all of them are as they must be', async () => {
    const scene = withPeople();
    await applied(scene);
    const logins = scene.link.operations.flatMap((name, index) => (name.startsWith('login ') ? [index] : []));
    expect(logins.length).toBe(3);
    expect(Math.min(...logins)).toBeGreaterThan(at(scene, 'guard activate'));
    expect(Math.max(...logins)).toBeLessThan(at(scene, 'guard confirm'));
  });

  test('waits for the place in the log as long as what the host has to do before it takes', async () => {
    const scene = withPeople();
    scene.host.slowMs = 25_000;
    const result = await applied(scene);
    expect(result.durationMs).toBeGreaterThan(240_000);
    expect([result.verdict, result.failure]).toEqual(['confirmed', null]);
  });
});

describe('Duo’s module, in the rehearsal', () => {
  test.each([
    ['Failsafe', failsafe, 'open', 'canary-failsafe'],
    [
      'bypassed',
      (user: string) => `User ${user} bypassed Duo 2FA due to user's UNIX group`,
      'open',
      'canary-bypassed',
    ],
    ['Failsecure', (user: string) => `Failsecure Duo login for '${user}'`, 'locked', 'canary-failsecure'],
    ['nothing', () => 'Accepted publickey', 'open', 'canary-silent'],
  ] as const)(
    'that says %s ends it refused, with the line, nothing live changed',
    async (_what, says, reason, rule) => {
      const scene = withPeople();
      scene.host.duoSays = says;
      const result = await applied(scene);
      expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
        'refused',
        reason,
        'rehearse',
      ]);
      expect(result.failure?.message).toContain(`[${rule}]`);
      if (rule !== 'canary-silent') expect(result.failure?.message).toContain(says('canary').slice(9));
      expect(result.checks.find(({ title }) => title === 'canary by key and Duo')?.result).toBe('unproven');
      expect(liveIs(scene)).toBe('old');
      expect(complaintsAbout(scene, result)).toEqual([]);
    },
  );

  test('said it of a login before this one: that counts for nothing', async () => {
    const scene = withPeople();
    scene.host.log.push(failsafe('canary'));
    expect((await applied(scene)).verdict).toBe('confirmed');
  });

  test('whose log cannot be read proves nothing: refused', async () => {
    const undisturbed = withPeople();
    await applied(undisturbed);
    const scene = withPeople();
    scene.link.plan = [{ at: at(undisturbed, 'log of canary'), fault: 'no-answer' }];
    const result = await applied(scene);
    expect(result.verdict).toBe('refused');
    expect(result.failure?.message).toContain('whether Duo was asked for canary is not known');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });
});

describe('after activation', () => {
  test.each([
    ['Duo’s module says Failsafe', 'open', (scene: Scene) => (scene.host.duoSays = failsafe)],
    [
      'the canary user is refused',
      'locked',
      (scene: Scene) => (scene.host.login = () => ({ kind: 'refused', prompts: [] })),
    ],
    [
      'break-glass’s sudo does not work',
      'locked',
      (scene: Scene) => {
        const { login } = scene.host;
        scene.host.login = (attempt) =>
          attempt.user === BREAK_GLASS
            ? { kind: 'in', exitCode: 1, output: 'breakglass is not in the sudoers file', prompts: [] }
            : login(attempt);
      },
    ],
    [
      'a wrong password of automation gets in',
      'open',
      (scene: Scene) => {
        const { login } = scene.host;
        scene.host.login = (attempt) =>
          attempt.user === 'automation'
            ? { kind: 'in', exitCode: null, output: '', prompts: [] }
            : login(attempt);
      },
    ],
    [
      'a login cannot be tried',
      'exit',
      (scene: Scene) => (scene.host.login = () => ({ kind: 'unproven', message: 'no route' })),
    ],
  ] as const)('%s: the host is put back, and is told why', async (_what, reason, turn) => {
    const scene = withPeople();
    scene.host.onAction = () => {
      if (liveIs(scene) === 'new') turn(scene);
    };
    // The last action of an activation comes before its last file is there; from then on the world is another one.
    const result = await applied(scene);
    expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
      'rolled-back',
      reason,
      'canary',
    ]);
    expect(liveIs(scene)).toBe('old');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });
});

const probed = (scene: Scene) => scene.apply({ mode: 'verify', probe: scene.probe });

describe('verify --probe', () => {
  test('tries automation, the canary user and break-glass, none of them wrongly, and calls no guard', async () => {
    const scene = makeScene(newState, settingsWithPeople);
    const result = await probed(scene);
    expect(result.verdict).toBe('compliant');
    expect(result.checks.map(({ title, result: came }) => [title, came])).toEqual([
      ['automation by key, and sudo -n true', 'in'],
      ['canary by key and Duo', 'in'],
      ['breakglass by password, and sudo by password', 'in'],
    ]);
    expect(scene.link.operations.filter((name) => name.startsWith('guard'))).toEqual([]);
  });

  test('finds by name what Duo’s module says, and tries everybody all the same', async () => {
    const scene = makeScene(newState, settingsWithPeople);
    scene.host.duoSays = failsafe;
    const result = await probed(scene);
    expect(result.verdict).toBe('drifted');
    expect(result.findings.map(({ rule, persona }) => [rule, persona])).toEqual([
      ['canary-failsafe', 'canary'],
    ]);
    expect(result.checks.map(({ result: came }) => came)).toEqual(['in', 'unproven', 'in']);
  });

  test('finds a login that is refused', async () => {
    const scene = makeScene(newState, settingsWithPeople);
    scene.host.login = () => ({ kind: 'refused', prompts: [] });
    const result = await probed(scene);
    expect(result.findings.map(({ rule }) => rule)).toEqual(['probe-failed', 'probe-failed', 'probe-failed']);
  });

  test('tells the operator of a push before it is sent, and tries nobody whose notice could not be written', async () => {
    const scene = makeScene(newState, settingsWithPeople);
    const [automation] = scene.probe(settingsWithPeople, '');
    const asked = { ...automation!, notice: "approve Duo's push for alice now (60 s)" };
    const result = await scene.apply({ mode: 'verify', probe: () => [asked] });
    expect(result.verdict).toBe('compliant');
    expect(scene.events).toContainEqual({ type: 'noted', host: 'web1', note: asked.notice });
    const full = makeScene(newState, settingsWithPeople);
    full.journal.fullAt = ({ type }) => type === 'noted';
    const failed = await full.apply({ mode: 'verify', probe: () => [asked] });
    expect(failed.failure).not.toBeNull();
    expect(full.link.operations.filter((name) => name.startsWith('login'))).toEqual([]);
  });
});
