// A control group of its own for each host.
import { existsSync } from 'node:fs';
import { mkdir, readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The hierarchy that limits processes, on machines where it is one of its own (cgroups(7), version 1). */
const PIDS = '/sys/fs/cgroup/pids';
/**
 * Where the unified and the named hierarchy are mounted, on machines with one, the other or both (cgroups(7)).
 */
const HIERARCHIES = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified', '/sys/fs/cgroup/systemd', PIDS];
const LAB_GROUP = 'duo-fleet-lab';

/**
 * Makes the host's control groups and gives their folders. Without them nspawn would put all hosts into one `payload`
 * group of the machine's: the ssh.service of one host and of another would be the same group, and systemd kills by group.
 */
export async function makeCgroups(machine: string): Promise<readonly string[]> {
  const folders = groupFolders(machine);
  for (const folder of folders) await mkdir(folder, { recursive: true });
  return folders;
}

/** Removes a host's control groups, whose processes have all ended. */
export async function removeCgroups(machine: string): Promise<void> {
  for (const folder of groupFolders(machine)) {
    await removeGroup(folder);
    // The lab's own group goes with its last host.
    await rmdir(join(folder, '..')).catch(() => undefined);
  }
}

/** The host's group of the unified hierarchy, below which all of its processes are. */
export const cgroupFolder = (machine: string): string =>
  groupFolders(machine).find((folder) => existsSync(join(folder, 'cgroup.controllers'))) ?? '';

/** The host's group whose number of processes can be limited; on a machine with the unified hierarchy alone it is the same. */
export const pidsGroupFolder = (machine: string): string =>
  groupFolders(machine).find((folder) => existsSync(join(folder, 'pids.max'))) ?? '';

function groupFolders(machine: string): readonly string[] {
  return HIERARCHIES.filter((root) => existsSync(join(root, 'cgroup.procs'))).map((root) =>
    join(root, LAB_GROUP, machine),
  );
}

async function removeGroup(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) await removeGroup(join(folder, entry.name));
  }
  // A process that is still on its way out keeps its group; the next boot of the host uses it again.
  await rmdir(folder).catch(() => undefined);
}
