// The transport that the engine speaks through, over ssh2.
import { asFailure, Failure } from '../core/failure.ts';
import type { HostSession, LoginAttempt, LoginOutcome, Remote } from '../core/remote.ts';
import type { OpenSecret, Settings } from '../core/settings.ts';
import type { Offer } from './auth-sequence.ts';
import { CredentialStore, offersOf, type Credentials } from './credentials.ts';
import {
  createHandshakeGate,
  HANDSHAKES_MAX,
  HANDSHAKES_PER_HOP_MAX,
  type HandshakeGate,
} from './handshake-gate.ts';
import { createHostKeyCheck, type HostKeyCheck, type HostKeyOptions } from './host-key-check.ts';
import { openSession, type SessionOptions } from './host-session.ts';
import { offersOfAttempt, outcomeOf } from './login-attempt.ts';
import { retryBeforeBanner } from './retry.ts';
import { hopsOf, mustBeIn, travel, type Hop, type Travelled } from './route.ts';
import { deadlineIn, systemTimer, type Deadline, type Timer } from './timer.ts';

export interface RemoteOptions {
  /** The operator's home folder, for the usual key files. */
  readonly home: string;
  /** SSH_AUTH_SOCK, `null` without an agent. */
  readonly agentSocket: string | null;
  readonly hostKeys: HostKeyOptions;
  readonly openSecret: OpenSecret;
  readonly randomBytes: (size: number) => Uint8Array;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly timer?: Timer;
  /** Handshakes at a time through one first hop (8), and in all (32). */
  readonly handshakesPerHopMax?: number;
  readonly handshakesMax?: number;
}

const NONCE_BYTES = 16;

/** The transport of one run: it keeps the run's limit on handshakes, its host keys and the operator's keys. */
export const createRemote = (options: RemoteOptions): Remote => new SshRemote(options);

class SshRemote implements Remote {
  readonly #options: RemoteOptions;
  readonly #timer: Timer;
  readonly #hostKeys: HostKeyCheck;
  readonly #credentials: CredentialStore;
  readonly #gate: HandshakeGate;

  constructor(options: RemoteOptions) {
    this.#options = options;
    this.#timer = options.timer ?? systemTimer;
    this.#hostKeys = createHostKeyCheck(options.hostKeys);
    this.#credentials = new CredentialStore(options);
    this.#gate = createHandshakeGate({
      perHopMax: options.handshakesPerHopMax ?? HANDSHAKES_PER_HOP_MAX,
      totalMax: options.handshakesMax ?? HANDSHAKES_MAX,
    });
  }

  async connect(settings: Settings, options: { readonly deadlineMs: number }): Promise<HostSession> {
    const deadline = deadlineIn(this.#timer, options.deadlineMs);
    const hops = hopsOf(settings);
    const found = await this.#credentials.find(settings.connection);
    const own = this.#ownOffers(settings, found);
    if (own.length === 0) throw nothingToOffer(settings, found);
    const way = await this.#reach(hops, { own, tried: own, deadline });
    const connection = mustBeIn(way.handshake, hops.at(-1) ?? hops[0]);
    const session: SessionOptions = {
      host: settings.host,
      become: settings.connection.become,
      sourceAddress: way.sourceAddress,
      keysOf: async (source) => (await this.#credentials.findFor(source, settings.connection)).keys,
      nonce: () => Buffer.from(this.#options.randomBytes(NONCE_BYTES)).toString('hex'),
      timer: this.#timer,
      closeWay: way.closeWay,
    };
    return openSession(connection, session, deadline).catch((error: unknown) => {
      connection.close();
      way.closeWay();
      throw error;
    });
  }

  async login(settings: Settings, attempt: LoginAttempt, deadlineMs: number): Promise<LoginOutcome> {
    const deadline = deadlineIn(this.#timer, deadlineMs);
    try {
      return await this.#tryLogin(settings, attempt, deadline);
    } catch (error) {
      const failure = asFailure(error);
      // Our own mistake is nobody's refusal, and not a host that could not be reached either.
      if (failure.reason === 'bug') throw failure;
      return { kind: 'unproven', message: failure.message };
    }
  }

  async #tryLogin(settings: Settings, attempt: LoginAttempt, deadline: Deadline): Promise<LoginOutcome> {
    const [first, ...others] = hopsOf(settings);
    // Whoever logs in, the jump hosts are passed as the operator.
    const last: Hop = { ...(others.at(-1) ?? first), user: attempt.user };
    const hops: readonly [Hop, ...Hop[]] =
      others.length === 0 ? [last] : [first, ...others.slice(0, -1), last];
    const found =
      settings.connection.jumps.length > 0
        ? await this.#credentials.find(settings.connection)
        : NO_CREDENTIALS;
    const tried = await offersOfAttempt(
      attempt,
      async (source) => (await this.#credentials.findFor(source, settings.connection)).keys,
    );
    const way = await this.#reach(hops, { own: this.#ownOffers(settings, found), tried, deadline });
    try {
      return await outcomeOf(way.handshake, attempt, deadline);
    } finally {
      way.closeWay();
    }
  }

  /** One way to the host, tried again where it broke off before a banner. */
  async #reach(
    hops: readonly [Hop, ...Hop[]],
    options: {
      readonly own: readonly Offer[];
      readonly tried: readonly Offer[];
      readonly deadline: Deadline;
    },
  ): Promise<Travelled> {
    const { own, tried, deadline } = options;
    const hostKeys = this.#hostKeys;
    return retryBeforeBanner(
      async () =>
        this.#gate.run(`${hops[0].address}:${hops[0].port}`, deadline, async () => {
          const way = await travel(hops, { hostKeys, offers: tried, jumpOffers: own, deadline });
          if (way.handshake.kind === 'failed') throw way.handshake.failure;
          return way;
        }),
      { deadline, random: this.#options.random },
    );
  }

  /** The operator's own login: keys, then the password if there is one. */
  #ownOffers(settings: Settings, found: Credentials): readonly Offer[] {
    const { password } = settings.connection;
    const keys = offersOf(found.keys, 0);
    if (password === null) return keys;
    const secret = this.#options.openSecret(password);
    return [...keys, { factor: 1, title: 'the password', kind: 'password', password: secret }];
  }
}

const NO_CREDENTIALS: Credentials = { keys: [], notes: [] };

const nothingToOffer = (settings: Settings, found: Credentials): Failure =>
  new Failure(
    'auth',
    `there is no key and no password to log in to ${settings.host} with: give --private-key, set ansible_ssh_private_key_file, or start ssh-agent${found.notes.length === 0 ? '' : `; ${found.notes.join('; ')}`}`,
  );
