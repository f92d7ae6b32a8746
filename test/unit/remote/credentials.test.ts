import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CredentialStore } from '../../../src/remote/credentials.ts';
import { parseAllSettings } from '../../../src/core/settings-parse.ts';
import { sshKeyPair } from '../../support/ssh-key-pair.ts';
import { parseInventory } from '../../../src/core/parse-inventory.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'credentials-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const keyFile = (mode: number): string => {
  const path = join(folder, 'key');
  writeFileSync(path, sshKeyPair().private);
  chmodSync(path, mode);
  return path;
};

const find = (path: string) => {
  const text = `all: {hosts: {web1: {ansible_user: ann, ansible_ssh_private_key_file: ${path}, duo_ikey: DIXYZXYZXYZXYZXYZXYZ, duo_skey: env:X, duo_api_host: a.duosecurity.com, ad_server_access_group: a, ad_sudo_group: b}}}`;
  const [settings] = parseAllSettings(parseInventory(text, 'inventory.yml').inventory.hosts).settings;
  if (settings === undefined) throw new Error('the inventory of this test is not taken');
  return new CredentialStore({ home: folder, agentSocket: null }).find(settings.connection);
};

describe('a configured key file', () => {
  test('that is ours alone is offered', async () => {
    const path = keyFile(0o600);
    expect((await find(path)).keys).toMatchObject([{ kind: 'key', title: path }]);
  });

  test.each([0o644, 0o640, 0o620])('that others may open is refused, as ssh does (%o)', async (mode) => {
    const path = keyFile(mode);
    await expect(find(path)).rejects.toMatchObject({
      reason: 'auth',
      message: expect.stringContaining(`chmod 600 ${path}`) as string,
    });
  });

  test('that is not there is told by its name', async () => {
    await expect(find(join(folder, 'none'))).rejects.toThrow(`${join(folder, 'none')} is not there`);
  });
});
