import { describe, expect, test } from 'vitest';
import { isAddressOf, isDnsName, parseAddress, sourceProblem } from '../../../src/core/ip-address.ts';

describe('addresses', () => {
  test.each([
    '0.0.0.0',
    '192.0.2.7',
    '::',
    '::1',
    '1::',
    '2001:db8::1',
    '::ffff:192.0.2.1',
    '1:2:3:4:5:6:7:8',
    'fe80::a:b',
  ])('%s is one', (text) => {
    expect(parseAddress(text)).not.toBeNull();
  });

  test.each([
    '',
    '1.2.3',
    '1.2.3.256',
    '01.2.3.4',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7::8',
    '12345::',
    '::1%eth0',
    '1.2.3.4::',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  test('bytes are in network order', () => {
    expect(parseAddress('2001:db8::1')).toStrictEqual([
      0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
    ]);
  });
});

describe('what sshd’s Match Address takes', () => {
  test.each([
    '10.0.0.0/8',
    '10.0.0.0/31',
    '192.0.2.7/32',
    '0.0.0.0/0',
    '2001:db8::/32',
    '10.0.*',
    '192.168.?.1',
    'fe80:*',
  ])('%s', (text) => {
    expect(sourceProblem(text)).toBe('');
  });

  test.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/08',
    '10.0.0.0/',
    '10.0.0.0/8/8',
    'host',
    'h*',
    '!10.0.*',
    '2001:db8::1/64',
  ])('and not %s', (text) => {
    expect(sourceProblem(text)).not.toBe('');
  });
});

test.each([
  ['a', true],
  ['a-b.example.org', true],
  ['1.2.3.4', true],
  ['-a', false],
  ['a-.b', false],
  ['a..b', false],
  ['a.', false],
  ['a_b', false],
  ['x'.repeat(64), false],
])('%s: a DNS name: %s', (text, expected) => {
  expect(isDnsName(text)).toBe(expected);
});

describe('whether an address is meant', () => {
  test.each([
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['0.0.0.0/0', '203.0.113.1', true],
    ['192.0.*', '192.0.2.7', true],
    ['192.0.*', '192.1.2.7', false],
    ['192.0.2.?', '192.0.2.17', false],
    ['2001:db8::/32', '2001:db8:7::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:db8::1', '2001:db8:0::1', true],
    ['192.0.2.0/24', '::ffff:192.0.2.1', false],
    ['bastion.example', '192.0.2.7', false],
    ['192.0.2.0/24', '', false],
  ])('by %s: %s', (element, address, meant) => {
    expect(isAddressOf(element, address)).toBe(meant);
  });
});
