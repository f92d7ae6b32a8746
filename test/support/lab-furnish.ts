// What makes a host out of a base, before its first boot: names, keys, the platform it claims to be.
import { randomBytes } from 'node:crypto';
import { chmod, chown, copyFile, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  LAB_CA_FILE,
  LAB_DUO_HOST,
  LAB_IKEY,
  LAB_SKEY,
  LAB_USERS,
  type LabHostSpec,
  type LabPlatform,
} from './lab-hosts.ts';
import { setUp } from './lab-own-setup.ts';
import { INIT_SCRIPT } from './lab-machine.ts';
import { hostsFile, type LabNetwork } from './lab-network.ts';
import type { FleetPaths, HostPaths } from './lab-paths.ts';
import { mustRun } from './lab-process.ts';

/** What differs from host to host beyond its spec. */
export interface Furnishing {
  readonly spec: LabHostSpec;
  readonly address: string;
  readonly network: LabNetwork;
}

/** Writes into the mounted, not yet booted root everything that makes it this host. */
export async function furnish(paths: FleetPaths, host: HostPaths, what: Furnishing): Promise<void> {
  const inRoot = (path: string): string => join(host.root, path);
  const { spec } = what;
  await writeFile(inRoot('/etc/hostname'), `${spec.name}\n`);
  await writeFile(inRoot('/etc/hosts'), hostsFile(spec.name, what.address, what.network, []));
  await writeFile(inRoot('/etc/machine-id'), `${await machineId(host)}\n`, { mode: 0o444 });
  await writeFile(inRoot(LAB_CA_FILE), await readFile(join(paths.pki, 'ca.pem')));
  await installHostKeys(host);
  await installUserKeys(paths, host);
  await claimPlatform(host, spec.platform);
  if (spec.cloudInit) {
    await writeFile(inRoot('/etc/ssh/sshd_config.d/50-cloud-init.conf'), 'PasswordAuthentication yes\n', {
      mode: 0o600,
    });
  }
  if (spec.sshSocket) await activateBySocket(host);
  if (spec.legacy === 'live') await enliveLegacyDuo(host);
  if (spec.setup !== null) await setUp(spec.setup, host.root);
  if (spec.init === 'script') await writeFile(inRoot(INIT_SCRIPT), INIT, { mode: 0o755 });
}

/**
 * A fleet's keys: one for each account that logs in by key, in `keys/NAME` and `keys/NAME.pub`.
 */
export async function makeUserKeys(paths: FleetPaths): Promise<void> {
  await mkdir(paths.keys, { recursive: true, mode: 0o700 });
  await Promise.all(
    LAB_USERS.filter((user) => user.key).map((user) =>
      makeKey(join(paths.keys, user.name), 'ed25519', `${user.name}@lab`),
    ),
  );
}

const HOST_KEY_TYPES = ['ed25519', 'ecdsa'] as const;

/** The host's known_hosts lines, by name and by address. */
export async function knownHostsLines(
  host: HostPaths,
  name: string,
  address: string,
): Promise<readonly string[]> {
  const keys = await Promise.all(
    HOST_KEY_TYPES.map((type) => readFile(join(host.hostKeys, `ssh_host_${type}_key.pub`), 'utf8')),
  );
  return keys.map((key) => `${name},${address} ${key.split(' ').slice(0, 2).join(' ').trim()}`);
}

async function makeKey(file: string, type: string, comment: string): Promise<void> {
  if (existsSync(file)) return;
  await mustRun(['ssh-keygen', '-q', '-t', type, '-N', '', '-C', comment, '-f', file]);
}

/** A host keeps its id and its keys when it is reset, as a reinstalled machine would not; known_hosts stays true. */
async function machineId(host: HostPaths): Promise<string> {
  const kept = await readFile(host.machineId, 'utf8').catch(() => null);
  if (kept !== null) return kept;
  // Not `uninitialized`: with that, the first boot applies presets and enables ssh.socket beside ssh.service.
  const fresh = randomBytes(16).toString('hex');
  await writeFile(host.machineId, fresh);
  return fresh;
}

async function installHostKeys(host: HostPaths): Promise<void> {
  await mkdir(host.hostKeys, { recursive: true, mode: 0o700 });
  await Promise.all(
    HOST_KEY_TYPES.map((type) => makeKey(join(host.hostKeys, `ssh_host_${type}_key`), type, 'host')),
  );
  for (const file of await readdir(host.hostKeys)) {
    const target = join(host.root, 'etc/ssh', file);
    await copyFile(join(host.hostKeys, file), target);
    await chmod(target, file.endsWith('.pub') ? 0o644 : 0o600);
  }
}

async function installUserKeys(paths: FleetPaths, host: HostPaths): Promise<void> {
  for (const user of LAB_USERS.filter(({ key }) => key)) {
    const folder = join(host.root, 'home', user.name, '.ssh');
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = join(folder, 'authorized_keys');
    await copyFile(join(paths.keys, `${user.name}.pub`), file);
    await chmod(file, 0o600);
    await chown(folder, user.uid, user.uid);
    await chown(file, user.uid, user.uid);
  }
}

const UBUNTU_VERSIONS: Readonly<Record<string, string>> = { focal: '20.04', jammy: '22.04', noble: '24.04' };

async function claimPlatform(host: HostPaths, platform: LabPlatform): Promise<void> {
  if (platform.distribution === 'Debian') return;
  const version = UBUNTU_VERSIONS[platform.codename];
  if (version === undefined) throw new Error(`lab: no Ubuntu release is called '${platform.codename}'`);
  // os-release(5): the keys that tools decide by, in the form that Ubuntu writes them.
  const lines = [
    `PRETTY_NAME="Ubuntu ${version} LTS"`,
    'NAME="Ubuntu"',
    `VERSION_ID="${version}"`,
    `VERSION_CODENAME=${platform.codename}`,
    'ID=ubuntu',
    'ID_LIKE=debian',
    `UBUNTU_CODENAME=${platform.codename}`,
    '',
  ];
  const file = join(host.root, 'usr/lib/os-release');
  await rm(file, { force: true });
  await writeFile(file, lines.join('\n'));
}

/** PID 1 of a host without systemd: starts sshd, and takes leave of whatever process has lost its parent. */
const INIT = `#!/bin/sh
mkdir -p /run/sshd /run/lock
/usr/sbin/sshd
while :; do
  sleep 1000 &
  wait "$!"
done
`;

const SYSTEM_UNITS = 'etc/systemd/system';

async function activateBySocket(host: HostPaths): Promise<void> {
  const units = join(host.root, SYSTEM_UNITS);
  for (const link of ['multi-user.target.wants/ssh.service', 'sshd.service'])
    await rm(join(units, link), { force: true });
  const wants = join(units, 'sockets.target.wants');
  await mkdir(wants, { recursive: true });
  await symlink('/usr/lib/systemd/system/ssh.socket', join(wants, 'ssh.socket'));
}

/** Debian's old module asked at every SSH login, the way its README tells: one line after common-auth. */
async function enliveLegacyDuo(host: HostPaths): Promise<void> {
  const lines = [
    '[duo]',
    `host = ${LAB_DUO_HOST}`,
    `ikey = ${LAB_IKEY}`,
    `skey = ${LAB_SKEY}`,
    `cafile = ${LAB_CA_FILE}`,
    'failmode = safe',
    'groups = sg_serveraccess',
    'autopush = yes',
    'prompts = 1',
    '',
  ];
  const conf = join(host.root, 'etc/security/pam_duo.conf');
  await writeFile(conf, lines.join('\n'));
  await chmod(conf, 0o600);
  const stack = join(host.root, 'etc/pam.d/sshd');
  const text = await readFile(stack, 'utf8');
  await writeFile(
    stack,
    text.replace('@include common-auth\n', '@include common-auth\nauth required pam_duo.so\n'),
  );
  await writeFile(
    join(host.root, 'etc/ssh/sshd_config.d/10-legacy-duo.conf'),
    'KbdInteractiveAuthentication yes\n',
  );
}
