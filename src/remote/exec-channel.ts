// A remote program's three streams and its end: all that the protocols above ssh2 need of a channel.
import type { Duplex, Readable } from 'node:stream';

/** Both streams must be read (or resumed), or the channel never closes. Nothing is lost before a listener is there. */
export interface ExecChannel {
  /** The program's stdin and stdout. */
  readonly stream: Duplex;
  readonly stderr: Readable;
  /**
   * Resolves when the channel has closed: to the exit status, or to `null` when none came (a signal, a lost connection).
   * Never rejects.
   */
  readonly closed: Promise<number | null>;
  readonly close: () => void;
}

/** The last bytes of a stream, for messages. */
export class Tail {
  readonly #bytesMax: number;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(chunk: Uint8Array): void {
    const all = Buffer.concat([this.#bytes, chunk]);
    this.#bytes = all.subarray(Math.max(0, all.length - this.#bytesMax));
  }

  clear(): void {
    this.#bytes = Buffer.alloc(0);
  }

  get text(): string {
    return this.#bytes.toString('utf8');
  }
}
