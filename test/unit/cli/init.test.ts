import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { invoke } from '../../../src/cli/invoke.ts';
import { INIT_QUESTIONS } from '../../../src/cli/init-questions.ts';
import { parseInventory } from '../../../src/core/parse-inventory.ts';
import { parseAllSettings } from '../../../src/core/settings-parse.ts';
import { testSurroundings } from '../../support/surroundings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-init-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const IKEY = 'DI0123456789ABCDEFGH';
const API = 'api-1a2b3c4d.duosecurity.com';
const noEngine = () => Promise.reject(new Error('no run is made here'));

/** `init` with somebody who types these answers, one after another, and then nothing any more. */
const init = async (answers: readonly string[], argv: readonly string[] = ['init']) => {
  const asked: string[] = [];
  const left = answers.values();
  const surroundings = testSurroundings({
    argv,
    cwd: folder,
    ask: async (question) => {
      asked.push(question);
      return left.next().value ?? '';
    },
  });
  const ending = await invoke(surroundings, noEngine);
  return { ...surroundings.written, ending, asked };
};
const written = (name = 'inventory.yml'): string => readFileSync(join(folder, name), 'utf8');

const settingsIn = (text: string) => {
  const { inventory, diagnostics } = parseInventory(text, 'inventory.yml');
  const read = parseAllSettings(inventory.hosts);
  expect([...diagnostics, ...read.diagnostics]).toEqual([]);
  return read.settings;
};

describe('init', () => {
  test('writes an inventory that is read without a word, and says what comes next', async () => {
    const { ending, stdout, asked } = await init([
      'web[01:03] db1=192.0.2.7, db2=2001:db8::1',
      '',
      '~/.ssh/automation',
      IKEY,
      API,
      '',
      '',
      '',
      'breakglass',
      '192.0.2.0/24, 198.51.100.7',
      'secure',
    ]);
    expect(ending.exitCode).toBe(0);
    expect(asked).toHaveLength(INIT_QUESTIONS.length);
    const settings = settingsIn(written());
    expect(settings.map(({ host }) => host)).toEqual(['web01', 'web02', 'web03', 'db1', 'db2']);
    expect(settings.map(({ connection }) => connection.address).slice(3)).toEqual([
      '192.0.2.7',
      '2001:db8::1',
    ]);
    expect(settings[0]).toMatchObject({
      connection: { user: 'ansible', privateKeyFile: '~/.ssh/automation' },
      duo: { ikey: IKEY, apiHost: API, failmode: 'secure', skey: { kind: 'env', text: 'DUO_SKEY' } },
      breakGlass: { user: 'breakglass', allowedSources: ['192.0.2.0/24', '198.51.100.7'] },
    });
    expect(statSync(join(folder, 'inventory.yml')).mode & 0o777).toBe(0o640);
    expect(stdout).toContain(`duo-fleet plan ${join(folder, 'inventory.yml')}`);
    expect(stdout).toContain('export DUO_SKEY');
  });

  test('says what is wrong with an answer, and asks again', async () => {
    const { ending, stderr, asked } = await init(['', 'web1', '', '', 'no key', IKEY, API]);
    expect(ending.exitCode).toBe(2);
    expect(asked.filter((text) => text.startsWith('Hosts'))).toHaveLength(2);
    expect(asked.filter((text) => text.startsWith('Duo integration key'))).toHaveLength(2);
    expect(stderr).toContain('this needs an answer');
    expect(stderr).toMatch(/duo_ikey .*one word/);
    // Nobody typed the addresses of break-glass, which have no usual value.
    expect(stderr).toContain('no good answer for pbr_admin_allowed_sources: nothing was written');
  });

  test('wonders at an answer once, and takes it', async () => {
    const { ending, stderr } = await init(['web1', '', '', 'DI123', API, '', '', '', '-', '']);
    expect(ending.exitCode).toBe(0);
    expect(stderr.match(/does not look like an integration key/g)).toHaveLength(1);
    expect(written()).toContain('duo_ikey: "DI123"');
  });

  test('asks in lines that a terminal of 80 columns does not break', () => {
    expect(INIT_QUESTIONS.filter(({ text }) => text.length > 80)).toEqual([]);
  });

  test('does not take the secret itself', async () => {
    const secret = 'abcdefghijklmnopqrstuvwxyz0123456789ABCD';
    const { stderr } = await init(['web1', '', '', IKEY, API, secret, 'env:DUO_SKEY', '', '', '-']);
    expect(stderr).toContain('the inventory is no place for it');
    expect(stderr).not.toContain(secret);
    expect(written()).not.toContain(secret);
  });

  test('asks for no addresses where there is no break-glass account', async () => {
    const { ending, asked } = await init(['web1', '', '', IKEY, API, '', '', '', '-', '']);
    expect(ending.exitCode).toBe(0);
    expect(asked.join('\n')).not.toContain('Addresses');
    expect(settingsIn(written())[0]?.breakGlass).toBe(null);
  });

  test('keeps what was typed one value, whatever is in it', async () => {
    const { stderr } = await init([
      'web1',
      'a: {b',
      'ansible',
      '~/k"ey # x',
      '~/key',
      IKEY,
      API,
      '',
      '',
      '',
      '-',
    ]);
    expect(stderr).not.toBe('');
    expect(settingsIn(written())[0]?.connection.user).toBe('ansible');
  });

  test('leaves a file that is there as it is, and says so before it asks anything', async () => {
    writeFileSync(join(folder, 'prod.yml'), 'mine\n');
    const { ending, stderr, asked } = await init([], ['init', 'prod.yml']);
    expect([ending.exitCode, asked]).toEqual([2, []]);
    expect(stderr).toContain('prod.yml is there already, and is left as it is');
    expect(written('prod.yml')).toBe('mine\n');
  });

  test('leaves a file that somebody wrote while it asked', async () => {
    const answers = ['web1', '', '', IKEY, API, '', '', '', '-', ''].values();
    const surroundings = testSurroundings({
      argv: ['init'],
      cwd: folder,
      ask: async () => {
        writeFileSync(join(folder, 'inventory.yml'), 'mine\n');
        return answers.next().value ?? '';
      },
    });
    expect((await invoke(surroundings, noEngine)).exitCode).toBe(2);
    expect(surroundings.written.stderr).toContain('is there already');
    expect(written()).toBe('mine\n');
  });

  test('writes nothing on Ctrl-C, nor without a terminal', async () => {
    const { ending, stderr } = await init(['web1', 'interrupted']);
    expect([ending.exitCode, stderr]).toEqual([130, 'Nothing was written.\n']);
    const without = testSurroundings({ argv: ['init'], cwd: folder });
    expect((await invoke(without, noEngine)).exitCode).toBe(2);
    expect(without.written.stderr).toContain('no terminal to ask on');
    expect(() => written()).toThrow('ENOENT');
  });
});
