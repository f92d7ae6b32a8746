import { describe, expect, test } from 'vitest';
import type { FileChange } from '../../../src/core/change.ts';
import type { Facts } from '../../../src/core/facts.ts';
import type { Settings } from '../../../src/core/settings.ts';
import { maskDuoConf } from '../../../src/steps/pam-duo-conf.ts';
import { planHost } from '../../../src/steps/plan-host.ts';
import { exampleFacts, exampleSettings, exampleTools, fileOf, SKEY } from '../../support/example-host.ts';

const changeOf = (
  target: string,
  settings: Partial<Settings> = {},
  facts: Partial<Facts> = {},
): FileChange => {
  const change = planHost(exampleFacts(facts), exampleSettings(settings), exampleTools()).changes.find(
    (one) => one.target === target,
  );
  if (change?.kind !== 'file') throw new Error(`no change of ${target}`);
  return change;
};
const linesOf = (change: FileChange): readonly string[] =>
  new TextDecoder()
    .decode(change.content)
    .split('\n')
    .filter((line) => line !== '' && !/^[#;]/.test(line));

const groupsOf = (over: Partial<Settings>): readonly string[] =>
  linesOf(changeOf(CONF, over)).filter((line) => line.startsWith('groups'));

const CONF = '/etc/duo/pam_duo.conf';
const DROP_IN = '/etc/ssh/sshd_config.d/00-duo-fleet.conf';

describe('pam_duo.conf', () => {
  test('has failmode first, every value as given, no leading blanks, and root alone reads it', () => {
    const change = changeOf(CONF);
    expect(change).toMatchObject({ mode: 0o600, secret: true });
    expect(linesOf(change)).toEqual([
      '[duo]',
      'failmode = safe',
      'ikey = DIABCDEFGHIJKLMNOPQR',
      `skey = ${SKEY}`,
      'host = api-12345678.duosecurity.com',
      'pushinfo = yes',
      'autopush = yes',
      'prompts = 3',
      'groups = sg_serveraccess,sg_sudo',
    ]);
  });
  test('has its groups in lower case, on two lines where one would be too long, and each once', () => {
    const long = `g${'x'.repeat(150)}`;
    expect(groupsOf({ serverAccessGroup: 'SG_Access', sudoGroup: long })).toEqual([
      `groups = sg_access,${long}`,
    ]);
    expect(groupsOf({ serverAccessGroup: `a${long}`, sudoGroup: long })).toEqual([
      `groups = a${long}`,
      `groups = ${long}`,
    ]);
    expect(groupsOf({ serverAccessGroup: 'g', sudoGroup: 'G' })).toEqual(['groups = g']);
  });
  test('is never written with a line that pam_duo would cut', () => {
    const duo = { ...exampleSettings().duo, options: [['cafile', `/${'x'.repeat(190)}`]] as const };
    expect(() => changeOf(CONF, { duo })).toThrow('longer than pam_duo reads');
  });
  test('is shown with its secrets masked, before and after', () => {
    const duo = {
      ...exampleSettings().duo,
      options: [['http_proxy', 'http://u:hunter2@proxy:3128']] as const,
    };
    const { shown, why } = changeOf(
      CONF,
      { duo },
      { files: { [CONF]: fileOf('[duo]\nskey = old-secret\n', 0o640) } },
    );
    expect(shown.before).toBe('[duo]\nskey = [secret]\n');
    expect(shown.after).toContain('skey = [secret]\n');
    expect(shown.after).toContain('http_proxy = http://[secret]@proxy:3128\n');
    expect(why).toEqual(['content differs from line 1 on', 'mode is 0640, should be 0600']);
  });
  test('that differs in the secret alone says no more than that', () => {
    const after = maskDuoConf(new TextDecoder().decode(changeOf(CONF).content));
    const live = { ...fileOf(after, 0o600), sha256: '0'.repeat(64) };
    expect(changeOf(CONF, {}, { files: { [CONF]: live } }).why).toEqual([
      'content differs in a secret value',
    ]);
  });
});

describe('the drop-in of sshd', () => {
  test('has only what it needs', () => {
    expect(linesOf(changeOf(DROP_IN, { breakGlass: null }))).toEqual([
      'UsePAM yes',
      'KbdInteractiveAuthentication yes',
      'PubkeyAuthentication yes',
      'PasswordAuthentication no',
      'UseDNS no',
      'AuthenticationMethods publickey,keyboard-interactive',
      'Match User automation',
      '    AuthenticationMethods publickey',
      'Match all',
    ]);
  });
  test('gives break-glass, key-only users and key-only groups blocks of their own', () => {
    const lines = linesOf(
      changeOf(DROP_IN, { keyOnlyUsers: ['backup', 'git'], keyOnlyGroups: ['machines'] }),
    );
    expect(lines.slice(lines.indexOf('Match User automation') + 2)).toEqual([
      'Match User breakglass Address 198.18.0.0/16,198.18.0.5',
      '    PasswordAuthentication yes',
      '    AuthenticationMethods password',
      'Match User backup,git',
      '    AuthenticationMethods publickey',
      'Match Group machines',
      '    AuthenticationMethods publickey',
      'Match all',
    ]);
  });
  test('lets break-glass in from anywhere where no source is named', () => {
    const breakGlass = { user: 'breakglass', allowedSources: [], password: null };
    expect(linesOf(changeOf(DROP_IN, { breakGlass }))).toContain('Match User breakglass');
  });
  test.each([
    ['8.4', true],
    ['8.7', false],
    ['10.0', false],
  ])('for OpenSSH %s sets the older name too: %s', (version, older) => {
    const lines = linesOf(changeOf(DROP_IN, {}, { sshd: { ...exampleFacts().sshd, version } }));
    expect(lines.includes('ChallengeResponseAuthentication yes')).toBe(older);
  });
});

describe('the other files', () => {
  test('the repository is trusted by its own key alone', () => {
    expect(linesOf(changeOf('/etc/apt/sources.list.d/duosecurity.list'))).toEqual([
      'deb [arch=amd64 signed-by=/etc/apt/keyrings/duo-security.gpg] https://pkg.duosecurity.com/Debian bookworm main',
    ]);
    expect(changeOf('/etc/apt/keyrings/duo-security.gpg')).toMatchObject({
      mode: 0o644,
      shown: { before: null, after: null },
    });
  });
  test('the packages are one transaction with the legacy ones out, left-over settings included', () => {
    const change = planHost(exampleFacts(), exampleSettings(), exampleTools()).changes.find(
      ({ kind }) => kind === 'packages',
    );
    expect(change).toMatchObject({
      target: 'duo-unix',
      install: ['duo-unix'],
      purge: ['libpam-duo', 'libduo3'],
      minimumVersion: '2.1.0',
      sourceLine: 'deb [arch=amd64 signed-by=KEYRING] https://pkg.duosecurity.com/Debian bookworm main',
    });
  });
  test('sudo’s timeout is a sudoers file of its own', () => {
    const change = changeOf('/etc/sudoers.d/sudo_timestamp_timeout', { sudoTimestampTimeoutMin: -1 });
    expect(change.mode).toBe(0o440);
    expect(linesOf(change)).toEqual(['Defaults timestamp_timeout=-1']);
  });
  test('sudo -i is managed only where it has a service of its own', () => {
    const facts = exampleFacts({ files: { '/etc/pam.d/sudo-i': { kind: 'absent' } } });
    const plan = planHost(facts, exampleSettings(), exampleTools());
    expect(plan.changes.map(({ target }) => target)).not.toContain('/etc/pam.d/sudo-i');
    expect(plan.findings).toEqual([]);
  });
});
