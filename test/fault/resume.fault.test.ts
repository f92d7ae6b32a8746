// The controller is killed at every record of its journal, and what is left of the journal is resumed: at once, while the
// lease still runs, after the host has put itself back, and after a power loss. Then it is resumed again.
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../src/core/event.ts';
import { foldRun } from '../../src/core/run-state.ts';
import { isAtGoal, isUnfinished, standingsOf, type RunRecord } from '../../src/core/standing.ts';
import type { HostResult } from '../../src/core/verdict.ts';
import { journalLine, parseJournal } from '../../src/engine/journal.ts';
import { applyUntilKilled, fakeController } from '../support/fake-controller.ts';
import { complaintsAbout, liveIs } from '../support/fake-host-checker.ts';
import { boot, powerOff } from '../support/fake-host-guard.ts';
import { LEASE_S, makeScene, type Scene } from '../support/fake-host-scene.ts';

const DUST_MS = 600_000;
const OLD = 'run-1';
const NEW = 'run-2';

const startOf = (run: string, resumes: string | null): RunEvent => ({
  type: 'run-started',
  run,
  command: resumes === null ? 'apply' : 'resume',
  operator: 'ada@bastion',
  hosts: ['web1'],
  version: 'v',
  inventory: '/inventory.yml',
  leaseS: LEASE_S,
  ...(resumes === null ? {} : { resumes }),
});

/** The text of a journal with these events. */
const journalOf = (events: readonly RunEvent[]): string =>
  events.map((event, seq) => journalLine({ ...event, seq, at: seq })).join('');

const recordOf = (run: string, text: string): RunRecord => ({
  run,
  state: foldRun(parseJournal(text).events),
});

const undisturbed = makeScene();
await undisturbed.apply();
const records = undisturbed.events.map((event) =>
  'task' in event ? `${event.type} ${event.task}` : event.type,
);

/** Resumes what these journals leave, as the command does, and gives back its result and its own journal. */
const resume = async (
  scene: Scene,
  journals: readonly RunRecord[],
  thenApply = true,
): Promise<{ readonly result: HostResult; readonly record: RunRecord }> => {
  const [standing] = standingsOf(OLD, journals);
  scene.events.splice(0);
  const result = await scene.apply({
    run: NEW,
    earlier: () => ({
      run: standing?.open?.run ?? OLD,
      tx: standing?.open?.tx ?? null,
      changes: standing?.open?.changes ?? [],
      dead: new Map([[OLD, LEASE_S]]),
      thenApply,
    }),
  });
  const events: RunEvent[] = [startOf(NEW, OLD), ...scene.events, { type: 'host-ended', result }];
  return { result, record: recordOf(NEW, journalOf(events)) };
};

/** Once the dust has settled: the verdict is true, nothing is left, and there is nothing to resume any more. */
const judged = async (
  scene: Scene,
  { result, record }: Awaited<ReturnType<typeof resume>>,
  old: RunRecord,
): Promise<void> => {
  await scene.time.pass(DUST_MS);
  expect(complaintsAbout(scene, { ...result, verdict: 'confirmed' })).toEqual([]);
  expect(['confirmed', 'unchanged']).toContain(result.verdict);
  expect(liveIs(scene)).toBe('new');
  for (const run of [OLD, NEW]) {
    const standings = standingsOf(run, [old, record]);
    expect(standings).toHaveLength(1);
    expect(standings.map(isUnfinished)).toEqual([false]);
    expect(standings.map(isAtGoal)).toEqual([true]);
  }
};

const WAYS: readonly (readonly [string, (scene: Scene) => Promise<void>])[] = [
  ['at once', async () => undefined],
  ['while the lease runs', (scene) => scene.time.pass((LEASE_S * 1000) / 2)],
  ['when the host has put itself back', (scene) => scene.time.pass(DUST_MS)],
  [
    'after a power loss',
    async (scene) => {
      powerOff(scene.host);
      await scene.time.pass(5_000);
      await scene.time.until(boot(scene.host));
    },
  ],
];

describe.each([...records.entries()])('a controller killed when record %i, %s, is on its disk', (at) => {
  test.each(WAYS)('and resumed %s: the host gets there, and twice is once', async (_, meanwhile) => {
    const scene = makeScene();
    const events = await applyUntilKilled(scene, at + 1);
    expect(events).toHaveLength(at + 1);
    await meanwhile(scene);
    const old = recordOf(OLD, journalOf([startOf(OLD, null), ...events]));
    expect(standingsOf(OLD, [old]).map(isUnfinished)).toEqual([true]);
    await judged(scene, await resume(scene, [old]), old);
  });

  test('and only settled: the verdict is what the host is', async () => {
    const scene = makeScene();
    const events = await applyUntilKilled(scene, at + 1);
    const old = recordOf(OLD, journalOf([startOf(OLD, null), ...events]));
    const { result, record } = await resume(scene, [old], false);
    await scene.time.pass(DUST_MS);
    // A host that was found as its earlier run confirmed it says so; any other one is as it was.
    expect(complaintsAbout(scene, result)).toEqual([]);
    expect(['confirmed', 'rolled-back', 'refused']).toContain(result.verdict);
    expect(standingsOf(OLD, [old, record]).map(isUnfinished)).toEqual([false]);
  });

  test('whose last line is cut short or garbled: resuming is as good', async () => {
    for (const damage of [
      (text: string) => text.slice(0, -9),
      (text: string) => `${text.slice(0, -9)}########\n`,
    ]) {
      const scene = makeScene();
      const events = await applyUntilKilled(scene, at + 1);
      const old = recordOf(OLD, damage(journalOf([startOf(OLD, null), ...events])));
      await judged(scene, await resume(scene, [old]), old);
    }
  });
});

/** The journal with a digest that no longer fits wherever the word stands. */
const garbled = (text: string, word: string): string =>
  text
    .split('\n')
    .map((line) => (line.includes(word) ? line.replace(word, '#') : line))
    .join('\n');

describe('a journal that lost more than its last line', () => {
  test.each([
    ['task-started stage', 'aborted'],
    ['task-started pam-sshd', 'reverted'],
    ['task-ended canary', 'reverted'],
  ])('its claim, killed at %s: the host names the transaction, which is waited for', async (name, how) => {
    const scene = makeScene();
    const events = await applyUntilKilled(scene, records.indexOf(name) + 1);
    const text = garbled(journalOf([startOf(OLD, null), ...events]), '"claimed"');
    const old = recordOf(OLD, text);
    expect(standingsOf(OLD, [old])).toMatchObject([{ open: null, begun: true }]);
    await judged(scene, await resume(scene, [old]), old);
    expect(scene.events).toContainEqual(expect.objectContaining({ type: 'settled', how }));
  });

  test.each([...records.keys()])(
    'all that came after record %i: a confirmed host is left alone',
    async (at) => {
      const scene = makeScene();
      await scene.apply();
      const old = recordOf(OLD, journalOf([startOf(OLD, null), ...scene.events.slice(0, at)]));
      const actions = scene.host.actions;
      await judged(scene, await resume(scene, [old]), old);
      expect(scene.host.actions).toBe(actions);
    },
  );
});

/** On its way to the host; the host at work on it; and the answer on its way back, or there already. */
const LATER_MS = [2, 700, 5_000] as const;
const asked: string[] = [];
const watched = makeScene();
await applyUntilKilled(watched, Number.POSITIVE_INFINITY, () =>
  asked.push(watched.link.operations.at(-1) ?? ''),
);

describe.each([...asked.keys()])('a controller killed in its operation %i', (at) => {
  test.each(LATER_MS)('%i ms after it was sent: resumed, the host gets there', async (laterMs) => {
    const scene = makeScene();
    let killed = 0;
    const events = await applyUntilKilled(scene, Number.POSITIVE_INFINITY, (count, kill) => {
      if (count !== at + 1) return;
      killed += 1;
      void scene.time.sleep(laterMs).then(kill);
    });
    expect(killed).toBe(1);
    const old = recordOf(OLD, journalOf([startOf(OLD, null), ...events]));
    const resumed = await resume(scene, [old]);
    // The run's own word for its host's end is missing, whatever else it wrote.
    expect(standingsOf(OLD, [old]).map(isUnfinished)).toEqual([true]);
    await judged(scene, resumed, old);
  });
});

test('a confirmation that arrived while the controller died is the verdict, with what was changed', async () => {
  const scene = makeScene();
  const confirming = undisturbed.link.operations.indexOf('guard confirm');
  const events = await applyUntilKilled(scene, Number.POSITIVE_INFINITY, (_count, kill) => {
    if (scene.link.operations.length === confirming) void scene.time.sleep(700).then(kill);
  });
  const old = recordOf(OLD, journalOf([startOf(OLD, null), ...events]));
  const { result } = await resume(scene, [old]);
  expect(liveIs(scene)).toBe('new');
  expect(result).toMatchObject({ verdict: 'confirmed', failure: null });
  expect(result.changes.map(({ step }) => step)).toContain('pam-sshd');
  expect(scene.events).toContainEqual(expect.objectContaining({ type: 'settled', how: 'confirmed' }));
});

describe('what is resumed', () => {
  const claimed = records.indexOf('claimed');

  test('is waited for while its lease runs, and that is said', async () => {
    const scene = makeScene();
    const events = await applyUntilKilled(scene, claimed + 5);
    const old = recordOf(OLD, journalOf([startOf(OLD, null), ...events]));
    const startedMs = scene.time.nowMs();
    await resume(scene, [old]);
    expect(scene.time.nowMs() - startedMs).toBeGreaterThan((LEASE_S * 1000) / 2);
    expect(scene.events).toContainEqual(
      expect.objectContaining({ type: 'noted', note: expect.stringContaining('has not lapsed yet') }),
    );
  });

  test('is refused as busy where somebody renews the lease after all', async () => {
    const scene = makeScene();
    const controller = fakeController(scene.link.remote);
    let stalled = false;
    const living = scene.apply({
      remote: controller.remote,
      emit: async (event) => {
        scene.events.push(event);
        // At work for an hour, and alive.
        if (event.type === 'task-started' && event.task === 'rehearse') {
          stalled = true;
          await scene.time.sleep(3_600_000);
        }
      },
    });
    living.catch(() => undefined);
    await scene.time.pass(30_000);
    expect(stalled).toBe(true);
    const old = recordOf(OLD, journalOf([startOf(OLD, null), ...scene.events]));
    const { result } = await resume(scene, [old]);
    expect(result).toMatchObject({ verdict: 'refused', failure: { reason: 'busy' } });
    expect(result.failure?.message).toMatch(/held by ada@bastion since .+ \(run run-1\)/);
    controller.kill();
  });

  test('is stranded, and still to be resumed, where the host does not answer', async () => {
    const scene = makeScene();
    const events = await applyUntilKilled(scene, claimed + 5);
    const old = recordOf(OLD, journalOf([startOf(OLD, null), ...events]));
    scene.link.deadUntilMs = Number.POSITIVE_INFINITY;
    const { result, record } = await resume(scene, [old]);
    expect(result.verdict).toBe('stranded');
    expect(result.failure?.message).toContain('sh /var/lib/duo-fleet/guard.sh recover');
    expect(standingsOf(OLD, [old, record])).toMatchObject([{ open: { tx: expect.any(String), run: OLD } }]);
    scene.link.deadUntilMs = 0;
    const again = await resume(scene, [old, record]);
    expect(again.result.verdict).toBe('confirmed');
  });
});
