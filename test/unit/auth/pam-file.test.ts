import { describe, expect, test } from 'vitest';
import { PAM_LINE_BYTES_MAX, parsePamFile, tokenize } from '../../../src/auth/pam-file.ts';

const saysOf = (text: string) => parsePamFile(text).lines.map((line) => line.says);
const problemsOf = (text: string) =>
  parsePamFile(text).problems.map((problem) => `${problem.line}: ${problem.message}`);

describe('a file of /etc/pam.d', () => {
  test('its lines together are the file, byte by byte', () => {
    const text = '#%PAM-1.0\n\nauth\trequired  pam_unix.so \\\n  nullok\n@include common-account\n# end\n';
    expect(
      parsePamFile(text)
        .lines.map((line) => `${line.text}\n`)
        .join(''),
    ).toBe(text);
  });
  test('a backslash joins lines, and the number is the first one’s', () => {
    expect(
      parsePamFile('# a\nauth [success=1 \\\n default=ignore] \\\n pam_unix.so nullok\n').lines[1],
    ).toMatchObject({
      line: 2,
      says: { type: 'auth', control: 'success=1   default=ignore', module: 'pam_unix.so', args: ['nullok'] },
    });
  });
  test('a comment ends a line, even within brackets, and is never continued', () => {
    expect(saysOf('# x \\\nauth required pam_unix.so # y \\\n')).toEqual([
      { kind: 'nothing' },
      { kind: 'rule', type: 'auth', control: 'required', module: 'pam_unix.so', args: [] },
    ]);
  });
  test('types are read in any case and with the dash that silences a missing module', () => {
    expect(saysOf('-AUTH optional pam_cap.so\n')).toEqual([
      { kind: 'rule', type: 'auth', control: 'optional', module: 'pam_cap.so', args: [] },
    ]);
  });
  test('a missing last newline does no harm', () => {
    expect(saysOf('auth required pam_unix.so')).toHaveLength(1);
    expect(problemsOf('auth required pam_unix.so')).toEqual([]);
  });
  test('an empty file says nothing', () => {
    expect(parsePamFile('')).toEqual({ lines: [], problems: [] });
  });
  test.each([
    ['carriage returns', 'auth required pam_unix.so\r\n', /^1: .*carriage return/],
    ['a byte order mark', '\uFEFF# x\n', /^1: .*byte order mark/],
    ['a control character', '# a\u001bb\n', /^1: .*control character/],
    [
      'a long comment, whose rest old libpam reads as a rule',
      `#${'x'.repeat(PAM_LINE_BYTES_MAX)}\n`,
      /^1: .*longer/,
    ],
    [
      'a line made long by joining',
      `${'auth required pam_unix.so nullok \\\n'.repeat(40)}x\n`,
      /^1: .*longer/,
    ],
    ['a backslash at the end of the file', 'auth required \\\n', /backslash/],
    [
      'a comment after a backslash, which the versions read differently',
      'auth \\\n# x\nrequired pam_x.so\n',
      /^2: .*comment follows/,
    ],
    ['blanks after a backslash', 'auth \\ \nrequired pam_x.so\n', /^1: blanks follow/],
    ['an unknown type', 'foo required pam_unix.so\n', /^1: "foo" is no module type/],
    ['a line without a module', 'auth required\n', /^1: .*no module/],
    ['an include of nothing', '@include\n', /^1: .*no file/],
  ])('%s is a problem with its line', (_what, text, words) => {
    expect(problemsOf(text).join('\n')).toMatch(words);
  });
});

describe('the words of a line', () => {
  test.each([
    ['auth  required\tpam_unix.so', ['auth', 'required', 'pam_unix.so']],
    ['a [b c] d', ['a', 'b c', 'd']],
    [String.raw`x [a\]b] y`, ['x', 'a]b', 'y']],
    ['x [case "$A" in "p "*) exit 0 ;; esac; exit 1]', ['x', 'case "$A" in "p "*) exit 0 ;; esac; exit 1']],
    ["x 'a b'", ['x', "'a", "b'"]],
    ['a[b c]', ['a[b', 'c]']],
    ['x [never closed', ['x', 'never closed']],
    ['[][x]', ['', 'x']],
    ['   ', []],
  ])('%s', (line, words) => {
    expect(tokenize(line)).toEqual(words);
  });
});
