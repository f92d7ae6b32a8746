// What is done to a host from outside until it can hardly work: no room, no processes, no time, no PID 1.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroupFolder, pidsGroupFolder } from './lab-cgroups.ts';
import type { LabFleet, LabHost } from './lab.ts';
import { leaderPid } from './lab-machine.ts';
import { fleetPaths, type HostPaths } from './lab-paths.ts';
import { mustRun, runProcess } from './lab-process.ts';

const pathsOf = (fleet: LabFleet, host: LabHost): HostPaths => fleetPaths(fleet.name).host(host.name);

/** What there is no more of on a file system: blocks, or inodes. */
export type DiskLack = 'blocks' | 'inodes';

/** Makes the host's own disk (all of /, but for /run, /tmp and /dev) as small as what it holds; look whether it was done. */
export async function fillDisk(fleet: LabFleet, host: LabHost, lack: DiskLack): Promise<void> {
  const { disk } = pathsOf(fleet, host);
  // A tmpfs may be made as small as what it holds, while it is in use (tmpfs(5)); what it holds may have grown meanwhile.
  await runProcess(['mount', '-o', `remount,${LIMITS[lack]}=${await usedOn(disk, lack)}`, disk]);
}

const LIMITS = { blocks: 'size', inodes: 'nr_inodes' } as const;

/** There is room again. */
export async function emptyDisk(fleet: LabFleet, host: LabHost): Promise<void> {
  await mustRun(['mount', '-o', 'remount,size=4g,nr_inodes=1m', pathsOf(fleet, host).disk]);
}

async function usedOn(folder: string, lack: DiskLack): Promise<number> {
  const column = lack === 'blocks' ? 'used' : 'iused';
  const told = await mustRun(['df', '-B1', `--output=${column}`, folder]);
  return Number(told.trim().split('\n').at(-1));
}

/** Stops every process of the host at once, or those of one unit, as if time stood still for them alone (cgroups(7)). */
export async function freeze(fleet: LabFleet, host: LabHost, unit?: string): Promise<void> {
  const folders = await groupsOf(fleet, host, unit);
  if (folders.length === 0) throw new Error(`lab: ${host.name} has no control group for ${unit ?? 'itself'}`);
  for (const folder of folders) await writeFile(join(folder, 'cgroup.freeze'), '1');
}

/** Time goes on for all of the host's processes. */
export async function thaw(fleet: LabFleet, host: LabHost): Promise<void> {
  for (const folder of await groupsBelow(hostGroup(fleet, host))) {
    await writeFile(join(folder, 'cgroup.freeze'), '0').catch(() => undefined);
  }
}

const hostGroup = (fleet: LabFleet, host: LabHost): string => cgroupFolder(pathsOf(fleet, host).machine);

async function groupsOf(fleet: LabFleet, host: LabHost, unit?: string): Promise<readonly string[]> {
  const all = await groupsBelow(hostGroup(fleet, host));
  return unit === undefined ? all.slice(0, 1) : all.filter((folder) => folder.endsWith(`/${unit}`));
}

async function groupsBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const below = await Promise.all(
    entries.filter((entry) => entry.isDirectory()).map((entry) => groupsBelow(join(folder, entry.name))),
  );
  return [folder, ...below.flat()];
}

/** Stops the host's PID 1 alone: what runs goes on, and no unit starts or ends any more. */
export async function stopInit(fleet: LabFleet, host: LabHost): Promise<void> {
  process.kill(await initPid(fleet, host), 'SIGSTOP');
}

/** PID 1 goes on. */
export async function continueInit(fleet: LabFleet, host: LabHost): Promise<void> {
  process.kill(await initPid(fleet, host), 'SIGCONT');
}

async function initPid(fleet: LabFleet, host: LabHost): Promise<number> {
  const pid = await leaderPid(pathsOf(fleet, host));
  if (pid === null) throw new Error(`lab: ${host.name} is off`);
  return pid;
}

/** Not more than `more` processes beyond those that the host has, or fewer; what it forks then fails. */
export async function limitProcesses(fleet: LabFleet, host: LabHost, more: number): Promise<void> {
  const folder = pidsGroup(fleet, host);
  const now = Number(await readFile(join(folder, 'pids.current'), 'utf8'));
  await writeFile(join(folder, 'pids.max'), String(now + more));
}

/** How often a fork has failed for `limitProcesses` since the host's boot (pids.events). */
export async function forksFailed(fleet: LabFleet, host: LabHost): Promise<number> {
  const events = await readFile(join(pidsGroup(fleet, host), 'pids.events'), 'utf8');
  return Number(/^max (\d+)$/m.exec(events)?.[1] ?? 0);
}

/** As many as it likes again. */
export async function freeProcesses(fleet: LabFleet, host: LabHost): Promise<void> {
  await writeFile(join(pidsGroup(fleet, host), 'pids.max'), 'max');
}

const pidsGroup = (fleet: LabFleet, host: LabHost): string => pidsGroupFolder(pathsOf(fleet, host).machine);
