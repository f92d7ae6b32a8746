import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/core/event.ts';
import { Failure } from '../../../src/core/failure.ts';
import { WaveBake } from '../../../src/engine/wave-bake.ts';
import { virtualTime } from '../../support/fake-host-time.ts';

const START_MS = Date.UTC(2026, 0, 1);

/** A wave of hosts whose looks find what `finds` says. */
const scene = (
  hosts: readonly string[],
  options: {
    readonly bakeS?: number;
    readonly finds?: (host: string, look: number) => Failure | null;
    readonly isFull?: (event: RunEvent) => boolean;
  } = {},
) => {
  const time = virtualTime(START_MS);
  const events: RunEvent[] = [];
  const looks = new Map<string, number>();
  const arrived: string[] = [];
  const bake = new WaveBake({
    wave: 2,
    hosts,
    bakeS: options.bakeS ?? 90,
    sleep: time.sleep,
    turn: (work) => work(),
    record: async (event) => {
      await time.sleep(1);
      if (options.isFull?.(event) === true) throw new Failure('exit', 'no space left');
      events.push(event);
    },
  });
  const sitOut = (host: string): Promise<number | string> =>
    bake
      .seat(host, () => void arrived.push(host))
      .sitOut(async () => {
        const count = (looks.get(host) ?? 0) + 1;
        looks.set(host, count);
        const failure = options.finds?.(host, count) ?? null;
        if (failure !== null) throw failure;
      })
      .catch((thrown: unknown) => String(thrown));
  return { time, events, looks, arrived, bake, sitOut, ends: () => events.filter(isEnd) };
};
const isEnd = ({ type }: RunEvent): boolean => type === 'bake-ended';

const drift = new Failure('drifted', 'pam_duo.conf was changed');

describe('a bake', () => {
  test('begins when the last host of the wave has arrived or come to its verdict, and not before', async () => {
    const { time, events, bake, sitOut, looks, arrived } = scene(['a', 'b', 'c']);
    const a = sitOut('a');
    await time.pass(1_000_000);
    expect([arrived, events, looks.size]).toEqual([['a'], [], 0]);
    bake.leave('b');
    const c = sitOut('c');
    expect(await time.until(Promise.all([a, c]))).toEqual([3, 3]);
    expect(events).toEqual([
      { type: 'bake-started', wave: 2, hosts: ['a', 'c'], bakeS: 90 },
      expect.objectContaining({ type: 'bake-ended', wave: 2, decision: 'confirm' }),
    ]);
  });

  test('without a host of the wave that needs it, there is none', async () => {
    const { time, events, bake } = scene(['a', 'b']);
    bake.leave('a');
    bake.leave('b');
    await time.pass(1);
    expect(events).toEqual([]);
  });

  test.each([
    [1, 1],
    [30, 1],
    [31, 2],
    [600, 20],
    [1_800, 60],
    [86_400, 60],
  ])('of %i seconds looks %i times at each host, and lasts as long as it was told', async (bakeS, times) => {
    const { time, looks, sitOut } = scene(['a', 'b'], { bakeS });
    await time.until(Promise.all(['a', 'b'].map(sitOut)));
    expect([looks.get('a'), looks.get('b')]).toEqual([times, times]);
    expect(time.nowMs() - START_MS).toBeGreaterThanOrEqual(bakeS * 1000);
  });

  test('nobody is confirmed before the last look at the slowest host was well', async () => {
    const { time, events, sitOut } = scene(['a', 'b'], {
      finds: (host, look) => (host === 'b' && look === 3 ? drift : null),
    });
    const came = await time.until(Promise.all(['a', 'b'].map(sitOut)));
    await time.pass(10);
    expect(came[0]).toContain('its wave is put back unconfirmed: b: pam_duo.conf was changed');
    expect(came[1]).toBe('Failure: pam_duo.conf was changed');
    expect(events.at(-1)).toEqual({
      type: 'bake-ended',
      wave: 2,
      decision: 'revert',
      why: 'b: pam_duo.conf was changed',
    });
  });
});

describe('all go back', () => {
  test('at the first look that fails, without waiting for the end', async () => {
    const { time, sitOut, looks } = scene(['a', 'b'], {
      bakeS: 86_400,
      finds: (host) => (host === 'a' ? drift : null),
    });
    const began = time.nowMs();
    // The others learn of it in their sleep; this virtual one lasts until its end.
    void sitOut('b');
    await time.until(sitOut('a'));
    expect(time.nowMs() - began).toBeLessThan(1_500_000);
    expect(looks.get('a')).toBe(1);
  });

  test.each([
    ['the run is stopped', (bake: WaveBake) => bake.stop('SIGINT')],
    ['a host loses its lease', (bake: WaveBake) => bake.seat('b', () => undefined).fail(drift)],
    ['a host comes to a verdict in the middle', (bake: WaveBake) => bake.leave('b')],
  ])('when %s', async (_, happen) => {
    const { time, bake, sitOut, ends } = scene(['a', 'b']);
    const all = Promise.all(['a', 'b'].map(sitOut));
    await time.pass(45_000);
    happen(bake);
    const came = await time.until(all);
    await time.pass(10);
    expect(came).toEqual([expect.stringContaining('put back'), expect.stringContaining('put back')]);
    expect(ends()).toEqual([expect.objectContaining({ decision: 'revert' })]);
  });

  test('when it was stopped before the last one came, who comes then too', async () => {
    const { time, bake, sitOut, events } = scene(['a', 'b']);
    const a = sitOut('a');
    bake.stop('c failed');
    const b = sitOut('b');
    expect(await time.until(Promise.all([a, b]))).toEqual([
      expect.stringContaining('c failed'),
      expect.stringContaining('c failed'),
    ]);
    await time.pass(10);
    expect(events.map(({ type }) => type)).toEqual(['bake-ended']);
  });

  test.each(['bake-started', 'bake-ended'])(
    'when %s cannot be written down: what is not in the journal has not been decided',
    async (type) => {
      const { time, sitOut } = scene(['a', 'b'], { isFull: (event) => event.type === type });
      expect(await time.until(Promise.all(['a', 'b'].map(sitOut)))).toEqual([
        expect.stringContaining('no space left'),
        expect.stringContaining('no space left'),
      ]);
    },
  );
});

test('as many looks at a time as the run has places', async () => {
  const time = virtualTime(START_MS);
  let running = 0;
  let most = 0;
  let free: Promise<unknown> = Promise.resolve();
  const hosts = ['a', 'b', 'c', 'd'];
  const bake = new WaveBake({
    wave: 1,
    hosts,
    bakeS: 30,
    sleep: time.sleep,
    record: async () => undefined,
    turn: async (work) => {
      const mine = free.then(work);
      free = mine;
      return mine;
    },
  });
  const look = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await time.sleep(10);
    running -= 1;
  };
  await time.until(Promise.all(hosts.map((host) => bake.seat(host, () => undefined).sitOut(look))));
  expect(most).toBe(1);
});
