// The fleet's services from outside: started, told what to be, asked what they saw, stopped.
import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { LoggedRequest } from './duo-answers.ts';
import type { DuoDecision } from './duo-protocol.ts';
import { builtReleases, duoRepository, type RepositoryKind } from './duo-repository.ts';
import { LAB_DUO_HOST } from './lab-hosts.ts';
import type { LabNetwork } from './lab-network.ts';
import { REPOSITORY_ROOT, type FleetPaths } from './lab-paths.ts';
import { mustRun, until } from './lab-process.ts';

/** The stand-in Duo cloud in a test's hands. */
export interface DuoControl {
  /** From now on; `*` is everybody, `refuse` (for `*`) closes the port, `default` takes a decision back. */
  readonly decide: (user: string, decision: DuoDecision | 'refuse' | 'default') => Promise<void>;
  /** What it was asked, oldest first. */
  readonly requests: () => Promise<readonly LoggedRequest[]>;
  /** Forgets what it was asked. */
  readonly forget: () => Promise<void>;
}

/** Duo's package repository in a test's hands. */
export interface RepositoryControl {
  /** For all who ask, or for the host with this address alone. */
  readonly set: (kind: RepositoryKind, address?: string) => Promise<void>;
}

const START_LIMIT_MS = 20_000;
const STOP_LIMIT_MS = 5_000;
const SERVICES = join(REPOSITORY_ROOT, 'test/support/lab-services.ts');

/** The cloud's certificate authority and certificate, made for one fleet. */
export async function makePki(paths: FleetPaths): Promise<void> {
  await mkdir(paths.pki, { recursive: true, mode: 0o700 });
  const file = (name: string): string => join(paths.pki, name);
  // Without a configuration of our own openssl adds its v3_ca section, and the server's certificate would be a CA too.
  await writeFile(file('openssl.cnf'), '[req]\ndistinguished_name = dn\n[dn]\n');
  const make = ['openssl', 'req', '-x509', '-config', file('openssl.cnf'), '-days', '3650', '-nodes'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  const ca = [
    ...make,
    ...key,
    '-subj',
    '/CN=The lab of duo-fleet',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
  ];
  await mustRun([...ca, '-addext', 'basicConstraints=critical,CA:TRUE']);
  const signed = ['-CA', file('ca.pem'), '-CAkey', file('ca.key')];
  const server = [...make, ...key, ...signed, '-subj', `/CN=${LAB_DUO_HOST}`];
  const names = [
    '-addext',
    'basicConstraints=critical,CA:FALSE',
    '-addext',
    `subjectAltName=DNS:${LAB_DUO_HOST}`,
  ];
  await mustRun([...server, ...names, '-keyout', file('server.key'), '-out', file('server.pem')]);
}

/** Starts the cloud and the repository in the bastion's namespace, unless they run. */
export async function startServices(paths: FleetPaths, network: LabNetwork): Promise<void> {
  await duoRepository(await builtReleases());
  if ((await servicesPid(paths)) !== null) return;
  await rm(paths.control, { force: true });
  const output = await open(paths.servicesLog, 'a');
  // nsenter, not `ip netns exec`: that one makes a mount namespace, which would hold on to hosts' mounts.
  const words = [`--net=/run/netns/${paths.bastion}`, '--', process.execPath, '--import', 'tsx', SERVICES];
  const child = spawn('nsenter', [...words, paths.folder, network.repository, network.duo], {
    cwd: REPOSITORY_ROOT,
    stdio: ['ignore', output.fd, output.fd],
    detached: true,
  });
  await output.close();
  child.unref();
  if (child.pid === undefined) throw new Error('lab: nsenter could not be started');
  await writeFile(paths.servicesPid, String(child.pid));
  await until(
    `the lab's services (their log: ${paths.servicesLog})`,
    async () => {
      if (child.exitCode !== null)
        throw new Error(`lab: services ended: ${await readFile(paths.servicesLog, 'utf8')}`);
      return call(paths, 'GET', '/ready').then(
        () => true,
        () => false,
      );
    },
    START_LIMIT_MS,
  );
}

/** Stops them; nothing happens when they do not run. */
export async function stopServices(paths: FleetPaths): Promise<void> {
  const pid = await servicesPid(paths);
  if (pid === null) return;
  process.kill(pid, 'SIGTERM');
  await until("the lab's services to end", async () => (await servicesPid(paths)) === null, STOP_LIMIT_MS);
}

/** The cloud of a fleet that is up. */
export const duoControl = (paths: FleetPaths): DuoControl => ({
  decide: async (user, decision) => void (await call(paths, 'POST', '/duo/decisions', { user, decision })),
  requests: async () => JSON.parse(await call(paths, 'GET', '/duo/requests')) as readonly LoggedRequest[],
  forget: async () => void (await call(paths, 'DELETE', '/duo/requests')),
});

/** The repository of a fleet that is up. */
export const repositoryControl = (paths: FleetPaths): RepositoryControl => ({
  set: async (kind, address) => void (await call(paths, 'POST', '/repository', { kind, address })),
});

async function servicesPid(paths: FleetPaths): Promise<number | null> {
  const pid = Number(await readFile(paths.servicesPid, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 1) return null;
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
  return words.includes(SERVICES) && words.includes(paths.folder) ? pid : null;
}

/** One request over the control socket: a path in the file system, so it is reached from any network namespace. */
function call(paths: FleetPaths, method: string, path: string, body?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: paths.control, method, path, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`lab: the services refused ${method} ${path}: ${text}`));
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body === undefined ? '' : JSON.stringify(body));
  });
}
