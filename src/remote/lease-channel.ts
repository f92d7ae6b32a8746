// The lease's own channel: renewals while we live, and a second way to ask for the revert.
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import type { GuardReply, Lease } from '../core/remote.ts';
import { deferred } from '../core/deferred.ts';
import { Tail, type ExecChannel } from './exec-channel.ts';
import { KeptLines } from './kept-lines.ts';
import { deadlineIn, within, type Timer } from './timer.ts';

const LINE_BYTES_MAX = 16 * 1024;
const STDERR_BYTES_MAX = 4 * 1024;

export interface LeaseOptions {
  readonly host: string;
  readonly everyMs: number;
  readonly leaseS: number;
  readonly timer: Timer;
}

/** Something that we wrote and that is not answered yet; answers come in order. */
type Asked =
  | { readonly kind: 'renew'; readonly cancel: () => void }
  | {
      readonly kind: 'revert';
      readonly lines: KeptLines;
      readonly settle: (reply: GuardReply | Failure) => void;
    };

/**
 * Starts renewing over a channel that runs `guard.sh lease TX`; resolves when the first renewal is granted.
 * A renewal counts as lost when half of the lease has passed without its answer, so that we know before the host acts.
 * @throws Failure `fenced` (the guard says no), `link`, `timeout`; `bug` when `everyMs` leaves no room for a late answer
 */
export const holdLease = async (channel: ExecChannel, options: LeaseOptions): Promise<Lease> => {
  if (options.everyMs <= 0 || options.everyMs * 3 > options.leaseS * 1000) {
    throw new Failure('bug', 'a lease must be renewed at least three times in its length');
  }
  const lease = new LeaseChannel(channel, options);
  const refused = await lease.answered();
  if (refused === null) return lease;
  lease.close();
  throw refused;
};

class LeaseChannel implements Lease {
  readonly lost: Promise<string>;
  readonly #granted = deferred<null>();
  readonly #ended = deferred<Failure>();
  readonly #channel: ExecChannel;
  readonly #options: LeaseOptions;
  readonly #asked: Asked[] = [];
  readonly #stderr = new Tail(STDERR_BYTES_MAX);
  #rest: Buffer = Buffer.alloc(0);
  #failure: Failure | null = null;
  #closed = false;
  #over = false;
  #cancelNext: () => void = () => undefined;

  constructor(channel: ExecChannel, options: LeaseOptions) {
    this.#channel = channel;
    this.#options = options;
    this.lost = this.#ended.promise.then(({ message }) => message);
    channel.stream.on('data', (bytes: Uint8Array) => this.#read(bytes));
    channel.stderr.on('data', (bytes: Uint8Array) => this.#stderr.add(bytes));
    void channel.closed.then((status) => this.#onClosed(status));
    this.#renew();
  }

  /** `null` once the first renewal is granted, or what went wrong before. */
  async answered(): Promise<Failure | null> {
    return Promise.race([this.#granted.promise, this.#ended.promise]);
  }

  async revert(deadlineMs: number): Promise<GuardReply> {
    if (this.#closed)
      throw this.#failure ?? new Failure('link', this.#sentence('its channel has been closed'));
    this.#stopRenewing();
    const { timer, host } = this.#options;
    const answer = new Promise<GuardReply>((resolve, reject) => {
      this.#asked.push({
        kind: 'revert',
        lines: new KeptLines(),
        settle: (reply) => {
          if (reply instanceof Failure) reject(reply);
          else resolve(reply);
        },
      });
    });
    this.#channel.stream.write('revert\n');
    return within(
      deadlineIn(timer, deadlineMs),
      answer,
      () =>
        `${host} has not said in time whether it was put back; its guard does it by itself when the lease ends`,
    );
  }

  close(): void {
    this.#over = true;
    this.#stopRenewing();
    this.#channel.stream.end();
  }

  #renew(): void {
    const { timer, leaseS, everyMs } = this.#options;
    const cancel = timer.after((leaseS * 1000) / 2, () =>
      this.#fail(new Failure('timeout', this.#sentence('a renewal was not answered in time'))),
    );
    this.#asked.push({ kind: 'renew', cancel });
    this.#channel.stream.write(`renew ${leaseS}\n`);
    this.#cancelNext = timer.after(everyMs, () => this.#renew());
  }

  #stopRenewing(): void {
    this.#cancelNext();
    for (const asked of this.#asked) if (asked.kind === 'renew') asked.cancel();
  }

  #read(bytes: Uint8Array): void {
    let rest = Buffer.concat([this.#rest, bytes]);
    for (let at = rest.indexOf('\n'); at >= 0; at = rest.indexOf('\n')) {
      this.#answer(rest.toString('utf8', 0, Math.min(at, LINE_BYTES_MAX)));
      rest = rest.subarray(at + 1);
    }
    this.#rest = rest.length > LINE_BYTES_MAX ? rest.subarray(0, LINE_BYTES_MAX) : rest;
  }

  #answer(line: string): void {
    const asked = this.#asked[0];
    switch (asked?.kind) {
      case 'renew': {
        const [word] = line.split(' ');
        // A login shell's profile may write before the guard does: what is neither answer is not for us.
        if (word !== 'ok' && word !== 'fenced') return;
        this.#asked.shift();
        asked.cancel();
        if (word === 'ok') this.#granted.resolve(null);
        else this.#fail(new Failure('fenced', this.#sentence(`its guard says: ${printable(line)}`)));
        return;
      }
      case 'revert': {
        const code = /^done (\d{1,3})$/.exec(line)?.[1];
        if (code === undefined) {
          asked.lines.add(line);
          return;
        }
        this.#asked.shift();
        asked.settle({ code: Number(code), lines: asked.lines.all });
        return;
      }
      case undefined:
        return;
      default:
        asked satisfies never;
    }
  }

  #onClosed(status: number | null): void {
    this.#closed = true;
    const words = printable(this.#stderr.text);
    const failure = new Failure(
      'link',
      this.#sentence(
        `its channel ended${status === null ? '' : ` with status ${status}`}${words === '' ? '' : `; it said: ${words}`}`,
      ),
    );
    this.#fail(failure);
    for (const asked of this.#asked.splice(0)) if (asked.kind === 'revert') asked.settle(failure);
  }

  /** Stops renewing; the first reason is told, once. After `close` nobody wants to know. */
  #fail(failure: Failure): void {
    this.#stopRenewing();
    this.#failure ??= failure;
    if (!this.#over) this.#ended.resolve(this.#failure);
  }

  #sentence(what: string): string {
    const { host, leaseS } = this.#options;
    return `the lease on ${host} is lost (${what}): from ${leaseS} s after the last renewal on, the host may put itself back`;
  }
}
