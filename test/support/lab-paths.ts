// Where the lab keeps its things, and what it calls them.
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout's folder. */
export const REPOSITORY_ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** Run-time state of all fleets; gone after a reboot of the machine, as the fleets are. */
export const LAB_STATE_ROOT = '/run/duo-fleet-lab';

/** The folder of what is slow to make and safe to keep: base file systems, packages, the repository. */
export const labCacheFolder = (): string => process.env['DUO_FLEET_LAB_CACHE'] ?? '/var/cache/duo-fleet-lab';

/** Fleet and host names go into namespaces' and interfaces' names, of which Linux takes 15 characters. */
const NAME = /^[a-z][a-z0-9-]{0,10}$/;

/** Throws unless `name` can be a fleet's or a host's name; returns it. */
export function labName(name: string): string {
  if (!NAME.test(name)) {
    throw new Error(`lab: '${name}' is no usable name: a letter, then up to 10 of a-z, 0-9 and '-'`);
  }
  return name;
}

/** Every path and every name that belongs to one fleet; all of them contain its name, so fleets cannot collide. */
export function fleetPaths(fleet: string) {
  const folder = join(LAB_STATE_ROOT, 'fleets', labName(fleet));
  const bastion = `dfl-${fleet}`;
  return {
    folder,
    bastion,
    slotFile: join(folder, 'slot'),
    /** The process that started it. */
    owner: join(folder, 'owner'),
    keys: join(folder, 'keys'),
    pki: join(folder, 'pki'),
    hosts: join(folder, 'hosts'),
    addresses: join(folder, 'addresses'),
    knownHosts: join(folder, 'known_hosts'),
    control: join(folder, 'control.sock'),
    servicesPid: join(folder, 'services.pid'),
    servicesLog: join(folder, 'services.log'),
    /** `ip netns exec` binds what lies here over /etc inside the bastion's namespace. */
    bastionEtc: join('/etc/netns', bastion),
    host: (host: string) => hostPaths(folder, bastion, labName(host)),
  };
}

/** What `fleetPaths` gives. */
export type FleetPaths = ReturnType<typeof fleetPaths>;
/** What `fleetPaths(...).host(...)` gives. */
export type HostPaths = ReturnType<typeof hostPaths>;

function hostPaths(fleetFolder: string, bastion: string, host: string) {
  const folder = join(fleetFolder, 'hosts', host);
  return {
    folder,
    root: join(folder, 'root'),
    /** What this host has of its own is on a file system of its own, which can be filled without filling another's. */
    disk: join(folder, 'disk'),
    hostKeys: join(folder, 'ssh'),
    record: join(folder, 'host.json'),
    nspawnPid: join(folder, 'nspawn.pid'),
    console: join(folder, 'console.log'),
    machineId: join(folder, 'machine-id'),
    netns: `${bastion}-${host}`,
    machine: `${bastion}-${host}`,
    /** The bastion's end of the host's cable. */
    cable: `v-${host}`,
  };
}
