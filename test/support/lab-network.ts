// The fleet's network: one namespace with a bridge for the bastion, one for each host, a cable between them.
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LAB_DUO_HOST, LAB_REPOSITORY_HOST } from './lab-hosts.ts';
import { LAB_STATE_ROOT, type FleetPaths, type HostPaths } from './lab-paths.ts';
import { mustRun, runProcess } from './lab-process.ts';

/** The addresses of one fleet: a /24 of 198.18.0.0/15, which RFC 2544 keeps for tests and nobody routes. */
export interface LabNetwork {
  readonly slot: number;
  readonly bastion: string;
  readonly repository: string;
  readonly duo: string;
  /** The nth host's address, from 0. */
  readonly host: (index: number) => string;
}

const BRIDGE = 'br0';
/** Locally administered; each fleet's bridge is in a namespace of its own. */
const BRIDGE_MAC = '02:00:5e:00:53:01';
const SLOTS_MAX = 512;
const FIRST_HOST = 10;
/** Hosts of one fleet; .10 to .254. */
export const LAB_HOSTS_MAX = 245;

/** The network of a slot, 0 to 511. */
export function labNetwork(slot: number): LabNetwork {
  const prefix = `198.${18 + (slot >> 8)}.${slot & 255}`;
  return {
    slot,
    bastion: `${prefix}.1`,
    repository: `${prefix}.2`,
    duo: `${prefix}.3`,
    host: (index) => `${prefix}.${FIRST_HOST + index}`,
  };
}

/** Takes a number below `max` that nobody else has, by the one file operation that only one can win. */
export async function takeNumber(folder: string, owner: string, max: number): Promise<number> {
  await mkdir(folder, { recursive: true });
  for (let number = 0; number < max; number++) {
    const file = join(folder, String(number));
    try {
      await writeFile(file, owner, { flag: 'wx' });
      return number;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    // Taken by the same owner in a start that was interrupted.
    if ((await readFile(file, 'utf8').catch(() => '')) === owner) return number;
  }
  throw new Error(`lab: all ${max} numbers of ${folder} are taken; \`scripts/lab down\` gives some back`);
}

const slotsFolder = join(LAB_STATE_ROOT, 'slots');

/** Takes a free slot for a fleet. */
export const takeSlot = (fleet: string): Promise<number> => takeNumber(slotsFolder, fleet, SLOTS_MAX);

/** Gives back every slot that the fleet has. By owner, not by number: one that failed half-way up has no record of it. */
export async function giveSlotsBack(fleet: string): Promise<void> {
  for (const slot of await readdir(slotsFolder).catch(() => [])) {
    const owner = await readFile(join(slotsFolder, slot), 'utf8').catch(() => '');
    if (owner === fleet) await rm(join(slotsFolder, slot), { force: true });
  }
  // The folder goes with its last file; another fleet's file keeps it, and that is no error.
  await rmdir(slotsFolder).catch(() => undefined);
}

/** Makes the bastion's namespace with its bridge, the services' addresses, and names for what runs in it. */
export async function createBastion(paths: FleetPaths, network: LabNetwork): Promise<void> {
  await mustRun(['ip', 'netns', 'add', paths.bastion]);
  await mkdir(paths.bastionEtc, { recursive: true });
  await writeFile(join(paths.bastionEtc, 'resolv.conf'), '');
  await ipBatch(paths.bastion, [
    'link set lo up',
    // An address of its own: else it takes the lowest of its ports' and changes it when one comes or goes, and until ARP finds out
    // (half a minute) hosts send what is for the bastion and the services to nobody.
    `link add ${BRIDGE} address ${BRIDGE_MAC} type bridge`,
    ...[network.bastion, network.repository, network.duo].map((ip) => `addr add ${ip}/24 dev ${BRIDGE}`),
    `link set ${BRIDGE} up`,
  ]);
}

/** Writes the names that programs in the bastion's namespace can resolve: the services' and the hosts'. */
export async function nameHosts(
  paths: FleetPaths,
  network: LabNetwork,
  hosts: readonly { readonly name: string; readonly address: string }[],
): Promise<void> {
  const lines = hosts.map((host) => `${host.address} ${host.name}`);
  await writeFile(join(paths.bastionEtc, 'hosts'), hostsFile('bastion', network.bastion, network, lines));
}

/** An /etc/hosts: itself, the services, and `more` lines. sudo looks its own host's name up at every call. */
export function hostsFile(
  name: string,
  address: string,
  network: LabNetwork,
  more: readonly string[],
): string {
  const services = [`${network.repository} ${LAB_REPOSITORY_HOST}`, `${network.duo} ${LAB_DUO_HOST}`];
  return ['127.0.0.1 localhost', `${address} ${name}`, ...services, ...more, ''].join('\n');
}

/** Makes a host's namespace and the cable to the bastion's bridge. */
export async function connectHost(paths: FleetPaths, host: HostPaths, address: string): Promise<void> {
  await mustRun(['ip', 'netns', 'add', host.netns]);
  await ipBatch(paths.bastion, [
    `link add ${host.cable} type veth peer name host0 netns ${host.netns}`,
    `link set ${host.cable} master ${BRIDGE}`,
    `link set ${host.cable} up`,
  ]);
  await ipBatch(host.netns, ['link set lo up', `addr add ${address}/24 dev host0`, 'link set host0 up']);
}

/** Pulls the host's cable out, or plugs it in again. */
export async function setCable(paths: FleetPaths, host: HostPaths, state: 'up' | 'down'): Promise<void> {
  await mustRun(['ip', '-n', paths.bastion, 'link', 'set', host.cable, state]);
}

/** Takes a host's namespace away, and the cable with it; nothing happens when it is not there. */
export async function disconnectHost(paths: FleetPaths, host: HostPaths): Promise<void> {
  await runProcess(['ip', '-n', paths.bastion, 'link', 'del', host.cable]);
  await runProcess(['ip', 'netns', 'del', host.netns]);
}

/** Takes the bastion's namespace away. */
export async function removeBastion(paths: FleetPaths): Promise<void> {
  await runProcess(['ip', 'netns', 'del', paths.bastion]);
  await rm(paths.bastionEtc, { recursive: true, force: true });
}

/** One `ip` process for many commands in one namespace: sixty hosts would otherwise cost hundreds of processes. */
async function ipBatch(netns: string, lines: readonly string[]): Promise<void> {
  await mustRun(['ip', '-n', netns, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}
