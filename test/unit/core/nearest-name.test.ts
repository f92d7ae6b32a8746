import { describe, expect, test } from 'vitest';
import { didYouMean, editDistance, nearestName } from '../../../src/core/nearest-name.ts';

describe('nearest names', () => {
  test.each([
    ['', '', 0],
    ['abc', '', 3],
    ['kitten', 'sitting', 3],
    ['wbe1', 'web1', 1],
    ['ca', 'abc', 3],
  ])('%j and %j are %i apart', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
    expect(editDistance(right, left)).toBe(distance);
  });

  test('the nearest wins, and nothing far is offered', () => {
    expect(nearestName('duo_autopus', ['duo_ikey', 'duo_autopush', 'duo_pushinfo'])).toBe('duo_autopush');
    expect(nearestName('DUO_IKEY', ['duo_ikey'])).toBe('duo_ikey');
    expect(nearestName('zzz', ['web'])).toBeNull();
    expect(nearestName('x'.repeat(1000), ['x'.repeat(1000)])).toBeNull();
    expect(didYouMean('zzz', ['web'])).toBe('');
  });
});
