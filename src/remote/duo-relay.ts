// A pipe of bytes that begins on the host: what the host's own network makes of a name and an address.
import { readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import { deferred } from '../core/deferred.ts';
import { Tail, type ExecChannel } from './exec-channel.ts';
import { within, type Deadline } from './timer.ts';

/** All of the relay's lines until `open`: most of it a CA file in base64. */
const HEAD_BYTES_MAX = 1024 * 1024;
const STDERR_BYTES_MAX = 2 * 1024;
const WORDS_CHARS_MAX = 200;

/** Two levels up from here in the sources and in the build alike; without its comments, since sudo logs it. */
const SCRIPT = readFileSync(new URL('../../templates/duo-relay.bash', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => !/^\s*(?:#|$)/.test(line))
  .join('\n');

export interface RelayTarget {
  /** 32 hex digits that nobody else knows. */
  readonly nonce: string;
  readonly name: string;
  readonly port: number;
  readonly cafile: string | null;
  /** `null`: the first address of the name, and all that is to be known of it. */
  readonly address: string | null;
  /** After this the host ends the relay by itself. */
  readonly lifeS: number;
}

/** The command's words; /bin/sh comes first because that is what a sudo rule has to allow for us anyway. */
export const relayWords = (target: RelayTarget): readonly string[] => [
  '/bin/sh',
  '-c',
  'exec timeout -k 1 "$@"',
  'sh',
  String(target.lifeS),
  'bash',
  '-c',
  SCRIPT,
  'duo-relay',
  target.nonce,
  target.name,
  String(target.port),
  target.cafile ?? '',
  target.address ?? '',
];

/** What the host knows of the name, with its clock at that moment. */
export interface RelayHead {
  readonly epochS: number | null;
  /** `null`: the file is not there, or was not asked for. */
  readonly cafile: string | null;
  readonly addresses: readonly string[];
}

/** How the connection to the address went; `failed` is the relay's own failure and says nothing about Duo. */
export type RelayEnd =
  | { readonly kind: 'open'; readonly stream: Duplex }
  | { readonly kind: 'refused' }
  | { readonly kind: 'silent' }
  | { readonly kind: 'failed'; readonly why: string };

export interface Relay {
  /** Rejects with a Failure when the relay ended before it had told all. */
  readonly head: Promise<RelayHead>;
  /** Never rejects. */
  readonly end: Promise<RelayEnd>;
  readonly close: () => void;
}

const LATE = 'the relay on the host did not answer in time';

/** Reads a relay that was started with {@link relayWords}. */
export const readRelay = (channel: ExecChannel, nonce: string, deadline: Deadline): Relay => {
  const reader = new RelayReader(channel, nonce);
  const head = within(deadline, reader.head.promise, () => LATE);
  head.catch(() => undefined);
  return {
    head,
    end: within(deadline, reader.end.promise, () => LATE).catch((): RelayEnd => ({
      kind: 'failed',
      why: LATE,
    })),
    close: () => {
      channel.stream.end();
      channel.close();
    },
  };
};

class RelayReader {
  readonly head = deferred<RelayHead>();
  readonly end = deferred<RelayEnd>();
  readonly #channel: ExecChannel;
  readonly #nonce: string;
  readonly #stderr = new Tail(STDERR_BYTES_MAX);
  readonly #addresses: string[] = [];
  #epochS: number | null = null;
  #cafile: string | null = null;
  #rest: Buffer = Buffer.alloc(0);
  #bytes = 0;

  constructor(channel: ExecChannel, nonce: string) {
    this.#channel = channel;
    this.#nonce = nonce;
    this.head.promise.catch(() => undefined);
    channel.stream.on('data', this.#read);
    channel.stderr.on('data', (chunk: Uint8Array) => this.#stderr.add(chunk));
    void channel.closed.then((status) => this.#onClosed(status));
  }

  readonly #read = (chunk: Buffer): void => {
    this.#bytes += chunk.length;
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (let at = this.#rest.indexOf('\n'); at >= 0; at = this.#rest.indexOf('\n')) {
      const line = this.#rest.toString('utf8', 0, at);
      this.#rest = this.#rest.subarray(at + 1);
      if (line === `${this.#nonce} open`) {
        this.#handOver();
        return;
      }
      this.#onLine(line);
    }
    if (this.#bytes <= HEAD_BYTES_MAX) return;
    // Read on, or the channel never closes; but nothing of it is kept.
    this.#channel.stream.off('data', this.#read);
    this.#channel.stream.resume();
    this.#rest = Buffer.alloc(0);
    this.#fail('the host answered with something else than a relay');
    this.#channel.close();
  };

  #onLine(line: string): void {
    const [mark, what, word = ''] = line.split(' ');
    // What a login shell's profile writes is nobody's answer.
    if (mark !== this.#nonce) return;
    if (what === 'clock' && /^\d{1,12}$/.test(word)) this.#epochS = Number(word);
    else if (what === 'cafile') this.#cafile = Buffer.from(word, 'base64').toString('utf8');
    else if (what === 'address' && /^[0-9A-Fa-f.:]+(?:%[\w.-]+)?$/.test(word)) this.#addresses.push(word);
    else if (what === 'refused' || what === 'silent') this.end.resolve({ kind: what });
    else if (what === 'known') {
      this.head.resolve({ epochS: this.#epochS, cafile: this.#cafile, addresses: this.#addresses });
    }
  }

  /** From here on it is the connection's: paused, with what has come of it already. */
  #handOver(): void {
    const { stream } = this.#channel;
    stream.off('data', this.#read);
    stream.pause();
    if (this.#rest.length > 0) stream.unshift(this.#rest);
    this.end.resolve({ kind: 'open', stream });
  }

  #onClosed(status: number | null): void {
    const words = printable(this.#stderr.text, WORDS_CHARS_MAX);
    const how = status === null ? 'without an exit status' : `with status ${status}`;
    this.#fail(`the relay on the host ended ${how}${words === '' ? '' : `: ${words}`}`);
  }

  #fail(why: string): void {
    this.head.reject(new Failure('exit', why));
    this.end.resolve({ kind: 'failed', why });
  }
}
