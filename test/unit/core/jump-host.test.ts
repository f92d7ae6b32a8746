import { describe, expect, test } from 'vitest';
import { jumpsText, parseJumps } from '../../../src/core/jump-host.ts';

describe('jump hosts as people write them', () => {
  test.each(['gate', 'ops@gate:2222,inner', '[2001:db8::1]:22,ann@[::1]', 'none'])(
    '%s is read, and written so again',
    (text) => {
      const { jumps } = parseJumps(text);
      expect(jumps === null ? null : jumpsText(jumps)).toBe(text);
    },
  );

  test.each([
    ['', ''],
    ['a,', ''],
    ['user@', 'user@'],
    ['a:0', 'a:0'],
    ['a:65536', 'a:65536'],
    ['a b', 'a b'],
    ['-oProxyCommand=x', '-oProxyCommand=x'],
    ['[::1', '[::1'],
    ['a;id', 'a;id'],
  ])('%j is none', (text, wrong) => {
    expect(parseJumps(text)).toEqual({ jumps: null, wrong });
  });
});
