// A TCP connection made for SSH.
import { lookup } from 'node:dns';
import { connect, type LookupFunction, type Socket } from 'node:net';
import { Failure } from '../core/failure.ts';
import { within, type Deadline } from './timer.ts';

/**
 * Node tries a name's addresses in turn (Happy Eyeballs) and gives each 250 ms by default, which a far host with two
 * addresses never makes.
 */
const ADDRESS_ATTEMPT_MS = 2_500;

/**
 * Connects with Nagle's algorithm off: ssh2 leaves it on, and then every exchange waits 40 ms for a delayed
 * acknowledgement (measured: 48 ms against 5 ms for a command).
 * @throws Failure `link` (refused, unreachable, no such name), `timeout`, or `exit` where this process may open no more files
 */
export const dialTcp = async (
  address: {
    readonly host: string;
    readonly port: number;
    readonly where: string;
    readonly lookup?: LookupFunction;
  },
  deadline: Deadline,
): Promise<Socket> => {
  const { host, port, where, lookup: lookUp } = address;
  const socket = connect({
    host,
    port,
    ...(lookUp === undefined ? {} : { lookup: lookUp }),
    noDelay: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
  });
  const connected = new Promise<Socket>((resolve, reject) => {
    socket.once('connect', () => resolve(socket));
    // Stays for the socket's life: an error that nobody listens to would end the program.
    socket.on('error', (error: NodeJS.ErrnoException) =>
      reject(
        isOutOfFiles(error)
          ? new Failure('exit', `${where} was not tried: ${OUT_OF_FILES} (${error.code})`, { cause: error })
          : new Failure('link', `${where} cannot be reached: ${reasonOf(error)}`, { cause: error }),
      ),
    );
    socket.once('close', () =>
      reject(new Failure('link', `${where} cannot be reached: the connection was closed`)),
    );
  });
  try {
    return await within(deadline, connected, () => `${where} did not answer the connection in time`);
  } catch (error) {
    socket.destroy();
    throw error;
  }
};

const OUT_OF_FILES =
  'it is this machine that has no file descriptor left: lower --forks, or raise the limit (ulimit -n)';

/** Whether a connection was not made because the process, or the machine, may open no more files (errno(3)). */
export const isOutOfFiles = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');

/**
 * Looks each name up once: all connections of a run to one host then go to the same addresses, and Node, which has
 * getaddrinfo asked twice at a time at most (libuv#1845), is asked once a host and not once a connection. A name that is
 * not found is asked for again. getaddrinfo, and not a DNS query of our own: /etc/hosts and nsswitch count, as for ssh.
 */
export const lookupOnce = (): LookupFunction => {
  const found = new Map<string, Parameters<Parameters<LookupFunction>[2]>[1]>();
  return (name, options, callback) => {
    const key = `${name} ${JSON.stringify(options)}`;
    const known = found.get(key);
    if (known !== undefined) {
      process.nextTick(callback, null, known);
      return;
    }
    lookup(name, options, (error, addresses, family) => {
      if (error === null && Array.isArray(addresses)) found.set(key, addresses);
      callback(error, addresses, family);
    });
  };
};

const reasonOf = (error: NodeJS.ErrnoException): string => {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'the connection was refused (is sshd running, is this the port?)';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'its name has no address here (ansible_host gives one)';
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'there is no route to it';
    case 'ETIMEDOUT':
      return 'it does not answer';
    case undefined:
    default:
      return error.code ?? error.message;
  }
};
