// Connections to jump hosts, shared between all hosts behind them: one login at a jump host carries a fleet.
import type { Duplex } from 'node:stream';
import { Failure } from '../core/failure.ts';
import type { Hop } from './route.ts';
import type { SshConnection } from './ssh-connection.ts';
import { deadlineIn, within, type Deadline, type Timer } from './timer.ts';

/**
 * Streams through one connection at a time. MaxSessions does not count them (sshd_config(5): shells, logins and
 * subsystems only), and 200 went through one connection without an error; but one process at the jump host carries them
 * all, so that beyond this another one shall help.
 */
const STREAMS_MAX = 200;
/** Streams in a connection's life; then a new one takes its place, and it ends with its last stream. sshd keeps 10,000 at most. */
const STREAMS_EVER_MAX = 5_000;
/** A jump host that refused us is not asked again before: each refusal counts there (fail2ban, faillock), for every host behind it. */
const REFUSED_PAUSE_MS = 60_000;
/** A dead jump host shall not hold up whoever could be told so. */
const DIAL_MS = 30_000;
/** A stream is asked for again when its connection turns out to be dead; more often something else is wrong. */
const TRIES_MAX = 2;

/** A login that stands, and whether a person answered for it. */
export interface JumpLogin {
  readonly connection: SshConnection;
  readonly wasAsked: boolean;
}

/** A way through jump hosts: the first is dialled, the last makes the streams. */
export type Chain = readonly [Hop, ...Hop[]];

export interface JumpPoolOptions {
  /**
   * A login at a jump host, with a limit of its own on how many are made at once.
   * @param transport makes the stream to it: through the jump host before it, or TCP
   */
  readonly logIn: (
    hop: Hop,
    options: { readonly transport: () => Promise<Duplex>; readonly deadline: Deadline },
  ) => Promise<JumpLogin>;
  readonly dial: (hop: Hop, deadline: Deadline) => Promise<Duplex>;
  /** What a login at a jump host may take: nobody's deadline but its own, since many wait for it. */
  readonly loginMs: number;
  readonly timer: Timer;
  readonly streamsMax?: number;
  readonly streamsEverMax?: number;
}

/** Keeps the connections of one run. */
export class JumpPool {
  readonly #options: JumpPoolOptions;
  readonly #carriers = new Map<string, Carrier[]>();
  readonly #refused = new Map<string, { readonly failure: Failure; readonly untilMs: number }>();

  constructor(options: JumpPoolOptions) {
    this.#options = options;
  }

  /**
   * Sees that there is a connection to the last of these jump hosts.
   * @throws Failure `auth` where one of them does not let us in or is a stranger, `link`, `timeout`
   */
  async ready(chain: Chain, deadline: Deadline): Promise<void> {
    await this.#within(deadline, this.#carrierFor(chain).connection, chain);
  }

  /**
   * A stream to an address that the last of these jump hosts reaches. It ends with the jump host's connection, as any
   * connection whose other side is gone.
   * @throws Failure as `ready`; `link` where the address is not reached from there
   */
  async stream(
    chain: Chain,
    target: { readonly address: string; readonly port: number },
    deadline: Deadline,
  ): Promise<Duplex> {
    for (let tried = 1; ; tried += 1) {
      const carrier = this.#carrierFor(chain);
      const release = carrier.take();
      try {
        const connection = await this.#within(deadline, carrier.connection, chain);
        const stream = await connection.forward(target.address, target.port, deadline);
        stream.once('close', release);
        return stream;
      } catch (error) {
        release();
        if (!carrier.isOver || tried >= TRIES_MAX) throw error;
      }
    }
  }

  /** Ends all connections, and with them whatever still goes through them. */
  close(): void {
    for (const carriers of this.#carriers.values()) for (const carrier of carriers) carrier.close();
    this.#carriers.clear();
  }

  #carrierFor(chain: Chain): Carrier {
    const key = keyOf(chain);
    const refused = this.#refused.get(key);
    if (refused !== undefined && this.#options.timer.nowMs() < refused.untilMs) throw refused.failure;
    const carriers = (this.#carriers.get(key) ?? []).filter((carrier) => !carrier.isOver);
    const free = carriers.find((carrier) => carrier.hasRoom);
    if (free !== undefined) return free;
    const carrier = new Carrier(this.#open(chain, key), this.#options);
    this.#carriers.set(key, [...carriers, carrier]);
    return carrier;
  }

  async #open(chain: Chain, key: string): Promise<JumpLogin> {
    const { logIn, dial, loginMs, timer } = this.#options;
    const deadline = deadlineIn(timer, loginMs);
    const hop = chain.at(-1) ?? chain[0];
    const [first, ...others] = chain.slice(0, -1);
    try {
      const login = await logIn(hop, {
        transport: async () =>
          first === undefined
            ? dial(hop, deadlineIn(timer, DIAL_MS))
            : this.stream([first, ...others], hop, deadlineIn(timer, DIAL_MS)),
        deadline,
      });
      this.#refused.delete(key);
      return login;
    } catch (error) {
      if (error instanceof Failure && error.reason === 'auth') {
        this.#refused.set(key, { failure: error, untilMs: timer.nowMs() + REFUSED_PAUSE_MS });
      }
      throw error;
    }
  }

  async #within<T>(deadline: Deadline, promise: Promise<T>, chain: Chain): Promise<T> {
    const { where } = chain.at(-1) ?? chain[0];
    return within(deadline, promise, () => `there was no connection to the ${where} in time`);
  }
}

/** One connection, or the login that becomes one. */
class Carrier {
  readonly connection: Promise<SshConnection>;
  readonly #streamsMax: number;
  readonly #streamsEverMax: number;
  #open = 0;
  #ever = 0;
  #isOver = false;
  #wasAsked = false;

  constructor(login: Promise<JumpLogin>, options: JumpPoolOptions) {
    this.connection = login.then(({ connection, wasAsked }) => {
      this.#wasAsked = wasAsked;
      return connection;
    });
    this.#streamsMax = options.streamsMax ?? STREAMS_MAX;
    this.#streamsEverMax = options.streamsEverMax ?? STREAMS_EVER_MAX;
    const over = (): void => {
      this.#isOver = true;
    };
    this.connection.then(async ({ closed }) => closed.then(over), over);
  }

  /** It could not be made, or has ended. */
  get isOver(): boolean {
    return this.#isOver;
  }

  get hasRoom(): boolean {
    // Another login would be another question: rather a crowd.
    const atOnceMax = this.#wasAsked ? this.#streamsEverMax : this.#streamsMax;
    return !this.#isOver && this.#open < atOnceMax && this.#ever < this.#streamsEverMax;
  }

  /** Counts a stream; the result counts it out again, once. */
  take(): () => void {
    this.#open += 1;
    this.#ever += 1;
    let isOut = false;
    return () => {
      if (isOut) return;
      isOut = true;
      this.#open -= 1;
      if (this.#open === 0 && this.#ever >= this.#streamsEverMax) this.close();
    };
  }

  close(): void {
    this.connection.then(
      (connection) => connection.close(),
      () => undefined,
    );
  }
}

/** The same stations as the same accounts: whoever logs in there is always the operator. */
const keyOf = (chain: Chain): string =>
  JSON.stringify(
    chain.map(({ address, port, user, ssh, keyFile }) => [address.toLowerCase(), port, user, ssh, keyFile]),
  );
