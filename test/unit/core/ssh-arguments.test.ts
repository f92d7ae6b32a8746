import { describe, expect, test } from 'vitest';
import { parseInventory } from '../../../src/core/parse-inventory.ts';
import type { Settings } from '../../../src/core/settings.ts';
import { parseSettings } from '../../../src/core/settings-parse.ts';

const base = {
  ansible_user: 'ansible',
  duo_ikey: 'DIABCDEFGHIJKLMNOPQR',
  duo_skey: 'env:DUO_SKEY',
  duo_api_host: 'api-1a2b3c4d.duosecurity.com',
  ad_server_access_group: 'a',
  ad_sudo_group: 'b',
};
const parse = (variables: Readonly<Record<string, unknown>>, user: string | null = 'ann') => {
  const text = JSON.stringify({ all: { hosts: { h1: { ...base, ...variables } } } });
  const [host] = parseInventory(text, 'inv.yml').inventory.hosts;
  if (host === undefined) throw new Error('no host');
  return parseSettings(host, { user });
};
const settingsOf = (variables: Readonly<Record<string, unknown>>): Settings => {
  const { settings } = parse(variables);
  if (settings === null) throw new Error('refused');
  return settings;
};

describe('ansible_ssh_common_args', () => {
  test.each([
    ['-o ProxyJump=ops@bastion:2222', ['ops@bastion:2222']],
    ['-oProxyJump=bastion', ['ann@bastion:22']],
    ['-J a,ops@b', ['ann@a:22', 'ops@b:22']],
    ['-Ja', ['ann@a:22']],
    ["-o 'ProxyJump a'", ['ann@a:22']],
    ['-J a -J b -o ProxyCommand=x', ['ann@a:22']],
    ['-o "proxyjump=[2001:db8::1]:22"', ['ann@2001:db8::1:22']],
    ['-o ProxyJump=ssh://ops@bastion:2222', ['ops@bastion:2222']],
    ['-J none', []],
    ['', []],
  ])('ansible_ssh_common_args %j jumps over %j', (value, jumps) => {
    const { connection } = settingsOf({ ansible_ssh_common_args: value });
    expect(connection.jumps.map(({ user, address, port }) => `${user}@${address}:${port}`)).toStrictEqual(
      jumps,
    );
    expect(connection.ssh).toBeUndefined();
  });

  test('a jump host that nobody names an account for is a mistake where the operator has no name either', () => {
    expect(
      parse({ ansible_ssh_common_args: '-J gate' }, null).diagnostics.map(({ message }) => message),
    ).toEqual(['host h1 is reached through gate, and nobody says as whom']);
  });

  test('a ProxyCommand is taken with its tokens replaced', () => {
    const args = '-o ProxyCommand="ssh -W %h:%p -q ops@gate"';
    const { connection } = settingsOf({ ansible_ssh_common_args: args, ansible_port: 2200 });
    expect(connection.ssh?.proxyCommand).toBe('ssh -W h1:2200 -q ops@gate');
    expect(connection.jumps).toStrictEqual([]);
  });
});
