import { describe, expect, test } from 'vitest';
import { PAM_CODES, type PamCode } from '../../../src/auth/pam-code.ts';
import { ALL_BAD, codeOfToken, parseControl } from '../../../src/auth/pam-control.ts';

const action = (word: string, code: PamCode) => parseControl(word, 'from-1.6')[PAM_CODES[code]];

describe('a control value', () => {
  test('default fills only what has no action yet, wherever it stands', () => {
    expect(action('success=1 default=ignore', 'PAM_SUCCESS')).toBe(1);
    expect(action('default=ignore success=ok', 'PAM_SUCCESS')).toBe('ok');
    expect(action('default=ignore default=ok', 'PAM_AUTH_ERR')).toBe('ignore');
  });
  test('a code that is not named is bad', () => {
    expect(action('success=ok', 'PAM_IGNORE')).toBe('bad');
  });
  test('the words’ case does not count, that of the pairs does', () => {
    expect(parseControl('REQUIRED', 'to-1.5')).toEqual(parseControl('required', 'to-1.5'));
    expect(parseControl('Success=ok', 'to-1.5')).toBe(ALL_BAD);
  });
  test.each([
    'mandatory',
    'success',
    'success=',
    'success=okay',
    'success=0',
    'success=-1',
    'default=ignore nonsense=ok',
    'default=99999999999',
  ])('%j cannot be read, and then everything is bad', (word) => {
    expect(parseControl(word, 'from-1.6')).toEqual(ALL_BAD);
  });
  test('pairs need no blank between them, and may have some about their sign', () => {
    expect(parseControl('success=okdefault = ignore', 'to-1.5')).toEqual(
      parseControl('success=ok default=ignore', 'to-1.5'),
    );
  });
  test('an object’s own names are no control words', () => {
    expect(parseControl('constructor', 'to-1.5')).toEqual(ALL_BAD);
  });
});

test('names of codes are the constants’, but for one that libpam spells otherwise', () => {
  expect(codeOfToken('authtok_recover_err')).toBe('PAM_AUTHTOK_RECOVERY_ERR');
  expect(codeOfToken('authtok_recovery_err')).toBeNull();
  expect(codeOfToken('new_authtok_reqd')).toBe('PAM_NEW_AUTHTOK_REQD');
});
