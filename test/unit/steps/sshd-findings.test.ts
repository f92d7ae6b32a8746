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
  STOCK_SSHD_CONFIG,
} from '../../support/example-host.ts';

const tools = exampleTools();
const found = (facts: Partial<Facts>, settings: Partial<Settings> = {}): readonly string[] =>
  planHost(exampleFacts(facts), exampleSettings(settings), tools).findings.map(
    ({ severity, rule, persona, message }) => `${severity} ${rule} ${persona}: ${message}`,
  );
const file = (path: string, text: string): Partial<Facts> => ({ files: { [path]: fileOf(text) } });
const MAIN = '/etc/ssh/sshd_config';
const started = (start: Partial<Facts['sshd']['start']>): Partial<Facts> => {
  const { sshd } = exampleFacts();
  return { sshd: { ...sshd, start: { ...sshd.start, ...start } } };
};
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

describe('what in sshd’s settings stands in the way', () => {
  test.each<[string, Partial<Facts>, Partial<Settings>, RegExp]>([
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
      'an Include of a file that is not read',
      file(MAIN, `${STOCK_SSHD_CONFIG}Include /etc/ssh/extra.conf\n`),
      {},
      /breach sshd-unread host: .*sshd_config:6: includes \/etc\/ssh\/extra\.conf/,
    ],
    [
      'an Include in a drop-in',
      file('/etc/ssh/sshd_config.d/50-own.conf', 'Include /etc/ssh/extra.conf\n'),
      {},
      /breach sshd-unread .*50-own\.conf:1/,
    ],
    [
      'an Include that names another file beside the drop-in folder',
      file(MAIN, STOCK_SSHD_CONFIG.replace('*.conf', '*.conf /etc/ssh/extra.conf')),
      {},
      /breach sshd-unread .*sshd_config:2/,
    ],
    [
      'a drop-in that is a symbolic link',
      {
        files: {
          '/etc/ssh/sshd_config.d/50-own.conf': { kind: 'other', what: 'a symbolic link to /opt/s.conf' },
        },
      },
      {},
      /breach sshd-unread .*50-own\.conf is a symbolic link to \/opt\/s\.conf/,
    ],
    [
      'a drop-in whose name cannot be asked for',
      { files: { '/etc/ssh/sshd_config.d/my?own.conf': { kind: 'absent' } } },
      {},
      /breach sshd-unread .*my\?own\.conf/,
    ],
    [
      'an option of sshd in its defaults file',
      file('/etc/default/ssh', '# Options\nSSHD_OPTS="-4 -oAuthenticationMethods=publickey"\n'),
      {},
      /breach sshd-options .*\/etc\/default\/ssh starts sshd with -o authenticationmethods=publickey/,
    ],
    [
      'another settings file in its defaults file',
      file('/etc/default/ssh', 'SSHD_OPTS="-f /etc/ssh/other"\n'),
      {},
      /breach sshd-options .*-f \/etc\/ssh\/other/,
    ],
    [
      'an option of sshd in its unit',
      started({ commands: ['/usr/sbin/sshd -D -o UsePAM=no $SSHD_OPTS'] }),
      {},
      /breach sshd-options .*unit starts sshd with -o usepam=no/,
    ],
    [
      'a unit that starts sshd through another program',
      started({ commands: ['/usr/local/bin/start-sshd'] }),
      {},
      /breach sshd-options .*start-sshd/,
    ],
    [
      'a unit with a variable of its own',
      started({ commands: ['/usr/sbin/sshd -D $OPTIONS'] }),
      {},
      /breach sshd-options .*\$OPTIONS/,
    ],
    [
      'options in the environment of its unit',
      started({ environment: ['SSHD_OPTS=-oUsePAM=no'] }),
      {},
      /breach sshd-options .*environment/,
    ],
    [
      'a second environment file of its unit',
      started({ environmentFiles: ['/etc/default/ssh', '/etc/own'] }),
      {},
      /breach sshd-options .*\/etc\/own/,
    ],
    ['one session a connection', sshdHas({ maxsessions: ['1'] }), {}, /breach sshd-max-sessions/],
    ['another PAM service', sshdHas({ pamservicename: ['own'] }), {}, /breach sshd-pam-service host: .*own/],
    [
      'login_duo as a forced command',
      sshdHas({ forcecommand: ['/usr/sbin/login_duo'] }),
      {},
      /breach sshd-force-command/,
    ],
    [
      'keys from a command',
      sshdHas({ authorizedkeyscommand: ['/usr/bin/sss_ssh_authorizedkeys'] }),
      {},
      /warning key-login-elsewhere .*sss_ssh_authorizedkeys.*log was not looked into/,
    ],
    [
      'keys from a command, and who used them of late',
      {
        ...sshdHas({ authorizedkeyscommand: ['/usr/bin/sss_ssh_authorizedkeys'] }),
        accounts: { carol: accountOf({ keyLoginDaysAgo: 3 }), dora: accountOf({ authorizedKeys: 1 }) },
      },
      {},
      /warning key-login-elsewhere .*in the last 90 days: carol\)/,
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
      'a Match that wants the key and then the conversation, in other words',
      file(
        MAIN,
        `${STOCK_SSHD_CONFIG}Match User bob\n  AuthenticationMethods publickey,keyboard-interactive:pam\n`,
      ),
      {},
    ],
    [
      'options of sshd that say nothing about logins',
      file('/etc/default/ssh', 'SSHD_OPTS="-4 -u0 -o LogLevel=VERBOSE -f /etc/ssh/sshd_config"\n'),
      {},
    ],
    ['the PAM service by its usual name', sshdHas({ pamservicename: ['sshd'] }), {}],
  ])('not: %s', (_what, facts, settings) => {
    expect(found(facts, settings)).toEqual([]);
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
  test('a Match that lets members in by key alone is a breach, one for break-glass and automation is not', () => {
    const settings = exampleSettings({ sshdConfig: 'check' });
    const drop = (text: string) =>
      planHost(
        exampleFacts({ ...effective({}), ...file('/etc/ssh/sshd_config.d/00-own.conf', text) }),
        settings,
        tools,
      ).findings.map(({ rule }) => rule);
    expect(drop('Match Group sg_serveraccess\nAuthenticationMethods publickey\n')).toEqual([
      'sshd-foreign-match',
    ]);
    expect(
      drop(
        'Match User breakglass\nPasswordAuthentication yes\nAuthenticationMethods password\nMatch User automation\nAuthenticationMethods publickey\n',
      ),
    ).toEqual([]);
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
