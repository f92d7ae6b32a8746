import { describe, expect, test } from 'vitest';
import { matchesDuoGroups, splitDuoGroups } from '../../../src/auth/duo-groups.ts';

describe('a line of groups', () => {
  test.each([
    ['a b', ['a', 'b']],
    ['a,b', ['a,b']],
    ['a   b', ['a', 'b']],
    ['a\tb', ['a\tb']],
    ['domain\\ admins wheel', ['domain admins', 'wheel']],
    ['a\\ b\\ c', ['a b c']],
    ['a\\b', ['a\\b']],
    ['\\ a', [' a']],
    ['', []],
  ])('%j is taken apart at its blanks by every version', (value, lists) => {
    expect(splitDuoGroups(value, 'v1')).toEqual(lists);
    expect(splitDuoGroups(value, 'v2')).toEqual(lists);
  });

  test('with two blanks after a backslash is one list for 1.11.3 and two for 2.2', () => {
    expect(splitDuoGroups('a\\  b', 'v1')).toEqual(['a b']);
    expect(splitDuoGroups('a\\  b', 'v2')).toEqual(['a ', 'b']);
  });

  test('that ends in a backslash crashes 1.11.3, and is a name with a backslash for 2.2', () => {
    expect(splitDuoGroups('a b\\', 'v1')).toBe('crash');
    expect(splitDuoGroups('\\', 'v1')).toBe('crash');
    expect(splitDuoGroups('a b\\', 'v2')).toEqual(['a', 'b\\']);
  });
});

describe('membership', () => {
  test.each<[lists: string[], groups: string[], meets: boolean]>([
    [[], ['users'], true],
    [['nosuch,root'], ['root'], true],
    [['nosuch,', 'root'], ['root'], true],
    [['*,!root'], ['root'], false],
    [['*,!root'], ['users'], true],
    [['*,!root'], ['users', 'root'], false],
    [['*', '!root'], ['root'], true],
    [['!root'], ['users'], false],
    [['"root"'], ['root'], false],
    [['Root'], ['root'], false],
    [['root', 'users'], ['users'], true],
    [['users', '!wheel,!*admin', 'guests'], ['users', 'superadmin'], true],
    [['users,!wheel,!*admin', 'guests'], ['users', 'superadmin'], false],
    [['gr?n'], ['grün'], false],
    [['gr??n'], ['grün'], true],
    [['a**'], ['a'], false],
    [['a**'], ['ab'], true],
    [['a**b'], ['ab'], true],
    [['*?'], ['a'], true],
    [['?*?'], ['a'], false],
    [['!'], ['a'], false],
    [['a'], [], false],
  ])('lists %j, somebody in %j: meets Duo is %s', (lists, groups, meets) => {
    expect(matchesDuoGroups(lists, groups)).toBe(meets);
  });

  test('gives a list up at a pattern of 1023 bytes, though what was vetoed before it stays so', () => {
    expect(matchesDuoGroups([`a,${'x'.repeat(1022)}`], ['a'])).toBe(true);
    expect(matchesDuoGroups([`a,${'x'.repeat(1023)}`], ['a'])).toBe(false);
    expect(matchesDuoGroups([`!a,${'x'.repeat(1023)}`], ['a'])).toBe(false);
    expect(matchesDuoGroups([`b,!a,${'x'.repeat(1023)}`, 'b'], ['a', 'b'])).toBe(true);
  });

  test('takes no time over a pattern made to take very long', () => {
    expect(matchesDuoGroups([`${'*a'.repeat(90)}b`], ['a'.repeat(200)])).toBe(false);
  });
});
