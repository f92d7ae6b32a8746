import { expect, test } from 'vitest';
import { askBetween } from '../../../src/cli/confirm-run.ts';
import { rolloutOf, type RolloutOptions } from '../../../src/cli/rollout-options.ts';
import type { Settings } from '../../../src/core/settings.ts';
import { DEFAULT_RULES } from '../../../src/core/wave.ts';
import { testSurroundings } from '../../support/surroundings.ts';

const NOTHING_SAID: RolloutOptions = {
  canary: null,
  serial: null,
  maxFailures: null,
  bakeS: null,
  bakeWaveS: null,
  onFailure: null,
  confirmWaves: false,
};
const fleet = {
  inventory: 'site.yml',
  carriers: [],
  settings: ['web1', 'web2', 'db1'].map((host) => ({ host }) as unknown as Settings),
  groups: new Map([
    ['first', ['db1']],
    ['others', ['mail1']],
  ]),
};
const wavesOf = (said: Partial<RolloutOptions>, earlier: readonly string[] | null = null) =>
  rolloutOf(fleet, { ...NOTHING_SAID, ...said }, { base: DEFAULT_RULES, earlier }).waves.map(
    ({ kind, hosts }) => [kind, hosts.join()],
  );

const group = (name: string) => ({ kind: 'group', group: name }) as const;
const NOBODY = { kind: 'hosts', count: 0 } as const;

test.each<readonly [Partial<RolloutOptions>, readonly string[] | null, readonly (readonly string[])[]]>([
  [
    {},
    null,
    [
      ['canary', 'web1'],
      ['serial', 'web2,db1'],
    ],
  ],
  [
    { canary: group('first') },
    null,
    [
      ['canary', 'db1'],
      ['serial', 'web1,web2'],
    ],
  ],
  [{ canary: NOBODY }, null, [['serial', 'web1,web2,db1']]],
  // What an earlier run has left of its canaries; another wish goes before it.
  [{}, [], [['serial', 'web1,web2,db1']]],
  [
    {},
    ['web2'],
    [
      ['canary', 'web2'],
      ['serial', 'web1,db1'],
    ],
  ],
  [
    { canary: group('first') },
    ['web2'],
    [
      ['canary', 'db1'],
      ['serial', 'web1,web2'],
    ],
  ],
])('%j after %j: %j', (said, earlier, expected) => {
  expect(wavesOf(said, earlier)).toEqual(expected);
});

test.each<readonly [Partial<RolloutOptions>, string]>([
  [{ canary: group('frist') }, 'site.yml has no group frist. Did you mean first?'],
  [{ canary: group('others') }, '--canary others: no host of this run is in that group'],
  [{ canary: NOBODY, bakeS: 600 }, '--bake is for the canary, and --canary 0 leaves none'],
])('%j is refused', (said, words) => {
  expect(() => wavesOf(said)).toThrow(words);
});

test('--confirm-waves needs somebody to ask', () => {
  expect(() => askBetween(true, testSurroundings())).toThrow('there is no terminal to ask on');
  expect(askBetween(false, testSurroundings())).toBeNull();
});
