// One SSH login over a stream: ssh2's events folded into one answer.
import type { Duplex } from 'node:stream';
import ssh2, { type AnyAuthMethod, type ConnectConfig } from 'ssh2';
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import { reveal } from '../core/secret.ts';
import { AuthSequence, type Offer } from './auth-sequence.ts';
import { watchBanner } from './banner-watch.ts';
import { deferred } from '../core/deferred.ts';
import type { HostKeyAlgorithm } from './host-key-check.ts';
import { ChosenAgent } from './ssh-agent.ts';
import { connectionOf, type SshConnection } from './ssh-connection.ts';
import { takeShortcuts } from './ssh2-shortcuts.ts';
import { within, type Deadline } from './timer.ts';

const KEEPALIVE_INTERVAL_MS = 5_000;
const KEEPALIVE_COUNT_MAX = 3;
/** A login that asks more often than this is not one that we can answer. */
const PROMPTS_MAX = 32;
const PROMPT_CHARS_MAX = 200;

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
  | { readonly kind: 'refused'; readonly titles: readonly string[]; readonly words: string }
  /** The server ended the conversation in answer to an offer (MaxAuthTries), having taken none; `remaining` was not offered. */
  | { readonly kind: 'cut-off'; readonly remaining: readonly Offer[]; readonly failure: Failure }
  /** No answer about the login at all. */
  | { readonly kind: 'failed'; readonly failure: Failure }
);

/**
 * Sound algorithms that ssh2 1.17 speaks; its own default lists still hold SHA-1. Post-quantum key exchange it has not.
 * No group exchange: ssh2 takes any prime that the server names (lib/protocol/kex.js, `TODO: validate prime`), and looking at
 * one of 9,689 bits holds this whole program up for half a minute (measured), before anybody has shown a host key. Every
 * OpenSSH since 6.5 has the others.
 */
const ALGORITHMS = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group14-sha256',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes256-ctr',
    'aes192-ctr',
    'aes128-ctr',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} satisfies ConnectConfig['algorithms'];

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
  readonly #sawBanner: () => boolean;
  readonly #greeting: () => string;
  #letIn = false;
  #hostKey: Failure | null = null;
  #keysExchanged = false;
  /** Why an offer never reached the server: an agent that does not answer or holds no key. */
  #notOffered: string | null = null;
  #lastWords = '';

  constructor(dial: Dial) {
    this.#dial = dial;
    this.#sequence = new AuthSequence(dial.offers);
    const banner = watchBanner(dial.transport);
    this.#sawBanner = banner.seen;
    this.#greeting = banner.greeting;
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
      algorithms: { ...ALGORITHMS, serverHostKey: [...dial.hostKeyAlgorithms] },
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

  #method(offer: Offer): AnyAuthMethod {
    const username = this.#dial.user;
    switch (offer.kind) {
      case 'key':
        return { type: 'publickey', username, key: Buffer.from(offer.key) };
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
        return {
          type: 'keyboard-interactive',
          username,
          prompt: (_name, _instructions, _language, prompts, finish) => {
            this.prompts.push(...prompts.map(({ prompt }) => printable(prompt, PROMPT_CHARS_MAX)));
            if (this.prompts.length > PROMPTS_MAX) {
              this.#fail(new Failure('auth', `${this.#dial.where} asks more than ${PROMPTS_MAX} questions`));
              return;
            }
            const { answer } = offer;
            if (answer === null && prompts.length > 0) {
              const asked = printable(prompts.map(({ prompt }) => prompt).join(' '), PROMPT_CHARS_MAX);
              this.#fail(
                new Failure(
                  'auth',
                  `${this.#dial.where} asks ${username} "${asked}", and there is no answer`,
                ),
              );
              return;
            }
            finish(prompts.map(() => (answer === null ? '' : reveal(answer))));
          },
        };
      default:
        return offer satisfies never;
    }
  }

  #onError(error: Ssh2Error): void {
    this.#lastWords ||= printable(error.message);
    if (this.#letIn) return;
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
      this.#ended.resolve({ kind: 'refused', prompts: this.prompts, titles: this.#sequence.titles, words });
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
    if (!this.#sawBanner()) {
      const words = printable(this.#greeting());
      this.#fail(
        new Failure(
          'link',
          `${where} closed the connection before its SSH banner${words === '' ? '' : ` (it said: ${words})`}: too many connections at once (MaxStartups), a ban of our address (PerSourcePenalties, fail2ban), or no SSH server`,
          { beforeBanner: true, ...cause },
        ),
      );
      return;
    }
    const when = this.#keysExchanged ? 'during the login' : 'during the key exchange';
    this.#fail(new Failure('link', `${where} broke off ${when}${why}`, cause));
  }

  #fail(failure: Failure): void {
    this.#ended.resolve({ kind: 'failed', prompts: this.prompts, failure });
  }
}
