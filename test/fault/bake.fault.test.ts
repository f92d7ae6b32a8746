// A host in a bake is live and unconfirmed for longer than a lease. Every remote operation in there meets every fault, the
// controller is killed at each of them, the power goes at any time, the journal is full at every event: the host ends old or
// new, and new only when all of the bake is behind it.
import { describe, expect, test } from 'vitest';
import type { HostResult } from '../../src/core/verdict.ts';
import { applyInBake, BAKE_S } from '../support/bake-scene.ts';
import { fakeController } from '../support/fake-controller.ts';
import { complaintsAbout, liveIs } from '../support/fake-host-checker.ts';
import { boot, powerOff } from '../support/fake-host-guard.ts';
import { FAULTS } from '../support/fake-host-link.ts';
import {
  LEASE_S,
  makeScene as sceneOf,
  oldState,
  settingsWithPeople,
  type Scene,
} from '../support/fake-host-scene.ts';

const DUST_MS = 600_000;
const makeScene = (): Scene => sceneOf(oldState, settingsWithPeople);

const undisturbed = makeScene();
const startedMs = undisturbed.time.nowMs();
const whole = applyInBake(undisturbed);
const result = await whole.ending;
const { operations, connectionOf } = undisturbed.link;
/** From the first login on the live host to the end. */
const live = operations.indexOf('guard activate') + 1;
const confirmedAt = operations.indexOf('guard confirm');

describe('a bake that nothing disturbs', () => {
  test('outlasts the lease, and the host is confirmed after it, over a connection made for that', async () => {
    await undisturbed.time.pass(DUST_MS);
    expect(BAKE_S).toBeGreaterThan(LEASE_S);
    expect(result.verdict).toBe('confirmed');
    expect(complaintsAbout(undisturbed, result)).toEqual([]);
    expect(undisturbed.time.nowMs() - startedMs).toBeGreaterThan(BAKE_S * 1000);
    expect(operations.filter((name) => name === 'renew').length).toBeGreaterThan(BAKE_S / LEASE_S);
    const before = connectionOf.slice(0, confirmedAt - 1);
    expect(before).not.toContain(connectionOf[confirmedAt]);
    expect(whole.events).toEqual([
      { type: 'bake-started', wave: 1, hosts: ['web1'], bakeS: BAKE_S },
      {
        type: 'bake-ended',
        wave: 1,
        decision: 'confirm',
        why: 'whatever was looked at was as it must be',
      },
    ]);
  });

  test('tries again whoever must get in, reads what Duo logged, looks for drift, and sends no login that must fail', () => {
    const inBake = operations.slice(live, confirmedAt);
    // Before the bake, and at each of its three looks.
    for (const name of [
      'login canary by key and Duo',
      'login breakglass by password, and sudo by password',
      'log of canary',
      'observe',
    ]) {
      expect(inBake.filter((each) => each === name)).toHaveLength(4);
    }
    expect(inBake.filter((name) => name === 'login automation with a wrong password')).toHaveLength(1);
  });
});

/** Once the dust has settled: old or new, nothing left, the verdict is true, and the next apply brings it there. */
const judged = async (scene: Scene, came: HostResult): Promise<void> => {
  await scene.time.pass(DUST_MS);
  expect(complaintsAbout(scene, came)).toEqual([]);
  const before = liveIs(scene);
  scene.link.plan = [];
  scene.link.deadUntilMs = 0;
  scene.journal.fullAt = () => false;
  const next = await scene.apply();
  expect(next.verdict).toBe(before === 'new' ? 'unchanged' : 'confirmed');
};

describe.each([...operations.entries()].slice(live))('operation %i, %s', (at) => {
  test.each(FAULTS)('%s: the host is old or new, released, and the verdict is true', async (fault) => {
    const scene = makeScene();
    scene.link.plan = [{ at, fault }];
    const { ending } = applyInBake(scene);
    const came = await ending;
    expect(scene.link.fired()).toBe(1);
    if (came.verdict === 'stranded') expect(fault).toBe('dead');
    await judged(scene, came);
  });
});

/** An apply whose controller is killed as it is about to ask for the so-manieth operation, or never; what it asked for. */
const killedAt = async (scene: Scene, count: number): Promise<{ readonly asked: number }> => {
  let asked = 0;
  const controller = fakeController(scene.link.remote, (number) => {
    asked = number;
    if (number === count) controller.kill();
  });
  const { ending } = applyInBake(scene, {
    remote: controller.remote,
    sleep: (ms) => controller.live(scene.time.sleep(ms)),
  });
  await scene.time.until(Promise.race([ending, controller.died]));
  return { asked };
};

const { asked: askedInAll } = await killedAt(makeScene(), Number.POSITIVE_INFINITY);

describe('a controller that is killed', () => {
  test.each(Array.from({ length: askedInAll }, (_none, index) => index + 1))(
    'before it asks for operation %i: the host puts itself back, unless the word was out',
    async (count) => {
      const scene = makeScene();
      const { asked } = await killedAt(scene, count);
      expect(asked).toBe(count);
      const wordIsOut = scene.link.operations.includes('guard confirm');
      await scene.time.pass(DUST_MS);
      if (!wordIsOut) expect(liveIs(scene)).toBe('old');
      expect(['old', 'new']).toContain(liveIs(scene));
      expect(scene.host.disk.active).toBeNull();
    },
  );
});

describe.each([1, 20, 45, 70, 89])('%i seconds into the bake', (atS) => {
  test.each([5_000, 900_000])('the power goes for %i ms: the host is as it was', async (downMs) => {
    const scene = makeScene();
    const { events, ending } = applyInBake(scene);
    let lost = 0;
    const cut = async (): Promise<void> => {
      // The virtual clock moves in steps of a second at most, since the lease is renewed and looked at.
      while (!events.some(({ type }) => type === 'bake-started')) await scene.time.sleep(100);
      await scene.time.sleep(atS * 1000);
      lost += 1;
      powerOff(scene.host);
      await scene.time.sleep(downMs);
      await boot(scene.host);
    };
    const cutting = cut();
    const came = await scene.time.until(ending);
    await scene.time.until(cutting);
    expect(lost).toBe(1);
    await scene.time.pass(DUST_MS);
    expect(liveIs(scene)).toBe('old');
    expect(came.verdict).not.toBe('confirmed');
    expect(events.at(-1)).toMatchObject({ type: 'bake-ended', decision: 'revert' });
  });
});

const inBake = undisturbed.events.findIndex((event) => 'task' in event && event.task === 'bake');
describe.each([...undisturbed.events.entries()].slice(inBake))(
  'the journal is full at event %i',
  (at, event) => {
    const name = 'task' in event ? `${event.type} ${event.task}` : event.type;
    test(`${name}: the host is as it was unless it has confirmed`, async () => {
      const scene = makeScene();
      scene.journal.fullAt = () => scene.events.length === at;
      const { ending } = applyInBake(scene);
      const came = await ending;
      expect(scene.journal.isFull()).toBe(true);
      expect(came.verdict === 'confirmed').toBe(name === 'task-ended confirm');
      await judged(scene, came);
    });
  },
);

test('a bake that is stopped half-way puts the host back at once, by its word and not by its lease', async () => {
  const scene = makeScene();
  const { bake, events, ending } = applyInBake(scene);
  const stopping = scene.time.sleep(BAKE_S * 500).then(() => {
    bake.stop('SIGINT');
    return scene.time.nowMs();
  });
  const came = await ending;
  expect(scene.time.nowMs() - (await stopping)).toBeLessThan((LEASE_S * 1000) / 2);
  expect(came).toMatchObject({ verdict: 'rolled-back', failure: { step: 'bake', reason: 'exit' } });
  expect(came.failure?.message).toContain('SIGINT');
  expect(events.at(-1)).toEqual({ type: 'bake-ended', wave: 1, decision: 'revert', why: 'SIGINT' });
  await judged(scene, came);
});
