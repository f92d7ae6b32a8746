import { describe, expect, test } from 'vitest';
import { changeDiff, deedOf, DIFF_LINES_MAX } from '../../../src/core/change-diff.ts';
import type { FileChange } from '../../../src/core/change.ts';

const file = (before: string | null, after: string | null, rest: Partial<FileChange> = {}): FileChange => ({
  kind: 'file',
  step: 'pam-sshd',
  target: '/etc/pam.d/sshd',
  why: [],
  content: new TextEncoder().encode(after ?? 'bytes'),
  mode: 0o600,
  secret: false,
  shown: { before, after },
  ...rest,
});
const textOf = (change: FileChange, all: readonly FileChange[] = [change]) => {
  const diff = changeDiff(change, all);
  return diff?.kind === 'file' ? diff.text : null;
};

describe('a change as it is kept', () => {
  test('has the lines that differ, and what it does in one line', () => {
    const change = file('a\nb\n', 'a\nB\n');
    const diff = changeDiff(change, [change]);
    expect(diff).toEqual({
      kind: 'file',
      mode: 0o600,
      isNew: false,
      text: { kind: 'lines', hunks: [{ head: '@@ -1,2 +1,2 @@', lines: [' a', '-b', '+B'] }], linesCut: 0 },
    });
    expect(deedOf(change, diff)).toBe('write /etc/pam.d/sshd (mode 0600)');
  });

  test('is bounded, and says how much was left out', () => {
    const after = Array.from({ length: DIFF_LINES_MAX + 7 }, (_, at) => `line ${at}\n`).join('');
    const text = textOf(file(null, after));
    expect(text).toMatchObject({ kind: 'lines', linesCut: 7 });
    expect(text?.kind === 'lines' && text.hunks[0]?.lines.length).toBe(DIFF_LINES_MAX);
  });

  test.each([
    ['auth required pam_mysql.so user=pam passwd=hunter2 host=db', 'hunter2'],
    ['bindpw = hunter2', 'hunter2'],
    ['bind_pw=hunter2', 'hunter2'],
    ['skey = hunter2', 'hunter2'],
    ['http_proxy=http://ann:hunter2@proxy:3128', 'hunter2'],
  ])('masks what a host’s own line has of a password: %s', (line, secret) => {
    expect(JSON.stringify(textOf(file(`${line}\n`, 'x\n')))).not.toContain(secret);
    expect(JSON.stringify(textOf(file(`${line}\nx\n`, `${line}\ny\n`)))).toContain('[secret]');
  });

  test('leaves a line of PAM, of sshd and of sudoers as it is', () => {
    const lines = [
      'password [success=1 default=ignore] pam_unix.so obscure use_authtok yescrypt',
      'PasswordAuthentication no',
      'Defaults passwd_tries=3, timestamp_timeout=30',
    ];
    for (const line of lines) expect(JSON.stringify(textOf(file('', `${line}\n`)))).toContain(`+${line}`);
  });

  test('never has the bytes of a file that is not shown', () => {
    expect(textOf(file(null, null, { content: new TextEncoder().encode('hunter2') }))).toEqual({
      kind: 'bytes',
      count: 7,
    });
    const same = file('skey = [secret]\n', 'skey = [secret]\n', { secret: true });
    expect(textOf(same)).toEqual({ kind: 'only-masked' });
  });

  test('names the file that it is a copy of', () => {
    const live = file('old\n', 'new\n');
    const copy = file(null, 'old\n', { target: '/var/lib/duo-fleet/base/sshd' });
    expect(textOf(copy, [copy, live])).toEqual({ kind: 'copy', of: '/etc/pam.d/sshd' });
  });
});
