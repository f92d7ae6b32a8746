import { describe, expect, test } from 'vitest';
import { includesDropIns, isOlderOpenSsh, parseSshdConfig } from '../../../src/auth/sshd-config.ts';

describe('an sshd_config file', () => {
  test('is read as keyword, value and Match block, with the line', () => {
    const text = `# x
UsePAM yes
passwordauthentication=no # why
AuthenticationMethods "publickey,keyboard-interactive"

Match User a,b Address 10.0.0.0/8
  PasswordAuthentication   yes
Match all
X11Forwarding no\r
`;
    expect(parseSshdConfig(text)).toEqual([
      { line: 2, keyword: 'usepam', value: 'yes', match: null },
      { line: 3, keyword: 'passwordauthentication', value: 'no', match: null },
      { line: 4, keyword: 'authenticationmethods', value: 'publickey,keyboard-interactive', match: null },
      { line: 7, keyword: 'passwordauthentication', value: 'yes', match: 'User a,b Address 10.0.0.0/8' },
      { line: 9, keyword: 'x11forwarding', value: 'no', match: 'all' },
    ]);
  });
  test.each([
    ['Include /etc/ssh/sshd_config.d/*.conf', true],
    ['Include sshd_config.d/*.conf', true],
    ['include "/etc/ssh/sshd_config.d/*.conf"', true],
    ['Include /etc/ssh/first.conf /etc/ssh/sshd_config.d/*.conf', true],
    ['Include /etc/ssh/sshd_config.d/50-*.conf', false],
    ['Match User x\nInclude /etc/ssh/sshd_config.d/*.conf', false],
    ['#Include /etc/ssh/sshd_config.d/*.conf', false],
  ])('%s: the drop-ins are read for everybody: %s', (text, expected) => {
    expect(parseSshdConfig(text).some(includesDropIns)).toBe(expected);
  });
});

describe('OpenSSH versions', () => {
  test.each([
    ['8.4', true],
    ['8.6p1', true],
    ['8.7', false],
    ['9.2', false],
    ['10.0p2', false],
    ['', null],
  ])('%s is older than 8.7: %s', (version, older) => {
    expect(isOlderOpenSsh(version, 8, 7)).toBe(older);
  });
});
