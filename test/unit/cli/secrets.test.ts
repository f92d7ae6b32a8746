import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { resolveSecrets, secretUsesOf, type SecretUse, type SecretWorld } from '../../../src/cli/secrets.ts';
import type { TerminalQuestion } from '../../../src/cli/surroundings.ts';
import type { InventoryHost } from '../../../src/core/inventory.ts';
import { parseInventory } from '../../../src/core/parse-inventory.ts';
import { reveal, Secret, type SecretRef } from '../../../src/core/secret.ts';
import { parseAllSettings } from '../../../src/core/settings-parse.ts';
import type { SecretVariable } from '../../../src/core/variables.ts';
import { fakeKeyring } from '../../support/fake-keyring.ts';

let folder = '';
const place = { file: 'inv.yml', line: 3, column: 7, source: '' };
const host: InventoryHost = { name: 'h1', place, groups: ['all'], variables: new Map() };

const worldOf = (more: Partial<SecretWorld> = {}): SecretWorld => ({
  env: { PATH: process.env['PATH'], DUO_SKEY: 'from-env' },
  homeDirectory: folder,
  workingDirectory: folder,
  uid: process.getuid?.() ?? 0,
  keyring: fakeKeyring(),
  prompt: null,
  commandTimeoutMs: 2000,
  ...more,
});

const use = (ref: SecretRef, variable: SecretVariable = 'duo_skey'): SecretUse => ({ variable, ref, host });

/** The value, or what is said in its place. */
const outcome = async (ref: SecretRef, world: SecretWorld = worldOf()): Promise<string> => {
  const { open, diagnostics } = await resolveSecrets([use(ref)], world);
  return diagnostics[0] === undefined ? reveal(open(ref)) : `! ${diagnostics[0].message}`;
};

const secretFile = (name: string, content: string, mode = 0o600): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'secrets-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('env:', () => {
  test('gives the variable’s value', async () => {
    expect(await outcome({ kind: 'env', text: 'DUO_SKEY' })).toBe('from-env');
  });

  test('one that is not set, or empty, is told by its name', async () => {
    expect(await outcome({ kind: 'env', text: 'NOPE' })).toContain('environment variable NOPE is not set');
    expect(await outcome({ kind: 'env', text: 'E' }, worldOf({ env: { E: '' } }))).toContain('is empty');
  });
});

describe('file:', () => {
  test('gives the line of a file that is the operator’s alone', async () => {
    const path = secretFile('good', 'from-file\n');
    expect(await outcome({ kind: 'file', text: path })).toBe('from-file');
    expect(await outcome({ kind: 'file', text: 'good' })).toBe('from-file');
    expect(await outcome({ kind: 'file', text: '~/good' })).toBe('from-file');
  });

  test.each([0o640, 0o604, 0o620, 0o601])('one of mode %o is refused', async (mode) => {
    const path = secretFile(`mode-${mode}`, 'x', mode);
    expect(await outcome({ kind: 'file', text: path })).toContain('open to others');
  });

  test('a symbolic link, a folder, a pipe and a missing file are refused, and none of them hangs', async () => {
    const target = secretFile('target', 'x');
    symlinkSync(target, join(folder, 'link'));
    mkdirSync(join(folder, 'dir'), { mode: 0o700 });
    execFileSync('mkfifo', ['-m', '600', join(folder, 'pipe')]);
    expect(await outcome({ kind: 'file', text: 'link' })).toContain('symbolic link');
    expect(await outcome({ kind: 'file', text: 'dir' })).toContain('no regular file');
    expect(await outcome({ kind: 'file', text: 'pipe' })).toContain('no regular file');
    expect(await outcome({ kind: 'file', text: 'missing' })).toContain('cannot be opened (ENOENT)');
  });

  test('a file of somebody else is refused', async () => {
    const path = secretFile('owned', 'x');
    const told = await outcome({ kind: 'file', text: path }, worldOf({ uid: (process.getuid?.() ?? 0) + 1 }));
    // Root's own files are always taken.
    expect(told).toMatch(process.getuid?.() === 0 ? /^x$/ : /belongs to somebody else/);
  });

  test('two lines, and what pam_duo.conf would misread, are refused without being shown', async () => {
    for (const content of ['top\nsecret', 'top ;secret', 'top secret', 'top"secret', '']) {
      const told = await outcome({ kind: 'file', text: secretFile('bad', content) });
      expect(told.startsWith('! ')).toBe(true);
      expect(told).not.toContain('top');
    }
  });
});

describe('command:', () => {
  test('gives the first line, with words in quotes held together and no shell', async () => {
    expect(
      await outcome({ kind: 'command', text: `printf '%s\\n' "$HOME;x" second`.replace('$HOME;x', 'a+b') }),
    ).toBe('a+b');
    expect(await outcome({ kind: 'command', text: 'echo $(id)' })).toMatch(/^! .*one word/);
  });

  test('one that fails, is missing, is too slow or talks without end is told, without its output', async () => {
    expect(await outcome({ kind: 'command', text: 'false' })).toContain('false ended with status 1');
    expect(await outcome({ kind: 'command', text: 'no-such-program x' })).toContain(
      'could not be started (ENOENT)',
    );
    const slow = worldOf({ commandTimeoutMs: 50 });
    expect(await outcome({ kind: 'command', text: 'sleep 60' }, slow)).toContain(
      'did not end within 0.05 seconds',
    );
    expect(await outcome({ kind: 'command', text: 'yes secret' })).toMatch(/printed more than \d+ bytes$/);
  });

  test('it does not see the secrets that come by environment', async () => {
    const refs = [
      use({ kind: 'env', text: 'DUO_SKEY' }),
      use({ kind: 'command', text: 'printenv DUO_SKEY' }),
    ];
    const { diagnostics } = await resolveSecrets(refs, worldOf());
    expect(diagnostics.map((each) => each.message)).toStrictEqual(['duo_skey: printenv ended with status 1']);
  });
});

const keyring = (entries: Readonly<Record<string, string>>): Partial<SecretWorld> => ({
  keyring: fakeKeyring(new Map(Object.entries(entries))),
});

describe('keyring:', () => {
  test('gives an entry of duo-fleet, or of the service named', async () => {
    const world = worldOf(keyring({ 'duo-fleet/skey': 'mine', 'corp/skey': 'theirs' }));
    expect(await outcome({ kind: 'keyring', text: 'skey' }, world)).toBe('mine');
    expect(await outcome({ kind: 'keyring', text: 'corp/skey' }, world)).toBe('theirs');
    expect(await outcome({ kind: 'keyring', text: 'other' }, world)).toContain('no entry duo-fleet/other');
  });

  test.each([
    ['missing', 'keytar is not installed'],
    ['no-bus', 'no D-Bus session'],
    ['late', 'did not answer within 5 seconds'],
    ['failed', 'cannot be reached'],
  ] as const)('a keyring that is %s says so, and what else there is', async (problem, words) => {
    const world = worldOf({ keyring: fakeKeyring(new Map(), problem) });
    const { diagnostics } = await resolveSecrets([use({ kind: 'keyring', text: 'skey' })], world);
    expect(diagnostics[0]?.message).toContain(words);
    expect(diagnostics[0]?.remedy).toContain('env:NAME, file:PATH, command:... or prompt:...');
  });
});

describe('prompt:', () => {
  test('asks once however many hosts share it, unseen, and before any command runs', async () => {
    const asked: TerminalQuestion[] = [];
    const prompt = async (question: TerminalQuestion) => {
      asked.push(question);
      return `typed${asked.length}`;
    };
    const uses = [
      use({ kind: 'command', text: 'cat /dev/null' }),
      use({ kind: 'prompt', text: 'Duo skey' }),
      use({ kind: 'prompt', text: 'Duo skey' }),
      use({ kind: 'prompt', text: 'break-glass password' }, 'break_glass_password'),
    ];
    const { open } = await resolveSecrets(uses, worldOf({ prompt }));
    expect(reveal(open({ kind: 'prompt', text: 'Duo skey' }))).toBe('typed1');
    expect(asked.map((each) => each.prompt)).toStrictEqual(['Duo skey: ', 'break-glass password: ']);
    expect(asked.every(({ echo }) => !echo)).toBe(true);
  });

  test.each([
    ['without a terminal', null, 'no terminal to ask for Duo skey on'],
    ['after Ctrl-D', async () => null, 'nothing was typed for Duo skey'],
    ['with nothing typed', async () => '', 'nothing was typed for Duo skey'],
  ])('%s says so', async (_title, prompt, words) => {
    expect(await outcome({ kind: 'prompt', text: 'Duo skey' }, worldOf({ prompt }))).toContain(words);
  });
});

describe('all of an inventory’s secrets', () => {
  const text = `all:
  vars:
    ansible_user: ansible
    duo_ikey: DIABCDEFGHIJKLMNOPQR
    duo_skey: env:MISSING
    duo_api_host: api-1.duosecurity.com
    ad_server_access_group: a
    ad_sudo_group: b
    canary_user: canary
    canary_passcode: "123456"
  hosts:
    h[1:100]:
    x:
      duo_skey: command:sh -c "echo x >> count; echo abc"
    y:
      duo_skey: command:sh -c "echo x >> count; echo abc"
`;

  test('each reference is resolved once, and a missing one is told once, at its place', async () => {
    const { inventory } = parseInventory(text, 'inv.yml');
    const { settings } = parseAllSettings(inventory.hosts);
    const { open, diagnostics } = await resolveSecrets(secretUsesOf(settings, inventory.hosts), worldOf());
    expect(diagnostics).toMatchObject([{ file: 'inv.yml', line: 5, column: 15 }]);
    expect(execFileSync('wc', ['-l', join(folder, 'count')], { encoding: 'utf8' })).toMatch(/^1 /);
    const last = settings.at(-1);
    if (last === undefined) throw new Error('no settings');
    expect(reveal(open(last.duo.skey))).toBe('abc');
    expect(last.canary?.passcode && reveal(open(last.canary.passcode))).toBe('123456');
  });

  test('a literal opens as it is, and what was not resolved does not open', async () => {
    const { open } = await resolveSecrets([], worldOf());
    expect(reveal(open({ kind: 'literal', value: new Secret('abc') }))).toBe('abc');
    expect(() => open({ kind: 'env', text: 'DUO_SKEY' })).toThrow('was not resolved');
  });
});
