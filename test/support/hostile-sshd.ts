// A server that speaks SSH and means no good: in the test's own process, on a port of this machine, no root needed.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server as TcpServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2';
import type { Remote } from '../../src/core/remote.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Settings } from '../../src/core/settings.ts';
import { createRemote, type RemoteOptions } from '../../src/remote/remote.ts';
import { exampleSettings } from './example-host.ts';
import { sshKeyPair } from './ssh-key-pair.ts';

export interface HostileBehaviour {
  /** Has the whole connection; nothing below is asked then. */
  readonly raw?: (socket: Socket) => void;
  /** Answers a login; everybody gets in where it is left out. */
  readonly auth?: (context: AuthContext) => void;
  /** Runs a command; where it is left out, it ends at once without a word. */
  readonly exec?: (command: string, channel: ServerChannel) => void;
  /** When a login stands. */
  readonly ready?: (client: Connection) => void;
}

export interface HostileSshd {
  readonly port: number;
  readonly folder: string;
  /** A key that it takes, as any other. */
  readonly keyFile: string;
  /** Its known_hosts line at 127.0.0.1. */
  readonly knownHosts: string;
  readonly settings: (over?: Partial<Settings>) => Settings;
  readonly remote: (over?: Partial<RemoteOptions>) => Remote;
  readonly close: () => Promise<void>;
}

/** Listens until it is closed. */
export const startHostileSshd = async (behaviour: HostileBehaviour): Promise<HostileSshd> => {
  const folder = mkdtempSync(join(tmpdir(), 'duo-fleet-hostile-'));
  const hostKey = sshKeyPair();
  const keyFile = join(folder, 'key');
  writeFileSync(keyFile, sshKeyPair().private, { mode: 0o600 });
  const ssh = new ssh2.Server({ hostKeys: [hostKey.private] }, (client) => serve(client, behaviour));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    if (behaviour.raw === undefined) ssh.injectSocket(socket);
    else behaviour.raw(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  return {
    port,
    folder,
    keyFile,
    knownHosts: `[127.0.0.1]:${port} ${hostKey.public}\n`,
    settings: (over) => {
      const settings = exampleSettings(over);
      return {
        ...settings,
        connection: { ...settings.connection, address: '127.0.0.1', port, privateKeyFile: keyFile },
      };
    },
    remote: (over) =>
      createRemote({
        home: folder,
        agentSocket: null,
        env: process.env,
        hostKeys: { mode: 'off', sources: [], append: () => undefined },
        openSecret: () => new Secret('correct horse'),
        randomBytes: (size) => crypto.getRandomValues(new Uint8Array(size)),
        random: () => 0,
        ...over,
      }),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

const portOf = (server: TcpServer): number => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
};

const serve = (client: Connection, { auth, exec, ready }: HostileBehaviour): void => {
  client
    .on('error', () => undefined)
    .on('authentication', (context) => (auth === undefined ? context.accept() : auth(context)))
    .on('ready', () => {
      ready?.(client);
      client.on('session', (accept) => {
        accept().on('exec', (acceptExec, _reject, { command }) => {
          const channel = acceptExec();
          channel.on('error', () => undefined);
          if (exec === undefined) channel.exit(0);
          else exec(command, channel);
        });
      });
    });
};

/** Writes pieces as fast as the other side takes them, until it takes no more. */
export const flood = (
  stream: {
    readonly write: (piece: string) => boolean;
    readonly once: NodeJS.EventEmitter['once'];
    destroyed?: boolean;
  },
  piece: string,
): void => {
  const pour = (): void => {
    // A turn at a time, since this is the process of the one that is flooded.
    for (let count = 0; count < 64; count += 1) {
      if (stream.destroyed === true) return;
      if (!stream.write(piece)) {
        stream.once('drain', () => setImmediate(pour));
        return;
      }
    }
    setImmediate(pour);
  };
  pour();
};
