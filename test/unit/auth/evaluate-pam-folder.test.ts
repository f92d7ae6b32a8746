import { describe, expect, test } from 'vitest';
import { evaluatePamFolder } from '../../../src/auth/evaluate-pam-folder.ts';
import type { PamFolder } from '../../../src/auth/pam-situation.ts';

/** `PAM_SUCCESS`, with a question mark where it is not sure. */
const verdicts = (files: PamFolder, options: Parameters<typeof evaluatePamFolder>[1] = {}) =>
  Object.fromEntries(
    Object.entries(evaluatePamFolder(files, options).services).map(([name, { auth }]) => [
      name,
      `${auth.result}${auth.sure ? '' : '?'}`,
    ]),
  );

/** The verdict on a service of one line. */
const line = (words: string) => verdicts({ a: `auth required ${words}\n` })['a'];

describe('a folder of service files', () => {
  test('is told file by file, but for those that others include in whatever way', () => {
    const files = {
      a: '@include b\n',
      b: 'auth required pam_permit.so\n',
      c: 'auth substack d\naccount include e\nsession include f\n',
      d: 'auth required pam_deny.so\n',
      e: '',
      f: '',
      g: '@include /etc/pam.d/h\n',
      h: 'auth required pam_permit.so\n',
    };
    expect(verdicts(files)).toEqual({ a: 'PAM_SUCCESS', c: 'PAM_AUTH_ERR', g: 'PAM_SUCCESS' });
  });
  test('has other for a service like any, which stands in for types without a line', () => {
    const files = { other: 'auth required pam_deny.so\n', a: 'account required pam_permit.so\n' };
    expect(verdicts(files)).toEqual({ a: 'PAM_AUTH_ERR', other: 'PAM_AUTH_ERR' });
    expect(verdicts({ a: 'account required pam_permit.so\n' })).toEqual({ a: 'PAM_PERM_DENIED' });
  });
  test('is not sure of what hangs on a password, an account or a file of the host', () => {
    expect(line('pam_unix.so')).toBe('PAM_SUCCESS?');
    expect(line('pam_duo.so')).toBe('PAM_SUCCESS?');
    expect(line('pam_nologin.so')).toBe('PAM_PERM_DENIED?');
    expect(line('pam_succeed_if.so user = alice')).toBe('PAM_SUCCESS?');
    expect(line('pam_foreign.so')).toBe('PAM_SUCCESS?');
    expect(line('pam_debug.so auth=maxtries')).toBe('PAM_MAXTRIES');
  });
  test('is not sure of a stack with more lines than are looked at, whatever comes after them', () => {
    const harmless = 'auth [default=ignore] pam_deny.so\n'.repeat(450);
    expect(verdicts({ a: `${harmless}auth required pam_permit.so\n` })).toEqual({ a: 'PAM_SUCCESS?' });
    expect(verdicts({ a: `${harmless}auth required pam_deny.so\n` })).toEqual({ a: 'PAM_SUCCESS?' });
  });
  test('is sure of what hangs on the user’s name alone, when it is given', () => {
    const files = { a: 'auth required pam_succeed_if.so user in alice:bob\n' };
    expect(verdicts(files, { user: 'bob' })).toEqual({ a: 'PAM_SUCCESS' });
    expect(verdicts(files, { user: 'eve' })).toEqual({ a: 'PAM_AUTH_ERR' });
  });
  test('tells one service when asked to, an included one and one without a file, too', () => {
    const files = {
      a: '@include b\n',
      b: 'auth required pam_permit.so\n',
      other: 'auth required pam_deny.so\n',
    };
    expect(verdicts(files, { service: 'b' })).toEqual({ b: 'PAM_SUCCESS' });
    expect(verdicts(files, { service: 'none' })).toEqual({ none: 'PAM_AUTH_ERR' });
  });
  test('is not sure of a module at a path, which may not be there', () => {
    expect(line('/opt/pam/pam_permit.so')).toBe('PAM_SUCCESS?');
    expect(line('$ISA/pam_permit.so')).toBe('PAM_SUCCESS?');
    expect(line('pam_permit.so')).toBe('PAM_SUCCESS');
  });
  test('counts a module that stops the stack behind one that is not known', () => {
    const a = 'auth optional pam_foreign.so\nauth required pam_debug.so auth=incomplete\n';
    expect(verdicts({ a })).toEqual({ a: 'PAM_INCOMPLETE' });
  });
  test('takes a file for included also where libpam reads the line in an odd way', () => {
    const files = {
      a: '-@INCLUDE b\nauth required pam_permit.so # include c\n',
      b: '# @include d\nauth include\n',
      c: 'auth \\\n SUBSTACK e\n',
      d: 'auth include d\n',
      e: '',
    };
    expect(Object.keys(verdicts(files))).toEqual(['a', 'c', 'd']);
  });
  test('may have a file by any name', () => {
    const files = Object.assign(Object.create(null) as Record<string, string>, {
      ['__proto__']: 'auth required pam_permit.so\n',
      constructor: 'auth required pam_deny.so\n',
    });
    expect(verdicts(files)).toMatchObject({ constructor: 'PAM_AUTH_ERR' });
  });
});
