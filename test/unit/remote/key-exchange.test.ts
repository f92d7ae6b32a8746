import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { noAgreement, parseKeyExchange, type KeyExchange } from '../../../src/remote/key-exchange.ts';
import { watchServer } from '../../../src/remote/server-watch.ts';

const ours: KeyExchange = {
  kex: ['curve25519-sha256'],
  serverHostKey: ['ssh-ed25519'],
  cipher: ['aes128-gcm@openssh.com', 'aes256-ctr'],
  hmac: ['hmac-sha2-256'],
};
const list = (names: readonly string[]): Buffer => {
  const text = Buffer.from(names.join(','));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text]);
};
const packet = ({ kex, serverHostKey, cipher, hmac }: KeyExchange): Buffer =>
  Buffer.concat([
    Buffer.from([0, 0, 4, 0, 6, 20]),
    Buffer.alloc(16, 0xee),
    ...[kex, serverHostKey, cipher, ['c2'], hmac].map(list),
    Buffer.alloc(40),
  ]);

describe('what a server offers', () => {
  test('is read from its first packet, and not before that is whole', () => {
    const whole = packet(ours);
    expect(parseKeyExchange(whole)).toEqual(ours);
    for (let length = 0; length < whole.length - 40; length += 1) {
      expect(parseKeyExchange(whole.subarray(0, length))).toBeNull();
    }
  });

  test('is seen while somebody else reads, in pieces as small as they come', () => {
    const stream = new PassThrough();
    const watch = watchServer(stream);
    const bytes = Buffer.concat([Buffer.from('Welcome\r\nSSH-2.0-x\r\n'), packet(ours)]);
    expect(watch.hasBanner()).toBe(false);
    for (const byte of bytes) stream.emit('data', Buffer.from([byte]));
    expect([watch.hasBanner(), watch.greeting(), watch.keyExchange()]).toEqual([true, '', ours]);
  });

  test('is nothing where no SSH is spoken, whose words are kept', () => {
    const stream = new PassThrough();
    const watch = watchServer(stream);
    stream.emit('data', Buffer.from('HTTP/1.1 400 Bad Request\r\n'));
    expect([watch.hasBanner(), watch.greeting(), watch.keyExchange()]).toEqual([
      false,
      'HTTP/1.1 400 Bad Request\r\n',
      null,
    ]);
  });
});

describe('two sides that do not come together', () => {
  test.each([
    [
      { kex: ['mlkem768x25519-sha256', 'sntrup761x25519-sha512', 'kex-strict-s-v00@openssh.com'] },
      /post-quantum/,
    ],
    [{ kex: ['diffie-hellman-group1-sha1'] }, /only diffie-hellman-group1-sha1: .*KexAlgorithms.*curve25519/],
    [{ serverHostKey: ['ssh-rsa'] }, /host key only as ssh-rsa/],
    [{ serverHostKey: ['ssh-ed25519-cert-v01@openssh.com'] }, /certificates/],
    [{ cipher: ['3des-cbc'] }, /ciphers 3des-cbc/],
    [{ cipher: ['aes256-ctr'], hmac: ['hmac-md5'] }, /MACs hmac-md5/],
  ])('are told what is missing: %j', (changes, message) => {
    expect(noAgreement({ ...ours, ...changes }, ours)).toMatch(message);
  });

  test('are not those that have one of each in common; a cipher that authenticates needs no MAC', () => {
    expect(noAgreement(ours, ours)).toBeNull();
    expect(noAgreement({ ...ours, hmac: ['hmac-md5'] }, ours)).toBeNull();
  });

  test('are told no name that a server made up', () => {
    expect(noAgreement({ ...ours, kex: ['\u001b[2J', 'a b', 'dh'] }, ours)).toMatch(/only dh and 2 more/);
  });
});
