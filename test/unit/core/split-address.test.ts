import { describe, expect, test } from 'vitest';
import { splitAddress } from '../../../src/core/split-address.ts';

describe('a host and its port are told apart as Ansible does', () => {
  test.each([
    ['web1', 'web1', null],
    ['web1:2222', 'web1', '2222'],
    ['web[1:9]', 'web[1:9]', null],
    ['web[1:9]:22', 'web[1:9]', '22'],
    ['[web1]:22', 'web1', '22'],
    ['192.0.2.1:22', '192.0.2.1', '22'],
    ['2001:db8::1', '2001:db8::1', null],
    ['[2001:db8::1]:22', '2001:db8::1', '22'],
    ['2001:db8::[1:3]', '2001:db8::[1:3]', null],
    ['bücher.example', 'bücher.example', null],
    ['end-:22', null, null],
    ['web1:ssh', null, null],
    ['a:b', null, null],
    ['web*', null, null],
    ['', null, null],
  ])('%s', (text, host, port) => {
    expect(splitAddress(text)).toStrictEqual(host === null ? null : { host, port });
  });
});
