// What `sudo -l -U` prints, as rights; every text here is one that sudo 1.9.13, 1.9.16 or sudo-rs 0.2.5 printed or its source prints.
import { describe, expect, test } from 'vitest';
import { readSudoRights } from '../../../src/remote/observe-sudo-rights.ts';
import { readSections } from '../../../src/remote/observe-sections.ts';

const nonce = 'c0ffee00c0ffee00';
const rights = (lines: readonly string[], groups: readonly string[] = []) => {
  const body = lines.map((line) => `|${line}\n`).join('');
  const answer = `#${nonce} begin 1\n#${nonce} rights bob\n${body}#${nonce} end\n`;
  return readSudoRights(readSections(Buffer.from(answer), nonce), 'bob', groups);
};
const DEFAULTS = 'Matching Defaults entries for bob on web1:';
const HEAD = 'User bob may run the following commands on web1:';
const listed = (rules: readonly string[], defaults = 'env_reset, use_pty') =>
  rights([DEFAULTS, `    ${defaults}`, '', HEAD, ...rules.map((rule) => `    ${rule}`), 'exit 0']);
const some = (asking: readonly string[], silent: readonly string[]) => ({ kind: 'some', asking, silent });

describe('what sudo says of an account', () => {
  test.each<[string, string, string[], string[]]>([
    ['a rule that asks', '(ALL : ALL) ALL', ['(ALL : ALL) ALL'], []],
    ['NOPASSWD', '(ALL : ALL) NOPASSWD: ALL', [], ['(ALL : ALL) NOPASSWD: ALL']],
    [
      'NOPASSWD for two commands and PASSWD for the third',
      '(root) NOPASSWD: /bin/a, /bin/b, PASSWD: /bin/c',
      ['(root) PASSWD: /bin/c'],
      ['(root) NOPASSWD: /bin/a', '(root) NOPASSWD: /bin/b'],
    ],
    ['another tag before it', '(ALL) SETENV: NOPASSWD: /bin/a', [], ['(ALL) NOPASSWD: /bin/a']],
    ['an option before it', '(ALL) TIMEOUT=5s NOPASSWD: /bin/a', [], ['(ALL) NOPASSWD: /bin/a']],
    [
      'an escaped comma',
      '(ALL) NOPASSWD: /bin/a b\\, PASSWD: c',
      [],
      ['(ALL) NOPASSWD: /bin/a b\\, PASSWD: c'],
    ],
    ['a command that is taken out', '(ALL) ALL, !/bin/su', ['(ALL) ALL'], []],
  ])('%s', (_, rule, asking, silent) => {
    expect(listed([rule])).toEqual(some(asking, silent));
  });

  test('of two rules the last counts', () => {
    expect(listed(['(ALL) NOPASSWD: ALL', '(ALL : ALL) ALL'])).toEqual(some(['(ALL : ALL) ALL'], []));
    expect(listed(['(ALL : ALL) ALL', '(ALL) NOPASSWD: ALL'])).toEqual(some([], ['(ALL) NOPASSWD: ALL']));
    expect(listed(['(ALL) NOPASSWD: /bin/a', '(root) ALL'])).toEqual(
      some(['(root) ALL'], ['(ALL) NOPASSWD: /bin/a']),
    );
    expect(listed(['(ALL) NOPASSWD: ALL', '(ALL) !ALL'])).toEqual({ kind: 'none' });
  });

  test.each<[string, string, string[] | undefined]>([
    ['root’s password', 'env_reset, rootpw', ['rootpw']],
    ['the target’s', 'targetpw, runaspw, !runaspw', ['targetpw']],
    ['another PAM service', 'pam_service=su, pam_login_service=sudo', ['pam_service=su']],
    ['the usual services', 'pam_service=sudo, pam_login_service=sudo-i', undefined],
    ['none of them', 'env_reset, use_pty, !rootpw', undefined],
  ])('Defaults by which sudo goes elsewhere: %s', (_, defaults, elsewhere) => {
    const answer = rights([DEFAULTS, `    ${defaults}`, '', HEAD, '    (ALL) ALL', 'exit 0']);
    expect(answer).toEqual({ ...some(['(ALL) ALL'], []), ...(elsewhere === undefined ? {} : { elsewhere }) });
  });
  test('Defaults by which sudo goes elsewhere for a target alone', () => {
    const bound = '    Defaults>root targetpw';
    const answer = rights([DEFAULTS, '    use_pty', '', bound, '', HEAD, '    (ALL) ALL', 'exit 0']);
    expect(answer).toMatchObject({ elsewhere: ['Defaults>root targetpw'] });
  });

  test.each<[string, string, boolean]>([
    ['!authenticate', 'env_reset, !authenticate', true],
    ['authenticate after it', '!authenticate, authenticate', false],
    ['a path that only names it', 'secure_path=/usr/bin\\:/!authenticate', false],
    ['its exempt group', 'exempt_group=wheel', true],
    ['another exempt group', 'exempt_group=staff', false],
  ])('Defaults with %s', (_, defaults, isSilent) => {
    const answer = rights([DEFAULTS, `    ${defaults}`, '', HEAD, '    (ALL) ALL', 'exit 0'], ['wheel']);
    expect(answer).toEqual(isSilent ? some([], ['(ALL) ALL']) : some(['(ALL) ALL'], []));
  });

  test('PASSWD beats !authenticate in Defaults', () => {
    expect(listed(['(ALL) PASSWD: ALL'], '!authenticate')).toEqual(some(['(ALL) PASSWD: ALL'], []));
  });

  test('Defaults of a command that ask nothing are told', () => {
    const bound = ['Runas and Command-specific defaults for bob:', '    Defaults!/bin/ls !authenticate', ''];
    expect(rights([...bound, HEAD, '    (ALL) ALL', 'exit 0'])).toEqual(
      some(['(ALL) ALL'], ['Defaults!/bin/ls !authenticate']),
    );
  });

  test.each([
    ['sudo', ['User bob is not allowed to run sudo on web1.', 'exit 0']],
    ['sudo-rs', ["sudo-rs: Sorry, user root is not allowed to execute 'list' as bob on web1.", 'exit 1']],
  ])('%s says that it may do nothing', (_, lines) => {
    expect(rights(lines)).toEqual({ kind: 'none' });
  });

  test.each<[string, string[]]>([
    ['nothing', ['exit 1']],
    ['that PAM is broken', ['sudo: unable to initialize PAM: Critical error - immediate abort', 'exit 1']],
    ['a list without an end', [HEAD, '    (ALL) ALL']],
    ['a list and then fails', [HEAD, '    (ALL) ALL', 'exit 1']],
    ['it of somebody else', ['User bo may run the following commands on web1:', '    (ALL) ALL', 'exit 0']],
    ['more than can be judged', [HEAD, `    (ALL) ${'/bin/a, '.repeat(300)}/bin/b`, 'exit 0']],
  ])('when sudo says %s, nothing is known', (_, lines) => {
    expect(rights(lines)).toEqual({ kind: 'unknown' });
  });

  test('warnings before the list are not rules', () => {
    expect(rights(['sudo: unable to resolve host web1', HEAD, '    (ALL) ALL', 'exit 0'])).toEqual(
      some(['(ALL) ALL'], []),
    );
  });
});
