// The journals of earlier runs, read back.
import { open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordedEvent } from '../core/event.ts';
import { foldRun } from '../core/run-state.ts';
import type { RunRecord } from '../core/standing.ts';
import { JOURNAL_FILE, parseJournal, type JournalDamage } from './journal.ts';

/** Runs that are looked at, the newest; who resumes an older one names it. */
export const RUNS_MAX = 500;
/** A journal of 10,000 hosts is about 100 MiB. */
const JOURNAL_BYTES_MAX = 512 * 1024 * 1024;

/** The first line names every host of the run. */
const FIRST_LINE_BYTES_MAX = 4 * 1024 * 1024;

/** A run whose journal could be read, with what of it could not. */
export interface ReadRun extends RunRecord {
  /** Absolute path of the run's folder. */
  readonly folder: string;
  readonly damage: readonly JournalDamage[];
  /** Of the last intact event, milliseconds since the epoch; `null`: there is none. */
  readonly lastAt: number | null;
}

/** A journal's intact events. */
export interface ReadJournal {
  /** Absolute path of the run's folder. */
  readonly folder: string;
  readonly events: readonly RecordedEvent[];
  readonly damage: readonly JournalDamage[];
}

/** Names of all folders of runs, the newest first. */
export const runNames = async (runsFolder: string): Promise<readonly string[]> =>
  (await readdir(runsFolder).catch(() => [])).toSorted((a, b) => (a < b ? 1 : -1));

/**
 * The journal of one run; `null` where it has none, or one that is too large to be read.
 * @throws Error of the file system when a journal that is there cannot be read
 */
export const readJournal = async (runsFolder: string, run: string): Promise<ReadJournal | null> => {
  const folder = join(runsFolder, run);
  const path = join(folder, JOURNAL_FILE);
  const status = await stat(path).catch(() => null);
  if (status === null || status.size > JOURNAL_BYTES_MAX) return null;
  return { folder, ...parseJournal(await readFile(path, 'utf8')) };
};

/** Runs that are about an earlier one, the oldest first. */
export interface LaterRuns {
  readonly resumedBy: readonly string[];
  readonly undoneBy: readonly string[];
}

/** Runs among these that finish the named one, or roll it back, by the first line of their journals. */
export const laterRunsOf = async (
  runsFolder: string,
  run: string,
  names: readonly string[],
): Promise<LaterRuns> => {
  const later = names.filter((name) => name > run).slice(-RUNS_MAX);
  const resumedBy: string[] = [];
  const undoneBy: string[] = [];
  for (const name of later) {
    const file = await open(join(runsFolder, name, JOURNAL_FILE)).catch(() => null);
    if (file === null) continue;
    try {
      for await (const line of file.readLines({ encoding: 'utf8', end: FIRST_LINE_BYTES_MAX })) {
        const [first] = parseJournal(`${line}\n`).events;
        if (first?.type === 'run-started' && first.resumes === run) resumedBy.push(name);
        if (first?.type === 'run-started' && first.undoes === run) undoneBy.push(name);
        break;
      }
    } finally {
      await file.close().catch(() => undefined);
    }
  }
  return { resumedBy: resumedBy.toSorted(), undoneBy: undoneBy.toSorted() };
};

/**
 * Reads the newest runs and the named one, in no particular order; a folder without a journal is none. What is damaged in a journal is left
 * out and told.
 * @throws Error of the file system when a journal that is there cannot be read
 */
export const readRuns = async (runsFolder: string, named: string | null): Promise<readonly ReadRun[]> => {
  const names = await runNames(runsFolder);
  return readNamed(
    runsFolder,
    names.filter((name, index) => index < RUNS_MAX || name === named),
  );
};

/** Reads these runs one after another; only what a fold keeps of each stays in memory. @throws Error of the file system */
export const readNamed = async (
  runsFolder: string,
  names: readonly string[],
): Promise<readonly ReadRun[]> => {
  const runs: ReadRun[] = [];
  for (const run of names) {
    const journal = await readJournal(runsFolder, run);
    if (journal === null) continue;
    const { folder, events, damage } = journal;
    runs.push({ run, folder, state: foldRun(events), damage, lastAt: events.at(-1)?.at ?? null });
  }
  return runs;
};
