import { describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/core/facts.ts';
import { differences, planHost } from '../../../src/steps/plan-host.ts';
import {
  accountOf,
  afterChanges,
  exampleFacts,
  exampleSettings,
  exampleTools,
  fileOf,
} from '../../support/example-host.ts';

const tools = exampleTools();

const live = (over: (facts: Facts) => Facts) => {
  const facts = exampleFacts();
  const settings = exampleSettings();
  return over(afterChanges(facts, planHost(facts, settings, tools).changes, settings));
};

describe('once the settings are live', () => {
  test('a file that beats ours is a breach and a difference', () => {
    const facts = live((was) => ({
      ...was,
      sshd: {
        ...was.sshd,
        effective: {
          ...was.sshd.effective,
          automation: { authenticationmethods: ['publickey,keyboard-interactive'] },
        },
      },
    }));
    expect(planHost(facts, exampleSettings(), tools).findings).toMatchObject([
      { rule: 'sshd-overridden', persona: 'automation', severity: 'breach' },
    ]);
    expect(differences(facts, exampleSettings(), tools)).toMatchObject([
      { step: 'sshd-settings', target: 'web1' },
    ]);
  });
  test('a sudo timeout that another line of sudoers beats is a breach and a difference', () => {
    const facts = live((was) => ({
      ...was,
      sudo: { ...was.sudo, defaults: { authenticate: true, timestampTimeoutMin: -1, services: ['sudo'] } },
    }));
    expect(planHost(facts, exampleSettings(), tools).findings).toMatchObject([
      { rule: 'sudo-timeout-overridden', severity: 'breach' },
    ]);
    expect(differences(facts, exampleSettings(), tools)).toMatchObject([{ step: 'sudoers' }]);
  });
  test('what a removal of the outdated package left is no difference, and goes with the next swap', () => {
    const left = { 'libpam-duo': { status: 'config-files', version: '1.11.3-1', origins: [] } };
    const facts = live((was) => ({ ...was, packages: { ...was.packages, ...left } }));
    expect(planHost(facts, exampleSettings(), tools).changes).toEqual([]);
    const swap = planHost({ ...facts, packages: left }, exampleSettings(), tools).changes;
    expect(swap).toMatchObject([{ kind: 'packages', purge: ['libpam-duo'], why: ['is not installed'] }]);
  });
  test('an account that is shut out already is told of and does not stand in the way', () => {
    const facts = live((was) => ({
      ...was,
      accounts: { ...was.accounts, deploy: accountOf({ authorizedKeys: 1, password: 'locked' }) },
    }));
    expect(planHost(facts, exampleSettings(), tools).findings).toMatchObject([
      { rule: 'key-login-lost', severity: 'warning' },
    ]);
  });
  test('a package that is too old, of unknown origin or broken is replaced, and verify says which', () => {
    const url = 'https://pkg.duosecurity.com/Debian';
    const states: readonly (readonly [object, RegExp])[] = [
      [{ version: '2.0.4-0' }, /version is 2\.0\.4-0, should be 2\.1\.0/],
      [{ origins: [] }, /does not come from/],
      [{ origins: ['https://other.example/Debian'] }, /does not come from/],
      [{ status: 'half-configured' }, /is half-configured/],
    ];
    for (const [over, words] of states) {
      const duo = { status: 'installed', version: '2.2.3-0', origins: [url], ...over };
      const facts = live((was) => ({ ...was, packages: { 'duo-unix': duo } }));
      expect(planHost(facts, exampleSettings(), tools).changes.map(({ kind }) => kind)).toEqual(['packages']);
      expect(
        differences(facts, exampleSettings(), tools)
          .map(({ message }) => message)
          .join(),
      ).toMatch(words);
    }
    const facts = live((was) => ({ ...was, moduleError: 'libduo.so.3: cannot open' }));
    expect(
      differences(facts, exampleSettings(), tools)
        .map(({ message }) => message)
        .join(),
    ).toContain('does not load: libduo');
  });
  test('a source file of which a part is not Duo’s is not touched, though only Duo’s lines were observed', () => {
    const other = '/etc/apt/sources.list.d/duo.list';
    const line = 'deb [arch=amd64] https://pkg.duosecurity.com/Ubuntu jammy main';
    const facts = live((was) => ({
      ...was,
      files: { ...was.files, [other]: fileOf(`${line}\n deb http://other.example/debian bookworm main\n`) },
      duoSources: { [other]: [line] },
    }));
    expect(planHost(facts, exampleSettings(), tools)).toMatchObject({
      changes: [],
      findings: [{ rule: 'duo-source-mixed', severity: 'breach' }],
    });
  });
  test('a deb822 source file of another set-up goes whole', () => {
    const other = '/etc/apt/sources.list.d/duosecurity.sources';
    const lines = [
      'Types: deb',
      'URIs: https://pkg.duosecurity.com/Ubuntu',
      'Suites: jammy',
      'Components: main',
    ];
    const facts = live((was) => ({
      ...was,
      files: { ...was.files, [other]: fileOf(`# x\n${lines.join('\n')}\n`) },
      duoSources: { [other]: lines },
    }));
    expect(planHost(facts, exampleSettings(), tools).changes).toMatchObject([
      { kind: 'absent', target: other },
    ]);
  });
  test('a source file of another set-up and its globally trusted key go', () => {
    const other = '/etc/apt/sources.list.d/duo.list';
    const key = '/etc/apt/trusted.gpg.d/duo.gpg';
    const line = 'deb [arch=amd64] https://pkg.duosecurity.com/Ubuntu jammy main';
    const facts = live((was) => ({
      ...was,
      files: { ...was.files, [other]: fileOf(line), [key]: fileOf('key') },
      duoSources: { [other]: [line] },
    }));
    expect(
      planHost(facts, exampleSettings(), tools).changes.map(({ kind, target }) => `${kind} ${target}`),
    ).toEqual([`absent ${other}`, `absent ${key}`]);
  });
  test('of drift that opens a door, verify says what it means: nobody would meet Duo', () => {
    const path = '/etc/duo/pam_duo.conf';
    const facts = live((was) => {
      const file = was.files[path];
      if (file?.kind !== 'file' || file.text === null) throw new Error('no pam_duo.conf');
      const text = file.text.replace(/(?:^groups = .*\n)+/m, 'groups = !admins\n');
      return { ...was, files: { ...was.files, [path]: fileOf(text, 0o600) } };
    });
    const messages = differences(facts, exampleSettings(), tools).map(({ message }) => message);
    expect(messages.filter((message) => message.includes('groups = !admins'))).toHaveLength(2);
    expect(messages.join('\n')).toMatch(/get in over SSH without Duo.*means nobody/);
  });
});
