import { describe, expect, test } from 'vitest';
import type { Verdict } from '../../../src/core/verdict.ts';
import {
  canariesOf,
  DEFAULT_RULES,
  judgeGate,
  makeRollout,
  parseAmount,
  type Amount,
  type Outcome,
  type RolloutRules,
} from '../../../src/core/wave.ts';
import { numbersFrom } from '../../support/duo-module-files.ts';

const names = (count: number): readonly string[] => Array.from({ length: count }, (_none, at) => `h${at}`);
/** Whole numbers from 0 up to a bound, the same ones in every run. */
const integers = (seed: number): ((below: number) => number) => {
  const random = numbersFrom(seed);
  return (below) => Math.floor(random() * below);
};
const NO_GROUPS: ReadonlyMap<string, readonly string[]> = new Map();

const rolloutOf = (count: number, changed: Partial<RolloutRules>) => {
  const rules = { ...DEFAULT_RULES, ...changed };
  return makeRollout(names(count), canariesOf(names(count), rules.canary, NO_GROUPS), rules);
};
const sizes = (count: number, changed: Partial<RolloutRules>): readonly number[] =>
  rolloutOf(count, changed).waves.map(({ hosts }) => hosts.length);
const amounts = (...texts: readonly string[]): readonly Amount[] =>
  texts.map((text) => {
    const amount = parseAmount(text);
    if (amount === null) throw new Error(`not an amount: ${text}`);
    return amount;
  });
const amount = (text: string): Amount => amounts(text)[0] ?? { kind: 'hosts', count: 0 };

describe('waves', () => {
  test.each([
    [1, {}, [1]],
    [5, {}, [1, 4]],
    [5, { canary: amount('0') }, [5]],
    [5, { canary: amount('0%') }, [5]],
    [5, { canary: amount('9') }, [5]],
    [12, { serial: amounts('1', '10%', '100%') }, [1, 1, 1, 9]],
    [40, { serial: amounts('1', '10%') }, [1, 1, 4, 4, 4, 4, 4, 4, 4, 4, 4, 2]],
    [40, { canary: amount('10%'), serial: amounts('50%') }, [4, 20, 16]],
  ] as const)('%i hosts with %j run as %j', (count, changed, expected) => {
    expect(sizes(count, changed)).toEqual(expected);
  });

  test.each([
    ['1%', 20, 1],
    ['10%', 19, 1],
    ['10%', 20, 2],
    ['33%', 10, 3],
    ['99%', 10, 9],
    ['100%', 7, 7],
  ] as const)('%s of %i hosts are %i: at least one, and never more than asked', (text, count, expected) => {
    expect(sizes(count, { canary: amount(text) })[0]).toBe(expected);
  });

  test('a group goes first, in the order of the inventory and not in its own', () => {
    const groups = new Map([['first', ['h3', 'elsewhere', 'h1']]]);
    const canaries = canariesOf(names(5), { kind: 'group', group: 'first' }, groups);
    const { waves } = makeRollout(names(5), canaries, DEFAULT_RULES);
    expect(waves.map(({ kind, hosts }) => [kind, hosts])).toEqual([
      ['canary', ['h1', 'h3']],
      ['serial', ['h0', 'h2', 'h4']],
    ]);
  });

  test('hosts that others are reached through come last, each alone, in whatever wave they would have been', () => {
    const rules = { ...DEFAULT_RULES, serial: amounts('2'), bakeWaveS: 60 };
    const wavesOf = (canaries: readonly string[]) =>
      makeRollout(names(6), canaries, rules, ['h1', 'h4']).waves.map(({ hosts, bakeS }) => [
        hosts.join(),
        bakeS,
      ]);
    expect(wavesOf(['h0'])).toEqual([
      ['h0', 0],
      ['h2,h3', 60],
      ['h5', 60],
      ['h1', 60],
      ['h4', 60],
    ]);
    // Who names one as a canary wants it first.
    expect(wavesOf(['h1'])[0]).toEqual(['h1', 0]);
    // Among others, as of a group or a share, it would be changed together with those behind it.
    expect(wavesOf(['h0', 'h1', 'h2'])).toEqual([
      ['h0,h2', 0],
      ['h3,h5', 60],
      ['h1', 60],
      ['h4', 60],
    ]);
  });

  test('the canary bakes as long as it is told, each other wave as long as waves are', () => {
    const { waves } = rolloutOf(3, { bakeS: 600, bakeWaveS: 60, serial: amounts('1') });
    expect(waves.map(({ bakeS }) => bakeS)).toEqual([600, 60, 60]);
  });

  test('whatever the rules: each host once, in order, canaries first, no wave empty or larger than asked', () => {
    const integer = integers(20261128);
    const anyAmount = (from: number): Amount =>
      integer(2) === 0
        ? { kind: 'hosts', count: from + integer(40) }
        : { kind: 'percent', percent: Math.min(100, from + integer(101)) };
    for (let turn = 0; turn < 3_000; turn += 1) {
      const hosts = names(integer(120));
      const canary = anyAmount(0);
      const serial = Array.from({ length: 1 + integer(4) }, () => anyAmount(1));
      const rules = { ...DEFAULT_RULES, canary, serial, maxFailures: anyAmount(0) };
      const canaries = canariesOf(hosts, canary, NO_GROUPS);
      const { waves, failuresMax } = makeRollout(hosts, canaries, rules);
      const told = JSON.stringify({ hosts: hosts.length, rules });
      expect(
        waves.flatMap((wave) => wave.hosts),
        told,
      ).toEqual(hosts);
      expect(
        waves.findLastIndex(({ kind }) => kind === 'canary'),
        told,
      ).toBe(canaries.length === 0 ? -1 : 0);
      const most = (asked: Amount): number =>
        asked.kind === 'hosts' ? asked.count : Math.max(1, (hosts.length * asked.percent) / 100);
      const serials = waves.filter(({ kind }) => kind === 'serial');
      for (const [at, { hosts: members }] of serials.entries()) {
        const asked = serial[Math.min(at, serial.length - 1)] ?? canary;
        expect(members.length, told).toBeGreaterThan(0);
        expect(members.length, told).toBeLessThanOrEqual(most(asked));
        // Only the last one may be smaller than it could be.
        if (at < serials.length - 1) expect(members.length + 1, told).toBeGreaterThan(most(asked));
      }
      expect(failuresMax, told).toBeLessThanOrEqual(
        rules.maxFailures.kind === 'hosts'
          ? rules.maxFailures.count
          : (hosts.length * rules.maxFailures.percent) / 100,
      );
    }
  });
});

describe('an amount', () => {
  test.each(['', '-1', '1.5', '101%', '%', '10 %', 'web', '1e3', '1000000'])('%j is none', (text) => {
    expect(parseAmount(text)).toBeNull();
  });
});

const outcomes = (...verdicts: readonly Outcome[]): ReadonlyMap<string, Outcome> =>
  new Map(verdicts.map((verdict, at) => [`h${at}`, verdict]));

/** For a run that ends so, host after host: whether the gate halts it then. */
const haltsAt = (ends: readonly Outcome[], failuresMax: number): readonly boolean[] =>
  ends.map((_end, at) => judgeGate(outcomes(...ends.slice(0, at + 1)), failuresMax).decision === 'halt');

describe('the gate', () => {
  test.each(['rolled-back', 'unreachable', 'refused', 'stranded', 'drifted', null] as const)(
    '%s is a failure, and by default the first one halts the run',
    (outcome) => {
      expect(judgeGate(outcomes('confirmed', outcome), 0)).toMatchObject({ decision: 'halt', failures: 1 });
    },
  );

  test.each(['confirmed', 'unchanged', 'skipped'] as const)('%s is none', (outcome) => {
    expect(judgeGate(outcomes(outcome), 0)).toMatchObject({ decision: 'go-on', failures: 0 });
  });

  test('as many as may fail are tolerated, one more is not, and the sentence says who', () => {
    expect(judgeGate(outcomes('unreachable', 'confirmed'), 1)).toEqual({
      decision: 'go-on',
      failures: 1,
      why: '1 host failed, and 1 may: h0 unreachable',
    });
    expect(judgeGate(outcomes('unreachable', 'rolled-back'), 1)).toEqual({
      decision: 'halt',
      failures: 2,
      why: '2 hosts failed, and 1 may: h0 unreachable, h1 rolled-back',
    });
  });

  test.each([
    ['0', 500, 0],
    ['3', 2, 3],
    ['10%', 9, 0],
    ['10%', 25, 2],
    ['100%', 25, 25],
  ] as const)('a budget of %s over %i hosts tolerates %i', (text, count, expected) => {
    expect(rolloutOf(count, { maxFailures: amount(text) }).failuresMax).toBe(expected);
  });

  test('a run with a smaller budget never halts later, and whoever halts goes on halting', () => {
    const integer = integers(7);
    const all: readonly Outcome[] = [
      'confirmed',
      'unchanged',
      'rolled-back',
      'unreachable',
      'refused',
      'stranded',
      null,
    ];
    for (let turn = 0; turn < 500; turn += 1) {
      const ends = Array.from({ length: integer(12) }, () => all[integer(all.length)] ?? null);
      for (let failuresMax = 0; failuresMax < 5; failuresMax += 1) {
        const strict = haltsAt(ends, failuresMax);
        const lax = haltsAt(ends, failuresMax + 1);
        for (const [at, halts] of lax.entries()) if (halts) expect(strict[at]).toBe(true);
        for (const [at, halts] of strict.entries()) if (at > 0 && strict[at - 1]) expect(halts).toBe(true);
      }
    }
  });

  test('every verdict that there is has been thought of', () => {
    const known: Readonly<Record<Verdict, boolean>> = {
      unchanged: false,
      confirmed: false,
      compliant: false,
      planned: false,
      skipped: false,
      refused: true,
      unreachable: true,
      'rolled-back': true,
      stranded: true,
      drifted: true,
    };
    for (const [verdict, fails] of Object.entries(known)) {
      expect([verdict, judgeGate(outcomes(verdict as Verdict), 0).failures]).toEqual([
        verdict,
        fails ? 1 : 0,
      ]);
    }
  });
});
