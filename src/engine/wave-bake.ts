// One wave's bake: its hosts are live and unconfirmed, each is looked at again and again, and all are judged together.
import type { RunEvent } from '../core/event.ts';
import { deferred } from '../core/deferred.ts';
import { asFailure, Failure } from '../core/failure.ts';

/** A look logs in: seldom enough that nobody takes it for an attack, often enough that a bake of minutes has several. */
const LOOK_EVERY_S = 30;
/** Looks at one host, however long the bake is: of 24 hours, one in 24 minutes. */
const LOOKS_MAX = 60;

/** One host's place in the bake of its wave. */
export interface BakeSeat {
  /**
   * The host is live, its logins were as they must be, nothing is confirmed: waits for the others of its wave, then looks
   * now and then, the last time when the bake is over. Resolves with the number of looks when all hosts of the wave may be
   * confirmed.
   * @throws Failure when the host is to be put back: for what its own look found, or since another one's did
   */
  readonly sitOut: (look: () => Promise<void>) => Promise<number>;
  /** What ended this host's bake beside its looks (a lost lease): the others are put back, too. */
  readonly fail: (failure: Failure) => void;
  /** As many hosts at a time as the run may have under way. */
  readonly turn: <T>(work: () => Promise<T>) => Promise<T>;
}

/** What the bake of a wave needs. */
export interface WaveBakeOrder {
  /** Counted from 1. */
  readonly wave: number;
  readonly hosts: readonly string[];
  readonly bakeS: number;
  /** Ends early when the signal comes; never rejects. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly turn: BakeSeat['turn'];
  /** Resolves when it is durable. */
  readonly record: (event: RunEvent) => Promise<void>;
}

type Judgement = { readonly go: true } | { readonly go: false; readonly why: string };

/**
 * Lives as long as its wave. Every host of it either arrives (`sitOut`) or leaves; the bake begins when the last one has. One
 * that fails while it bakes puts all of them back: what it shows speaks against the change, not against the host.
 */
export class WaveBake {
  readonly #order: WaveBakeOrder;
  readonly #awaited: Set<string>;
  readonly #baking = new Set<string>();
  readonly #passed = new Set<string>();
  readonly #ending = new AbortController();
  readonly #begun = deferred<void>();
  readonly #over = deferred<void>();
  #isBegun = false;
  #judgement: Judgement | null = null;

  constructor(order: WaveBakeOrder) {
    this.#order = order;
    this.#awaited = new Set(order.hosts);
  }

  /** @param arrived called when the host has come to the bake, and works no longer */
  seat(host: string, arrived: () => void): BakeSeat {
    return {
      turn: this.#order.turn,
      fail: (failure) => this.#putBack(saidOf(host, failure)),
      sitOut: async (look) => {
        this.#awaited.delete(host);
        this.#baking.add(host);
        arrived();
        void this.#beginIfComplete();
        await Promise.race([this.#begun.promise, this.#over.promise]);
        const looks = await this.#looks(host, look);
        await this.#pass(host);
        await this.#over.promise;
        this.#mayGoOn();
        return looks;
      },
    };
  }

  /** The host has come to a verdict, or is not started. */
  leave(host: string): void {
    // One that bakes comes to a verdict before the judgement only when it was lost.
    if (this.#baking.has(host)) this.#putBack(`${host} was lost`);
    this.#awaited.delete(host);
    void this.#beginIfComplete();
  }

  /** Nobody is confirmed any more: a bake that was not finished has proved nothing. */
  stop(why: string): void {
    this.#putBack(why);
  }

  async #beginIfComplete(): Promise<void> {
    const { wave, bakeS, record } = this.#order;
    if (this.#awaited.size > 0 || this.#baking.size === 0) return;
    if (this.#isBegun || this.#judgement !== null) return;
    this.#isBegun = true;
    const hosts = this.#order.hosts.filter((host) => this.#baking.has(host));
    try {
      await record({ type: 'bake-started', wave, hosts, bakeS });
      this.#begun.resolve();
    } catch (thrown) {
      this.#putBack(asFailure(thrown).message);
    }
  }

  async #looks(host: string, look: () => Promise<void>): Promise<number> {
    const { bakeS, sleep, turn } = this.#order;
    const looks = Math.min(LOOKS_MAX, Math.max(1, Math.ceil(bakeS / LOOK_EVERY_S)));
    // Counted, and not read from a clock, which may be set meanwhile.
    for (let count = 0; count < looks; count += 1) {
      this.#mayGoOn();
      await sleep((bakeS * 1000) / looks, this.#ending.signal);
      await turn(async () => {
        this.#mayGoOn();
        await look().catch((thrown: unknown) => {
          const failure = asFailure(thrown);
          this.#putBack(saidOf(host, failure));
          throw failure;
        });
      });
    }
    return looks;
  }

  /** The last of them to pass ends the bake. */
  async #pass(host: string): Promise<void> {
    this.#passed.add(host);
    if (this.#passed.size < this.#baking.size || this.#judgement !== null) return;
    const { wave, record } = this.#order;
    const why = 'whatever was looked at was as it must be';
    try {
      await record({ type: 'bake-ended', wave, decision: 'confirm', why });
      this.#judge({ go: true });
    } catch (thrown) {
      this.#putBack(asFailure(thrown).message);
    }
  }

  #putBack(why: string): void {
    if (!this.#judge({ go: false, why }) || this.#baking.size === 0) return;
    const { wave, record } = this.#order;
    // They go back whether or not it can be written down.
    record({ type: 'bake-ended', wave, decision: 'revert', why }).catch(() => undefined);
  }

  /** The first judgement holds. */
  #judge(judgement: Judgement): boolean {
    if (this.#judgement !== null) return false;
    this.#judgement = judgement;
    this.#ending.abort();
    this.#over.resolve();
    return true;
  }

  #mayGoOn(): void {
    const judgement = this.#judgement;
    if (judgement === null || judgement.go) return;
    throw new Failure('exit', `its wave is put back unconfirmed: ${judgement.why}`);
  }
}

/** Most failures name their host, and once is enough. */
const saidOf = (host: string, { message }: Failure): string =>
  message.startsWith(`${host}: `) ? message : `${host}: ${message}`;
