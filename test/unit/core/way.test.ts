import { describe, expect, test } from 'vitest';
import { parseJumps, type NamedJump } from '../../../src/core/jump-host.ts';
import type { SshDetails } from '../../../src/core/settings.ts';
import type { SshAnswer, SshQuestion } from '../../../src/core/ssh-answer.ts';
import { wayTo, type NamedWay, type WayDefaults } from '../../../src/core/way.ts';

const details: SshDetails = {
  identityFiles: null,
  identitiesOnly: false,
  identityAgent: 'usual',
  certificateFiles: [],
  hostKeyAlias: null,
  userKnownHostsFiles: null,
  globalKnownHostsFiles: null,
  proxyCommand: null,
};
/** A configuration by host: what ssh would answer; a question's own words go before it, as they do in ssh. */
const sshOf =
  (config: Readonly<Record<string, Partial<SshAnswer> & { readonly proxyCommand?: string }>>) =>
  ({ host, user, port }: SshQuestion): SshAnswer => {
    const { proxyCommand = null, ...said } = config[host] ?? {};
    return {
      address: host,
      proxyJump: null,
      ...said,
      user: user ?? said.user ?? 'ann',
      port: port ?? said.port ?? 22,
      details: { ...details, proxyCommand },
    };
  };
const named = (changes: Partial<NamedWay> = {}): NamedWay => ({
  name: 'w1',
  host: 'web1',
  user: null,
  port: null,
  jumps: null,
  proxyCommand: null,
  ...changes,
});
const jumps = (text: string): readonly NamedJump[] => parseJumps(text).jumps ?? [];
const wayOf = (way: NamedWay, defaults: WayDefaults): string => {
  const found = wayTo(way, defaults);
  if ('message' in found) return found.message;
  const stations = [...found.jumps, { ...found, user: found.user ?? '?' }];
  return stations.map(({ user, address, port }) => `${user}@${address}:${port}`).join(' ');
};

const commandsOf = (way: NamedWay, defaults: WayDefaults): unknown => {
  const found = wayTo(way, defaults);
  if ('message' in found) return found.message;
  return [...found.jumps, found].map((station) => station.ssh?.proxyCommand ?? null);
};

describe('the way to a host', () => {
  test('is its name where nothing else is known', () => {
    expect(wayOf(named(), { user: 'ann' })).toBe('ann@web1:22');
  });

  test('is ssh’s where the inventory does not say, and the inventory’s where it does', () => {
    const ssh = sshOf({ web1: { address: '10.0.0.1', user: 'svc', port: 2200, proxyJump: 'gate' } });
    expect(wayOf(named(), { user: 'ann', ssh })).toBe('ann@gate:22 svc@10.0.0.1:2200');
    expect(wayOf(named({ user: 'root', port: 22, jumps: [] }), { user: 'ann', ssh })).toBe(
      'root@10.0.0.1:22',
    );
  });

  test('goes through the command line’s jump hosts, unless the inventory has its own', () => {
    const defaults = { user: 'ann', jumps: jumps('flag'), ssh: sshOf({ web1: { proxyJump: 'config' } }) };
    expect(wayOf(named(), defaults)).toBe('ann@flag:22 ann@web1:22');
    expect(wayOf(named({ jumps: jumps('op@inventory') }), defaults)).toBe('op@inventory:22 ann@web1:22');
    expect(wayOf(named(), { ...defaults, jumps: [] })).toBe('ann@web1:22');
  });

  test('asks ssh about each jump host, and goes through what the first of them needs', () => {
    const ssh = sshOf({
      web1: { proxyJump: 'inner,core' },
      inner: { address: '10.0.0.2', user: 'op', proxyJump: 'outer:2222' },
      core: { proxyJump: 'elsewhere' },
    });
    expect(wayOf(named(), { user: 'ann', ssh })).toBe(
      'ann@outer:2222 op@10.0.0.2:22 ann@core:22 ann@web1:22',
    );
  });

  test('does not go through a jump host to itself, where a pattern means it too', () => {
    const ssh = sshOf({ web1: { proxyJump: 'gate' }, gate: { proxyJump: 'gate' } });
    expect(wayOf(named(), { user: 'ann', ssh })).toBe('ann@gate:22 ann@web1:22');
    expect(wayOf(named({ host: 'gate' }), { user: 'ann', ssh })).toBe('ann@gate:22');
    expect(wayOf(named({ name: 'GATE', host: '10.0.0.9' }), { user: 'ann', jumps: jumps('gate') })).toBe(
      'ann@10.0.0.9:22',
    );
    expect(wayOf(named({ host: 'b' }), { user: 'ann', jumps: jumps('a,b,c') })).toBe('ann@a:22 ann@b:22');
  });

  test('through too many jump hosts, or round in a circle, is an error', () => {
    const circle = sshOf({ web1: { proxyJump: 'a' }, a: { proxyJump: 'b' }, b: { proxyJump: 'a' } });
    expect(wayOf(named(), { user: 'ann', ssh: circle })).toBe('has more than 8 jump hosts in a row');
  });

  test('is a command where ssh’s configuration has one and nothing goes before it', () => {
    const ssh = sshOf({ web1: { proxyCommand: 'nc x 22' }, gate: { proxyCommand: 'nc y 22' } });
    expect(commandsOf(named(), { user: 'ann', ssh })).toEqual(['nc x 22']);
    expect(commandsOf(named({ jumps: [] }), { user: 'ann', ssh })).toEqual([null]);
    expect(commandsOf(named({ jumps: jumps('gate') }), { user: 'ann', ssh })).toEqual(['nc y 22', null]);
    expect(commandsOf(named({ jumps: jumps('a,gate') }), { user: 'ann', ssh })).toEqual([null, null, null]);
    expect(
      commandsOf(named({ proxyCommand: 'nc %h %p %%' }), { user: 'ann', jumps: jumps('a'), ssh }),
    ).toEqual(['nc web1 22 %']);
  });

  test.each([
    [{ web1: { address: '-oProxyCommand=x' } }, 'a HostName that is no DNS name and no address'],
    [{ web1: { proxyJump: 'gate' }, gate: { address: 'a;id' } }, 'a HostName of the jump host gate'],
    [{ web1: { proxyJump: 'a b' } }, 'a ProxyJump in ssh\'s configuration that is not followed: "a b"'],
  ])('is refused where ssh’s configuration says what is no name: %j', (config, message) => {
    expect(wayOf(named(), { user: 'ann', ssh: sshOf(config) })).toContain(message);
  });
});
