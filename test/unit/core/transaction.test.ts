import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/core/change.ts';
import type { Facts, FileFacts } from '../../../src/core/facts.ts';
import { Failure } from '../../../src/core/failure.ts';
import { readRecord, transactionFiles } from '../../../src/core/transaction.ts';

const factsWith = (files: Readonly<Record<string, FileFacts>>): Facts =>
  ({ files }) as Partial<Facts> as Facts;
const absent: FileFacts = { kind: 'absent' };
const bytes = (text: string) => new TextEncoder().encode(text);
const file = (target: string, mode = 0o644): Change => ({
  kind: 'file',
  step: 'pam-sshd',
  target,
  why: [],
  content: bytes('x\n'),
  mode,
  secret: false,
  shown: { before: null, after: null },
});
const options = {
  modulePath: '/usr/lib64/security/pam_duo.so',
  repositoryUrl: 'https://pkg.duosecurity.com',
};
const manifestOf = (changes: readonly Change[], facts: Facts) =>
  new TextDecoder().decode(transactionFiles(changes, facts, options)['manifest']);

describe('the manifest', () => {
  test('names each change once, in order, under its step, with what the controller saw', () => {
    const facts = factsWith({
      '/etc/ssh/sshd_config.d/00-duo-fleet.conf': absent,
      '/etc/pam.d/sshd': {
        kind: 'file',
        mode: 0o644,
        owner: 'root',
        group: 'root',
        sha256: 'ab12',
        text: null,
      },
    });
    const changes: Change[] = [
      { ...file('/etc/ssh/sshd_config.d/00-duo-fleet.conf'), step: 'sshd-settings' },
      { kind: 'reload', step: 'sshd-settings', target: 'ssh', why: [] },
      file('/etc/pam.d/sshd', 0o600),
    ];
    expect(manifestOf(changes, facts)).toBe(
      [
        'step sshd-settings',
        'file 1 0644 absent /etc/ssh/sshd_config.d/00-duo-fleet.conf',
        'reload 2 - - ssh',
        'step pam-sshd',
        'file 3 0600 ab12 /etc/pam.d/sshd',
        '',
      ].join('\n'),
    );
  });

  test('holds no path that could break out of its line', () => {
    for (const path of ['/etc/a b', '/etc/a\nfile 9', "/etc/a'", '/etc/$(id)', '/etc/../root/x', '']) {
      expect(() => manifestOf([file(path)], factsWith({ [path]: absent }))).toThrow(Failure);
    }
  });

  test('refuses a target that is a symlink or a folder', () => {
    const facts = factsWith({ '/etc/pam.d/sshd': { kind: 'other', what: 'a symbolic link' } });
    expect(() => manifestOf([file('/etc/pam.d/sshd')], facts)).toThrow(/symbolic link/);
  });

  test('refuses a target that was not looked at', () => {
    expect(() => manifestOf([file('/etc/pam.d/sshd')], factsWith({}))).toThrow(/not observed/);
  });
});

describe("the host's record", () => {
  test.each([
    [['ended confirmed over a new login'], { kind: 'ended', how: 'confirmed' }],
    [['whatever', 'ended reverted to what was'], { kind: 'ended', how: 'reverted' }],
    [['ended foreign: back to what was, but'], { kind: 'ended', how: 'foreign' }],
    [['ended aborted before anything live was changed'], { kind: 'ended', how: 'aborted' }],
    [['state activating'], { kind: 'running', state: 'activating' }],
  ])('%j is read as %j', (lines, record) => {
    expect(readRecord(lines)).toEqual(record);
  });

  test('an answer that says neither proves nothing', () => {
    for (const lines of [[], ['ended'], ['ended well'], ['confirmed'], ['sta']])
      expect(readRecord(lines)).toBeNull();
  });
});
