import { describe, expect, test } from 'vitest';
import type { Settings } from '../../../src/core/settings.ts';
import { hopsOf } from '../../../src/remote/route.ts';

const settings = (jumps: readonly string[]): Settings =>
  ({
    host: 'web1',
    connection: {
      address: '198.18.0.2',
      port: 2222,
      user: 'auto',
      privateKeyFile: null,
      password: null,
      jumps,
      become: true,
    },
  }) as unknown as Settings;

describe('the way to a host', () => {
  test('leads through the jump hosts in their order, as the connection’s user where none is named', () => {
    const hops = hopsOf(settings(['gate', 'op@10.0.0.1:2200', '[2001:db8::1]:22', '2001:db8::2']));
    expect(hops.map(({ user, address, port }) => `${user} ${address} ${port}`)).toEqual([
      'auto gate 22',
      'op 10.0.0.1 2200',
      'auto 2001:db8::1 22',
      'auto 2001:db8::2 22',
      'auto 198.18.0.2 2222',
    ]);
  });

  test('the host is named as the inventory names it, with what is dialled', () => {
    expect(hopsOf(settings([]))[0].where).toBe('web1 (198.18.0.2 port 2222)');
  });

  test.each(['', 'a b', 'user@', 'host:port', '[::1'])('%j is no jump host', (jump) => {
    expect(() => hopsOf(settings([jump]))).toThrow(/not a jump host/);
  });
});
