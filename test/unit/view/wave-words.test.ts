import { describe, expect, test } from 'vitest';
import { DEFAULT_RULES, makeRollout } from '../../../src/core/wave.ts';
import { durationText, rolloutLines } from '../../../src/view/wave-words.ts';

const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_none, at) => `web${at + 1}`);

test.each([
  [0, '0 s'],
  [45, '45 s'],
  [60, '1 min'],
  [90, '90 s'],
  [150, '2 min 30 s'],
  [600, '10 min'],
  [3_600, '1 h'],
  [5_400, '1 h 30 min'],
  [86_400, '24 h'],
])('%i seconds are %s', (durationS, text) => {
  expect(durationText(durationS)).toBe(text);
});

describe('the waves before a run', () => {
  test('each with its size and its hosts, how long it is watched, and what halts the run', () => {
    const rules = { ...DEFAULT_RULES, bakeS: 600 };
    expect(rolloutLines(makeRollout(names(5), ['web1'], rules), 80)).toEqual([
      '  1. canary  1 host: web1; watched for 10 min before being confirmed',
      '  2. wave    4 hosts: web2, web3, web4, web5',
      'After the first host that fails, no other is started in any wave.',
    ]);
  });

  test('of many waves the first ones, of many hosts the first names, and no line too long', () => {
    const rules = {
      ...DEFAULT_RULES,
      serial: [{ kind: 'hosts', count: 30 }],
      maxFailures: { kind: 'percent', percent: 1 },
    } as const;
    const lines = rolloutLines(makeRollout(names(500), ['web1'], rules), 80);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(lines.join('\n')).toContain('web13 and 18 more');
    expect(lines.slice(-2)).toEqual([
      '  and 12 more waves of 349 hosts together',
      'When more than 5 hosts have failed, no other is started in any wave.',
    ]);
  });
});
