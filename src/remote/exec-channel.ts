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

/** The first bytes of a stream, in one buffer: a peer decides in how small pieces they come, and each piece kept would cost more than its bytes. */
export class Head {
  readonly #bytesMax: number;
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;
  #seen = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(chunk: Uint8Array): void {
    this.#seen += chunk.length;
    const kept = chunk.subarray(0, this.#bytesMax - this.#length);
    const length = this.#length + kept.length;
    if (length > this.#bytes.length) {
      const wider = Buffer.alloc(Math.min(this.#bytesMax, Math.max(length, this.#bytes.length * 2)));
      wider.set(this.bytes);
      this.#bytes = wider;
    }
    this.#bytes.set(kept, this.#length);
    this.#length = length;
  }

  /** More came than is kept. */
  get isOver(): boolean {
    return this.#seen > this.#bytesMax;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
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
