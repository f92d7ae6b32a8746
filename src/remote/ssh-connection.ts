// A login that stands: programs and connections through it.
import type { Duplex } from 'node:stream';
import pLimit from 'p-limit';
import type { Client, ClientChannel } from 'ssh2';
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import type { ExecChannel } from './exec-channel.ts';
import { within, type Deadline } from './timer.ts';

/** A bound of ours. sshd has one too (MaxSessions, ten by default): what it refuses is tried again. */
const CHANNELS_MAX = 16;
/** sshd frees a slot only after the channel's close has gone both ways; asking again costs a round trip and nothing else. */
const REOPEN_MS = 50;
/** A closed connection whose peer does not answer is torn down after this. */
const LINGER_MS = 2_000;

/** A login that stands. */
export interface SshConnection {
  /** Starts a program without a terminal; waits for a free slot. */
  readonly exec: (command: string, deadline: Deadline) => Promise<ExecChannel>;
  /** A TCP connection made by the server. */
  readonly forward: (host: string, port: number, deadline: Deadline) => Promise<Duplex>;
  /** Resolves to a sentence when the connection has ended, by whomever. */
  readonly closed: Promise<string>;
  readonly close: () => void;
}

/**
 * @param where for messages: `web1 (198.18.0.2 port 22)`
 * @param closed resolves to a sentence when the connection has ended
 */
export const connectionOf = (
  client: Client,
  transport: Duplex,
  options: { readonly where: string; readonly closed: Promise<string> },
): SshConnection => {
  const { where, closed } = options;
  const slots = pLimit(CHANNELS_MAX);
  const lost = async <T>(promise: Promise<T>): Promise<T> =>
    Promise.race([
      promise,
      closed.then((why): never => {
        throw new Failure('link', why);
      }),
    ]);
  return {
    closed,
    exec: async (command, deadline) => {
      let gaveUp = false;
      const opening = new Promise<ExecChannel>((resolve, reject) => {
        const hold = async (): Promise<void> => {
          if (gaveUp) return;
          let channel = await openExec(client, command, { where, lost: closed });
          while (channel === 'no slot') {
            await new Promise((again) => setTimeout(again, REOPEN_MS));
            if (gaveUp) return;
            channel = await openExec(client, command, { where, lost: closed });
          }
          resolve(channel);
          if (gaveUp) channel.close();
          await Promise.race([channel.closed, closed]);
        };
        slots(hold).catch(reject);
      });
      return within(deadline, lost(opening), () => `${where} did not start a program in time`).catch(
        (error: unknown) => {
          gaveUp = true;
          throw error;
        },
      );
    },
    forward: async (host, port, deadline) =>
      within(
        deadline,
        lost(openForward(client, { host, port, where })),
        () => `${where} did not reach ${host} port ${port} in time`,
      ),
    close: () => {
      client.end();
      // A peer that is gone never answers the close, and an open socket would keep the program alive.
      const teardown = setTimeout(() => transport.destroy(), LINGER_MS);
      teardown.unref();
      void closed.then(() => clearTimeout(teardown));
    },
  };
};

/** RFC 4254 section 5.1: what a refused channel carries, and nothing else that ssh2 reports here does. */
const isRefusedChannel = (error: Error): boolean => 'reason' in error && typeof error.reason === 'number';

/** RFC 4254 section 5.1, SSH_OPEN_ADMINISTRATIVELY_PROHIBITED. */
const PROHIBITED = 1;

const whyRefused = (error: Error): string =>
  'reason' in error && error.reason === PROHIBITED
    ? 'it does not forward connections there (AllowTcpForwarding, PermitOpen or DisableForwarding in its sshd_config, or restrict in authorized_keys)'
    : printable(error.message);

const openExec = async (
  client: Client,
  command: string,
  { where, lost }: { readonly where: string; readonly lost: Promise<unknown> },
): Promise<ExecChannel | 'no slot'> =>
  new Promise((resolve, reject) => {
    try {
      client.exec(command, (error, channel) => {
        if (error === undefined) resolve(execChannelOf(channel, lost));
        else if (isRefusedChannel(error)) resolve('no slot');
        else reject(new Failure('link', `${where} does not start a program: ${printable(error.message)}`));
      });
    } catch (error) {
      // ssh2 throws when the connection is gone already.
      reject(new Failure('link', `${where} is not connected any more`, { cause: error }));
    }
  });

const execChannelOf = (channel: ClientChannel, lost: Promise<unknown>): ExecChannel => {
  let status: number | null = null;
  const closed = new Promise<number | null>((resolve) => {
    channel.on('exit', (code: number | null) => {
      status = code;
    });
    channel.on('close', () => resolve(status));
    // A channel whose connection died under it does not always say that it closed.
    void lost.then(() => resolve(status));
  });
  // Writing to a channel that the other side has closed is no news: `closed` tells it.
  channel.on('error', () => undefined);
  return { stream: channel, stderr: channel.stderr, closed, close: () => channel.close() };
};

const openForward = async (
  client: Client,
  target: { readonly host: string; readonly port: number; readonly where: string },
): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const { host, port, where } = target;
    try {
      client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
        if (error === undefined) {
          channel.on('error', () => undefined);
          resolve(channel);
        } else {
          reject(new Failure('link', `${where} does not reach ${host} port ${port}: ${whyRefused(error)}`));
        }
      });
    } catch (error) {
      reject(new Failure('link', `${where} is not connected any more`, { cause: error }));
    }
  });
