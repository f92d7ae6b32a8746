import { describe, expect, test } from 'vitest';
import { compareDebianVersions } from '../../../src/core/debian-version.ts';

// Oldest first; each pair was checked with `dpkg --compare-versions`.
const ORDER = [
  '1.11.3-1+b1',
  '1.11.3-1.1',
  '2.0.4-0',
  '2.1.0~rc1-0',
  '2.1.0',
  '2.1.0-0.1',
  '2.1.0-1',
  '2.1.0a-0',
  '2.1.0+dfsg-0',
  '2.2.3-0',
  '2.10.0-0',
  '2.99999999999999999998-0',
  '2.99999999999999999999-0',
  '1:0.1',
];

describe('Debian versions', () => {
  test('every version is older than all that follow it in dpkg’s order', () => {
    for (const [i, older] of ORDER.entries()) {
      for (const newer of ORDER.slice(i + 1)) {
        expect([older, newer, Math.sign(compareDebianVersions(older, newer))]).toEqual([older, newer, -1]);
        expect([newer, older, Math.sign(compareDebianVersions(newer, older))]).toEqual([newer, older, 1]);
      }
    }
  });
  test.each([
    ['2.1.0', '2.1.0-0'],
    ['0:2.1.0-1', '2.1.0-1'],
    ['2.01.0', '2.1.0'],
  ])('%s and %s are the same version', (a, b) => {
    expect(compareDebianVersions(a, b)).toBe(0);
  });
});
