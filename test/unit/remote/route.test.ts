import { describe, expect, test } from 'vitest';
import type { JumpHost, Settings } from '../../../src/core/settings.ts';
import { mustBeIn, routeOf } from '../../../src/remote/route.ts';

const settings = (jumps: readonly JumpHost[]): Settings =>
  ({
    host: 'web1',
    connection: {
      address: '198.18.0.2',
      port: 2222,
      user: 'auto',
      privateKeyFile: '~/key',
      password: null,
      jumps,
      become: true,
    },
  }) as unknown as Settings;
const gate: JumpHost = { name: 'gate', address: '10.0.0.1', port: 22, user: 'ann' };

describe('the way to a host', () => {
  test('leads through the jump hosts in their order, each by its own account, with the host’s key to offer', () => {
    const { jumps, target } = routeOf(
      settings([gate, { ...gate, address: '10.0.0.2', port: 2200, user: 'op' }]),
    );
    expect([...jumps, target].map((hop) => `${hop.user} ${hop.address} ${hop.port} ${hop.keyFile}`)).toEqual([
      'ann 10.0.0.1 22 ~/key',
      'op 10.0.0.2 2200 ~/key',
      'auto 198.18.0.2 2222 ~/key',
    ]);
  });

  test('a station is named as people named it, with what is dialled', () => {
    const { jumps, target } = routeOf(settings([gate]));
    expect([jumps[0]?.where, target.where]).toEqual([
      'jump host gate (10.0.0.1)',
      'web1 (198.18.0.2 port 2222)',
    ]);
  });
});

const why = (
  methods: readonly string[],
  titles: readonly string[],
  notes: readonly string[] = [],
): string => {
  try {
    mustBeIn(
      { kind: 'refused', prompts: [], titles, words: '', methods },
      { where: 'web1', user: 'ann' },
      notes,
    );
  } catch (error) {
    return (error as Error).message;
  }
  return 'let in';
};

describe('a login that was refused', () => {
  test('says what the server would take and was not shown', () => {
    expect(why(['gssapi-with-mic'], ['/key'])).toMatch(/with \/key; it would take a Kerberos ticket/);
    expect(why(['publickey', 'keyboard-interactive'], ['/key'])).toMatch(/run this on a terminal/);
  });

  test('does not say so of questions that somebody answered, nor of names that a server made up', () => {
    expect(why(['keyboard-interactive', '\u001b[2J'], ['your answers'])).toBe(
      'web1 does not let ann in with your answers',
    );
  });

  test('says what was found and could not be shown', () => {
    expect(why([], ['/key'], ['the agent holds a FIDO key'])).toMatch(
      /with \/key; the agent holds a FIDO key$/,
    );
  });
});
