// The transport that the engine speaks through, over ssh2.
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { asFailure, Failure } from '../core/failure.ts';
import type { HostSession, LoginAttempt, LoginOutcome, Remote } from '../core/remote.ts';
import type { OpenSecret, Settings } from '../core/settings.ts';
import { Asker, type AskOperator } from './asker.ts';
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
import { JumpPool, type Chain, type JumpLogin } from './jump-pool.ts';
import { offersOfAttempt, outcomeOf } from './login-attempt.ts';
import { proxyStream } from './proxy-command.ts';
import { retryBeforeBanner } from './retry.ts';
import { ASKED_TITLE, dialOf, mustBeIn, plainAddress, routeOf, type Hop } from './route.ts';
import { openSsh, type Handshake } from './ssh-login.ts';
import { dialTcp, lookupOnce } from './tcp-dial.ts';
import { deadlineIn, systemTimer, type Deadline, type Timer } from './timer.ts';

export interface RemoteOptions {
  /** The operator's home folder, for the usual key files. */
  readonly home: string;
  /** SSH_AUTH_SOCK, `null` without an agent. */
  readonly agentSocket: string | null;
  /** For programs that make connections (ProxyCommand). */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hostKeys: HostKeyOptions;
  readonly openSecret: OpenSecret;
  readonly randomBytes: (size: number) => Uint8Array;
  /** 0 to 1, for jitter. */
  readonly random: () => number;
  readonly timer?: Timer;
  /** Asks the operator for passphrases and for what servers ask; `null`: there is no terminal. */
  readonly ask?: AskOperator | null;
  /** Handshakes at a time with one server, or through one jump host (8), and with all hosts (32). */
  readonly handshakesPerHopMax?: number;
  readonly handshakesMax?: number;
  /** Streams through one connection to a jump host at a time (200) and ever (5,000). */
  readonly streamsMax?: number;
  readonly streamsEverMax?: number;
}

/** A transport with what it has of its own. */
export type SharedRemote = Remote & Required<Pick<Remote, 'prepare' | 'close'>>;

const NONCE_BYTES = 16;
/** A login at a jump host. Where a person is asked, it takes as long as a person does (a push of Duo's waits 60 s). */
const JUMP_LOGIN_MS = 30_000;
const ASKED_LOGIN_MS = 120_000;
/**
 * Hosts of a run that may ask the operator to log in by hand. One question or push a host is more than anybody answers
 * with care, and the run logs in at each host several times.
 */
const ASKING_HOSTS_MAX = 5;

/** The transport of one run: it keeps the run's limit on handshakes, its host keys, the operator's keys and jump hosts. */
export const createRemote = (options: RemoteOptions): SharedRemote => new SshRemote(options);

/** A way that was gone: how the login at its end came out, and our address as the host sees it. */
interface Arrival {
  readonly handshake: Handshake;
  /** '' through a jump host, where it is that one's, and by a ProxyCommand. */
  readonly sourceAddress: string;
}

class SshRemote implements SharedRemote {
  readonly #options: RemoteOptions;
  readonly #timer: Timer;
  readonly #hostKeys: HostKeyCheck;
  readonly #credentials: CredentialStore;
  readonly #asker: Asker | null;
  /** Hosts that asked a person, and hosts that let us in without. */
  readonly #asking = new Set<string>();
  readonly #unattended = new Set<string>();
  readonly #lookup = lookupOnce();
  readonly #gate: HandshakeGate;
  /** Apart from the hosts' gate: who waits there may be waiting for a jump host. */
  readonly #jumpGate: HandshakeGate;
  readonly #jumps: JumpPool;

  constructor(options: RemoteOptions) {
    this.#options = options;
    this.#timer = options.timer ?? systemTimer;
    this.#hostKeys = createHostKeyCheck(options.hostKeys);
    const ask = options.ask ?? null;
    this.#asker = ask === null ? null : new Asker(ask);
    this.#credentials = new CredentialStore({ ...options, asker: this.#asker });
    const perHopMax = options.handshakesPerHopMax ?? HANDSHAKES_PER_HOP_MAX;
    this.#gate = createHandshakeGate({ perHopMax, totalMax: options.handshakesMax ?? HANDSHAKES_MAX });
    this.#jumpGate = createHandshakeGate({ perHopMax, totalMax: HANDSHAKES_MAX });
    this.#jumps = new JumpPool({
      ...options,
      logIn: async (hop, login) => this.#logInAtJump(hop, login),
      dial: async (hop, deadline) => this.#dial(hop, deadline),
      loginMs: ask === null ? JUMP_LOGIN_MS : ASKED_LOGIN_MS,
      timer: this.#timer,
    });
  }

  async prepare(all: readonly Settings[]): Promise<void> {
    if (this.#asker === null) return;
    const chains = new Map<string, Chain>();
    for (const settings of all) {
      const { jumps } = routeOf(settings);
      await this.#credentials.find(settings.connection).catch(() => undefined);
      const [first, ...others] = jumps;
      if (first !== undefined) chains.set(JSON.stringify(jumps), [first, ...others]);
    }
    const deadline = deadlineIn(this.#timer, ASKED_LOGIN_MS);
    await Promise.allSettled([...chains.values()].map(async (chain) => this.#jumps.ready(chain, deadline)));
    this.#asker.isMidRun = true;
  }

  close(): void {
    this.#jumps.close();
  }

  async connect(settings: Settings, options: { readonly deadlineMs: number }): Promise<HostSession> {
    const deadline = deadlineIn(this.#timer, options.deadlineMs);
    const { target, jumps } = routeOf(settings);
    const found = await this.#credentials.find(settings.connection);
    const offers = this.#ownOffers(settings, target, found);
    if (offers.length === 0) throw nothingToOffer(settings, found);
    const arrival = await this.#reach(target, jumps, { offers, deadline });
    const connection = mustBeIn(arrival.handshake, target, found.notes);
    if (arrival.handshake.prompts.length === 0) this.#unattended.add(target.where);
    const session: SessionOptions = {
      host: settings.host,
      become: settings.connection.become,
      sourceAddress: arrival.sourceAddress,
      keysOf: async (source) => (await this.#credentials.findFor(source, settings.connection)).keys,
      nonce: () => Buffer.from(this.#options.randomBytes(NONCE_BYTES)).toString('hex'),
      timer: this.#timer,
    };
    return openSession(connection, session, deadline).catch((error: unknown) => {
      connection.close();
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
    const { target, jumps } = routeOf(settings);
    const offers = await offersOfAttempt(
      attempt,
      async (source) => (await this.#credentials.findFor(source, settings.connection)).keys,
    );
    // Whoever logs in, the jump hosts are passed as the operator.
    const { handshake } = await this.#reach({ ...target, user: attempt.user }, jumps, { offers, deadline });
    return outcomeOf(handshake, attempt, deadline);
  }

  /**
   * A new login at the host, over a connection of its own: TCP from here, or from the last jump host. Tried again where it
   * broke off before a banner. A jump host that fails is a way that is not passable, and never an answer about the login.
   */
  async #reach(
    target: Hop,
    jumps: readonly Hop[],
    { offers, deadline }: { readonly offers: readonly Offer[]; readonly deadline: Deadline },
  ): Promise<Arrival> {
    const [first, ...others] = jumps;
    const chain: Chain | null = first === undefined ? null : [first, ...others];
    return retryBeforeBanner(
      async () => {
        if (chain !== null) await this.#jumps.ready(chain, deadline);
        return this.#gate.run(gateOf(chain?.at(-1) ?? target), deadline, async () => {
          const transport =
            chain === null
              ? await this.#dial(target, deadline)
              : await this.#jumps.stream(chain, target, deadline);
          // Asked while the socket is open: afterwards it is no longer known.
          const sourceAddress = transport instanceof Socket ? plainAddress(transport) : '';
          const handshake = await openSsh(
            dialOf(transport, target, { hostKeys: this.#hostKeys, deadline, offers }),
          );
          if (handshake.kind === 'failed') throw handshake.failure;
          return { handshake, sourceAddress };
        });
      },
      { deadline, random: this.#options.random },
    );
  }

  async #logInAtJump(
    hop: Hop,
    { transport, deadline }: { readonly transport: () => Promise<Duplex>; readonly deadline: Deadline },
  ): Promise<JumpLogin> {
    const found = await this.#credentials.findForJump({ privateKeyFile: hop.keyFile, ssh: hop.ssh });
    const offers = [...offersOf(found.keys, 0), ...this.#askedOffer(hop, 'jump host')];
    if (offers.length === 0) throw nothingForJump(hop, found);
    const login = async (): Promise<Handshake> => {
      const handshake = await openSsh(
        dialOf(await transport(), hop, { hostKeys: this.#hostKeys, deadline, offers }),
      );
      if (handshake.kind === 'failed') throw handshake.failure;
      return handshake;
    };
    const handshake = await retryBeforeBanner(async () => this.#jumpGate.run(gateOf(hop), deadline, login), {
      deadline,
      random: this.#options.random,
    }).catch((error: unknown) => {
      const failure = asFailure(error);
      // Tried often enough here: whoever waits for it shall not begin anew.
      throw failure.beforeBanner ? new Failure('link', failure.message, { cause: failure }) : failure;
    });
    const connection = mustBeIn(handshake, hop, found.notes);
    return { connection, wasAsked: handshake.prompts.length > 0 };
  }

  async #dial(hop: Hop, deadline: Deadline): Promise<Duplex> {
    const command = hop.ssh?.proxyCommand ?? null;
    if (command !== null) return proxyStream(command, hop.where, { env: this.#options.env });
    const { address: host, port, where } = hop;
    return dialTcp({ host, port, where, lookup: this.#lookup }, deadline);
  }

  /** The operator's own login: keys, then the password if there is one, then what a person is asked. */
  #ownOffers(settings: Settings, target: Hop, found: Credentials): readonly Offer[] {
    const { password } = settings.connection;
    const keys = offersOf(found.keys, 0);
    const asked = this.#askedOffer(target, found.keys.length === 0 && password === null ? 'by hand' : 'host');
    if (password === null) return [...keys, ...asked];
    const secret = this.#options.openSecret(password);
    return [...keys, { factor: 1, title: 'the password', kind: 'password', password: secret }, ...asked];
  }

  /**
   * What a server asks is shown to the operator, where there is a terminal. Not by a host that let us in without before: what
   * automation could do alone it must be able to do alone afterwards, and a person's answer would hide that it cannot.
   */
  #askedOffer(hop: Hop, who: 'jump host' | 'host' | 'by hand'): readonly Offer[] {
    const asker = this.#asker;
    if (asker === null || (who === 'host' && this.#unattended.has(hop.where))) return [];
    return [
      {
        factor: 2,
        title: ASKED_TITLE,
        kind: 'asked',
        onlyToFinish: who === 'host',
        ask: async (questions) => {
          if (who !== 'jump host' && !this.#mayAsk(hop.where)) return { why: TOO_MANY_ASK };
          const answers = await asker.answers(`${hop.where} asks ${hop.user}:`, questions);
          return answers ?? { why: 'nobody answered' };
        },
      },
    ];
  }

  #mayAsk(host: string): boolean {
    if (this.#asking.size < ASKING_HOSTS_MAX) this.#asking.add(host);
    return this.#asking.has(host);
  }
}

/** What a handshake is counted under. All ProxyCommands are one: mostly they pass one and the same jump host. */
const gateOf = ({ address, port, ssh }: Hop): string =>
  (ssh?.proxyCommand ?? null) === null ? `${address.toLowerCase()}:${port}` : 'a ProxyCommand';

const TOO_MANY_ASK = `${ASKING_HOSTS_MAX} hosts of this run have asked already: a fleet is logged in to by an account that gets in by key alone (ansible_user), and --limit takes a few hosts at a time`;

const nothingToOffer = (settings: Settings, found: Credentials): Failure =>
  new Failure(
    'auth',
    `there is no key and no password to log in to ${settings.host} with: give --private-key, set ansible_ssh_private_key_file, or start ssh-agent${notesOf(found)}`,
  );

const nothingForJump = (hop: Hop, found: Credentials): Failure =>
  new Failure(
    'auth',
    `there is no key to log in to the ${hop.where} with as ${hop.user}: start ssh-agent, or name a key in ssh's configuration (IdentityFile)${notesOf(found)}`,
  );

const notesOf = ({ notes }: Credentials): string => (notes.length === 0 ? '' : `; ${notes.join('; ')}`);
