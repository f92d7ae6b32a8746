// A channel whose far end is the test.
import { Duplex, PassThrough } from 'node:stream';
import { deferred } from '../../src/core/deferred.ts';
import type { ExecChannel } from '../../src/remote/exec-channel.ts';

export interface FakeChannel extends ExecChannel {
  /** What was written to it so far. */
  readonly written: () => string;
  readonly says: (text: string) => void;
  readonly complains: (text: string) => void;
  readonly ends: (status: number | null) => void;
}

export const fakeChannel = (): FakeChannel => {
  const writes: Uint8Array[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Uint8Array, _encoding, done) => {
      writes.push(chunk);
      done();
    },
  });
  const stderr = new PassThrough();
  const closed = deferred<number | null>();
  return {
    stream,
    stderr,
    closed: closed.promise,
    close: () => closed.resolve(null),
    written: () => Buffer.concat(writes).toString('utf8'),
    says: (text) => {
      stream.push(text);
    },
    complains: (text) => {
      stderr.write(text);
    },
    ends: (status) => closed.resolve(status),
  };
};
