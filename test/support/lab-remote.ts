// The transport of the product, in this process, aimed at the hosts of a lab fleet. Their network is that of the
// bastion's namespace, where this process is not: each connection is accepted here and handed to a relay there.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import type { Remote } from '../../src/core/remote.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Settings } from '../../src/core/settings.ts';
import { createRemote } from '../../src/remote/remote.ts';
import { settings } from './fake-host-scene.ts';
import type { LabFleet, LabHost } from './lab.ts';
import { REPOSITORY_ROOT } from './lab-paths.ts';

const LOOPBACK = '127.0.0.1';
const RELAY = join(REPOSITORY_ROOT, 'test/support/lab-relay.ts');

/** The transport and what to connect with. */
export interface LabRemote {
  readonly remote: Remote;
  readonly settings: (host: LabHost) => Settings;
  readonly close: () => Promise<void>;
}

/** A way to every host of the fleet; the relay ends with `close`, or with this process. */
export async function labRemote(fleet: LabFleet): Promise<LabRemote> {
  const words = [`--net=/run/netns/${fleet.bastion}`, '--', process.execPath, '--import', 'tsx', RELAY];
  const relay = spawn('nsenter', words, {
    cwd: REPOSITORY_ROOT,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await once(relay, 'message');
  const servers = await Promise.all(fleet.hosts.map((host) => listenFor(host, relay)));
  const portOf = (host: LabHost): number => {
    const port = servers.find(({ name }) => name === host.name)?.port;
    if (port === undefined) throw new Error(`lab: there is no way to ${host.name}`);
    return port;
  };
  const remote = createRemote({
    home: fleet.network.bastion,
    agentSocket: null,
    env: process.env,
    hostKeys: {
      mode: 'strict',
      sources: [{ file: 'known_hosts', text: await knownHosts(fleet, portOf) }],
      append: () => undefined,
    },
    openSecret: () => new Secret(''),
    randomBytes,
    random: () => 0,
  });
  return {
    remote,
    settings: (host) => ({
      ...settings,
      host: host.name,
      connection: {
        ...settings.connection,
        address: LOOPBACK,
        port: portOf(host),
        user: 'automation',
        privateKeyFile: fleet.keyFile,
      },
    }),
    close: async () => {
      for (const { server } of servers) server.close();
      relay.disconnect();
      await once(relay, 'exit');
    },
  };
}

interface Way {
  readonly name: string;
  readonly port: number;
  readonly server: Server;
}

async function listenFor(host: LabHost, relay: ReturnType<typeof spawn>): Promise<Way> {
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    relay.send(host.address, socket);
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  return { name: host.name, port: (server.address() as AddressInfo).port, server };
}

/** The hosts' keys, on file for where their ways begin. */
async function knownHosts(fleet: LabFleet, portOf: (host: LabHost) => number): Promise<string> {
  const lines = (await readFile(fleet.knownHostsFile, 'utf8')).split('\n');
  return fleet.hosts
    .flatMap((host) =>
      lines
        .filter((line) => line.startsWith(`${host.name},`))
        .map((line) => `[${LOOPBACK}]:${portOf(host)} ${line.slice(line.indexOf(' ') + 1)}\n`),
    )
    .join('');
}
