// The process's limit of open files, and what it has room for. A connection that fails for want of a descriptor looks like a
// host that cannot be reached, and in the middle of a transaction it would have a good host put back.
import { readFileSync } from 'node:fs';

/** Node opens the program's own files side by side when it starts, some hundred of them. */
export const OPEN_FILES_MIN = 256;
/** The lifeline, the canary's connection, the logins beside it, a second session, an agent's and a resolver's sockets. */
const FILES_PER_HOST = 10;
/** Node itself, the terminal, the journal, the report, what a secret's command opens. */
const FILES_OF_OURS = 40;

/** The soft limit, which Node raises to the hard one when it starts (proc_pid_limits(5)); infinite where nobody says. */
export const readOpenFilesMax = (): number => {
  try {
    const [, soft] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    // Where there is no /proc.
    return Number.POSITIVE_INFINITY;
  }
};

/** How many hosts at a time there is room for, at most `forks`; with a sentence where that is fewer than would have been. */
export const forksWithin = (
  openFilesMax: number,
  { forks, hosts }: { readonly forks: number; readonly hosts: number },
): { readonly forks: number; readonly notice: string } => {
  const wanted = Math.min(forks, hosts);
  const room = Math.max(1, Math.floor((openFilesMax - FILES_OF_OURS) / FILES_PER_HOST));
  if (room >= wanted) return { forks, notice: '' };
  const needed = wanted * FILES_PER_HOST + FILES_OF_OURS;
  return {
    forks: room,
    notice: `This process may have ${openFilesMax} files open: ${room} hosts at a time instead of ${wanted}, which would need ${needed} (ulimit -n).`,
  };
};
