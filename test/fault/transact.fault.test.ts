// Every remote operation of a successful apply meets every fault, every action on the host meets a power loss, every
// event meets a full journal. Whatever happens, the host ends entirely old or entirely new, nothing is left on it, and
// the verdict is true.
import { describe, expect, test } from 'vitest';
import { complaintsAbout, liveIs, rowComplaints } from '../support/fake-host-checker.ts';
import { boot, powerOff } from '../support/fake-host-guard.ts';
import { FAULTS } from '../support/fake-host-link.ts';
import {
  makeScene as sceneOf,
  oldState,
  settingsWithPeople,
  type Scene,
} from '../support/fake-host-scene.ts';
import type { HostResult } from '../../src/core/verdict.ts';

/** Longer than a lease, a revert with its retries, and whatever was still on its way. */
const DUST_MS = 600_000;

/** With people whose logins are tried beside automation's, since each of them is an operation that may fail. */
const makeScene = (): Scene => sceneOf(oldState, settingsWithPeople);

const undisturbed = makeScene();
const result = await undisturbed.apply();
const { operations } = undisturbed.link;

describe('an apply that nothing disturbs', () => {
  test('is confirmed and leaves nothing behind', async () => {
    await undisturbed.time.pass(DUST_MS);
    expect(result.verdict).toBe('confirmed');
    expect(complaintsAbout(undisturbed, result)).toEqual([]);
  });

  test('takes every kind of remote operation, a renewal of the lease too', () => {
    for (const name of [
      'connect',
      'observe',
      'guard claim',
      'guard prepare',
      'holdLease',
      'renew',
      'guard activate',
      'guard confirm',
      'log mark',
      'log of canary',
      'login canary by key and Duo',
      'login breakglass by password, and sudo by password',
      'login automation with a wrong password',
    ]) {
      expect(operations).toContain(name);
    }
    expect(operations.filter((name) => name.startsWith('rehearse ')).length).toBeGreaterThan(6);
  });
});

/** What an apply did, once the dust has settled; then a run that nothing disturbs brings the host to what is declared. */
const judged = async (scene: Scene, result: HostResult): Promise<void> => {
  await scene.time.pass(DUST_MS);
  expect(complaintsAbout(scene, result)).toEqual([]);
  const before = liveIs(scene);
  scene.link.plan = [];
  scene.link.deadUntilMs = 0;
  scene.journal.fullAt = () => false;
  scene.host.onAction = () => undefined;
  const next = await scene.apply();
  await scene.time.pass(DUST_MS);
  expect(next.verdict).toBe(before === 'new' ? 'unchanged' : 'confirmed');
  expect(liveIs(scene)).toBe('new');
};

describe.each([...operations.entries()])('operation %i, %s', (at) => {
  test.each(FAULTS)(
    '%s: the host is entirely old or new, released, and the verdict is true',
    async (fault) => {
      const scene = makeScene();
      scene.link.plan = [{ at, fault }];
      const result = await scene.apply();
      expect(scene.link.fired()).toBe(1);
      if (result.verdict === 'stranded') expect(fault).toBe('dead');
      await judged(scene, result);
    },
  );
});

/** Where the way to an end begins: after each of these the engine has to ask the host what became of it. */
const FIRST = [
  { name: 'guard prepare', fault: 'reply-lost' },
  { name: 'guard activate', fault: 'reply-lost' },
  { name: 'guard activate', fault: 'no-answer' },
  { name: 'guard confirm', fault: 'request-lost' },
  { name: 'guard confirm', fault: 'reply-lost' },
  { name: 'guard confirm', fault: 'no-answer' },
] as const;
/** Operations after the first fault that meet a second one: more than the engine needs to come to an end. */
const AFTER_MAX = 8;

describe.each(FIRST)('after $name met $fault', ({ name, fault: firstFault }) => {
  const at = operations.indexOf(name);
  const cases = FAULTS.flatMap((fault) =>
    Array.from({ length: AFTER_MAX }, (_none, after) => ({ fault, after: after + 1 })),
  );
  test.each(cases)(
    'operation $after from there meets $fault: the verdict is true',
    async ({ fault, after }) => {
      const scene = makeScene();
      scene.link.plan = [
        { at, fault: firstFault },
        { at: at + after, fault },
      ];
      const result = await scene.apply();
      const needed = scene.link.operations.length > at + after;
      expect(scene.link.fired()).toBe(needed ? 2 : 1);
      if (result.verdict === 'stranded') expect(fault).toBe('dead');
      await judged(scene, result);
    },
  );
});

const actionsOf = (scene: Scene): readonly string[] => {
  const actions: string[] = [];
  scene.host.onAction = (_number, action) => actions.push(action);
  return actions;
};
const rehearsed = makeScene();
const actions = actionsOf(rehearsed);
await rehearsed.apply();

const reverted = makeScene();
const withRevert = actionsOf(reverted);
reverted.link.plan = [{ at: operations.indexOf('guard confirm'), fault: 'request-lost' }];
await reverted.apply();
await reverted.time.pass(DUST_MS);

/** How long the host stays down: shorter than the lease, and longer than the engine waits for it. */
const DOWN_MS = [20_000, 900_000] as const;

const losePowerAt = (scene: Scene, at: number, downMs: number): { readonly lost: () => number } => {
  const start = scene.host.actions;
  let lost = 0;
  scene.host.onAction = (number) => {
    if (number - start !== at + 1) return;
    lost += 1;
    powerOff(scene.host);
    void scene.time.sleep(downMs).then(() => boot(scene.host));
  };
  return { lost: () => lost };
};

describe.each([...actions.entries()])('power loss before action %i, %s', (at, lostAt) => {
  test.each(DOWN_MS)(
    'down for %i ms: the host ends as it was or as declared, and the verdict is true',
    async (downMs) => {
      const scene = makeScene();
      const power = losePowerAt(scene, at, downMs);
      const result = await scene.apply();
      expect(power.lost()).toBe(1);
      const asked = scene.host.memory.powered;
      await scene.time.pass(1_000_000);
      // Unarmed, nothing on the host clears up after a power loss; the next run does.
      await judgedAfterPowerLoss(scene, result, { asked, lostAt });
    },
  );
});

const judgedAfterPowerLoss = async (
  scene: Scene,
  result: HostResult,
  { asked, lostAt }: { readonly asked: boolean; readonly lostAt: string },
): Promise<void> => {
  const live = liveIs(scene);
  expect(live).not.toBe('mixed');
  if (result.verdict === 'confirmed') expect(live).toBe('new');
  else if (result.verdict === 'stranded') expect(asked).toBe(false);
  else expect([result.verdict, live]).toEqual([result.verdict, 'old']);
  expect(rowComplaints(scene.events)).toEqual([]);
  scene.host.onAction = () => undefined;
  const next = await scene.apply();
  await scene.time.pass(DUST_MS);
  expect(next.verdict).toBe(live === 'new' ? 'unchanged' : 'confirmed');
  // What was sent before the claim stood belongs to no transaction, so that nobody clears it up.
  const unclaimed = scene.host.disk.transactions.has('tx-1') ? ['a folder of a transaction is left'] : [];
  expect(unclaimed.length > 0).toBe(lostAt === 'claim');
  expect(complaintsAbout(scene, { ...next, verdict: 'confirmed' })).toEqual(unclaimed);
};

describe.each(
  [...withRevert.entries()].slice(withRevert.findIndex((action) => action.startsWith('restore'))),
)('a revert loses power before action %i, %s', (at, lostAt) => {
  test.each(DOWN_MS)('down for %i ms: the host is as it was', async (downMs) => {
    const scene = makeScene();
    scene.link.plan = [{ at: operations.indexOf('guard confirm'), fault: 'request-lost' }];
    const power = losePowerAt(scene, at, downMs);
    const result = await scene.apply();
    expect(power.lost()).toBe(1);
    const asked = scene.host.memory.powered;
    await scene.time.pass(1_000_000);
    expect(liveIs(scene)).toBe('old');
    scene.link.plan = [];
    await judgedAfterPowerLoss(scene, result, { asked, lostAt });
  });
});

describe.each([...undisturbed.events.entries()])('the journal is full at event %i', (at, event) => {
  const name = 'task' in event ? `${event.type} ${event.task}` : event.type;
  test(`${name}: the run stops, the host is as it was unless it has confirmed`, async () => {
    const scene = makeScene();
    scene.journal.fullAt = () => scene.events.length === at;
    const startedMs = scene.time.nowMs();
    const result = await scene.apply();
    expect(scene.journal.isFull()).toBe(true);
    expect(result.verdict === 'confirmed').toBe(name === 'task-ended confirm');
    // It is put back by a word over the lifeline, not by waiting for the lease.
    expect(scene.time.nowMs() - startedMs).toBeLessThan(60_000);
    await judged(scene, result);
  });
});
