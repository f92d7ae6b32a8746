// The way to a host: its stations, and a login at one of them.
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Failure } from '../core/failure.ts';
import type { JumpHost, Settings, SshDetails } from '../core/settings.ts';
import type { Offer } from './auth-sequence.ts';
import type { HostKeyCheck } from './host-key-check.ts';
import type { HostName } from './known-hosts.ts';
import type { SshConnection } from './ssh-connection.ts';
import type { Dial, Handshake } from './ssh-login.ts';
import type { Deadline } from './timer.ts';

/** One station of the way: a jump host, or last the host itself. */
export interface Hop extends HostName {
  readonly user: string;
  /** For messages. */
  readonly where: string;
  /** What ssh's configuration says of it; `null`: nothing. */
  readonly ssh: SshDetails | null;
  /** The host's own key file, which is offered to its jump hosts too; `null`: none is named. */
  readonly keyFile: string | null;
}

/** The host itself, and the jump hosts before it in the order in which they are passed. */
export interface Route {
  readonly target: Hop;
  readonly jumps: readonly Hop[];
}

export const routeOf = ({ host, connection }: Settings): Route => {
  const { address, port, user, jumps, ssh, privateKeyFile: keyFile } = connection;
  return {
    target: { address, port, user, where: whereOf(host, { address, port }), ssh: ssh ?? null, keyFile },
    jumps: jumps.map((jump) => jumpHop(jump, keyFile)),
  };
};

const jumpHop = ({ name, address, port, user, ssh }: JumpHost, keyFile: string | null): Hop => ({
  address,
  port,
  user,
  where: `jump host ${whereOf(name, { address, port })}`,
  ssh: ssh ?? null,
  keyFile,
});

const whereOf = (host: string, name: HostName): string => {
  const details = [name.address === host ? '' : name.address, name.port === 22 ? '' : `port ${name.port}`];
  const shown = details.filter((detail) => detail !== '').join(' ');
  return shown === '' ? host : `${host} (${shown})`;
};

/** `::ffff:198.18.0.1` is how a socket of both families shows an IPv4 address; sshd's patterns mean the plain one. */
export const plainAddress = (socket: Socket): string =>
  (socket.localAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');

/** A login at one station over a stream that reaches it; its host key is checked. */
export const dialOf = (
  transport: Duplex,
  hop: Hop,
  options: {
    readonly hostKeys: HostKeyCheck;
    readonly deadline: Deadline;
    readonly offers: readonly Offer[];
  },
): Dial => ({
  transport,
  where: hop.where,
  user: hop.user,
  offers: options.offers,
  hostKeyAlgorithms: options.hostKeys.algorithms(hop),
  verifyHostKey: (key) => {
    const failure = options.hostKeys.verify(hop, key);
    // The check knows addresses only, and a jump host's stands in the message of the host behind it.
    return failure && new Failure(failure.reason, `${hop.where}: ${failure.message}`);
  },
  keepalive: true,
  deadline: options.deadline,
});

/**
 * The connection of a login that must succeed.
 * @param notes what was found and could not be offered
 * @throws Failure for any other end
 */
export const mustBeIn = (
  handshake: Handshake,
  hop: { readonly where: string; readonly user: string },
  notes: readonly string[] = [],
): SshConnection => {
  switch (handshake.kind) {
    case 'in':
      return handshake.connection;
    case 'refused': {
      const { titles, words, methods } = handshake;
      const tried = titles.length === 0 ? 'nothing to offer' : titles.join(', ');
      const said = words === '' ? '' : `: ${words}`;
      const more = [...methodNotes(methods, titles), ...notes].map((note) => `; ${note}`).join('');
      throw new Failure('auth', `${hop.where} does not let ${hop.user} in with ${tried}${said}${more}`);
    }
    case 'cut-off':
    case 'failed':
      throw handshake.failure;
    default:
      return handshake satisfies never;
  }
};

/** RFC 4252's and RFC 4462's methods that we have no offer for, in words that say what to do. */
const METHOD_ADVICE: Readonly<Record<string, string>> = {
  'keyboard-interactive':
    'it would ask questions (a password, Duo), and nobody is here to answer them: run this on a terminal, or log in as an account that gets in by key alone',
  'gssapi-with-mic':
    'it would take a Kerberos ticket (GSSAPI), which this program does not show: give it a key',
  hostbased: "it would take this machine's word (hostbased), which this program does not give: give it a key",
};

/** What the server would have taken and was not offered; names come from the server, so only known ones are shown. */
const methodNotes = (methods: readonly string[], titles: readonly string[]): readonly string[] =>
  Object.entries(METHOD_ADVICE).flatMap(([method, advice]) =>
    methods.includes(method) && !(method === 'keyboard-interactive' && titles.includes(ASKED_TITLE))
      ? [advice]
      : [],
  );

/** The title of what a person answers. */
export const ASKED_TITLE = 'your answers';
