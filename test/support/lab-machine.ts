// One host as a container: mounted, booted, looked into, cut off from power, taken away.
import { spawn } from 'node:child_process';
import { open, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCgroups, removeCgroups } from './lab-cgroups.ts';
import type { LabHostSpec } from './lab-hosts.ts';
import type { HostPaths } from './lab-paths.ts';
import { mustRun, runProcess, until, type Finished, type ProcessOptions } from './lab-process.ts';

const BOOT_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 15_000;
const SSH_PORT = 22;

/** Mounts the host's file system: the shared base below, what this host changed above. */
export async function mountRoot(host: HostPaths, baseRoot: string): Promise<void> {
  for (const folder of [host.disk, host.root]) await mkdir(folder, { recursive: true });
  await mustRun(['mount', '-t', 'tmpfs', '-o', 'mode=0755', host.machine, host.disk]);
  const [upper, work] = [join(host.disk, 'upper'), join(host.disk, 'work')];
  for (const folder of [upper, work]) await mkdir(folder);
  const layers = `lowerdir=${baseRoot},upperdir=${upper},workdir=${work}`;
  await mustRun(['mount', '-t', 'overlay', '-o', layers, host.machine, host.root]);
}

/** Takes the file system away, and all that the host had changed. */
export async function unmountRoot(host: HostPaths): Promise<void> {
  await unmount(host.root);
  await unmount(host.disk);
}

const UNMOUNT_LIMIT_MS = 10_000;

/** Unmounts a folder if something is mounted there, as soon as the last process that uses it has really gone. */
export async function unmount(folder: string): Promise<void> {
  if (!(await isMounted(folder))) return;
  await until(
    `${folder} to be unmounted (is a shell standing in it?)`,
    async () => (await runProcess(['umount', folder])).code === 0,
    UNMOUNT_LIMIT_MS,
  );
}

/** What a boot waits for: `ssh` is systemd through and port 22 listened on; `systemd` is for hosts whose sshd is broken. */
export type BootWait = 'ssh' | 'systemd';

/** What is PID 1 of a host whose spec says `script`. Its name is one that PID 1 is known by. */
export const INIT_SCRIPT = '/usr/local/sbin/init';

/** Boots the host and resolves when it is as far as `wait` says. */
export async function boot(
  host: HostPaths,
  spec: Pick<LabHostSpec, 'name' | 'init'>,
  wait: BootWait = 'ssh',
): Promise<void> {
  if ((await nspawnPid(host)) !== null)
    throw new Error(`lab: ${spec.name} is already on; \`power-off\` it first`);
  const output = await open(host.console, 'a');
  // systemd-machined is not there to register with, PID 1 of this machine need not be systemd, and the container
  // must live on when the program that started it ends: no unit, a session of its own, output to a file.
  const nspawn = [
    'systemd-nspawn --quiet --register=no --keep-unit --console=pipe',
    '--resolv-conf=off --timezone=off --link-journal=no',
  ].flatMap((options) => options.split(' '));
  const places = [
    `--directory=${host.root}`,
    `--machine=${host.machine}`,
    `--hostname=${spec.name}`,
    `--network-namespace-path=/run/netns/${host.netns}`,
    spec.init === 'systemd' ? '--boot' : INIT_SCRIPT,
  ];
  const groups = await makeCgroups(host.machine);
  const child = spawn('sh', ['-c', IN_CGROUPS, 'sh', ...groups, '--', ...nspawn, ...places], {
    stdio: ['ignore', output.fd, output.fd],
    detached: true,
    // systemd from 256 on does not start on the old cgroup hierarchy; all releases take the new one.
    env: { ...process.env, SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
  });
  await output.close();
  child.unref();
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  if (child.pid === undefined) return failed;
  await writeFile(host.nspawnPid, String(child.pid));
  // Not asked of /proc: in the midst of its exec a process has no command line.
  const isGone = () => child.exitCode !== null || child.signalCode !== null;
  await Promise.race([failed, bootFinished(host, spec, { wait, isGone })]);
}

/** Enters the cgroups named before `--`, then becomes the program named after it. */
const IN_CGROUPS =
  'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@"';

async function bootFinished(
  host: HostPaths,
  { name, init }: Pick<LabHostSpec, 'name' | 'init'>,
  { wait, isGone }: { readonly wait: BootWait; readonly isGone: () => boolean },
): Promise<void> {
  await until(
    `${name} to ${wait === 'ssh' ? `listen on port ${SSH_PORT}` : 'boot'} (its console: ${host.console})`,
    async () => {
      if (isGone()) {
        throw new Error(`lab: ${name} did not boot: ${await readFile(host.console, 'utf8')}`);
      }
      const leader = await leaderPid(host);
      return leader !== null && (wait === 'systemd' || (await listens(leader, SSH_PORT)));
    },
    BOOT_LIMIT_MS,
  );
  if (init === 'script') return;
  // Listening comes before systemd is through: pam_nologin still refuses, units still start.
  await until(
    `${name}'s systemd to finish booting`,
    async () => {
      const state = await runIn(host, ['systemctl', 'is-system-running', '--wait'], {
        timeoutMs: BOOT_LIMIT_MS,
      });
      const word = state.stdout.trim();
      return word === 'running' || word === 'degraded';
    },
    BOOT_LIMIT_MS,
  );
}

/** Power loss: the host's PID 1 is killed and everything in it ends at once; nothing is written, nothing is stopped. */
export async function powerOff(host: HostPaths): Promise<void> {
  const nspawn = await nspawnPid(host);
  if (nspawn === null) return;
  const leader = await leaderPid(host);
  process.kill(leader ?? nspawn, 'SIGKILL');
  await until(`${host.machine} to be off`, async () => (await nspawnPid(host)) === null, STOP_LIMIT_MS);
  await rm(host.nspawnPid, { force: true });
  await removeCgroups(host.machine);
}

/** Whether the host has power. */
export const isOn = async (host: HostPaths): Promise<boolean> => (await nspawnPid(host)) !== null;

/** Runs a program as root inside the host, past SSH, PAM and sudo: the way in that no test can lock. */
export async function runIn(
  host: HostPaths,
  argv: readonly string[],
  options: ProcessOptions = {},
): Promise<Finished> {
  return runProcess(await wordsToEnter(host, argv), options);
}

/** The words that run `argv` inside the host. */
export async function wordsToEnter(host: HostPaths, argv: readonly string[]): Promise<readonly string[]> {
  const leader = await leaderPid(host);
  if (leader === null) throw new Error(`lab: ${host.machine} is off`);
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--root'];
  // env(1) changes the folder: nsenter's own --wd looks it up before it has entered.
  const environment = [
    'env',
    '-i',
    '--chdir=/',
    `PATH=${ROOT_PATH}`,
    'HOME=/root',
    'LANG=C.UTF-8',
    'TERM=dumb',
  ];
  return ['nsenter', '--target', String(leader), ...namespaces, '--', ...environment, ...argv];
}

const ROOT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** nspawn's process, when it runs and is really ours: process ids are used again. */
async function nspawnPid(host: HostPaths): Promise<number | null> {
  const pid = Number(await readFile(host.nspawnPid, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 1) return null;
  const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return words.split('\0').includes(`--machine=${host.machine}`) ? pid : null;
}

/** The host's PID 1 as this machine counts: nspawn's child that is 1 in a namespace of its own. */
export async function leaderPid(host: HostPaths): Promise<number | null> {
  const nspawn = await nspawnPid(host);
  if (nspawn === null) return null;
  const children = await readFile(`/proc/${nspawn}/task/${nspawn}/children`, 'utf8').catch(() => '');
  for (const pid of children.split(' ').filter((word) => word !== '')) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const isFirst = /^NSpid:(\s+\d+)+\s+1$/m.test(status);
    const isInit = /^Name:\s+(systemd|init)$/m.test(status);
    if (isFirst && isInit) return Number(pid);
  }
  return null;
}

const LISTEN_STATE = '0A';

/**
 * Whether something listens on `port` where process `pid` lives, read from proc(5)'s net/tcp. A connection would tell
 * too, but it would start ssh.service on a socket-activated host and count for PerSourcePenalties.
 */
async function listens(pid: number, port: number): Promise<boolean> {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8').catch(() => '')),
  );
  return tables.some((table) =>
    table.split('\n').some((line) => {
      const [, local, , state] = line.trim().split(/\s+/);
      return state === LISTEN_STATE && local !== undefined && local.endsWith(`:${hex}`);
    }),
  );
}

async function isMounted(folder: string): Promise<boolean> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  return mounts.split('\n').some((line) => line.split(' ')[4] === folder);
}
