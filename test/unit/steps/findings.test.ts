import { describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/core/facts.ts';
import type { Settings } from '../../../src/core/settings.ts';
import { planHost } from '../../../src/steps/plan-host.ts';
import {
  accountOf,
  exampleFacts,
  exampleSettings,
  exampleTools,
  fileOf,
  STOCK_COMMON_AUTH,
  STOCK_SSHD_PAM,
} from '../../support/example-host.ts';

const tools = exampleTools();
const found = (facts: Partial<Facts>, settings: Partial<Settings> = {}): readonly string[] =>
  planHost(exampleFacts(facts), exampleSettings(settings), tools).findings.map(
    ({ severity, rule, persona, message }) => `${severity} ${rule} ${persona}: ${message}`,
  );
const account = (name: string, over: Parameters<typeof accountOf>[0]): Partial<Facts> => ({
  accounts: { ...exampleFacts().accounts, [name]: over === undefined ? null : accountOf(over) },
});
const file = (path: string, text: string): Partial<Facts> => ({ files: { [path]: fileOf(text) } });
const sshdHas = (over: Record<string, readonly string[]>): Partial<Facts> => {
  const { sshd } = exampleFacts();
  return {
    sshd: {
      ...sshd,
      effective: Object.fromEntries(
        Object.entries(sshd.effective).map(([label, is]) => [label, { ...is, ...over }]),
      ),
    },
  };
};
const sudoSays = (over: Partial<NonNullable<Facts['sudo']['defaults']>>): Partial<Facts> => {
  const { sudo } = exampleFacts();
  if (sudo.defaults === null) throw new Error('the example host’s sudo says nothing');
  return { sudo: { ...sudo, defaults: { ...sudo.defaults, ...over } } };
};

describe('what stands in the way', () => {
  test.each<[string, Partial<Facts>, Partial<Settings>, RegExp]>([
    [
      'a group that the host does not know',
      { groups: { sg_serveraccess: null, sg_sudo: null } },
      {},
      /breach group-unresolved host: .*sg_serveraccess/,
    ],
    [
      'automation in a Duo group',
      account('automation', { groups: ['sg_sudo'] }),
      {},
      /breach automation-meets-duo automation/,
    ],
    [
      'break-glass in a Duo group by the group’s own list',
      { groups: { sg_serveraccess: { gid: 1, members: ['breakglass'] }, sg_sudo: { gid: 2, members: [] } } },
      {},
      /breach break-glass-meets-duo breakglass/,
    ],
    ['no break-glass account', account('breakglass', undefined), {}, /breach break-glass-missing breakglass/],
    [
      'break-glass with a locked password',
      account('breakglass', { password: 'locked' }),
      {},
      /breach break-glass-password/,
    ],
    [
      'break-glass with an empty password',
      account('breakglass', { password: 'empty' }),
      {},
      /breach break-glass-password .*empty/,
    ],
    [
      'break-glass in the directory',
      account('breakglass', { password: 'none' }),
      {},
      /breach break-glass-password .*not a local/,
    ],
    [
      'break-glass with an unreadable password',
      account('breakglass', { password: 'unknown' }),
      {},
      /warning break-glass-password/,
    ],
    [
      'an account that would be shut out',
      account('deploy', { authorizedKeys: 2, password: 'locked' }),
      {},
      /breach key-login-lost deploy: .*key_only_users.*key_login_loss_accepted/,
    ],
    [
      'an account that would be shut out, known from the log alone',
      account('deploy', { keyLoginDaysAgo: 12, password: 'locked' }),
      {},
      /breach key-login-lost deploy: .*12 days ago.*key_only_users/,
    ],
    ['a log that is too large', { keyLoginLog: 'cut' }, {}, /warning key-login-log-cut/],
    [
      'an account that needs its password from now on',
      account('deploy', { authorizedKeys: 2 }),
      {},
      /warning key-login-needs-password deploy/,
    ],
    [
      'a key-only user who is a Duo member',
      account('alice', { groups: ['sg_sudo'] }),
      { keyOnlyUsers: ['alice'] },
      /warning key-only-member alice/,
    ],
    [
      'automation that has a password only',
      {},
      {
        connection: {
          ...exampleSettings().connection,
          privateKeyFile: null,
          password: { kind: 'env', text: 'X' },
        },
      },
      /breach automation-needs-key/,
    ],
    [
      'a Duo group whose members would log in by key alone',
      {},
      { keyOnlyGroups: ['sg_serveraccess'] },
      /breach key-only-duo-group host: sg_serveraccess/,
    ],
    [
      'a Duo member in a key-only group',
      account('alice', { groups: ['alice', 'machines', 'sg_serveraccess'], authorizedKeys: 1 }),
      { keyOnlyGroups: ['machines'] },
      /warning key-only-member alice: .*machines of key_only_groups/,
    ],
    ['a /var without scripts', { dpkgScriptsRun: false }, {}, /breach packages-noexec .*remount,exec/],
    ['a clock that is ahead', { epochS: 1_795_000_090 }, {}, /warning clock-skew host: .*90 s ahead/],
    ['an interrupted package operation', { dpkgInterrupted: true }, {}, /breach dpkg-interrupted/],
    [
      'a read-only /etc',
      { space: { '/etc': { freeKiB: 1e6, freeInodes: 1e6, readOnly: true } } },
      {},
      /breach read-only host: \/etc/,
    ],
    [
      'a full disk',
      { space: { '/var/lib': { freeKiB: 10, freeInodes: 1e6, readOnly: false } } },
      {},
      /breach no-space host: \/var\/lib has 10 KiB/,
    ],
    [
      'no inodes',
      { space: { '/etc': { freeKiB: 1e6, freeInodes: 3, readOnly: false } } },
      {},
      /breach no-inodes/,
    ],
    [
      'sudo-rs and a negative timeout',
      { sudo: { implementation: 'sudo-rs', version: '0.2.5', defaults: null } },
      { sudoTimestampTimeoutMin: -1 },
      /breach sudo-timeout-negative/,
    ],
    [
      'sudo-rs with a sudoers file of its own',
      {
        sudo: { implementation: 'sudo-rs', version: '0.2.5', defaults: null },
        files: { ...exampleFacts().files, '/etc/sudoers-rs': fileOf('root ALL=(ALL) ALL\n') },
      },
      {},
      /warning sudoers-rs/,
    ],
    [
      'no sudo',
      { sudo: { implementation: 'none', version: '', defaults: null } },
      {},
      /warning sudo-missing/,
    ],
    [
      'break-glass outside of AllowGroups',
      sshdHas({ allowgroups: ['admins', 'wheel'] }),
      {},
      /breach break-glass-shut-out breakglass: .*allowgroups \(admins wheel\)/,
    ],
    [
      'break-glass that has expired',
      account('breakglass', { expired: true }),
      {},
      /breach break-glass-shut-out breakglass: .*expired/,
    ],
    [
      'break-glass without a shell',
      account('breakglass', { shell: '/usr/sbin/nologin' }),
      {},
      /breach break-glass-shut-out breakglass: .*nologin/,
    ],
    [
      'an account with a password and no key',
      account('carol', {}),
      {},
      /warning password-login-lost carol: .*key_login_loss_accepted/,
    ],
    [
      'an account with a password and no shell, which SFTP does without',
      account('carol', { shell: '/usr/sbin/nologin' }),
      {},
      /warning password-login-lost carol/,
    ],
    [
      'a member of Duo’s sudo group with a twin who is none',
      {
        accounts: {
          ...exampleFacts().accounts,
          twin: accountOf({ uid: 1999, authorizedKeys: 0, password: 'locked' }),
          bob: accountOf({ uid: 1999, groups: ['bob', 'sg_sudo'] }),
        },
      },
      {},
      /breach shared-uid bob: .*twin is not in sg_sudo/,
    ],
    [
      'sudo that asks for root’s password',
      account('bob', { sudo: { kind: 'some', asking: ['(ALL) ALL'], silent: [], elsewhere: ['rootpw'] } }),
      {},
      /breach sudo-other-account .*rootpw for bob/,
    ],
    [
      'a member of a Duo group with a password and no key',
      account('carol', { groups: ['sg_serveraccess'] }),
      {},
      /warning password-login-lost carol/,
    ],
    [
      'sudo that asks nobody',
      sudoSays({ authenticate: false }),
      {},
      /breach sudo-asks-nobody .*!authenticate/,
    ],
    [
      'sudo with another PAM service',
      sudoSays({ services: ['other', 'sudo-i'] }),
      {},
      /breach sudo-pam-service .*other/,
    ],
    [
      'a foreign PAM auth line',
      file('/etc/pam.d/sshd', `auth required pam_faillock.so\n${STOCK_SSHD_PAM}`),
      {},
      /breach pam-line host: \/etc\/pam\.d\/sshd:1: uses pam_faillock/,
    ],
    [
      'a PAM file in which something was masked',
      { files: { '/etc/pam.d/sshd': { ...fileOf(STOCK_SSHD_PAM), sha256: 'f'.repeat(64) } } },
      {},
      /breach pam-file-unreadable/,
    ],
    [
      'no PAM file for sshd',
      { files: { '/etc/pam.d/sshd': { kind: 'absent' } } },
      {},
      /breach pam-file-missing host: \/etc\/pam\.d\/sshd/,
    ],
    [
      'a manual Duo line in common-auth',
      file('/etc/pam.d/common-auth', `${STOCK_COMMON_AUTH}auth required /lib64/security/pam_duo.so\n`),
      {},
      /breach pam-duo-in-common host: \/etc\/pam\.d\/common-auth:9/,
    ],
    [
      'a manual Duo line in common-account',
      file('/etc/pam.d/common-account', 'account required pam_duo.so\n'),
      {},
      /breach pam-duo-in-common host: \/etc\/pam\.d\/common-account:1/,
    ],
    [
      'a source file that mixes repositories',
      {
        duoSources: {
          '/etc/apt/sources.list': [
            'deb https://mirror.test/debian bookworm main',
            'deb [arch=amd64] https://pkg.duosecurity.com/Debian bookworm main',
          ],
        },
      },
      {},
      /breach duo-source-mixed/,
    ],
    [
      'a second source file under a name of its own',
      {
        duoSources: {
          '/etc/apt/sources.list.d/own.list': ['deb https://pkg.duosecurity.com/Debian bookworm main'],
        },
      },
      {},
      /breach duo-source-elsewhere/,
    ],
  ])('%s', (_what, facts, settings, words) => {
    const all = found(facts, settings);
    expect(
      all.some((line) => words.test(line)),
      all.join('\n'),
    ).toBe(true);
  });

  test.each<[string, Partial<Facts>, Partial<Settings>]>([
    [
      'the legacy package’s own line in common-auth',
      file(
        '/etc/pam.d/common-auth',
        STOCK_COMMON_AUTH.replace(
          'auth\toptional',
          'auth\t[success=ok default=bad]\tpam_duo.so\nauth\toptional',
        ),
      ),
      {},
    ],
    [
      'break-glass in AllowUsers, from an address',
      sshdHas({ allowusers: ['root', 'automation', 'break*@198.18.*'] }),
      {},
    ],
    ['a login that nobody needs', account('carol', {}), { keyLoginLossAccepted: ['carol'] }],
    ['an expired account with a password', account('carol', { expired: true }), {}],
    [
      'a password that sshd takes from nobody already',
      {
        ...account('carol', {}),
        ...sshdHas({ passwordauthentication: ['no'], kbdinteractiveauthentication: ['no'] }),
      },
      {},
    ],
    ['sudo’s timeout before it is declared', sudoSays({ timestampTimeoutMin: 15 }), {}],
    ['a clock that is right', { epochS: 1_794_999_941 }, {}],
    ['no break-glass account wanted', account('breakglass', undefined), { breakGlass: null }],
  ])('not: %s', (_what, facts, settings) => {
    expect(found(facts, settings)).toEqual([]);
  });

  test('the same line in common-auth is a breach once the legacy package is gone', () => {
    const common = STOCK_COMMON_AUTH.replace('auth\toptional', 'auth\trequired\tpam_duo.so\nauth\toptional');
    expect(found({ ...file('/etc/pam.d/common-auth', common), packages: {} }).join()).toContain(
      'pam-duo-in-common',
    );
  });
  test('nothing of a PAM service is planned while one of its lines stands in the way', () => {
    const facts = exampleFacts(file('/etc/pam.d/sshd', `auth required pam_faillock.so\n${STOCK_SSHD_PAM}`));
    const targets = planHost(facts, exampleSettings(), tools).changes.map(({ target }) => target);
    expect(targets.filter((target) => target.endsWith('/sshd'))).toEqual([]);
  });
});
