// A fleet of whole hosts on this machine, for tests and for a developer's hands: made, opened, taken away.
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { labBase } from './lab-base.ts';
import { furnish, knownHostsLines, makeUserKeys } from './lab-furnish.ts';
import { labHostSpec, type LabHostSpec } from './lab-hosts.ts';
import { labInventory, type LabVariables } from './lab-inventory.ts';
import {
  boot,
  type BootWait,
  isOn,
  mountRoot,
  powerOff,
  runIn,
  unmount,
  unmountRoot,
} from './lab-machine.ts';
import {
  connectHost,
  createBastion,
  disconnectHost,
  giveSlotsBack,
  LAB_HOSTS_MAX,
  labNetwork,
  nameHosts,
  removeBastion,
  setCable,
  takeNumber,
  takeSlot,
  type LabNetwork,
} from './lab-network.ts';
import { fleetPaths, LAB_STATE_ROOT, type FleetPaths } from './lab-paths.ts';
import { mustRun, runProcess, type Finished, type ProcessOptions } from './lab-process.ts';
import {
  duoControl,
  makePki,
  repositoryControl,
  startServices,
  stopServices,
  type DuoControl,
  type RepositoryControl,
} from './lab-control.ts';

/** One host under a test's hands. */
export interface LabHost {
  readonly name: string;
  readonly address: string;
  readonly spec: LabHostSpec;
  /** The host's root folder as this machine sees it, also while the host is off. */
  readonly root: string;
  /** Runs a shell command as root in the host, past SSH, PAM and sudo; a failure is in `code`. */
  readonly shell: (command: string, options?: ProcessOptions) => Promise<Finished>;
  /** Power loss; everything in memory is gone, the disk is as it was. */
  readonly powerOff: () => Promise<void>;
  readonly boot: (wait?: BootWait) => Promise<void>;
  readonly isOn: () => Promise<boolean>;
  /** Its network cable pulled, and plugged in again. */
  readonly partition: () => Promise<void>;
  readonly heal: () => Promise<void>;
  /** As freshly installed, with the same address and keys; booted. */
  readonly reset: () => Promise<void>;
}

/** A fleet that is up. */
export interface LabFleet {
  readonly name: string;
  readonly hosts: readonly LabHost[];
  /** The host of that name; throws when the fleet has none. */
  readonly host: (name: string) => LabHost;
  /** The automation account's private key. */
  readonly keyFile: string;
  /** The private key of any account that logs in by key. */
  readonly userKeyFile: (user: string) => string;
  readonly knownHostsFile: string;
  readonly network: LabNetwork;
  /** The name of the bastion's network namespace. */
  readonly bastion: string;
  /** A YAML inventory of the fleet for the product; `variables` are added to, or take the place of, all hosts' own. */
  readonly inventory: (variables?: LabVariables) => Promise<string>;
  readonly repository: RepositoryControl;
  readonly duo: DuoControl;
  /** Runs a program in the bastion's network namespace, where the hosts' names resolve. */
  readonly run: (argv: readonly string[], options?: ProcessOptions) => Promise<Finished>;
  /** Adds hosts to the fleet, or boots those that are off; resolves when they take logins. */
  readonly add: (hosts: readonly string[]) => Promise<LabFleet>;
  readonly down: () => Promise<void>;
}

const byName = (a: string, b: string): number => (a < b ? -1 : 1);

interface HostRecord {
  readonly name: string;
  readonly index: number;
}

/** What to start. Fleets of different names share nothing and can be up side by side. */
export interface FleetRequest {
  readonly name: string;
  readonly hosts: readonly string[];
  /** Told of what takes long. */
  readonly say?: (line: string) => void;
}

/** Starts a fleet, or opens the one of that name and adds what is missing; under 10 s for three hosts once their bases are built. */
export async function startFleet(request: FleetRequest): Promise<LabFleet> {
  const specs = request.hosts.map(labHostSpec);
  // One after the other: building is bound by the processor.
  for (const release of new Set(specs.map((spec) => spec.release))) await labBase(release, request.say);
  const paths = fleetPaths(request.name);
  if (!existsSync(paths.slotFile)) await createFleet(request.name, paths);
  const fleet = await openFleet(request.name);
  return fleet.add(request.hosts);
}

/**
 * Starts a fleet whose hosts nobody has touched. One of that name that a process has left which is gone (a test run that was
 * killed) is taken away first; throws where that process is still there.
 */
export async function freshFleet(request: FleetRequest): Promise<LabFleet> {
  const paths = fleetPaths(request.name);
  const owner = await readFile(paths.owner, 'utf8').catch(() => null);
  const pid = owner?.split(' ')[0] ?? '';
  if (owner !== null && pid !== String(process.pid) && owner === (await processNamed(pid)))
    throw new Error(`lab: fleet '${request.name}' is at work for process ${pid}: another test run?`);
  await downFleet(request.name);
  return startFleet(request);
}

/** A process by its number and the time of its start, since numbers come again; null where there is none. */
async function processNamed(pid: string): Promise<string | null> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  // The name, in parentheses, may hold anything; what follows it begins with field 3.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined ? null : `${pid} ${fields[22 - 3]}`;
}

/** Opens a fleet that is up; throws when there is none of that name. */
export async function openFleet(name: string): Promise<LabFleet> {
  const paths = fleetPaths(name);
  const slot = await readFile(paths.slotFile, 'utf8').catch(() => null);
  if (slot === null)
    throw new Error(`lab: fleet '${name}' is not up; \`scripts/lab up --fleet ${name} HOST...\` starts it`);
  const network = labNetwork(Number(slot));
  const hosts = (await hostRecords(paths)).map((record) => labHost(paths, network, record));
  return {
    name,
    hosts,
    host: (wanted) => {
      const found = hosts.find((host) => host.name === wanted);
      if (found === undefined) throw new Error(`lab: fleet '${name}' has no host '${wanted}'`);
      return found;
    },
    keyFile: join(paths.keys, 'automation'),
    userKeyFile: (user) => join(paths.keys, user),
    knownHostsFile: paths.knownHosts,
    network,
    bastion: paths.bastion,
    inventory: (variables = {}) => labInventory(paths, hosts, variables),
    repository: repositoryControl(paths),
    duo: duoControl(paths),
    run: (argv, options) => runProcess(['ip', 'netns', 'exec', paths.bastion, ...argv], options),
    add: (names) => addHosts(name, paths, network, names),
    down: () => downFleet(name),
  };
}

/** The fleets that are up, by name. */
export async function listFleets(): Promise<readonly string[]> {
  return (await readdir(join(LAB_STATE_ROOT, 'fleets')).catch((): string[] => [])).toSorted(byName);
}

/** Takes a fleet away: processes, mounts, namespaces, files. Whatever is already gone is no error. */
export async function downFleet(name: string): Promise<void> {
  const paths = fleetPaths(name);
  await stopServices(paths);
  const names = await readdir(paths.hosts).catch(() => []);
  await Promise.all(names.map((host) => removeHost(paths, host)));
  await removeBastion(paths);
  await unmount(paths.folder);
  await rm(paths.folder, { recursive: true, force: true });
  await giveSlotsBack(name);
  for (const folder of [dirname(paths.folder), LAB_STATE_ROOT]) await rmdir(folder).catch(() => undefined);
}

async function createFleet(name: string, paths: FleetPaths): Promise<void> {
  // What an interrupted start has left.
  if (existsSync(paths.folder)) await downFleet(name);
  await allowManyHosts();
  const slot = await takeSlot(name);
  await mkdir(paths.folder, { recursive: true });
  // In memory: dpkg's fsyncs cost nothing there, and an overlay cannot stand on an overlay, which / often is in CI.
  // A host's power loss does not lose it, as little as pulling a plug loses a disk.
  await mustRun(['mount', '-t', 'tmpfs', '-o', 'mode=0755', `dfl-${name}`, paths.folder]);
  await writeFile(paths.owner, (await processNamed(String(process.pid))) ?? '');
  await Promise.all([mkdir(paths.hosts), makeUserKeys(paths), makePki(paths)]);
  await createBastion(paths, labNetwork(slot));
  // Last: a fleet with a slot file is one that can be opened and taken down.
  await writeFile(paths.slotFile, String(slot));
}

const INOTIFY_INSTANCES = '/proc/sys/fs/inotify/max_user_instances';
const INOTIFY_INSTANCES_WANTED = 8192;

/** Each host takes four of inotify's instances; with the usual 128, systemd-nspawn fails at the 28th, in odd words. */
async function allowManyHosts(): Promise<void> {
  if (Number(await readFile(INOTIFY_INSTANCES, 'utf8')) >= INOTIFY_INSTANCES_WANTED) return;
  await writeFile(INOTIFY_INSTANCES, String(INOTIFY_INSTANCES_WANTED));
}

async function addHosts(
  fleet: string,
  paths: FleetPaths,
  network: LabNetwork,
  names: readonly string[],
): Promise<LabFleet> {
  const known = new Set((await hostRecords(paths)).map((record) => record.name));
  const added: HostRecord[] = [];
  for (const name of new Set(names)) {
    if (!known.has(name)) added.push(await createHost(paths, network, name));
  }
  const records = await hostRecords(paths);
  await publishNames(paths, network, records);
  const services = startServices(paths, network);
  await inTurns(
    records.filter((record) => names.includes(record.name)),
    async (record) => {
      const host = labHost(paths, network, record);
      if (!(await host.isOn())) await host.boot();
    },
  );
  await services;
  return openFleet(fleet);
}

async function createHost(paths: FleetPaths, network: LabNetwork, name: string): Promise<HostRecord> {
  const spec = labHostSpec(name);
  const host = paths.host(name);
  // What an interrupted start has left.
  await removeHost(paths, name);
  const record = { name, index: await takeNumber(paths.addresses, name, LAB_HOSTS_MAX) };
  await mkdir(host.folder, { recursive: true });
  await connectHost(paths, host, network.host(record.index));
  await raise(paths, network, record, spec);
  await writeFile(host.record, JSON.stringify(record));
  return record;
}

async function removeHost(paths: FleetPaths, name: string): Promise<void> {
  const host = paths.host(name);
  await powerOff(host);
  await unmountRoot(host);
  await disconnectHost(paths, host);
  await rm(host.folder, { recursive: true, force: true });
}

async function raise(
  paths: FleetPaths,
  network: LabNetwork,
  record: HostRecord,
  spec: LabHostSpec,
): Promise<void> {
  const host = paths.host(record.name);
  const base = await labBase(spec.release);
  await mountRoot(host, base.root);
  await furnish(paths, host, { spec, address: network.host(record.index), network });
}

function labHost(paths: FleetPaths, network: LabNetwork, record: HostRecord): LabHost {
  const host = paths.host(record.name);
  const spec = labHostSpec(record.name);
  return {
    name: record.name,
    address: network.host(record.index),
    spec,
    root: host.root,
    shell: (command, options) => runIn(host, ['/bin/sh', '-c', command], options),
    powerOff: () => powerOff(host),
    boot: (wait) => boot(host, spec, wait),
    isOn: () => isOn(host),
    partition: () => setCable(paths, host, 'down'),
    heal: () => setCable(paths, host, 'up'),
    reset: async () => {
      await powerOff(host);
      await unmountRoot(host);
      await raise(paths, network, record, spec);
      await setCable(paths, host, 'up');
      await boot(host, spec);
    },
  };
}

async function hostRecords(paths: FleetPaths): Promise<readonly HostRecord[]> {
  const names = await readdir(paths.hosts);
  const records = await Promise.all(
    names.map(async (name) => {
      const text = await readFile(paths.host(name).record, 'utf8').catch(() => null);
      return text === null ? null : (JSON.parse(text) as HostRecord);
    }),
  );
  return records.filter((record) => record !== null).toSorted((a, b) => a.index - b.index);
}

async function publishNames(
  paths: FleetPaths,
  network: LabNetwork,
  records: readonly HostRecord[],
): Promise<void> {
  const hosts = records.map((record) => ({ name: record.name, address: network.host(record.index) }));
  await nameHosts(paths, network, hosts);
  const lines = await Promise.all(
    hosts.map((host) => knownHostsLines(paths.host(host.name), host.name, host.address)),
  );
  const fresh = `${paths.knownHosts}.new`;
  await writeFile(fresh, `${lines.flat().join('\n')}\n`);
  await rename(fresh, paths.knownHosts);
}

/** Boots at a time: more than this only makes each of them slower on a small machine. */
const BOOTS_AT_ONCE = 8;

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: BOOTS_AT_ONCE }, worker));
}
