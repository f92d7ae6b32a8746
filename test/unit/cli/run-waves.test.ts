import { once } from 'node:events';
import { describe, expect, test } from 'vitest';
import { runFleet, type RunHost } from '../../../src/cli/run.ts';
import type { RecordedEvent } from '../../../src/core/event.ts';
import { Failure } from '../../../src/core/failure.ts';
import { DEFAULT_RULES, makeRollout, type Rollout, type RolloutRules } from '../../../src/core/wave.ts';
import { door, resultOf, runScene } from '../../support/run-scene.ts';

/** Waves over these hosts by the usual rules, but for what is said. */
const wavesOf = (names: readonly string[], canaries: number, rules: Partial<RolloutRules> = {}): Rollout =>
  makeRollout(names, names.slice(0, canaries), { ...DEFAULT_RULES, ...rules });
const ONE_BY_ONE = { serial: [{ kind: 'hosts', count: 1 }] } as const;

/** What became of the waves, and of the hosts in them, in its order. */
const story = (events: readonly RecordedEvent[]): readonly string[] =>
  events.flatMap((event) => {
    if (event.type === 'wave-started' || event.type === 'wave-ended') return [`${event.type} ${event.wave}`];
    if (event.type === 'gate') return [`${event.decision} after ${event.wave} with ${event.failures} failed`];
    if (event.type === 'bake-started') return [`bake ${event.wave} of ${event.hosts.join()}`];
    if (event.type === 'bake-ended') return [`bake ${event.wave}: ${event.decision}`];
    return event.type === 'host-ended' ? [`${event.result.host} ${event.result.verdict}`] : [];
  });

describe('in waves', () => {
  const NAMES = ['a', 'b', 'c', 'd'];

  test('the canary comes to its end first, then the next wave starts, each after its gate', async () => {
    const { order, events } = runScene(NAMES, async ({ host }) => resultOf(host), {
      rollout: wavesOf(NAMES, 1, { serial: [{ kind: 'hosts', count: 2 }] }),
    });
    const outcome = await runFleet(order);
    expect(story(events)).toEqual([
      'wave-started 1',
      'a confirmed',
      'wave-ended 1',
      'go-on after 1 with 0 failed',
      'wave-started 2',
      'b confirmed',
      'c confirmed',
      'wave-ended 2',
      'go-on after 2 with 0 failed',
      'wave-started 3',
      'd confirmed',
      'wave-ended 3',
    ]);
    expect(outcome.exitCode).toBe(0);
    expect(outcome.waves.map(({ gate }) => gate?.decision ?? null)).toEqual(['go-on', 'go-on', null]);
    expect(events[0]).toMatchObject({ type: 'run-started', rollout: order.rollout });
  });

  test.each(['rolled-back', 'unreachable', 'refused', 'stranded'] as const)(
    'a canary that is %s halts everything: no other host is started',
    async (verdict) => {
      const begun: string[] = [];
      const { order, events } = runScene(
        NAMES,
        async ({ host }) => {
          begun.push(host);
          return resultOf(host, verdict);
        },
        { rollout: wavesOf(NAMES, 1) },
      );
      const outcome = await runFleet(order);
      expect(begun).toEqual(['a']);
      expect(outcome.results.map((each) => each.verdict)).toEqual([verdict, 'skipped', 'skipped', 'skipped']);
      expect(outcome.exitCode).toBe(verdict === 'stranded' ? 3 : 1);
      expect(story(events).slice(0, 4)).toEqual([
        'wave-started 1',
        `a ${verdict}`,
        'halt after 1 with 1 failed',
        'wave-ended 1',
      ]);
      expect(outcome.waves[0]?.gate?.why).toBe(`1 host failed, and none may: a ${verdict}`);
    },
  );

  test('in the middle of a wave the failure beyond the budget stops those that have not started', async () => {
    const finish = door();
    const { order, events } = runScene(
      NAMES,
      async ({ host }) => {
        if (host === 'b') await finish.opened;
        if (host === 'a') setImmediate(finish.open);
        return resultOf(host, host === 'a' ? 'unreachable' : 'confirmed');
      },
      { forks: 2, rollout: wavesOf(NAMES, 0) },
    );
    const outcome = await runFleet(order);
    // b was under way and came to its end.
    expect(outcome.results.map(({ verdict }) => verdict)).toEqual([
      'unreachable',
      'confirmed',
      'skipped',
      'skipped',
    ]);
    expect(story(events).filter((line) => line.startsWith('halt'))).toHaveLength(1);
  });

  test.each([
    [0, ['unreachable', 'skipped', 'skipped', 'skipped']],
    [1, ['unreachable', 'confirmed', 'unreachable', 'skipped']],
    [2, ['unreachable', 'confirmed', 'unreachable', 'confirmed']],
  ])('a budget of %i over the whole run, whatever the wave', async (count, expected) => {
    const { order } = runScene(
      NAMES,
      async ({ host }) => resultOf(host, host === 'a' || host === 'c' ? 'unreachable' : 'confirmed'),
      { rollout: wavesOf(NAMES, 1, { ...ONE_BY_ONE, maxFailures: { kind: 'hosts', count } }) },
    );
    expect((await runFleet(order)).results.map(({ verdict }) => verdict)).toEqual(expected);
  });

  test('the last host that fails halts nothing', async () => {
    const { order, events } = runScene(
      NAMES,
      async ({ host }) => resultOf(host, host === 'd' ? 'unreachable' : 'confirmed'),
      { rollout: wavesOf(NAMES, 1, ONE_BY_ONE) },
    );
    expect((await runFleet(order)).exitCode).toBe(1);
    expect(story(events).filter((line) => line.startsWith('halt'))).toEqual([]);
  });

  test('an engine that throws is a host of which nobody knows: it counts', async () => {
    const { order } = runScene(
      NAMES,
      async () => {
        throw new Error('oops');
      },
      { rollout: wavesOf(NAMES, 1) },
    );
    const { results } = await runFleet(order);
    expect(results.map(({ verdict }) => verdict)).toEqual(['refused', 'skipped', 'skipped', 'skipped']);
  });

  test('Ctrl-C between two hosts: the wave ends, none follows, and the gate says why', async () => {
    const { order, press, events } = runScene(
      NAMES,
      async ({ host }) => {
        press();
        return resultOf(host);
      },
      { rollout: wavesOf(NAMES, 1) },
    );
    const outcome = await runFleet(order);
    expect(outcome.exitCode).toBe(130);
    expect(story(events).slice(0, 4)).toEqual([
      'wave-started 1',
      'halt after 1 with 0 failed',
      'a confirmed',
      'wave-ended 1',
    ]);
  });

  test('a journal that fills up between two waves starts no other', async () => {
    const begun: string[] = [];
    const { order } = runScene(
      NAMES,
      async ({ host }) => {
        begun.push(host);
        return resultOf(host);
      },
      // run-started, wave-started, host-ended, wave-ended; the gate finds it full.
      { fullAt: 4, rollout: wavesOf(NAMES, 1) },
    );
    const outcome = await runFleet(order);
    expect(begun).toEqual(['a']);
    expect(outcome).toMatchObject({ exitCode: 1, journalProblem: expect.stringContaining('ENOSPC') });
  });
});

describe('asked between waves', () => {
  const NAMES = ['a', 'b', 'c'];
  test.each([
    ['yes', ['confirmed', 'confirmed', 'confirmed'], 0],
    ['no', ['confirmed', 'skipped', 'skipped'], 1],
    ['interrupted', ['confirmed', 'skipped', 'skipped'], 130],
  ] as const)('%s', async (answer, verdicts, exitCode) => {
    const asked: number[] = [];
    const { order } = runScene(NAMES, async ({ host }) => resultOf(host), {
      rollout: wavesOf(NAMES, 1, ONE_BY_ONE),
      askBetween: async ({ next }) => {
        asked.push(next);
        return answer;
      },
    });
    const outcome = await runFleet(order);
    expect(outcome.results.map(({ verdict }) => verdict)).toEqual(verdicts);
    expect(outcome.exitCode).toBe(exitCode);
    expect(asked).toEqual(answer === 'yes' ? [2, 3] : [2]);
  });

  test('a wave that halts the run is not asked about', async () => {
    const { order } = runScene(NAMES, async ({ host }) => resultOf(host, 'unreachable'), {
      rollout: wavesOf(NAMES, 1),
      askBetween: () => Promise.reject(new Error('asked')),
    });
    expect((await runFleet(order)).exitCode).toBe(1);
  });

  test('SIGTERM takes the question back', async () => {
    const { order, outside } = runScene(NAMES, async ({ host }) => resultOf(host), {
      rollout: wavesOf(NAMES, 1),
      askBetween: async (_place, signal) => {
        const taken = once(signal, 'abort');
        outside.send('SIGTERM');
        await taken;
        return 'no';
      },
    });
    expect((await runFleet(order)).exitCode).toBe(130);
  });
});

/** A host that comes to the bake, with a look that finds what it is told. */
const baking =
  (finds: (host: string) => Promise<void> = async () => undefined): RunHost =>
  async ({ host }, _emit, bake) => {
    if (bake === null) return resultOf(host);
    try {
      await bake.sitOut(() => finds(host));
      return resultOf(host);
    } catch {
      return resultOf(host, 'rolled-back');
    }
  };

describe('a bake', () => {
  const NAMES = ['a', 'b', 'c', 'd'];
  test('holds the next wave until all canaries are confirmed, and makes room for each other', async () => {
    const { order, events } = runScene(NAMES, baking(), {
      forks: 1,
      rollout: wavesOf(NAMES, 2, { bakeS: 60 }),
    });
    expect((await runFleet(order)).exitCode).toBe(0);
    expect(story(events)).toEqual([
      'wave-started 1',
      'bake 1 of a,b',
      'bake 1: confirm',
      'a confirmed',
      'b confirmed',
      'wave-ended 1',
      'go-on after 1 with 0 failed',
      'wave-started 2',
      'c confirmed',
      'd confirmed',
      'wave-ended 2',
    ]);
  });

  test('that one canary fails puts all of them back, whatever the budget of failures', async () => {
    const { order, events } = runScene(
      NAMES,
      baking(async (host) => {
        if (host === 'b') throw new Failure('drifted', 'pam_duo.conf was changed');
      }),
      { rollout: wavesOf(NAMES, 2, { bakeS: 60, maxFailures: { kind: 'hosts', count: 1 } }) },
    );
    const outcome = await runFleet(order);
    expect(outcome.results.map(({ verdict }) => verdict)).toEqual([
      'rolled-back',
      'rolled-back',
      'skipped',
      'skipped',
    ]);
    expect(story(events)).toContain('bake 1: revert');
    expect(outcome.waves[0]?.bake).toMatchObject({ decision: 'revert', why: 'b: pam_duo.conf was changed' });
  });

  test('ends when a host of its wave fails beyond the budget before it began', async () => {
    const { order, events } = runScene(
      NAMES,
      async (settings, emit, bake) =>
        settings.host === 'b' ? resultOf('b', 'unreachable') : baking()(settings, emit, bake),
      { rollout: wavesOf(NAMES, 2, { bakeS: 60 }) },
    );
    const outcome = await runFleet(order);
    expect(outcome.results.slice(0, 2).map(({ verdict }) => verdict)).toEqual(['rolled-back', 'unreachable']);
    expect(story(events)).not.toContain('bake 1 of a');
    expect(outcome.waves[0]?.bake?.why).toContain('b unreachable');
  });

  test('goes on without a host that the budget lets fail', async () => {
    const { order, events } = runScene(
      NAMES,
      async (settings, emit, bake) =>
        settings.host === 'b' ? resultOf('b', 'unreachable') : baking()(settings, emit, bake),
      { rollout: wavesOf(NAMES, 2, { bakeS: 60, maxFailures: { kind: 'hosts', count: 1 } }) },
    );
    const outcome = await runFleet(order);
    expect(outcome.results.map(({ verdict }) => verdict)).toEqual([
      'confirmed',
      'unreachable',
      'confirmed',
      'confirmed',
    ]);
    expect(story(events)).toContain('bake 1 of a');
  });

  test('that Ctrl-C cuts short has proved nothing: all are put back', async () => {
    const { order, press, events } = runScene(
      NAMES,
      baking(async () => press()),
      { rollout: wavesOf(NAMES, 2, { bakeS: 600 }) },
    );
    const outcome = await runFleet(order);
    expect(outcome.exitCode).toBe(130);
    expect(outcome.results.map(({ verdict }) => verdict)).toEqual([
      'rolled-back',
      'rolled-back',
      'skipped',
      'skipped',
    ]);
    expect(story(events)).toContain('bake 1: revert');
  });
});
