import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/core/event.ts';
import { makeScrub } from '../../../src/core/scrub.ts';
import { Secret } from '../../../src/core/secret.ts';
import {
  createJournal,
  JournalError,
  journalOn,
  parseJournal,
  type JournalSink,
} from '../../../src/engine/journal.ts';

const noted = (note: string): RunEvent => ({ type: 'noted', host: 'web1', note });
const options = { nowMs: () => 42, scrub: makeScrub([new Secret('hunter2hunter2')]) };

/** A disk that a test holds in its hand: every sync waits until it is let go. */
const slowDisk = () => {
  const writes: string[] = [];
  const waiting: (() => void)[] = [];
  let syncs = 0;
  const sink: JournalSink = {
    append: async (bytes) => {
      writes.push(Buffer.from(bytes).toString('utf8'));
    },
    sync: () =>
      new Promise((resolve) => {
        syncs += 1;
        waiting.push(resolve);
      }),
    close: async () => undefined,
  };
  const letGo = async (): Promise<void> => {
    waiting.shift()?.();
    // Enough turns of the queue for everything that follows from one sync.
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  return { sink, writes, letGo, syncs: () => syncs };
};

describe('an event is on the disk before anybody acts on it', () => {
  test('emit does not resolve before the sync that covers it', async () => {
    const disk = slowDisk();
    const journal = journalOn('j', disk.sink, options);
    let resolved = false;
    const appended = (async () => {
      await journal.append(noted('one'));
      resolved = true;
    })();
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    expect(disk.writes).toHaveLength(1);
    expect(resolved).toBe(false);
    await disk.letGo();
    await appended;
    expect(resolved).toBe(true);
  });

  test('events that arrive during a sync share the next one, in their order', async () => {
    const disk = slowDisk();
    const journal = journalOn('j', disk.sink, options);
    const first = journal.append(noted('0'));
    const rest = Promise.all(['1', '2', '3', '4'].map((note) => journal.append(noted(note))));
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
    await disk.letGo();
    await first;
    await disk.letGo();
    const events = await rest;
    expect(disk.syncs()).toBe(2);
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
    expect(parseJournal(disk.writes.join('')).events.map((event) => event.seq)).toEqual([0, 1, 2, 3, 4]);
  });

  test('a disk that is full rejects what was waiting and everything later', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const appended: number[] = [];
    const sink: JournalSink = {
      append: async () => {
        appended.push(1);
        if (appended.length > 1) throw full;
      },
      sync: async () => undefined,
      close: async () => undefined,
    };
    const journal = journalOn('/var/j', sink, options);
    await journal.append(noted('fits'));
    const failed = await Promise.allSettled([journal.append(noted('a')), journal.append(noted('b'))]);
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await expect(journal.append(noted('c'))).rejects.toMatchObject({ name: 'JournalError', code: 'ENOSPC' });
    await expect(journal.append(noted('d'))).rejects.toThrow('/var/j');
    // Nothing is written after the torn place: two attempts, not four.
    expect(appended).toHaveLength(2);
  });

  test('a sync that fails counts as not written', async () => {
    const sink: JournalSink = {
      append: async () => undefined,
      sync: async () => {
        throw Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
      },
      close: async () => undefined,
    };
    await expect(journalOn('j', sink, options).append(noted('x'))).rejects.toBeInstanceOf(JournalError);
  });
});

describe('the journal on a real disk', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'duo-fleet-journal-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('is for its owner only, holds what was appended, and no secret', async () => {
    const journal = await createJournal(join(folder, 'state', 'runs'), '20261122-054735-ab12', options);
    await journal.append(noted('the host said hunter2hunter2'));
    await Promise.all(Array.from({ length: 50 }, (_, index) => journal.append(noted(String(index)))));
    await journal.close();
    expect(statSync(journal.path).mode & 0o777).toBe(0o600);
    expect(statSync(join(journal.path, '..')).mode & 0o777).toBe(0o700);
    const text = readFileSync(journal.path, 'utf8');
    expect(text).not.toContain('hunter2');
    const { events, damage } = parseJournal(text);
    expect(damage).toEqual([]);
    expect(events).toHaveLength(51);
    expect(events[0]).toEqual({ ...noted('the host said [secret]'), seq: 0, at: 42 });
  });

  test('a run that is there already is not written over', async () => {
    const first = await createJournal(folder, 'r', options);
    await expect(createJournal(folder, 'r', options)).rejects.toBeInstanceOf(JournalError);
    await first.close();
  });

  test('a place that cannot be written to says where and why', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    await expect(createJournal(join(file, 'runs'), 'r', options)).rejects.toThrow(
      join(file, 'runs', 'r', 'events.jsonl'),
    );
  });
});

/** The text of a journal with three events. */
const whole = async (): Promise<string> => {
  const writes: string[] = [];
  const sink: JournalSink = {
    append: async (bytes) => {
      writes.push(Buffer.from(bytes).toString('utf8'));
    },
    sync: async () => undefined,
    close: async () => undefined,
  };
  const journal = journalOn('j', sink, options);
  for (const note of ['zero', 'one — two', 'three']) await journal.append(noted(note));
  return writes.join('');
};

describe('reading a damaged journal', () => {
  test('cut anywhere, it gives the lines before the cut and says that it is cut', async () => {
    const text = await whole();
    for (let end = 0; end <= text.length; end += 1) {
      const { events, damage } = parseJournal(text.slice(0, end));
      const lines = text.slice(0, end).split('\n');
      expect(events).toHaveLength(lines.length - 1);
      expect(damage).toHaveLength(lines.at(-1) === '' ? 0 : 1);
    }
  });

  test('one changed character loses its line and no other', async () => {
    const text = await whole();
    for (let at = 0; at < text.length; at += 1) {
      if (text[at] === '\n') continue;
      const changed = `${text.slice(0, at)}${text[at] === 'x' ? 'y' : 'x'}${text.slice(at + 1)}`;
      const { events, damage } = parseJournal(changed);
      expect(events).toHaveLength(2);
      expect(damage).toEqual([{ line: text.slice(0, at).split('\n').length, what: 'garbled' }]);
    }
  });

  test('a line that was taken out is missed', async () => {
    const lines = (await whole()).split('\n');
    expect(parseJournal([lines[0], lines[2], ''].join('\n')).damage).toEqual([{ line: 2, what: 'missing' }]);
  });

  test('a line that was doubled does not happen twice', async () => {
    const lines = (await whole()).split('\n');
    const { events } = parseJournal([lines[0], lines[1], lines[1], lines[2], ''].join('\n'));
    expect(events.filter((event) => event.seq === 1)).toHaveLength(1);
  });

  test('whatever else is in the file, nothing is thrown', () => {
    for (const text of ['', '\n', '\0\0\0', '{}\n', '74234e98 null\n', `44136fa3 {}\n`]) {
      expect(parseJournal(text).events).toEqual([]);
    }
  });
});
