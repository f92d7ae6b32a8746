import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/failure.ts';
import { createHandshakeGate } from '../../../src/remote/handshake-gate.ts';
import { retryBeforeBanner, TRIES_MAX } from '../../../src/remote/retry.ts';
import { deadlineIn } from '../../../src/remote/timer.ts';
import { manualTimer, settled } from '../../support/manual-timer.ts';

const dropped = new Failure('link', 'dropped', { beforeBanner: true });

const tries = async (deadlineMs: number, failures: readonly Error[]) => {
  const timer = manualTimer();
  const atMs: number[] = [];
  const result = retryBeforeBanner(
    async () => {
      atMs.push(timer.nowMs());
      const failure = failures[atMs.length - 1];
      if (failure !== undefined) throw failure;
      return 'in';
    },
    { deadline: deadlineIn(timer, deadlineMs), random: () => 1 },
  ).catch((error: unknown) => error);
  await timer.advance(deadlineMs + 100_000);
  return { result: await result, atMs };
};

describe('a connection that broke off', () => {
  test('before the banner is tried again, each time after a longer wait', async () => {
    const { result, atMs } = await tries(60_000, [dropped, dropped, dropped]);
    expect(result).toBe('in');
    expect(atMs).toEqual([0, 500, 1_500, 3_500]);
  });

  test('or that there was no file descriptor for, is tried again in the same way', async () => {
    const cause = Object.assign(new Error('connect EMFILE'), { code: 'EMFILE' });
    const { result, atMs } = await tries(60_000, [new Failure('exit', 'out of files', { cause })]);
    expect([result, atMs]).toEqual(['in', [0, 500]]);
  });

  test('is given up after a number of tries', async () => {
    const { result, atMs } = await tries(
      600_000,
      Array.from({ length: 20 }, () => dropped),
    );
    expect(result).toBe(dropped);
    expect(atMs).toHaveLength(TRIES_MAX);
  });

  test('is not waited for beyond the deadline', async () => {
    const { result, atMs } = await tries(1_200, [dropped, dropped, dropped]);
    expect(result).toBe(dropped);
    expect(atMs).toEqual([0, 500]);
  });

  test.each([new Failure('auth', 'refused'), new Failure('link', 'lost'), new Failure('timeout', 'late')])(
    'for another reason is not tried again: $message',
    async (failure) => {
      const { result, atMs } = await tries(60_000, [failure]);
      expect(result).toBe(failure);
      expect(atMs).toEqual([0]);
    },
  );
});

const begin = (perHopMax: number, totalMax: number) => {
  const gate = createHandshakeGate({ perHopMax, totalMax });
  const timer = manualTimer();
  const running: string[] = [];
  const finish: (() => void)[] = [];
  const enter = async (hop: string, deadlineMs = 1_000): Promise<unknown> =>
    gate
      .run(hop, deadlineIn(timer, deadlineMs), async () => {
        running.push(hop);
        await new Promise<void>((resolve) => {
          finish.push(resolve);
        });
      })
      .catch((error: unknown) => error);
  return { enter, timer, running, finish };
};

describe('the gate for handshakes', () => {
  test('lets so many through one hop at once, and others pass beside', async () => {
    const { enter, running, finish } = begin(2, 10);
    void [enter('a'), enter('a'), enter('a'), enter('b')];
    await settled();
    expect(running).toEqual(['a', 'a', 'b']);
    finish[0]?.();
    await settled();
    expect(running).toEqual(['a', 'a', 'b', 'a']);
  });

  test('those who wait for a busy hop do not take the room of others', async () => {
    const { enter, running } = begin(1, 2);
    void [enter('a'), enter('a'), enter('a'), enter('b')];
    await settled();
    expect(running).toEqual(['a', 'b']);
  });

  test('whoever waits too long goes away and never connects', async () => {
    const { enter, timer, running, finish } = begin(1, 1);
    const first = enter('a', 60_000);
    const second = enter('a', 1_000);
    await timer.advance(2_000);
    expect(await second).toMatchObject({ reason: 'timeout' });
    finish[0]?.();
    await first;
    await settled();
    expect(running).toEqual(['a']);
  });
});
