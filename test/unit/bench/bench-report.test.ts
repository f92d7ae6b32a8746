import { describe, expect, test } from 'vitest';
import { benchReport, outcomes, spreadOf, type Measurement } from '../../bench/bench-report.ts';

const runs = (contender: string, kind: Measurement['kind'], ...durations: number[]): readonly Measurement[] =>
  durations.map((durationMs) => ({ contender, kind, durationMs }));

describe('spreadOf', () => {
  test('takes the middle one of an odd number of runs, whatever their order', () => {
    const spread = spreadOf(runs('a', 'first', 300, 100, 900), 'a', 'first');
    expect(spread).toEqual({ medianMs: 300, lowestMs: 100, highestMs: 900, runs: 3 });
  });

  test('takes the mean of the two middle ones of an even number', () => {
    expect(spreadOf(runs('a', 'first', 400, 100, 200, 900), 'a', 'first')?.medianMs).toBe(300);
  });

  test('does not mix contenders or kinds', () => {
    const all = [...runs('a', 'first', 1), ...runs('b', 'first', 2), ...runs('a', 'unchanged', 3)];
    expect(spreadOf(all, 'a', 'unchanged')?.medianMs).toBe(3);
    expect(spreadOf(all, 'b', 'login')).toBeNull();
  });
});

const fast: readonly Measurement[] = [
  ...runs('duo-fleet', 'first', 1000),
  ...runs('duo-fleet', 'unchanged', 100),
  ...runs('ansible', 'first', 5000),
  ...runs('ansible', 'unchanged', 1200),
  ...runs('script', 'first', 625),
  ...runs('login', 'login', 50),
];

describe('outcomes', () => {
  test('an aim is met at its very bound', () => {
    expect(outcomes(fast).map(({ ratio, met }) => [ratio, met])).toEqual([
      [5, true],
      [1.6, true],
      [12, true],
      [2, true],
    ]);
  });

  test('an aim is missed just past its bound, on the side that it names', () => {
    const slower = fast.map((one) =>
      one.contender === 'duo-fleet' ? { ...one, durationMs: one.durationMs * 1.01 } : one,
    );
    expect(outcomes(slower).map(({ met }) => met)).toEqual([false, false, false, false]);
  });

  test('what was not measured is not met', () => {
    const [first] = outcomes(fast.filter((one) => one.contender !== 'ansible'));
    expect(first).toMatchObject({ ratio: null, met: false });
  });
});

test('the report shows every contender, every ratio, and says in words which aim was missed', () => {
  const slow = [...fast.filter((one) => one.contender !== 'login'), ...runs('login', 'login', 10, 20, 30)];
  const text = benchReport(slow, { hosts: 10, rounds: 3, machine: '2 processors' }).join('\n');
  expect(text).toContain('10 hosts, 3 rounds, 2 processors');
  expect(text).toMatch(/^login +- +- +0\.02 \(0\.01–0\.03\)$/m);
  expect(text).toMatch(/^ansible first \/ duo-fleet first +5\.00 {2}met \(aim: at least 5\)$/m);
  expect(text).toMatch(/^duo-fleet unchanged \/ bare login +5\.00 {2}MISSED \(aim: at most 2\)$/m);
});
