// The way to a host: straight, or through jump hosts.
import { isIP, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Failure } from '../core/failure.ts';
import type { Settings } from '../core/settings.ts';
import type { Offer } from './auth-sequence.ts';
import type { HostKeyCheck } from './host-key-check.ts';
import type { HostName } from './known-hosts.ts';
import type { SshConnection } from './ssh-connection.ts';
import { openSsh, type Dial, type Handshake } from './ssh-login.ts';
import { dialTcp } from './tcp-dial.ts';
import type { Deadline } from './timer.ts';

/** One station of the way: a jump host, or last the host itself. */
export interface Hop extends HostName {
  readonly user: string;
  /** For messages. */
  readonly where: string;
}

/**
 * The stations from the first that is dialled to the host itself. A jump host is `[user@]host[:port]`; without a user it
 * is the connection's own.
 * @throws Failure `bug` for a text that is none: the inventory's check lets none through
 */
export const hopsOf = (settings: Settings): readonly [Hop, ...Hop[]] => {
  const { address, port, user, jumps } = settings.connection;
  const target: Hop = { address, port, user, where: whereOf(settings.host, { address, port }) };
  const [first, ...others] = jumps.map((jump) => jumpHop(jump, user));
  return first === undefined ? [target] : [first, ...others, target];
};

const jumpHop = (text: string, defaultUser: string): Hop => {
  const match =
    /^(?:(?<user>[^@\s]+)@)?(?:\[(?<v6>[^\]\s]+)\]|(?<name>[^@:\s[\]]+))(?::(?<port>\d{1,5}))?$/.exec(text);
  const address = match?.groups?.['v6'] ?? match?.groups?.['name'] ?? (isIP(text) === 6 ? text : undefined);
  if (address === undefined) throw new Failure('bug', `not a jump host: ${JSON.stringify(text)}`);
  const port = Number(match?.groups?.['port'] ?? 22);
  return {
    address,
    port,
    user: match?.groups?.['user'] ?? defaultUser,
    where: `jump host ${address}${port === 22 ? '' : ` port ${port}`}`,
  };
};

const whereOf = (host: string, name: HostName): string => {
  const details = [name.address === host ? '' : name.address, name.port === 22 ? '' : `port ${name.port}`];
  const shown = details.filter((detail) => detail !== '').join(' ');
  return shown === '' ? host : `${host} (${shown})`;
};

/** How the last station's login ended, over a way of its own that is closed with it. */
export interface Travelled {
  readonly handshake: Handshake;
  /** Our address as the host sees it; '' through a jump host, where it is that one's. */
  readonly sourceAddress: string;
  /** Closes the jump hosts' connections. */
  readonly closeWay: () => void;
}

/**
 * Goes station by station and logs in at the last with `offers`; at jump hosts with the operator's own (`jumpOffers`).
 * Each station's host key is checked. One connection a jump host and target: nothing is shared between hosts.
 * @throws Failure where the way is not passable
 */
export const travel = async (
  hops: readonly [Hop, ...Hop[]],
  options: {
    readonly hostKeys: HostKeyCheck;
    readonly offers: readonly Offer[];
    readonly jumpOffers: readonly Offer[];
    readonly deadline: Deadline;
  },
): Promise<Travelled> => {
  const { hostKeys, deadline } = options;
  const [first, ...others] = hops;
  const passed: SshConnection[] = [];
  const closeWay = (): void => {
    for (const connection of passed.toReversed()) connection.close();
  };
  const logIn = async (transport: Duplex, hop: Hop, last: boolean): Promise<Handshake> =>
    openSsh(
      dialOf(transport, hop, { hostKeys, deadline, offers: last ? options.offers : options.jumpOffers }),
    );
  try {
    const socket = await dialTcp({ host: first.address, port: first.port, where: first.where }, deadline);
    // Asked while the socket is open: afterwards it is no longer known.
    const sourceAddress = others.length === 0 ? plainAddress(socket) : '';
    let handshake = await logIn(socket, first, others.length === 0);
    for (const [at, hop] of others.entries()) {
      const connection = mustBeIn(handshake, hops[at] ?? first);
      passed.push(connection);
      const transport = await connection.forward(hop.address, hop.port, deadline);
      handshake = await logIn(transport, hop, at === others.length - 1);
    }
    if (handshake.kind !== 'in') closeWay();
    return { handshake, sourceAddress, closeWay };
  } catch (error) {
    closeWay();
    throw error;
  }
};

/** `::ffff:198.18.0.1` is how a socket of both families shows an IPv4 address; sshd's patterns mean the plain one. */
const plainAddress = (socket: Socket): string =>
  (socket.localAddress ?? '').replace(/^::ffff:(?=\d+\.)/i, '');

const dialOf = (
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
  verifyHostKey: (key) => options.hostKeys.verify(hop, key),
  keepalive: true,
  deadline: options.deadline,
});

/** The connection of a login that must succeed. @throws Failure for any other end */
export const mustBeIn = (
  handshake: Handshake,
  hop: { readonly where: string; readonly user: string },
): SshConnection => {
  switch (handshake.kind) {
    case 'in':
      return handshake.connection;
    case 'refused':
      throw new Failure(
        'auth',
        `${hop.where} does not let ${hop.user} in with ${handshake.titles.length === 0 ? 'nothing to offer' : handshake.titles.join(', ')}${handshake.words === '' ? '' : `: ${handshake.words}`}`,
      );
    case 'cut-off':
    case 'failed':
      throw handshake.failure;
    default:
      return handshake satisfies never;
  }
};
