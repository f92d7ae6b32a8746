// A host in a bake is live and unconfirmed for longer than a lease. Every remote operation in there meets every fault, the
// controller is killed at each of them and at every record, the power goes at any time, the journal is full at every event: the
// laws of test/support/fault-laws.ts hold, and the host is new only when all of the bake is behind it.
import { describe, expect, test } from 'vitest';
import { applyInBake, BAKE_S, bakingScene, LOOKS } from '../support/bake-scene.ts';
import { applyUntilKilled } from '../support/fake-controller.ts';
import { liveIs } from '../support/fake-host-checker.ts';
import { boot, powerOff } from '../support/fake-host-guard.ts';
import { FAULTS } from '../support/fake-host-link.ts';
import { LEASE_S, type Scene } from '../support/fake-host-scene.ts';
import { complaintsIn } from '../support/fault-laws.ts';
import { situationScene, type Disturbance } from '../support/fault-situations.ts';

const undisturbed = situationScene(false);
const whole = applyInBake(undisturbed);
const result = await whole.ending;
const { operations, connectionOf } = undisturbed.link;
/** From the first login on the live host on. */
const live = operations.indexOf('guard activate') + 1;
const confirmedAt = operations.indexOf('guard confirm');
const isBake = (event: (typeof undisturbed.events)[number]) => 'task' in event && event.task === 'bake';
const bakesAt = undisturbed.events.findIndex(isBake);

describe('a bake that nothing disturbs', () => {
  test('outlasts the lease, and the host is confirmed after it, over a connection made for that', () => {
    expect(BAKE_S).toBeGreaterThan(LEASE_S);
    expect(result.verdict).toBe('confirmed');
    expect(result.durationMs).toBeGreaterThan(BAKE_S * 1000);
    expect(operations.filter((name) => name === 'renew').length).toBeGreaterThan(BAKE_S / LEASE_S);
    expect(connectionOf.slice(0, confirmedAt - 1)).not.toContain(connectionOf[confirmedAt]);
    expect(whole.events).toEqual([
      { type: 'bake-started', wave: 1, hosts: ['web1'], bakeS: BAKE_S },
      expect.objectContaining({ type: 'bake-ended', wave: 1, decision: 'confirm' }),
    ]);
  });

  test('tries again whoever must get in, reads what Duo logged, looks for drift, and sends no login that must fail', () => {
    const asked = operations.slice(live, confirmedAt);
    for (const name of [
      'login canary by key and Duo',
      'login breakglass by password, and sudo by password',
      'log of canary',
      'observe',
    ]) {
      expect([name, asked.filter((each) => each === name).length]).toEqual([name, 1 + LOOKS]);
    }
    expect(asked.filter((name) => name === 'login automation with a wrong password')).toHaveLength(1);
  });
});

/** What is broken when this happens to an apply in a bake. */
const complaints = (place: string, disturb: (scene: Scene) => Disturbance): Promise<readonly string[]> =>
  complaintsIn({
    family: 'in a bake',
    place,
    name: place,
    locks: false,
    disturb: (scene) => {
      const baking = bakingScene(scene);
      return { run: () => baking.apply(), ...disturb(baking) };
    },
  });

test.each([...operations.entries()].slice(live))(
  'operation %i, %s, meets every fault',
  async (at, operation) => {
    for (const always of [false, true]) {
      for (const fault of FAULTS) {
        const broken = await complaints(operation, ({ link }) => {
          link.plan = [{ at, fault, always }];
          return { happened: link.fired, expected: () => 1 };
        });
        expect([fault, always, broken]).toEqual([fault, always, []]);
      }
    }
  },
);

/** A controller that is killed; unless the word was out, the host is as it was. */
const dies = (
  scene: Scene,
  records: number,
  onAsk?: (count: number, kill: () => void) => void,
): Disturbance => {
  let kills = 0;
  return {
    happened: () => kills,
    expected: () => 1,
    run: async () => {
      scene.events.push(...(await applyUntilKilled(scene, records, onAsk)));
      kills += 1;
      const wordIsOut = scene.link.operations.includes('guard confirm');
      await scene.time.pass(LEASE_S * 5_000);
      if (!wordIsOut) expect(liveIs(scene)).toBe('old');
      return null;
    },
  };
};

test.each([...undisturbed.events.entries()].slice(bakesAt))(
  'the controller is killed when record %i is on its disk',
  async (at) => {
    expect(await complaints(`record ${at}`, (scene) => dies(scene, at + 1))).toEqual([]);
  },
);

const requests = operations.filter((name) => name !== 'renew');
test.each([...requests.entries()].slice(requests.indexOf('guard activate') + 1))(
  'the controller is killed after request %i, %s, was sent',
  async (at, request) => {
    for (const laterMs of [2, 700]) {
      const broken = await complaints(request, (scene) =>
        dies(scene, Number.POSITIVE_INFINITY, (count, kill) => {
          if (count === at + 1) void scene.time.sleep(laterMs).then(kill);
        }),
      );
      expect([laterMs, broken]).toEqual([laterMs, []]);
    }
  },
);

test.each([...undisturbed.events.entries()].slice(bakesAt))('the journal is full at event %i', async (at) => {
  const broken = await complaints(`event ${at}`, (scene) => {
    scene.journal.fullAt = () => scene.events.length === at;
    return { happened: () => Number(scene.journal.isFull()), expected: () => 1 };
  });
  expect(broken).toEqual([]);
});

describe.each([1, 20, 45, 70, 89])('%i seconds into the bake', (atS) => {
  test.each([20_000, 900_000])('the power goes for %i ms: the host is as it was', async (downMs) => {
    const broken = await complaints('power', (scene) => {
      let lost = 0;
      return {
        happened: () => lost,
        expected: () => 1,
        run: async () => {
          const { events, ending } = applyInBake(scene);
          const cut = async (): Promise<void> => {
            while (!events.some(({ type }) => type === 'bake-started')) await scene.time.sleep(100);
            await scene.time.sleep(atS * 1000);
            lost += 1;
            powerOff(scene.host);
            await scene.time.sleep(downMs);
            await boot(scene.host);
          };
          void cut();
          const came = await ending;
          expect(came.verdict).not.toBe('confirmed');
          expect(events.at(-1)).toMatchObject({ type: 'bake-ended', decision: 'revert' });
          return came;
        },
      };
    });
    expect(broken).toEqual([]);
  });
});

test('a bake that is stopped half-way puts the host back at once, by its word and not by its lease', async () => {
  const scene = situationScene(false);
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
  expect(liveIs(scene)).toBe('old');
});
