import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyringEntry, makeKeyring, type KeyringWorld } from '../../../src/cli/keyring.ts';
import { reveal, Secret } from '../../../src/core/secret.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-keyring-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A keyring over a module that stands in for keytar. */
const over = (module: string, more: Partial<KeyringWorld> = {}) => {
  const keytar = join(folder, `${module.length}-${module.slice(0, 20).replaceAll(/\W/g, '')}.cjs`);
  writeFileSync(keytar, module);
  const env = { PATH: process.env['PATH'], DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere', DUO_SKEY: 'x' };
  return makeKeyring({ env, platform: 'linux', keytar, ...more });
};

const entry = keyringEntry('skey');
const NEVER = 'setInterval(() => {}, 1000); exports.getPassword = () => new Promise(() => {});';

describe('the keyring', () => {
  test('is asked with the words of keytar, and tells no password in a list', async () => {
    const keyring = over(`
      const fs = require('node:fs'); const file = __filename + '.json';
      const read = () => { try { return JSON.parse(fs.readFileSync(file, 'utf8')); } catch { return {}; } };
      const write = (all) => fs.writeFileSync(file, JSON.stringify(all));
      exports.setPassword = async (s, a, p) => write({ ...read(), [a]: p });
      exports.getPassword = async (s, a) => read()[a] ?? null;
      exports.deletePassword = async (s, a) => { const { [a]: was, ...rest } = read(); write(rest); return was !== undefined; };
      exports.findCredentials = async () => Object.entries(read()).map(([account, password]) => ({ account, password }));
    `);
    expect(await keyring.get(entry)).toStrictEqual({ ok: true, value: null });
    expect(await keyring.set(entry, new Secret('pä$$ "w"'))).toStrictEqual({ ok: true, value: null });
    const got = await keyring.get(entry);
    expect(got.ok && got.value !== null && reveal(got.value)).toBe('pä$$ "w"');
    expect(await keyring.list('duo-fleet')).toStrictEqual({ ok: true, value: ['skey'] });
    expect(await keyring.delete(entry)).toStrictEqual({ ok: true, value: true });
    expect(await keyring.delete(entry)).toStrictEqual({ ok: true, value: false });
  });

  test.each([
    ['that is not built', "throw new Error('no .node file')", 'missing'],
    ['that rejects', "exports.getPassword = () => Promise.reject(new Error('topsecret'));", 'failed'],
    ['that crashes', 'exports.getPassword = () => process.abort();', 'failed'],
    ['that has no such call', '', 'failed'],
    ['that does not answer', NEVER, 'late'],
    ['that holds its thread', 'exports.getPassword = () => { for (;;); };', 'late'],
  ] as const)('%s ends in an answer', async (_title, module, problem) => {
    const limitMs = problem === 'late' ? 100 : 60_000;
    expect(await over(module, { limitMs }).get(entry)).toStrictEqual({ ok: false, problem });
  });

  test('that forgets what it took is not believed', async () => {
    const forgets = 'exports.setPassword = async () => {}; exports.getPassword = async () => null;';
    expect(await over(forgets).set(entry, new Secret('x'))).toStrictEqual({ ok: false, problem: 'failed' });
  });

  test('without keytar, and without a session bus, is not started', async () => {
    expect(await over('', { keytar: null }).get(entry)).toStrictEqual({ ok: false, problem: 'missing' });
    const env = { PATH: process.env['PATH'], XDG_RUNTIME_DIR: folder };
    expect(await over(NEVER, { env }).get(entry)).toStrictEqual({ ok: false, problem: 'no-bus' });
  });

  test('does not see the environment’s secrets', async () => {
    const tells = 'exports.getPassword = async () => String(process.env.DUO_SKEY);';
    const got = await over(tells).get(entry);
    expect(got.ok && got.value !== null && reveal(got.value)).toBe('undefined');
  });
});
