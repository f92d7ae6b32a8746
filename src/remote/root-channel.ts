// Commands over one root shell: framed, queued, bounded.
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import { Head, Tail, type ExecChannel } from './exec-channel.ts';
import { FrameReader, markerFormat, type FramePiece } from './frame-reader.ts';
import { shellQuote } from './shell-quote.ts';
import { within, type Deadline } from './timer.ts';

/** What a command says on stdout beyond this, or on stderr, fails it at once. */
export const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
/** A command's text: templates, and a transaction's files in base64. */
export const BODY_BYTES_MAX = 16 * 1024 * 1024;
/** Commands that were sent and not answered. */
export const FRAMES_OPEN_MAX = 64;
/** What is kept of stderr, for messages. */
const STDERR_BYTES_MAX = 8 * 1024;
const WORDS_CHARS_MAX = 400;

/** A command's end. */
export interface FrameResult {
  readonly status: number;
  readonly output: Uint8Array;
  /** The last of what it wrote to stderr; untrusted. */
  readonly stderr: string;
}

export interface RootChannelOptions {
  readonly host: string;
  /** 32 hex digits that nobody else knows. */
  readonly nonce: string;
  /** The shell was started by sudo. */
  readonly become: boolean;
  /** Resolves to a sentence when the connection beneath is gone. */
  readonly lost: Promise<string>;
}

export interface RunOptions {
  readonly deadline: Deadline;
  /** Sees the output as it comes; then `output` of the result stays empty. */
  readonly onOutput?: (bytes: Uint8Array) => void;
}

interface OpenFrame {
  readonly number: number;
  readonly output: Head;
  readonly onOutput: ((bytes: Uint8Array) => void) | undefined;
  readonly settle: (end: FrameResult | Failure) => void;
  bytes: number;
  errorBytes: number;
  status: number | null;
  stderr: string | null;
}

/**
 * A shell that reads commands from us and says how each ended. Commands may be sent before earlier ones are answered; they
 * run one after another. A command has no stdin and runs in a subshell: neither `exit`, nor `cd`, nor a syntax error in
 * it reaches the next one. When the channel dies, every open command fails with `link`: it may have happened.
 */
export class RootChannel {
  readonly #channel: ExecChannel;
  readonly #host: string;
  readonly #nonce: string;
  readonly #become: boolean;
  readonly #open: OpenFrame[] = [];
  readonly #stderr = new Tail(STDERR_BYTES_MAX);
  #sent = 0;
  #greeted = false;
  #dead: Failure | null = null;

  constructor(channel: ExecChannel, options: RootChannelOptions) {
    this.#channel = channel;
    this.#host = options.host;
    this.#nonce = options.nonce;
    this.#become = options.become;
    // Frame 0 is the greeting: what a login shell's profile wrote before it is nobody's output.
    this.#push(undefined, (end) => {
      if (!(end instanceof Failure)) this.#greeted = true;
    });
    const outputs = new FrameReader(this.#nonce);
    const errors = new FrameReader(this.#nonce);
    channel.stream.on('data', (bytes: Uint8Array) => {
      for (const piece of outputs.push(bytes)) this.#onOutput(piece);
    });
    channel.stderr.on('data', (bytes: Uint8Array) => {
      for (const piece of errors.push(bytes)) this.#onStderr(piece);
    });
    void channel.closed.then((status) => this.#die(this.#endOfShell(status)));
    void options.lost.then((why) =>
      this.#die(new Failure('link', `${why}; what was asked of ${this.#host} last may have happened`)),
    );
  }

  /** Runs shell text as root. Resolves to its end, whatever the status; throws `timeout`, `link`, `auth` or `exit` (too much output). */
  async run(body: string, options: RunOptions): Promise<FrameResult> {
    if (body.includes('\0') || body.length > BODY_BYTES_MAX || this.#open.length > FRAMES_OPEN_MAX) {
      throw new Failure('bug', 'this command does not fit the root channel');
    }
    if (this.#dead !== null) throw this.#dead;
    const result = new Promise<FrameResult>((resolve, reject) => {
      const number = this.#push(options.onOutput, (end) => {
        if (end instanceof Failure) reject(end);
        else resolve(end);
      });
      // One write, hence one packet where it fits: the first command goes with the greeting.
      const greeting = number === 1 ? GREETING.replaceAll('@', markerFormat(this.#nonce, 0)) : '';
      this.#channel.stream.write(greeting + frameText(body, markerFormat(this.#nonce, number)));
    });
    return within(
      options.deadline,
      result,
      () =>
        `${this.#host} has not answered in time; what was asked of it may have happened or may happen yet${this.#wordsOfStderr()}`,
    );
  }

  /** Ends the shell after the commands that were sent. */
  close(): void {
    this.#channel.stream.end();
  }

  #push(onOutput: OpenFrame['onOutput'], settle: OpenFrame['settle']): number {
    const number = this.#sent;
    this.#sent += 1;
    this.#open.push({
      number,
      output: new Head(OUTPUT_BYTES_MAX),
      onOutput,
      settle,
      bytes: 0,
      errorBytes: 0,
      status: null,
      stderr: null,
    });
    return number;
  }

  #onOutput(piece: FramePiece): void {
    // Its stdout may have ended while its stderr has not: then this is the next one's.
    const frame = this.#open.find(({ status }) => status === null);
    switch (piece.kind) {
      case 'output':
        if (frame === undefined) return;
        frame.bytes += piece.bytes.length;
        if (frame.bytes > OUTPUT_BYTES_MAX) this.#tooMuch(frame);
        else if (frame.onOutput !== undefined) frame.onOutput(piece.bytes);
        else if (frame.number !== 0) frame.output.add(piece.bytes);
        return;
      case 'end':
        if (frame?.number !== piece.frame) {
          this.#break();
          return;
        }
        frame.status = piece.status;
        this.#settleFinished();
        return;
      case 'broken':
        this.#break();
        return;
      default:
        piece satisfies never;
    }
  }

  #onStderr(piece: FramePiece): void {
    const frame = this.#open.find(({ stderr }) => stderr === null);
    switch (piece.kind) {
      case 'output':
        this.#stderr.add(piece.bytes);
        if (frame === undefined) return;
        frame.errorBytes += piece.bytes.length;
        if (frame.errorBytes > OUTPUT_BYTES_MAX) this.#tooMuch(frame);
        return;
      case 'end': {
        if (frame?.number !== piece.frame) {
          this.#break();
          return;
        }
        frame.stderr = this.#stderr.text;
        this.#stderr.clear();
        this.#settleFinished();
        return;
      }
      case 'broken':
        this.#break();
        return;
      default:
        piece satisfies never;
    }
  }

  #settleFinished(): void {
    for (let frame = this.#open[0]; frame !== undefined; frame = this.#open[0]) {
      const { status, stderr, output } = frame;
      if (status === null || stderr === null) return;
      this.#open.shift();
      frame.settle({ status, stderr, output: output.bytes });
    }
  }

  /** Told at once, since it may never end. The frame stays: those after it are told apart by its end, if one comes. */
  #tooMuch(frame: OpenFrame): void {
    const failure = new Failure(
      'exit',
      `${this.#host} answered with over ${OUTPUT_BYTES_MAX} bytes, which is more than any command of ours says`,
    );
    if (frame.number > 0) {
      frame.settle(failure);
      return;
    }
    // Nobody waits for the greeting; whoever waits for what comes after it would wait in vain.
    this.#die(failure);
    this.#channel.close();
  }

  #break(): void {
    this.#die(
      new Failure(
        'link',
        `the root shell of ${this.#host} mixed up its answers; what was asked of it may have happened`,
      ),
    );
    this.#channel.close();
  }

  #die(failure: Failure): void {
    this.#dead ??= failure;
    for (const frame of this.#open.splice(0)) frame.settle(this.#dead);
  }

  /** The shell is gone. Before its greeting that is a refusal of root, if it says so by ending by itself. */
  #endOfShell(status: number | null): Failure {
    const words = this.#wordsOfStderr();
    if (this.#greeted || status === null) {
      return new Failure(
        'link',
        `the root shell of ${this.#host} ended (${status === null ? 'no exit status came' : `status ${status}`}); what was asked of it last may have happened${words}`,
      );
    }
    return new Failure(
      'auth',
      this.#become
        ? `sudo -n gives no root shell on ${this.#host} (status ${status})${words}. The account needs a NOPASSWD rule that allows /bin/sh, or ansible_become: false where the login is root's`
        : `the account has no usable /bin/sh on ${this.#host} (status ${status})${words}`,
    );
  }

  #wordsOfStderr(): string {
    const words = printable(this.#stderr.text, WORDS_CHARS_MAX);
    return words === '' ? '' : `; it said: ${words}`;
  }
}

/** C locale, so that nothing we read is translated; no folder is kept busy; nothing is made that others can read. */
const GREETING = `LC_ALL=C; export LC_ALL; umask 077; cd /; printf '@' 0; printf '@' 0 >&2\n`;

/**
 * The body is one quoted word, so nothing in it can be taken for the commands after it: an open quote or a stray
 * here-document ends with the word. `eval` in a subshell, and not `sh -c`, which has a limit of 128 KiB for a word.
 */
const frameText = (body: string, marker: string): string =>
  `( eval ${shellQuote(body)} ) </dev/null; printf '${marker}' "$?"; printf '${marker}' 0 >&2\n`;
