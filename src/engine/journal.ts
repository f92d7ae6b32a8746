// The run's durable log: one event a line, on the disk before the next action.
import { hash } from 'node:crypto';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { RecordedEvent, RunEvent } from '../core/event.ts';
import { Failure } from '../core/failure.ts';
import type { Scrub } from '../core/scrub.ts';

/** The journal's file in its run's folder. */
export const JOURNAL_FILE = 'events.jsonl';

/** Events that may wait for the disk at once; every emitter waits for its own, so more means that something is wrong. */
const PENDING_MAX = 100_000;

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/** Thrown when the journal cannot be kept; whoever emits must not act any further. */
export class JournalError extends Failure {
  /** `ENOSPC` and the like; '' when there is none. */
  readonly code: string;
  constructor(path: string, cause: unknown) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    super(
      'exit',
      `the journal ${path} could not be written: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    );
    this.name = 'JournalError';
    this.code = code;
  }
}

/** An open journal. */
export interface Journal {
  readonly path: string;
  /**
   * Gives the event its number and time, and resolves with it once it is on the disk.
   * @throws JournalError and, once it did, for every later event: a line after a torn one would tell half a story
   */
  readonly append: (event: RunEvent) => Promise<RecordedEvent>;
  /** Waits for what is under way and closes the file. */
  readonly close: () => Promise<void>;
}

/** What the journal needs of a file; a test hands in one that fails. */
export interface JournalSink {
  readonly append: (bytes: Uint8Array) => Promise<void>;
  readonly sync: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * Creates the run's folder (0700) and its journal (0600), both on the disk before this resolves.
 * @throws JournalError when they cannot be created, or when the run's folder is there already
 */
export const createJournal = async (
  runsFolder: string,
  run: string,
  options: { readonly nowMs: () => number; readonly scrub: Scrub },
): Promise<Journal> => {
  const folder = join(runsFolder, run);
  const path = join(folder, JOURNAL_FILE);
  try {
    await mkdir(runsFolder, { recursive: true, mode: FOLDER_MODE });
    await mkdir(folder, { mode: FOLDER_MODE });
    const file = await open(path, 'ax', FILE_MODE);
    // A file is found again after a power cut only when the folders that name it are on the disk too.
    for (const one of [folder, runsFolder, dirname(runsFolder)]) await syncFolder(one);
    return journalOn(path, sinkOf(file), options);
  } catch (thrown) {
    throw new JournalError(path, thrown);
  }
};

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const sinkOf = (file: FileHandle): JournalSink => ({
  append: (bytes) => file.appendFile(bytes),
  sync: () => file.datasync(),
  close: () => file.close(),
});

interface Waiting {
  readonly line: string;
  readonly event: RecordedEvent;
  readonly resolve: (event: RecordedEvent) => void;
  readonly reject: (error: JournalError) => void;
}

/** A journal over a sink. Events that arrive while the disk is busy are written together and share one sync. */
export const journalOn = (
  path: string,
  sink: JournalSink,
  options: { readonly nowMs: () => number; readonly scrub: Scrub },
): Journal => {
  let seq = 0;
  let broken: JournalError | null = null;
  let waiting: Waiting[] = [];
  let flushing: Promise<void> | null = null;

  const flush = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        if (broken !== null) throw broken;
        await sink.append(Buffer.from(batch.map(({ line }) => line).join(''), 'utf8'));
        await sink.sync();
        for (const { resolve, event } of batch) resolve(event);
      } catch (thrown) {
        broken ??= new JournalError(path, thrown);
        for (const { reject } of batch) reject(broken);
      }
    }
    flushing = null;
  };

  return {
    path,
    append: (event) => {
      if (broken !== null) return Promise.reject(broken);
      if (waiting.length >= PENDING_MAX) {
        return Promise.reject(new JournalError(path, new Error(`${PENDING_MAX} events wait for the disk`)));
      }
      const recorded: RecordedEvent = { ...options.scrub(event), seq, at: options.nowMs() };
      seq += 1;
      return new Promise((resolve, reject) => {
        waiting.push({ line: journalLine(recorded), event: recorded, resolve, reject });
        flushing ??= flush();
      });
    },
    close: async () => {
      await flushing;
      await sink.close();
    },
  };
};

/** Hex digits of the digest before each line: enough to tell damage, which is all it is for. */
const DIGEST_DIGITS = 8;

const digestOf = (json: string): string => hash('sha256', json, 'hex').slice(0, DIGEST_DIGITS);

/** `<first 8 hex digits of the JSON's sha256> <json>\n`. */
export const journalLine = (event: RecordedEvent): string => {
  const json = JSON.stringify(event);
  return `${digestOf(json)} ${json}\n`;
};

/** A line that cannot be trusted. */
export interface JournalDamage {
  /** 1-based. */
  readonly line: number;
  readonly what: 'truncated' | 'garbled' | 'missing';
}

/**
 * Reads a journal's text: the intact events in their order, and what is not intact. A last line without its line end is
 * `truncated` (the machine died while it was written), one that its digest disowns is `garbled`, and a jump in the
 * numbers means that lines are `missing` before it.
 */
export const parseJournal = (
  text: string,
): { readonly events: readonly RecordedEvent[]; readonly damage: readonly JournalDamage[] } => {
  const events: RecordedEvent[] = [];
  const damage: JournalDamage[] = [];
  const lines = text.split('\n');
  const tail = lines.pop() ?? '';
  let next = 0;
  let garbled = 0;
  for (const [index, line] of lines.entries()) {
    const event = intactEvent(line);
    if (event === null || event.seq < next) {
      damage.push({ line: index + 1, what: 'garbled' });
      garbled += 1;
      continue;
    }
    // Each garbled line may be an event that stood there, or a part of one: an intact one is used in any case.
    if (event.seq > next + garbled) damage.push({ line: index + 1, what: 'missing' });
    events.push(event);
    next = event.seq + 1;
    garbled = 0;
  }
  if (tail !== '') damage.push({ line: lines.length + 1, what: 'truncated' });
  return { events, damage };
};

const intactEvent = (line: string): RecordedEvent | null => {
  const json = line.slice(DIGEST_DIGITS + 1);
  if (line[DIGEST_DIGITS] !== ' ' || digestOf(json) !== line.slice(0, DIGEST_DIGITS)) return null;
  try {
    const value: unknown = JSON.parse(json);
    // The digest matched, so this is what we wrote; the look at `seq` only keeps a foreign file from crashing a reader.
    return typeof value === 'object' && value !== null && 'seq' in value && Number.isSafeInteger(value.seq)
      ? (value as RecordedEvent)
      : null;
  } catch {
    return null;
  }
};
