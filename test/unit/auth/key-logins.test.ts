import { describe, expect, test } from 'vitest';
import { keyLogins, passwordLogins } from '../../../src/auth/key-logins.ts';
import type { AccountFacts } from '../../../src/core/facts.ts';
import { accountOf, exampleFacts, exampleSettings } from '../../support/example-host.ts';

const settings = exampleSettings({
  keyOnlyUsers: ['backup'],
  keyOnlyGroups: ['machines'],
  keyLoginLossAccepted: ['retired'],
});
const of = (name: string, over: Partial<AccountFacts>, permitRootLogin = 'without-password') => {
  const facts = exampleFacts({ accounts: { [name]: accountOf({ authorizedKeys: 1, ...over }) } });
  const effective = { ...facts.sshd.effective, root: { permitrootlogin: [permitRootLogin] } };
  return keyLogins(settings, { ...facts, sshd: { ...facts.sshd, effective } });
};

describe('an account that no file shows a key of, but that logged in by key of late', () => {
  test.each<[AccountFacts['password'], string]>([
    ['locked', 'lost'],
    ['set', 'needs-password'],
    ['none', 'unknown'],
  ])('with a password that is %s counts as one with authorized keys: %s', (password, outcome) => {
    expect(of('carol', { authorizedKeys: 0, keyLoginDaysAgo: 12, password })).toEqual([
      { account: 'carol', onlyLoggedDaysAgo: 12, outcome },
    ]);
  });
  test('keeps what it has when it is listed', () => {
    expect(of('backup', { authorizedKeys: 0, keyLoginDaysAgo: 12, password: 'locked' })).toEqual([]);
    expect(of('retired', { authorizedKeys: 0, keyLoginDaysAgo: 12, password: 'locked' })).toEqual([]);
  });
});

describe('an account with authorized keys', () => {
  test.each<[string, string, Partial<AccountFacts>]>([
    ['the automation account', 'automation', { password: 'locked' }],
    ['a key-only user', 'backup', { password: 'locked' }],
    ['a member of a key-only group', 'm1', { password: 'locked', groups: ['m1', 'machines'] }],
    ['one whose loss is accepted', 'retired', { password: 'locked' }],
    ['a member of Duo’s login group', 'alice', { password: 'locked', groups: ['sg_serveraccess'] }],
    ['a member of Duo’s sudo group', 'bob', { password: 'locked', groups: ['SG_Sudo'] }],
    ['the break-glass account', 'breakglass', { password: 'set' }],
    ['one that has expired', 'carol', { password: 'locked', expired: true }],
    ['one without keys', 'carol', { password: 'locked', authorizedKeys: 0 }],
  ])('%s keeps what it has', (_who, name, over) => {
    expect(of(name, over)).toEqual([]);
  });
  test('is told of whatever its shell: SFTP and forwarding need none', () => {
    expect(of('sftp', { password: 'locked', shell: '/usr/sbin/nologin' })).toEqual([
      { account: 'sftp', onlyLoggedDaysAgo: null, outcome: 'lost' },
    ]);
  });
  test.each(['locked', 'empty'] as const)('without a usable password (%s) is lost', (password) => {
    expect(of('deploy', { password })).toMatchObject([{ account: 'deploy', outcome: 'lost' }]);
  });
  test('with a password needs it', () => {
    expect(of('deploy', { password: 'set' })).toMatchObject([
      { account: 'deploy', outcome: 'needs-password' },
    ]);
  });
  test.each(['none', 'unknown'] as const)('with a password elsewhere (%s) cannot be judged', (password) => {
    expect(of('deploy', { password })).toMatchObject([{ account: 'deploy', outcome: 'unknown' }]);
  });
  test('that is break-glass without a password is lost', () => {
    expect(of('breakglass', { password: 'locked' })).toMatchObject([
      { account: 'breakglass', outcome: 'lost' },
    ]);
  });
  test.each([
    ['without-password', [{ account: 'root', outcome: 'lost' }]],
    ['prohibit-password', [{ account: 'root', outcome: 'lost' }]],
    ['forced-commands-only', [{ account: 'root', outcome: 'lost' }]],
    ['yes', [{ account: 'root', outcome: 'needs-password' }]],
    ['no', []],
  ])('that is root under PermitRootLogin %s', (permit, expected) => {
    const found = of('root', { password: 'set' }, permit);
    expect(found.map(({ account, outcome }) => ({ account, outcome }))).toEqual(expected);
  });
});

const lost = (
  accounts: Readonly<Record<string, Partial<AccountFacts>>>,
  sshd: Record<string, string[]> = {},
) => {
  const facts = exampleFacts({
    accounts: Object.fromEntries(Object.entries(accounts).map(([name, over]) => [name, accountOf(over)])),
  });
  const effective = {
    '*': {
      ...facts.sshd.effective['*'],
      passwordauthentication: ['yes'],
      authenticationmethods: ['any'],
      ...sshd,
    },
    root: { permitrootlogin: ['without-password'] },
  };
  return passwordLogins(settings, { ...facts, sshd: { ...facts.sshd, effective } });
};

describe('an account that logs in by password alone', () => {
  const people = { carol: {}, sftp: { shell: '/usr/sbin/nologin', groups: ['sftp'] } } as const;
  test('is named whatever its shell: SFTP needs none', () => {
    expect(lost(people)).toEqual(['carol', 'sftp']);
  });
  test('is not named where sshd shuts it out already', () => {
    expect(lost(people, { allowgroups: ['sftp'] })).toEqual(['sftp']);
    expect(lost(people, { denyusers: ['sftp'] })).toEqual(['carol']);
  });
  test('is not named where it is root by another name, of which sshd takes no password', () => {
    expect(lost({ toor: { uid: 0 } })).toEqual([]);
  });
});
