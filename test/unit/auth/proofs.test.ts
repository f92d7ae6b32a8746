import { describe, expect, test } from 'vitest';
import type { Proof } from '../../../src/core/login-table.ts';
import { leastWays, type Passage } from '../../../src/auth/proofs.ts';

const ALL: readonly Proof[] = ['key', 'password', 'duo'];
const passage = (passed: boolean, sure = true): Passage => ({ passed, sure, walk: null, why: '' });
const least = (pass: (shown: readonly Proof[]) => Passage) =>
  leastWays(ALL, pass).map(({ proofs, sure }) => `${proofs.join('+')}${sure ? '' : '?'}`);

describe('the least that has to be shown', () => {
  test('is every choice that passes and of which nothing can be left out', () => {
    expect(least((shown) => passage(shown.includes('key') && shown.includes('duo')))).toEqual(['key+duo']);
    expect(
      least((shown) =>
        passage(shown.includes('password') || (shown.includes('key') && shown.includes('duo'))),
      ),
    ).toEqual(['password', 'key+duo']);
    expect(least(() => passage(true))).toEqual(['']);
    expect(least(() => passage(false))).toEqual([]);
  });
  test('a choice that only may pass does not hide a larger one that does', () => {
    expect(least((shown) => passage(true, shown.includes('password')))).toEqual(['?', 'password']);
  });
  test('of choices that only may pass the least ones are told', () => {
    expect(least((shown) => passage(shown.includes('key'), false))).toEqual(['key?']);
  });
});
