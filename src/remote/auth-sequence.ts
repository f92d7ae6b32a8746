// What is offered to a server to be let in, and in which order. Pure: ssh2 asks, this answers.
import type { ParsedKey } from 'ssh2';
import type { Secret } from '../core/secret.ts';
import type { ServerQuestions } from './asker.ts';

/**
 * One thing to offer. Offers of the same `factor` are alternatives (several keys of one operator): when one of them is
 * taken as a part of what is needed, the others are passed over.
 */
export type Offer = { readonly factor: number; readonly title: string } & (
  | { readonly kind: 'key'; readonly key: ParsedKey }
  /** All of the agent's keys, or the one whose public blob is `only`. */
  | { readonly kind: 'agent'; readonly socket: string; readonly only: Uint8Array | null }
  | { readonly kind: 'password'; readonly password: Secret }
  /** Every prompt is answered with this; with `null` a prompt ends the login. */
  | { readonly kind: 'keyboard-interactive'; readonly answer: Secret | null }
  /** The operator answers, or why nobody does. */
  | {
      readonly kind: 'asked';
      readonly ask: (questions: ServerQuestions) => Promise<readonly Secret[] | { readonly why: string }>;
      /** Only where something was taken already: else every account whose key is not taken would ask for its password. */
      readonly onlyToFinish: boolean;
    }
);

/** RFC 4252's name of the method that an offer goes by. */
const methodOf = (offer: Offer): string => {
  switch (offer.kind) {
    case 'key':
    case 'agent':
      return 'publickey';
    case 'password':
    case 'keyboard-interactive':
      return offer.kind;
    case 'asked':
      return 'keyboard-interactive';
    default:
      return offer satisfies never;
  }
};

/** One login's way through its offers; each is made at most once. */
export class AuthSequence {
  readonly #offers: readonly Offer[];
  #at = -1;
  #exhausted = false;
  #partlyIn = false;
  #methods: readonly string[] = [];

  constructor(offers: readonly Offer[]) {
    this.#offers = offers;
  }

  /**
   * The next offer, `null` when there is none left.
   * @param methodsLeft what the server's last answer said can continue; `null` when it has not said. A method that it does
   * not name is passed over: the server has said no to it already, and asking costs one of MaxAuthTries.
   * @param partial the last offer was taken, and more is needed (AuthenticationMethods with a comma)
   */
  next(methodsLeft: readonly string[] | null, partial: boolean): Offer | null {
    const current = this.current;
    // What the server says after an agent's keys does not reach us: ssh2 hands on the answer before them.
    const left = current?.kind === 'agent' ? null : methodsLeft;
    if (partial) this.#partlyIn = true;
    this.#methods = methodsLeft ?? [];
    const taken = partial && current !== null && current.kind !== 'agent' ? current.factor : null;
    for (this.#at += 1; this.#at < this.#offers.length; this.#at += 1) {
      const offer = this.#offers[this.#at];
      if (offer === undefined || offer.factor === taken) continue;
      if (offer.kind === 'asked' && offer.onlyToFinish && !this.#mayBePartlyIn()) continue;
      if (left === null || left.includes(methodOf(offer))) return offer;
    }
    this.#exhausted = true;
    return null;
  }

  /** What came of an agent's keys is not known: one of them may have been taken. */
  #mayBePartlyIn(): boolean {
    return this.#partlyIn || this.#offers.slice(0, this.#at).some(({ kind }) => kind === 'agent');
  }

  /** The offer that was made last and whose answer is awaited; `null` before the first and after the last. */
  get current(): Offer | null {
    return this.#offers[this.#at] ?? null;
  }

  /** The server has answered the last offer, and there is none left. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** Something was taken as a part of what is needed. */
  get partlyIn(): boolean {
    return this.#partlyIn;
  }

  /** What the server said last that it would take; empty where it has not said. */
  get methods(): readonly string[] {
    return this.#methods;
  }

  /** What has not been offered. */
  get remaining(): readonly Offer[] {
    return this.#offers.slice(Math.max(this.#at, -1) + 1);
  }

  /** Titles of what has been offered or passed over, for messages. */
  get titles(): readonly string[] {
    return this.#offers.slice(0, this.#at + 1).map((offer) => offer.title);
  }
}
