import { describe, expect, test } from 'vitest';
import { PAM_READERS, pamLines } from '../../../src/auth/pam-lines.ts';

const texts = (file: string, reader: (typeof PAM_READERS)[number]): readonly string[] =>
  pamLines(file, reader).lines.map(({ text }) => text.trim());

describe.each(PAM_READERS)('lines as libpam %s reads them', (reader) => {
  test('comments and empty lines are none, and numbers are those of the file', () => {
    expect(pamLines('# a\n\n  auth a b # c\n \t\nauth d e', reader)).toEqual({
      lines: [
        { line: 3, text: expect.stringMatching(/^ *auth a b $/) },
        { line: 5, text: 'auth d e' },
      ],
      broken: null,
    });
  });
  test('a backslash at the end, blanks after it or not, goes on in the next line', () => {
    expect(texts('auth\\\n required \\  \n\tpam_permit.so\nauth x y\n', reader)).toEqual([
      expect.stringMatching(/^auth\s+required\s+pam_permit\.so$/),
      'auth x y',
    ]);
  });
  test('a comment takes the backslash at its end with it', () => {
    expect(texts('auth a b # \\\nauth c d\n', reader)).toEqual(['auth a b', 'auth c d']);
  });
  test('a file that ends after a backslash is broken', () => {
    expect(pamLines('auth a b\nauth c \\\n', reader)).toMatchObject({ lines: [{}], broken: { line: 2 } });
  });
});

describe('what versions read differently', () => {
  test('a comment after a backslash is passed over up to 1.5, and ends the line from 1.6 on', () => {
    const file = 'auth required \\\n# a comment\n pam_permit.so\n';
    expect(texts(file, 'to-1.5')).toEqual([expect.stringMatching(/^auth required +pam_permit\.so$/)]);
    expect(texts(file, 'from-1.6')).toEqual(['auth required', 'pam_permit.so']);
  });
  test('up to 1.5 what is past the 1023rd byte is a line of its own, of a comment too', () => {
    const comment = `#${'x'.repeat(1022)}auth sufficient pam_permit.so\n`;
    expect(texts(comment, 'to-1.5')).toEqual(['auth sufficient pam_permit.so']);
    expect(texts(comment, 'from-1.6')).toEqual([]);
  });
  test('bytes are counted, not letters', () => {
    const comment = `#${'é'.repeat(511)}auth sufficient pam_permit.so\n`;
    expect(texts(comment, 'to-1.5')).toEqual(['auth sufficient pam_permit.so']);
  });
});
