import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadFleet } from '../../../src/cli/load-fleet.ts';
import { parseArgv } from '../../../src/cli/parse-argv.ts';
import { formatDiagnostics } from '../../../src/core/format-diagnostics.ts';
import { testSurroundings } from '../../support/surroundings.ts';

const VARIABLES = `ansible_user: automation
duo_ikey: DIXXXXXXXXXXXXXXXXXX
duo_skey: env:DUO_SKEY
duo_api_host: api-12345678.duosecurity.com
ad_server_access_group: sg_serveraccess
ad_sudo_group: sg_sudo
`;
const INVENTORY = `all:
  hosts: {web1: , web2: , db1: }
  vars:
${VARIABLES.replaceAll(/^(?=.)/gm, '    ')}`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-load-'));
  writeFileSync(join(folder, 'inventory.yml'), INVENTORY);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What is loaded, and what is said about it. */
const load = async (line: string) => {
  const surroundings = testSurroundings({ argv: line.split(' '), cwd: folder });
  const invocation = await parseArgv(surroundings);
  if (invocation.kind !== 'command') throw new Error('no command');
  const { settings, diagnostics } = await loadFleet(invocation.options, surroundings);
  return { settings, hosts: settings.map(({ host }) => host), said: formatDiagnostics(diagnostics) };
};

describe('the inventory is looked for', () => {
  test('in several: a later one wins over an earlier one, and its variables over those of the other', async () => {
    for (const name of ['one', 'two']) mkdirSync(join(folder, name, 'group_vars'), { recursive: true });
    writeFileSync(join(folder, 'one', 'hosts.ini'), '[web]\nweb9 ansible_port=1\n[prod:children]\nweb\n');
    writeFileSync(join(folder, 'two', 'hosts'), '[web]\nweb8\nweb9 ansible_port=2\n');
    writeFileSync(join(folder, 'one', 'group_vars', 'all.yml'), VARIABLES);
    writeFileSync(join(folder, 'two', 'group_vars', 'prod.yml'), 'ad_sudo_group: sg_two\n');
    const { settings, said } = await load('plan -i one/hosts.ini -i two');
    expect(said).toBe('');
    const declared = settings.map(
      ({ host, connection, sudoGroup }) => `${host} ${connection.port} ${sudoGroup}`,
    );
    expect(declared).toEqual(['web9 2 sg_two', 'web8 22 sg_two']);
  });

  test('in a list of hosts, that is nowhere', async () => {
    await expect(load('plan -i web1,')).rejects.toThrow(
      'there is no inventory web1 (hosts are chosen with --host and --limit',
    );
  });

  test('group_vars/ that is here and not beside the inventory is not read, and that is told', async () => {
    mkdirSync(join(folder, 'group_vars'));
    mkdirSync(join(folder, 'elsewhere'));
    writeFileSync(join(folder, 'elsewhere', 'hosts.yml'), INVENTORY);
    writeFileSync(join(folder, 'group_vars', 'all.yml'), 'ansible_port: 2222\n');
    const { settings, said } = await load('plan elsewhere/hosts.yml --host web1');
    expect(settings.map(({ connection }) => connection.port)).toEqual([22]);
    expect(said).toContain('group_vars/: warning: is not read');
    expect(said).toContain(`ln -s ${join(folder, 'group_vars')} ${join(folder, 'elsewhere')}/`);
  });

  test('and the hosts of a list, one on each line', async () => {
    writeFileSync(join(folder, 'failed.txt'), 'web2\ndb1\n');
    expect((await load('plan -l @failed.txt')).hosts).toEqual(['web2', 'db1']);
    const { hosts, said } = await load('plan -l @missing.txt');
    expect([hosts.length, said.includes('missing.txt is not there')]).toEqual([0, true]);
  });

  test('a value that ansible-vault encrypted is nobody’s mistake until it is needed', async () => {
    const vaulted = '!vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      6162\n';
    const file = join(folder, 'inventory.yml');
    writeFileSync(file, `${INVENTORY.trimEnd()}\n    db_password: ${vaulted}`);
    expect(await load('plan --host web1')).toMatchObject({ hosts: ['web1'], said: '' });
    writeFileSync(file, INVENTORY.replace(/duo_skey: .*\n/, `duo_skey: ${vaulted}`));
    const { hosts, said } = await load('plan --host web1');
    expect(hosts).toEqual([]);
    expect(said).toMatch(/inventory\.yml:\d+:\d+: error: duo_skey is encrypted with ansible-vault/);
    expect(said).not.toContain('6162');
  });

  test('a folder that cannot be read is not passed over', async () => {
    writeFileSync(join(folder, 'host_vars'), 'a file\n');
    await expect(load('plan')).rejects.toThrow('host_vars could not be read');
  });
});
