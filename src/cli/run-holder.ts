// Whether the process that keeps a run is still alive: a file beside the journal says which one it is.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const HOLDER_FILE = 'holder.json';
const HOLDER_MODE = 0o600;
/** Field 22 of /proc/PID/stat, counted behind the command's name, which is field 2 (proc_pid_stat(5)). */
const START_TIME_AT = 19;

/** A number names a process only within one boot, and only together with when that process began. */
interface Holder {
  readonly pid: number;
  readonly startTicks: string;
  readonly bootId: string;
}

/** Writes down who keeps the run of this folder. @throws Error of the file system */
export const holdRun = async (folder: string, pid: number): Promise<void> => {
  const holder: Holder = { pid, startTicks: await startTicksOf(pid), bootId: await bootIdNow() };
  await writeFile(join(folder, HOLDER_FILE), `${JSON.stringify(holder)}\n`, { mode: HOLDER_MODE });
};

/**
 * The process that keeps the run, `null` when it is dead or none is known. One of another boot or another machine counts as
 * dead: should it live, it renews its leases, and the hosts refuse by name whoever else comes.
 */
export const holderOf = async (folder: string): Promise<number | null> => {
  const holder = await readHolder(folder);
  if (holder === null || holder.bootId !== (await bootIdNow())) return null;
  const startTicks = await startTicksOf(holder.pid);
  return startTicks !== '' && startTicks === holder.startTicks ? holder.pid : null;
};

const readHolder = async (folder: string): Promise<Holder | null> => {
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, HOLDER_FILE), 'utf8'));
    if (typeof value !== 'object' || value === null) return null;
    const { pid, startTicks, bootId } = value as Partial<Holder>;
    return typeof pid === 'number' && typeof startTicks === 'string' && typeof bootId === 'string'
      ? { pid, startTicks, bootId }
      : null;
  } catch {
    // Not there, or cut short with the machine that wrote it: then it is nobody's who lives.
    return null;
  }
};

/** random(4): one for each boot. '' where there is no /proc. */
const bootIdNow = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim();

/** '' when there is no such process, or when it is a zombie that only waits for its parent. */
const startTicksOf = async (pid: number): Promise<string> => {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The command's name may hold blanks and brackets, but nothing after it does.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? '' : (fields[START_TIME_AT] ?? '');
};
