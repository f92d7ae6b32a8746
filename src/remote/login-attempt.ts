// A login that is tried to see how it ends: the canary's over the network, the rehearsal's nested in a channel.
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import type { KeySource, LoginAttempt, LoginFactor, LoginOutcome } from '../core/remote.ts';
import { reveal } from '../core/secret.ts';
import type { Offer } from './auth-sequence.ts';
import { offersOf, type Credential, type KeysOf } from './credentials.ts';
import { Tail, type ExecChannel } from './exec-channel.ts';
import { HOST_KEY_ALGORITHMS } from './host-key-check.ts';
import type { SshConnection } from './ssh-connection.ts';
import { openSsh, type Handshake } from './ssh-login.ts';
import { pause, within, type Deadline } from './timer.ts';

/** What is kept of a command's output, and of the rehearsal's own complaints. */
const OUTPUT_BYTES_MAX = 64 * 1024;
const STDERR_BYTES_MAX = 4 * 1024;
/** How long a channel whose sshd failed may take to say why. */
const LAST_WORDS_MS = 1_000;

/**
 * An attempt's factors as offers; a key is any of those that its source has.
 * @throws Failure `auth` when a named key file cannot be used
 */
export const offersOfAttempt = async (attempt: LoginAttempt, keysOf: KeysOf): Promise<readonly Offer[]> => {
  const offers: Offer[] = [];
  for (const [at, factor] of attempt.factors.entries()) {
    const keys = factor.kind === 'publickey' ? await keysOf(factor.keys) : [];
    if (factor.kind === 'publickey' && keys.length === 0) throw noKeyFor(attempt.user, factor.keys);
    offers.push(...offersOfFactor(factor, at, keys));
  }
  return offers;
};

const noKeyFor = (user: string, source: KeySource): Failure =>
  new Failure(
    'auth',
    source === 'connection'
      ? `there is no key for the login as ${user}: give --private-key, set ansible_ssh_private_key_file, or start ssh-agent`
      : `there is no key for the login as ${user}: add it to ssh-agent (ssh-add FILE); for canary_user, name it with canary_private_key_file`,
  );

const offersOfFactor = (factor: LoginFactor, at: number, keys: readonly Credential[]): readonly Offer[] => {
  switch (factor.kind) {
    case 'publickey':
      return offersOf(keys, at);
    case 'password':
      return [{ factor: at, title: 'a password', kind: 'password', password: factor.password }];
    case 'keyboard-interactive':
      return [{ factor: at, title: 'answers', kind: 'keyboard-interactive', answer: factor.answer }];
    default:
      return factor satisfies never;
  }
};

/** What a handshake and the attempt's command say together. Closes the connection. */
export const outcomeOf = async (
  handshake: Handshake,
  attempt: LoginAttempt,
  deadline: Deadline,
): Promise<LoginOutcome> => {
  const { prompts } = handshake;
  switch (handshake.kind) {
    case 'in':
      try {
        const ran = await runCommand(handshake.connection, attempt, deadline);
        return { kind: 'in', prompts, ...ran };
      } finally {
        handshake.connection.close();
      }
    case 'refused':
      // Nothing refused is nothing proven: without an offer the server was not even asked.
      return handshake.titles.length === 0
        ? { kind: 'unproven', message: 'there was nothing to offer for this login' }
        : { kind: 'refused', prompts };
    case 'cut-off':
    case 'failed':
      return { kind: 'unproven', message: handshake.failure.message };
    default:
      return handshake satisfies never;
  }
};

/** Whoever was let in stays so in the outcome, whatever becomes of the command: without a status it has none. */
const runCommand = async (
  connection: SshConnection,
  { command, stdin }: LoginAttempt,
  deadline: Deadline,
): Promise<{ readonly exitCode: number | null; readonly output: string }> => {
  if (command === null) return { exitCode: null, output: '' };
  const output = new Tail(OUTPUT_BYTES_MAX);
  try {
    const channel = await connection.exec(command, deadline);
    channel.stream.on('data', (bytes: Uint8Array) => output.add(bytes));
    channel.stderr.on('data', (bytes: Uint8Array) => output.add(bytes));
    channel.stream.end(stdin === null ? undefined : `${reveal(stdin)}\n`);
    const exitCode = await within(deadline, channel.closed, () => 'the command did not end in time');
    return { exitCode, output: output.text };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { exitCode: null, output: `${output.text}\n${error.message}`.trim() };
  }
};

/**
 * Tries a login through an `sshd -i` at the other end of a channel. Where that sshd takes fewer tries (MaxAuthTries) than
 * there are factors, the rest is offered to another one: a refusal must cover every factor.
 * @param openChannel starts the `sshd -i`
 */
export const rehearseLogin = async (
  openChannel: () => Promise<ExecChannel>,
  attempt: LoginAttempt,
  options: { readonly keysOf: KeysOf; readonly host: string; readonly deadline: Deadline },
): Promise<LoginOutcome> => {
  const earlierPrompts: string[] = [];
  let offers = await offersOfAttempt(attempt, options.keysOf);
  // Each round makes at least one offer.
  const roundsMax = Math.max(1, offers.length);
  for (let round = 1; ; round += 1) {
    const nested = await nestedLogin(openChannel, { ...options, offers, user: attempt.user });
    const { handshake } = nested;
    if (handshake.kind === 'cut-off' && round < roundsMax) {
      nested.close();
      earlierPrompts.push(...handshake.prompts);
      offers = handshake.remaining;
      continue;
    }
    try {
      const outcome = await outcomeOf(handshake, attempt, options.deadline);
      if (outcome.kind === 'unproven') {
        return { kind: 'unproven', message: `${outcome.message}${await nested.lastWords()}` };
      }
      return { ...outcome, prompts: [...earlierPrompts, ...outcome.prompts] };
    } finally {
      nested.close();
    }
  }
};

interface NestedLogin {
  readonly handshake: Handshake;
  /** What the channel itself had to say, for the message. */
  readonly lastWords: () => Promise<string>;
  readonly close: () => void;
}

const nestedLogin = async (
  openChannel: () => Promise<ExecChannel>,
  options: {
    readonly offers: readonly Offer[];
    readonly user: string;
    readonly host: string;
    readonly deadline: Deadline;
  },
): Promise<NestedLogin> => {
  const { offers, user, host, deadline } = options;
  const channel = await openChannel();
  const stderr = new Tail(STDERR_BYTES_MAX);
  channel.stderr.on('data', (bytes: Uint8Array) => stderr.add(bytes));
  const handshake = await openSsh({
    transport: channel.stream,
    where: `the rehearsal on ${host}`,
    user,
    offers,
    hostKeyAlgorithms: HOST_KEY_ALGORITHMS,
    // The channel runs inside a connection whose host key was checked, and ends in a program that we started there:
    // nobody can stand between. known_hosts is about the network.
    verifyHostKey: () => null,
    keepalive: false,
    deadline,
  });
  return {
    handshake,
    close: () => channel.close(),
    lastWords: async () => {
      // Its end and its stderr come after the nested session has noticed.
      const status = await Promise.race([
        channel.closed,
        pause(deadline.timer, LAST_WORDS_MS).then(() => null),
      ]);
      const words = printable(stderr.text);
      return `${status === null ? '' : ` (the channel ended with status ${status})`}${words === '' ? '' : `; it said: ${words}`}`;
    },
  };
};
