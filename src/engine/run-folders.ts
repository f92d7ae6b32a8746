// The journals of earlier runs, read back.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { foldRun } from '../core/run-state.ts';
import type { RunRecord } from '../core/standing.ts';
import { JOURNAL_FILE, parseJournal, type JournalDamage } from './journal.ts';

/** Runs that are looked at, the newest; who resumes an older one names it. */
const RUNS_MAX = 500;
/** A journal of 10,000 hosts is about 100 MiB. */
const JOURNAL_BYTES_MAX = 512 * 1024 * 1024;

/** A run whose journal could be read, with what of it could not. */
export interface ReadRun extends RunRecord {
  /** Absolute path of the run's folder. */
  readonly folder: string;
  readonly damage: readonly JournalDamage[];
}

/**
 * Reads the newest runs and the named one, in no particular order; a folder without a journal is none. What is damaged in a journal is left
 * out and told.
 * @throws Error of the file system when a journal that is there cannot be read
 */
export const readRuns = async (runsFolder: string, named: string | null): Promise<readonly ReadRun[]> => {
  const found = await readdir(runsFolder).catch(() => []);
  const names = found.toSorted((a, b) => (a < b ? 1 : -1));
  const wanted = names.filter((name, index) => index < RUNS_MAX || name === named);
  const runs: ReadRun[] = [];
  for (const run of wanted) {
    const folder = join(runsFolder, run);
    const path = join(folder, JOURNAL_FILE);
    const status = await stat(path).catch(() => null);
    if (status === null || status.size > JOURNAL_BYTES_MAX) continue;
    const { events, damage } = parseJournal(await readFile(path, 'utf8'));
    runs.push({ run, folder, state: foldRun(events), damage });
  }
  return runs;
};
