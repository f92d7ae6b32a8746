import { PassThrough, type Duplex } from 'node:stream';
import { expect, test } from 'vitest';
import type { ExecChannel } from '../../../src/remote/exec-channel.ts';
import { readRelay, relayWords } from '../../../src/remote/duo-relay.ts';
import { deferred } from '../../../src/core/deferred.ts';
import { deadlineIn, systemTimer } from '../../../src/remote/timer.ts';

const NONCE = '0123456789abcdef0123456789abcdef';

/** A channel that a test writes to as the host. */
const channelOf = () => {
  const stream: Duplex = new PassThrough();
  const closed = deferred<number | null>();
  const channel: ExecChannel = {
    stream,
    stderr: new PassThrough(),
    closed: closed.promise,
    close: () => undefined,
  };
  return { channel, says: (text: string) => stream.push(text), ends: closed.resolve };
};
const relayOf = () => {
  const told = channelOf();
  return { ...told, relay: readRelay(told.channel, NONCE, deadlineIn(systemTimer, 5_000)) };
};

test('the host’s lines are read whatever pieces they come in, and a profile’s are passed over', async () => {
  const { relay, says, ends } = relayOf();
  const lines = [
    'welcome to this host',
    `${NONCE} clock 1795000000`,
    `${NONCE} cafile ${Buffer.from('PEM').toString('base64')}`,
    `${NONCE} address 192.0.2.1`,
    'deadbeefdeadbeefdeadbeefdeadbeef address 192.0.2.66',
    `${NONCE} address 2001:db8::1`,
    `${NONCE} address $(reboot)`,
    `${NONCE} known`,
  ];
  for (const char of `${lines.join('\n')}\n`) says(char);
  expect(await relay.head).toEqual({
    epochS: 1_795_000_000,
    cafile: 'PEM',
    addresses: ['192.0.2.1', '2001:db8::1'],
  });
  says(`${NONCE} silent\n`);
  expect(await relay.end).toEqual({ kind: 'silent' });
  ends(0);
});

test('what comes after `open` is the connection’s, the bytes of the same piece too', async () => {
  const { relay, says } = relayOf();
  says(`${NONCE} known\n${NONCE} open\nfirst\n${NONCE} refused\n`);
  const end = await relay.end;
  if (end.kind !== 'open') throw new Error(end.kind);
  says('second');
  const chunks: Buffer[] = [];
  end.stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  end.stream.push(null);
  await new Promise((resolve) => {
    end.stream.once('end', resolve);
    end.stream.resume();
  });
  expect(Buffer.concat(chunks).toString()).toBe(`first\n${NONCE} refused\nsecond`);
});

test('a relay that ends before it has told all is a failure with the host’s own words, made harmless', async () => {
  const { relay, channel, ends } = relayOf();
  (channel.stderr as PassThrough).write('bash: \u001b[31mnot found\n');
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
  ends(127);
  await expect(relay.head).rejects.toMatchObject({
    message: expect.stringContaining('status 127: bash: not found') as string,
  });
  expect(await relay.end).toMatchObject({ kind: 'failed' });
});

test('the secret key is no part of the command, and nothing of it needs quoting twice', () => {
  const words = relayWords({
    nonce: NONCE,
    name: 'api.test',
    port: 443,
    cafile: null,
    address: null,
    lifeS: 30,
  });
  expect(words.slice(0, 7)).toEqual(['/bin/sh', '-c', 'exec timeout -k 1 "$@"', 'sh', '30', 'bash', '-c']);
  expect(words.slice(8)).toEqual(['duo-relay', NONCE, 'api.test', '443', '', '']);
});

test('a host that says something else for ever is told from a relay, and nothing of it is kept', async () => {
  const { relay, channel, says } = relayOf();
  const megabyte = 'x'.repeat(1024 * 1024);
  const before = process.memoryUsage().rss;
  for (let count = 0; count < 300; count += 1) {
    says(megabyte);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
  await expect(relay.head).rejects.toMatchObject({ message: expect.stringContaining('something else') });
  expect(channel.stream.readableLength).toBeLessThan(2 * megabyte.length);
  expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
});
