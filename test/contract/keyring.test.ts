// The real keyring: keytar, libsecret and gnome-keyring in a D-Bus session of their own.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PASSWORD = 'pä$$ word';
const INVENTORY = `all:
  hosts: {h1: {ansible_host: 127.0.0.1, ansible_port: 1}}
  vars:
    ansible_user: ansible
    duo_ikey: DIXXXXXXXXXXXXXXXXXX
    duo_skey: keyring:skey
    duo_api_host: api-12345678.duosecurity.com
    ad_server_access_group: a
    ad_sudo_group: b
`;

const isThere = (): boolean => {
  try {
    createRequire(import.meta.url)('keytar');
  } catch {
    return false;
  }
  return ['dbus-run-session', 'gnome-keyring-daemon'].every(
    (program) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0,
  );
};
const canUse = isThere();

test('keytar and gnome-keyring are there to be used: scripts/test installs them', ({ skip }) => {
  const mustBe = (process.env['DUO_FLEET_TEST_RUN'] ?? process.env['CI']) !== undefined;
  if (!canUse && !mustBe) skip('no gnome-keyring, no dbus-run-session, or no keytar that was built');
  expect(canUse).toBe(true);
});

describe.skipIf(!canUse)('with the real keyring', () => {
  let home = '';
  beforeAll(() => {
    home = mkdtempSync(join(tmpdir(), 'duo-fleet-keyring-'));
    writeFileSync(join(home, 'inventory.yml'), INVENTORY);
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  /** Runs a shell script, in which `df` is the product; each line that it prints, and its status. */
  const shell = (words: readonly string[], script: string): Promise<readonly string[]> =>
    new Promise((resolve, reject) => {
      const [program = '', ...rest] = words;
      const product = `df() { node --import tsx "$PRODUCT/src/main.ts" "$@"; echo "status $?"; }\ncd "$PRODUCT"\n`;
      const env = { PATH: process.env['PATH'], HOME: home, XDG_STATE_HOME: home, PRODUCT: ROOT };
      const child = spawn(program, [...rest, 'sh', '-c', product + script], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      child.on('error', reject);
      child.on('close', () => resolve(text.trimEnd().split('\n')));
    });

  test('a secret that is set is there, opens for an inventory, and is gone when it is deleted', async () => {
    const lines = await shell(
      ['dbus-run-session', '--'],
      `printf secret | gnome-keyring-daemon --unlock --components=secrets >/dev/null
       df plan "$HOME/inventory.yml" 2>&1 | grep -c 'the keyring has no entry'
       printf '%s\\n' '${PASSWORD}' | df secret set skey
       df secret get skey
       df secret get skey --reveal
       df secret list
       df plan "$HOME/inventory.yml" 2>&1 | grep -c 'the keyring'
       df secret delete skey
       df secret get skey`,
    );
    expect(lines).toStrictEqual([
      '1',
      'duo-fleet/skey is kept (9 characters). In the inventory it is keyring:skey.',
      'status 0',
      'duo-fleet/skey is there (9 characters). --reveal prints it.',
      'status 0',
      PASSWORD,
      'status 0',
      'skey',
      'status 0',
      '0',
      'duo-fleet/skey is deleted.',
      'status 0',
      'status 1',
    ]);
  }, 300_000);

  test('one that is locked, with nobody to unlock it, holds nobody up', async () => {
    const lines = await shell(
      ['dbus-run-session', '--'],
      `gnome-keyring-daemon --start --components=secrets >/dev/null
       df secret get skey
       echo x | df secret set skey`,
    );
    expect(lines[0]).toMatch(/^status [12]$/);
    expect(lines.at(-1)).toBe('status 2');
  });

  test('without a D-Bus session it is told, with the other ways', async () => {
    const lines = await shell(['env', '-u', 'DBUS_SESSION_BUS_ADDRESS'], 'df secret get skey 2>&1');
    expect(lines).toStrictEqual([
      'duo-fleet: the keyring cannot be reached: there is no D-Bus session here',
      expect.stringContaining('env:NAME, file:PATH, command:... or prompt:...'),
      'Nothing was touched.',
      'status 2',
    ]);
  });
});
