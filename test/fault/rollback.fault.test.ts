// The laws of an apply (transact.fault.test.ts), for a rollback: whatever its operations, its host's power or its journal
// meet, the host ends entirely as it was before the apply or entirely as the apply left it, and the verdict is true.
import { describe, expect, test } from 'vitest';
import type { HostResult } from '../../src/core/verdict.ts';
import { complaintsAbout, liveIs, rowComplaints } from '../support/fake-host-checker.ts';
import { boot, powerOff } from '../support/fake-host-guard.ts';
import { FAULTS } from '../support/fake-host-link.ts';
import { makeScene, oldState, settingsWithPeople, type Scene } from '../support/fake-host-scene.ts';

/** Longer than a lease, a revert with its retries, and whatever was still on its way. */
const DUST_MS = 600_000;
/** How long the host stays down: shorter than the lease, and longer than the engine waits for it. */
const DOWN_MS = [20_000, 900_000] as const;

/** A host that an apply has brought to what is declared. */
const applied = async (): Promise<Scene> => {
  const scene = makeScene(oldState, settingsWithPeople);
  const result = await scene.apply();
  await scene.time.pass(DUST_MS);
  expect([result.verdict, liveIs(scene)]).toEqual(['confirmed', 'new']);
  scene.events.length = 0;
  // What is judged is the rollback's record.
  scene.host.disk.ended.clear();
  return scene;
};

const undisturbed = await applied();
const before = undisturbed.link.operations.length;
const actions: string[] = [];
undisturbed.host.onAction = (_number, action) => actions.push(action);
const result = await undisturbed.rollback();
await undisturbed.time.pass(DUST_MS);
const operations = undisturbed.link.operations.slice(before);

describe('a rollback that nothing disturbs', () => {
  test('is confirmed, the host is as before the apply, and nothing is left behind', () => {
    expect(result.verdict).toBe('confirmed');
    expect(result.changes.map(({ kind }) => kind)).toContain('restore-packages');
    expect(complaintsAbout(undisturbed, result, 'old')).toEqual([]);
  });

  test('asks what is kept, and looks at the host as it would be before anything is live', () => {
    for (const name of ['guard kept', 'look ahead', 'guard claim', 'guard activate', 'guard confirm']) {
      expect(operations).toContain(name);
    }
    expect(operations.indexOf('look ahead')).toBeLessThan(operations.indexOf('guard activate'));
    expect(operations.some((name) => name.startsWith('rehearse '))).toBe(true);
  });
});

/** Once the dust has settled; then a rollback that nothing disturbs brings the host there. */
const judged = async (scene: Scene, ended: HostResult): Promise<void> => {
  await scene.time.pass(DUST_MS);
  expect(complaintsAbout(scene, ended, 'old')).toEqual([]);
  await finished(scene);
};

const finished = async (scene: Scene): Promise<void> => {
  const was = liveIs(scene);
  scene.link.plan = [];
  scene.link.deadUntilMs = 0;
  scene.journal.fullAt = () => false;
  scene.host.onAction = () => undefined;
  const next = await scene.rollback();
  await scene.time.pass(DUST_MS);
  expect([was, next.verdict]).toEqual([was, was === 'old' ? 'unchanged' : 'confirmed']);
  expect(liveIs(scene)).toBe('old');
};

describe.each([...operations.entries()])('operation %i of a rollback, %s', (at) => {
  test.each(FAULTS)(
    '%s: the host is entirely old or new, released, and the verdict is true',
    async (fault) => {
      const scene = await applied();
      scene.link.plan = [{ at: before + at, fault }];
      const ended = await scene.rollback();
      expect(scene.link.fired()).toBe(1);
      if (ended.verdict === 'stranded') expect(fault).toBe('dead');
      await judged(scene, ended);
    },
  );
});

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

describe.each([...actions.entries()])('power loss before action %i of a rollback, %s', (at) => {
  test.each(DOWN_MS)(
    'down for %i ms: the host is entirely old or new, and the verdict is true',
    async (downMs) => {
      const scene = await applied();
      const power = losePowerAt(scene, at, downMs);
      const ended = await scene.rollback();
      expect(power.lost()).toBe(1);
      const asked = scene.host.memory.powered;
      await scene.time.pass(1_000_000);
      const live = liveIs(scene);
      expect(live).not.toBe('mixed');
      if (ended.verdict === 'confirmed') expect(live).toBe('old');
      else if (ended.verdict === 'stranded') expect(asked).toBe(false);
      else expect([ended.verdict, live]).toEqual([ended.verdict, 'new']);
      expect(rowComplaints(scene.events)).toEqual([]);
      await finished(scene);
    },
  );
});

describe.each([...undisturbed.events.entries()])(
  'the journal of a rollback is full at event %i',
  (at, event) => {
    const name = 'task' in event ? `${event.type} ${event.task}` : event.type;
    test(`${name}: the run stops, and the host is as the apply left it unless it has confirmed`, async () => {
      const scene = await applied();
      scene.journal.fullAt = () => scene.events.length === at;
      const ended = await scene.rollback();
      expect(scene.journal.isFull()).toBe(true);
      expect(ended.verdict === 'confirmed').toBe(name === 'task-ended confirm');
      await judged(scene, ended);
    });
  },
);

describe('a second rollback', () => {
  test('of the rollback, by its run, brings back what the apply had left', async () => {
    const scene = await applied();
    await scene.rollback();
    expect(liveIs(scene)).toBe('old');
    const again = await scene.rollback({ run: 'run-2' });
    await scene.time.pass(DUST_MS);
    expect(again.verdict).toBe('confirmed');
    expect(liveIs(scene)).toBe('new');
    const third = await scene.rollback();
    await scene.time.pass(DUST_MS);
    expect([third.verdict, liveIs(scene)]).toEqual(['confirmed', 'old']);
    expect((await scene.rollback()).verdict).toBe('unchanged');
  });

  test('without a run changes nothing, and says by which run the host was rolled back', async () => {
    const scene = await applied();
    await scene.rollback();
    const again = await scene.rollback();
    expect([again.verdict, again.findings[0]?.rule]).toEqual(['unchanged', 'already-rolled-back']);
    expect(again.findings[0]?.message).toContain('--run run-2');
    expect(liveIs(scene)).toBe('old');
  });
});

describe('a rollback is refused, and nothing is claimed,', () => {
  test('where a file was edited since, naming it; with discard-edits it is put back', async () => {
    const scene = await applied();
    scene.host.files.set('/etc/pam.d/sudo', { text: 'by hand\n', mode: 0o644 });
    const refused = await scene.rollback();
    expect(refused.verdict).toBe('refused');
    expect(refused.findings[0]?.rule).toBe('edited-since');
    expect(refused.findings[0]?.message).toContain('/etc/pam.d/sudo');
    expect(scene.host.disk.ended.size).toBe(0);
    expect((await scene.rollback({ discardEdits: true })).verdict).toBe('confirmed');
    await scene.time.pass(DUST_MS);
    expect(liveIs(scene)).toBe('old');
  });

  test('on a host that keeps nothing of that run, naming the runs that it has', async () => {
    const scene = await applied();
    const refused = await scene.rollback({ run: '20260101-000000-abcd' });
    expect([refused.verdict, refused.findings[0]?.rule]).toEqual(['refused', 'no-snapshot']);
    expect(refused.findings[0]?.message).toContain('it has those of run-1 (2026-01-01)');
  });
});

test('a host that would lock somebody out is put back before anything of it is live', async () => {
  const scene = await applied();
  scene.judged = [
    { rule: 'automation-shut-out', persona: 'automation', severity: 'breach', message: 'could not log in' },
  ];
  const refused = await scene.rollback();
  expect([refused.verdict, refused.failure?.reason]).toEqual(['refused', 'locked']);
  scene.judged = [];
  await judged(scene, refused);
});

test('where no namespace is to be had, that is said, and the canary and the lease are what is left', async () => {
  const scene = await applied();
  scene.host.noNamespace = 'unshare: Operation not permitted';
  const done = await scene.rollback();
  await scene.time.pass(DUST_MS);
  expect([done.verdict, liveIs(scene)]).toEqual(['confirmed', 'old']);
  expect(done.findings.map(({ rule }) => rule)).toEqual(['not-looked-ahead', 'not-rehearsed']);
});

test('where a door of the old state was seen, no login is tried that it would let in', async () => {
  const scene = await applied();
  scene.judged = [
    { rule: 'stack-without-proof', persona: 'host', severity: 'warning', message: 'as before that run' },
  ];
  const done = await scene.rollback();
  expect(done.verdict).toBe('confirmed');
  expect(done.checks.map(({ must }) => must)).not.toContain('be-refused');
  expect(done.findings.map(({ rule }) => rule)).toContain('stack-without-proof');
});
