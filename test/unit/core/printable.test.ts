import { describe, expect, test } from 'vitest';
import { printable } from '../../../src/core/printable.ts';

describe('text from a host', () => {
  test('plain words, umlauts and quotes pass unchanged', () => {
    expect(printable('dpkg: "größer" als 5 %')).toBe('dpkg: "größer" als 5 %');
  });

  test('colours vanish and a title-setting escape is defused', () => {
    expect(printable('\u001b[1;31merror\u001b[0m')).toBe('error');
    expect(printable('a\u001b]0;owned\u0007b')).toBe('a\u{fffd}]0;owned\u{fffd}b');
  });

  test('a sequence hidden inside another one cannot come together', () => {
    expect(printable('\u001b\u001b[0m[2Jx')).toBe('\u{fffd}[2Jx');
  });

  test('it stays one line whatever separates lines', () => {
    expect(printable('one\r\ntwo\u2028three\tfour\n')).toBe('one two three four');
  });

  test('overrides of the writing direction are shown, not obeyed', () => {
    expect(printable('user \u202Eteews')).toBe('user \u{fffd}teews');
  });

  test('half a surrogate pair is replaced, a whole one passes', () => {
    expect(printable('\ud83d!')).toBe('\u{fffd}!');
    expect(printable('🔒')).toBe('🔒');
  });

  test('what is too long is cut and says so', () => {
    expect(printable('abcdef', 4)).toBe('abc…');
    expect(printable('x'.repeat(10_000)).length).toBe(2_000);
  });

  test('no control character of any kind gets through', () => {
    for (let code = 0; code < 0x2100; code += 1) {
      const shown = printable(`a${String.fromCodePoint(code)}b`);
      expect(shown).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
    }
    // Tags, which nobody sees and programs read, lie far above.
    expect(printable('a\u{e0041}\u{e007f}b')).toBe('a\u{fffd}\u{fffd}b');
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const char = String.fromCodePoint(code);
      if (/\p{Cf}/u.test(char)) expect(printable(`a${char}b`)).toBe('a\u{fffd}b');
    }
  });
});
