import { describe, expect, test } from 'vitest';
import type { Change, FileChange } from '../../../src/core/change.ts';
import { PLAIN_PAINT } from '../../../src/view/paint.ts';
import { planDiff } from '../../../src/view/plan-diff.ts';

const file = (shown: FileChange['shown'], rest: Partial<FileChange> = {}): FileChange => ({
  kind: 'file',
  step: 'sudoers',
  target: '/etc/sudoers.d/x',
  why: ['content differs'],
  content: new TextEncoder().encode('opened hunter2'),
  mode: 0o440,
  secret: false,
  shown,
  ...rest,
});

const diff = (...changes: readonly Change[]): string =>
  planDiff({ host: 'web1', changes, findings: [], digest: 'd' }, PLAIN_PAINT).join('\n');

/** A file of 20,000 lines. */
const lines = (word: string): string => Array.from({ length: 20_000 }, (_, at) => `${word} ${at}`).join('\n');

describe('a plan as people read it', () => {
  test('a changed file is a unified diff with its reason and mode', () => {
    expect(diff(file({ before: 'a\nb\nc\n', after: 'a\nB\nc\n' }))).toBe(
      [
        'web1: 1 change',
        '  [sudoers] write /etc/sudoers.d/x (mode 0440): content differs',
        '    --- /etc/sudoers.d/x',
        '    +++ /etc/sudoers.d/x',
        '    @@ -1,3 +1,3 @@',
        '     a',
        '    -b',
        '    +B',
        '     c',
        '',
      ].join('\n'),
    );
  });

  test('a new file comes from /dev/null', () => {
    const text = diff(file({ before: null, after: 'new\n' }));
    expect(text).toContain('    --- /dev/null\n    +++ /etc/sudoers.d/x\n    @@ -0,0 +1,1 @@\n    +new');
  });

  test('only what may be shown is shown, never the content itself', () => {
    const masked = file({ before: 'skey = [secret]\n', after: 'skey = [secret]\n' }, { secret: true });
    expect(diff(masked)).toContain('only what is masked differs');
    expect(diff(masked)).not.toContain('hunter2');
    expect(diff(file({ before: null, after: null }))).toContain('14 bytes, not shown');
  });

  test('packages, removals and reloads are named with what they do', () => {
    const text = diff(
      {
        kind: 'packages',
        step: 'packages',
        target: 'duo-unix',
        why: ['is not installed'],
        install: ['duo-unix'],
        purge: ['libpam-duo'],
        minimumVersion: '2.1.0',
        sourceLine: '',
        keyring: new Uint8Array(),
      },
      { kind: 'absent', step: 'duo-repository', target: '/etc/apt/x.list', why: [] },
      { kind: 'reload', step: 'sshd-settings', target: 'ssh', why: ['sshd reads its settings only then'] },
    );
    expect(text).toContain('install duo-unix (2.1.0 or later), purge libpam-duo: is not installed');
    expect(text).toContain('remove /etc/apt/x.list\n');
    expect(text).toContain('reload ssh: sshd reads');
  });

  test('indentation stays, and what a host put into its file does not reach the terminal', () => {
    const text = diff(file({ before: '  old\u001b[2J\n', after: '\tnew\n' }));
    expect(text).toContain('    -  old');
    expect(text).toContain('    +    new');
    expect(text).not.toContain('\u001b');
  });

  test('two huge files without a common line are not compared for ever', () => {
    expect(diff(file({ before: lines('a'), after: lines('b') }))).toContain('too different');
  });

  test('a kept copy of a file that is changed too is named, not poured out', () => {
    const live = file({ before: 'a\nb\n', after: 'a\nB\n' }, { target: '/etc/pam.d/sshd' });
    const kept = file({ before: null, after: 'a\nb\n' }, { target: '/var/lib/duo-fleet/base/sshd' });
    expect(diff(kept, live)).toContain(
      'base/sshd (mode 0440): content differs\n    a copy of /etc/pam.d/sshd as it is now\n',
    );
  });

  test('nothing to do says so', () => {
    expect(diff()).toBe('web1: nothing to change\n');
  });
});
