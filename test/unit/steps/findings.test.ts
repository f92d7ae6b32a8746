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
  STOCK_SSHD_CONFIG,
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
const MAIN = '/etc/ssh/sshd_config';

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
      { sudo: { implementation: 'sudo-rs', version: '0.2.5' } },
      { sudoTimestampTimeoutMin: -1 },
      /breach sudo-timeout-negative/,
    ],
    ['no sudo', { sudo: { implementation: 'none', version: '' } }, {}, /warning sudo-missing/],
    [
      'sshd settings that sshd rejects',
      { sshd: { ...exampleFacts().sshd, effective: {}, error: 'line 3: Bad option' } },
      {},
      /breach sshd-settings-invalid .*line 3/,
    ],
    [
      'an sshd without Include',
      { sshd: { ...exampleFacts().sshd, version: '8.0' } },
      {},
      /breach sshd-include/,
    ],
    [
      'a main file without the Include',
      file(MAIN, 'UsePAM yes\n'),
      {},
      /breach sshd-include .*Include \/etc\/ssh\/sshd_config\.d\/\*\.conf/,
    ],
    [
      'a setting before the Include',
      file(MAIN, `UsePAM no\n${STOCK_SSHD_CONFIG}`),
      {},
      /breach sshd-earlier-setting .*sshd_config:1: sets usepam/,
    ],
    [
      'a setting in a drop-in that sorts first',
      file('/etc/ssh/sshd_config.d/00-aaa.conf', 'PasswordAuthentication yes\n'),
      {},
      /breach sshd-earlier-setting .*00-aaa\.conf:1/,
    ],
    [
      'a foreign Match',
      file(MAIN, `${STOCK_SSHD_CONFIG}Match User bob\n  PasswordAuthentication yes\n`),
      {},
      /breach sshd-foreign-match .*sshd_config:7: passwordauthentication under "Match User bob"/,
    ],
    [
      'a foreign Match in a drop-in',
      file('/etc/ssh/sshd_config.d/50-cloud-init.conf', 'Match all\nAuthenticationMethods any\n'),
      {},
      /breach sshd-foreign-match .*50-cloud-init\.conf:2/,
    ],
    [
      'a Match that takes the key from automation',
      file(MAIN, `${STOCK_SSHD_CONFIG}Match User automation\nPubkeyAuthentication no\n`),
      {},
      /breach sshd-foreign-match/,
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
            'deb http://deb.debian.org/debian bookworm main',
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
      'a Match that only repeats what we declare',
      file(
        MAIN,
        `${STOCK_SSHD_CONFIG}Match User bob\n  PasswordAuthentication no\n  ForceCommand internal-sftp\n`,
      ),
      {},
    ],
    [
      'a Match for a key-only user',
      file(MAIN, `${STOCK_SSHD_CONFIG}Match User sftp,backup\n  AuthenticationMethods publickey\n`),
      { keyOnlyUsers: ['sftp', 'backup'] },
    ],
    [
      'settings for everybody in a later drop-in',
      file('/etc/ssh/sshd_config.d/50-cloud-init.conf', 'PasswordAuthentication yes\n'),
      {},
    ],
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

const effective = (over: Record<string, readonly string[]>): Partial<Facts> => {
  const right = {
    usepam: ['yes'],
    kbdinteractiveauthentication: ['yes'],
    passwordauthentication: ['no'],
    authenticationmethods: ['publickey,keyboard-interactive'],
  };
  const sshd = exampleFacts().sshd;
  return {
    sshd: {
      ...sshd,
      effective: { '*': { ...right, ...over }, automation: { authenticationmethods: ['publickey'] } },
    },
  };
};

describe('with duo_sshd_config: check', () => {
  test('nothing of sshd is changed, and right settings are no finding', () => {
    const plan = planHost(exampleFacts(effective({})), exampleSettings({ sshdConfig: 'check' }), tools);
    expect(plan.changes.filter(({ step }) => step === 'sshd-settings')).toEqual([]);
    expect(plan.findings).toEqual([]);
  });
  test.each([
    ['usepam', 'no'],
    ['kbdinteractiveauthentication', 'no'],
    ['passwordauthentication', 'yes'],
    ['authenticationmethods', 'any'],
    ['authenticationmethods', 'publickey'],
    ['authenticationmethods', 'publickey,keyboard-interactive password'],
    ['authenticationmethods', 'keyboard-interactive,publickey'],
  ])('%s %s is an open door', (keyword, value) => {
    expect(found(effective({ [keyword]: [value] }), { sshdConfig: 'check' })).toEqual([
      expect.stringContaining(`breach sshd-open-door host: sshd has ${keyword} ${value}`),
    ]);
  });
  test('automation that would have to answer a prompt is a breach', () => {
    const facts = effective({});
    const shut = {
      ...facts.sshd!.effective,
      automation: { authenticationmethods: ['publickey,keyboard-interactive'] },
    };
    expect(found({ sshd: { ...facts.sshd!, effective: shut } }, { sshdConfig: 'check' })).toEqual([
      expect.stringContaining('breach automation-shut-out automation'),
    ]);
  });
});
