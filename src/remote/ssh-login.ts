// One SSH login over a stream: ssh2's events folded into one answer.
import type { Duplex } from 'node:stream';
import ssh2, { type AnyAuthMethod, type ConnectConfig } from 'ssh2';
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import { reveal } from '../core/secret.ts';
import { ALGORITHMS } from './algorithms.ts';
import { answersTo, PROMPT_CHARS_MAX, type QuestionOffer } from './answers.ts';
import type { ServerQuestions } from './asker.ts';
import { AuthSequence, type Offer } from './auth-sequence.ts';
import { deferred } from '../core/deferred.ts';
import { noAgreement } from './key-exchange.ts';
import { watchServer, type ServerWatch } from './server-watch.ts';
import type { HostKeyAlgorithm } from './host-key-check.ts';
import { ChosenAgent } from './ssh-agent.ts';
import { connectionOf, type SshConnection } from './ssh-connection.ts';
import { takeShortcuts } from './ssh2-shortcuts.ts';
import { within, type Deadline } from './timer.ts';

const KEEPALIVE_INTERVAL_MS = 5_000;
const KEEPALIVE_COUNT_MAX = 3;
/** A login that asks more often than this is not one that we can answer. */
const PROMPTS_MAX = 32;

/** What is to be done over a stream that reaches a server. */
export interface Dial {
  /** A connected socket, a forwarded connection, or the channel of a nested sshd. Nobody has read from it. */
  readonly transport: Duplex;
  /** For messages: `web1 (198.18.0.2 port 22)`. */
  readonly where: string;
  readonly user: string;
  readonly offers: readonly Offer[];
  readonly hostKeyAlgorithms: readonly HostKeyAlgorithm[];
  readonly verifyHostKey: (key: Uint8Array) => Failure | null;
  /** Find out within 20 s that the peer is gone; not for nested sessions, whose carrier does that. */
  readonly keepalive: boolean;
  readonly deadline: Deadline;
}

/** How a login ended. Prompts are the server's questions, printable. */
export type Handshake = { readonly prompts: readonly string[] } & (
  | { readonly kind: 'in'; readonly connection: SshConnection }
  /** The server said no to all that was offered; `words` are its last ones, '' mostly. */
  | {
      readonly kind: 'refused';
      readonly titles: readonly string[];
      readonly words: string;
      /** What the server would take, where it said so (RFC 4252). */
      readonly methods: readonly string[];
    }
  /** The server ended the conversation in answer to an offer (MaxAuthTries), having taken none; `remaining` was not offered. */
  | { readonly kind: 'cut-off'; readonly remaining: readonly Offer[]; readonly failure: Failure }
  /** No answer about the login at all. */
  | { readonly kind: 'failed'; readonly failure: Failure }
);

/** ssh2's errors carry a `level`; a server's DISCONNECT has none but its reason number as `code` (lib/client.js, 1.17). */
interface Ssh2Error extends Error {
  readonly level?: string;
  readonly code?: string | number;
}

/** Reasons by which a server ends a login: OpenSSH says 2 for "Too many authentication failures", RFC 4253 has 14 for it. */
const REFUSALS: readonly number[] = [2, 14];

/** Logs in over a transport. Never throws: how it ended is the answer. On any end but `in` the transport is closed. */
export const openSsh = async (dial: Dial): Promise<Handshake> => {
  const login = new Login(dial);
  try {
    return await within(
      dial.deadline,
      login.ended,
      () => `${dial.where} did not finish the login as ${dial.user} in time`,
    ).catch((failure: unknown): Handshake => {
      return { kind: 'failed', prompts: login.prompts, failure: failure as Failure };
    });
  } finally {
    login.settle();
  }
};

/** One handshake: ssh2's events folded into one end. ssh2 emits `error` more than once, so the first word counts. */
class Login {
  readonly prompts: string[] = [];
  readonly #ended = deferred<Handshake>();
  readonly #dial: Dial;
  readonly #client = new ssh2.Client();
  readonly #sequence: AuthSequence;
  readonly #server: ServerWatch;
  #letIn = false;
  #hostKey: Failure | null = null;
  #keysExchanged = false;
  /** Why an offer never reached the server: an agent that does not answer or holds no key. */
  #notOffered: string | null = null;
  #lastWords = '';

  constructor(dial: Dial) {
    this.#dial = dial;
    this.#sequence = new AuthSequence(dial.offers);
    this.#server = watchServer(dial.transport);
    const closed = new Promise<string>((resolve) => {
      this.#client.on('close', () => {
        this.#lost();
        resolve(
          this.#lastWords === ''
            ? `${dial.where} closed the connection`
            : `${dial.where}: ${this.#lastWords}`,
        );
      });
    });
    this.#client
      .on('error', (error: Ssh2Error) => this.#onError(error))
      .on('end', () => this.#lost())
      .on('handshake', () => {
        this.#keysExchanged = true;
      })
      // A password that the server takes and wants changed is neither in nor refused.
      .on('change password', () =>
        this.#fail(new Failure('auth', `${dial.where} asks ${dial.user} for a new password: it has expired`)),
      )
      .on('ready', () => {
        this.#letIn = true;
        this.#ended.resolve({
          kind: 'in',
          prompts: this.prompts,
          connection: connectionOf(this.#client, dial.transport, { where: dial.where, closed }),
        });
      });
    this.#connect();
  }

  get ended(): Promise<Handshake> {
    return this.#ended.promise;
  }

  /** Closes what did not end with being let in. */
  settle(): void {
    if (this.#letIn) return;
    this.#client.end();
    this.#dial.transport.destroy();
  }

  #connect(): void {
    const dial = this.#dial;
    if (dial.transport.destroyed) {
      this.#lost();
      return;
    }
    const config: ConnectConfig = {
      sock: dial.transport,
      username: dial.user,
      // Ours runs; two clocks would give two stories.
      readyTimeout: 0,
      keepaliveInterval: dial.keepalive ? KEEPALIVE_INTERVAL_MS : 0,
      keepaliveCountMax: KEEPALIVE_COUNT_MAX,
      algorithms: this.#algorithms(),
      // Exactly `false` rejects; anything else, a promise included, would be taken as a yes (mscdex/ssh2#1268).
      hostVerifier: (key: Buffer): boolean => {
        this.#hostKey = dial.verifyHostKey(key);
        return this.#hostKey === null;
      },
      authHandler: (methods: readonly string[] | null, partial: boolean | null) => {
        const offer = this.#sequence.next(methods, partial === true);
        return offer === null ? false : this.#method(offer);
      },
    };
    try {
      this.#client.connect(config);
      takeShortcuts(this.#client);
    } catch (error) {
      this.#fail(new Failure('bug', `ssh2 cannot connect: ${String(error)}`, { cause: error }));
    }
  }

  #algorithms() {
    return { ...ALGORITHMS, serverHostKey: [...this.#dial.hostKeyAlgorithms] };
  }

  #method(offer: Offer): AnyAuthMethod {
    const username = this.#dial.user;
    switch (offer.kind) {
      case 'key':
        return { type: 'publickey', username, key: offer.key };
      case 'agent':
        return {
          type: 'agent',
          username,
          agent: new ChosenAgent(offer.socket, offer.only, () => {
            this.#notOffered ??= `${offer.title} holds no key for this login`;
          }),
        };
      case 'password':
        return { type: 'password', username, password: reveal(offer.password) };
      case 'keyboard-interactive':
      case 'asked':
        return {
          type: 'keyboard-interactive',
          username,
          prompt: (name, instructions, _language, prompts, finish) => {
            const asked = prompts.map(({ prompt, echo = false }) => ({ prompt, echo }));
            void this.#answer(offer, { name, instructions, prompts: asked }, finish);
          },
        };
      default:
        return offer satisfies never;
    }
  }

  async #answer(
    offer: QuestionOffer,
    questions: ServerQuestions,
    finish: (answers: string[]) => void,
  ): Promise<void> {
    const { where, user } = this.#dial;
    this.prompts.push(...questions.prompts.map(({ prompt }) => printable(prompt, PROMPT_CHARS_MAX)));
    const answers =
      this.prompts.length > PROMPTS_MAX
        ? new Failure('auth', `${where} asks more than ${PROMPTS_MAX} questions`)
        : await answersTo(questions, offer, { where, user });
    if (answers instanceof Failure) this.#fail(answers);
    else finish(answers.map(reveal));
  }

  #onError(error: Ssh2Error): void {
    this.#lastWords ||= printable(error.message);
    if (this.#letIn) return;
    // The stream's own: what makes the connection says why it does not.
    if (error instanceof Failure) {
      this.#fail(error);
      return;
    }
    if (error.level === 'agent') {
      this.#notOffered ??= `the agent: ${printable(error.message)}`;
      return; // ssh2 goes on to the next offer.
    }
    if (error.level === 'client-authentication') {
      // A signature that could not be made comes here too, and ssh2 goes on with the next offer then.
      if (this.#sequence.exhausted) this.#refused('');
      return;
    }
    if (this.#hostKey !== null) {
      this.#fail(this.#hostKey);
      return;
    }
    if (error.level === undefined && typeof error.code === 'number') {
      this.#disconnected(error);
      return;
    }
    this.#lost(error);
  }

  #refused(words: string): void {
    const { where, user } = this.#dial;
    if (this.#notOffered === null) {
      const { titles, methods } = this.#sequence;
      this.#ended.resolve({ kind: 'refused', prompts: this.prompts, titles, words, methods });
      return;
    }
    this.#fail(
      new Failure('auth', `the login as ${user} at ${where} was not let in, and ${this.#notOffered}`),
    );
  }

  /** The server's DISCONNECT. While an offer awaits its answer this is the answer; else something broke. */
  #disconnected(error: Ssh2Error): void {
    const { where, user } = this.#dial;
    const words = printable(error.message);
    if (!REFUSALS.includes(Number(error.code)) || !this.#keysExchanged || this.#sequence.current === null) {
      this.#fail(new Failure('link', `${where} ended the conversation: ${words}`, { cause: error }));
      return;
    }
    if (this.#sequence.remaining.length === 0) {
      this.#refused(words);
      return;
    }
    const failure = new Failure(
      'auth',
      `${where} ended the login as ${user} after ${this.#sequence.titles.join(', ')}: ${words}. When an agent offers many keys, name one with ansible_ssh_private_key_file`,
    );
    if (this.#sequence.partlyIn) {
      this.#fail(failure);
      return;
    }
    this.#ended.resolve({
      kind: 'cut-off',
      prompts: this.prompts,
      remaining: this.#sequence.remaining,
      failure,
    });
  }

  /** The stream ended or broke before the login did. */
  #lost(error?: Ssh2Error): void {
    if (this.#letIn) return;
    const { where } = this.#dial;
    const why = error === undefined ? '' : `: ${printable(error.message)}`;
    const cause = error === undefined ? {} : { cause: error };
    if (!this.#server.hasBanner()) {
      const words = printable(this.#server.greeting());
      this.#fail(
        new Failure(
          'link',
          `${where} closed the connection before its SSH banner${words === '' ? '' : ` (it said: ${words})`}: too many connections at once (MaxStartups), a ban of our address (PerSourcePenalties, fail2ban), or no SSH server`,
          { beforeBanner: true, ...cause },
        ),
      );
      return;
    }
    const offered = this.#keysExchanged ? null : this.#server.keyExchange();
    const disagreement = offered === null ? null : noAgreement(offered, this.#algorithms());
    if (disagreement !== null) {
      this.#fail(new Failure('auth', `${where} ${disagreement}`));
      return;
    }
    const when = this.#keysExchanged ? 'during the login' : 'during the key exchange';
    this.#fail(new Failure('link', `${where} broke off ${when}${why}`, cause));
  }

  #fail(failure: Failure): void {
    this.#ended.resolve({ kind: 'failed', prompts: this.prompts, failure });
  }
}
