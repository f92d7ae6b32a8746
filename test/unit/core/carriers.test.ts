import { describe, expect, test } from 'vitest';
import { carrierNames, carriersLast } from '../../../src/core/carriers.ts';
import type { Settings } from '../../../src/core/settings.ts';

const host = (name: string, ...jumps: readonly string[]): Settings =>
  ({
    host: name,
    connection: {
      address: `${name}.example.org`,
      port: 22,
      jumps: jumps.map((jump) => ({ name: jump, address: `${jump}.Example.org`, port: 22, user: 'ann' })),
    },
  }) as unknown as Settings;
const order = (...hosts: readonly Settings[]): string =>
  carriersLast(hosts)
    .map((each) => each.host)
    .join(' ');

describe('hosts that others are reached through', () => {
  test('go last, the outermost last of all', () => {
    expect(
      order(host('outer'), host('inner', 'outer'), host('b', 'outer', 'inner'), host('a', 'outer')),
    ).toBe('b a inner outer');
  });

  test('are named, for waves of their own', () => {
    expect(carrierNames([host('gate'), host('a', 'gate'), host('b', 'gate', 'a')])).toEqual(['gate', 'a']);
  });

  test('keep everybody’s order where there are none', () => {
    expect(order(host('c'), host('a', 'elsewhere'), host('b'))).toBe('c a b');
  });
});
