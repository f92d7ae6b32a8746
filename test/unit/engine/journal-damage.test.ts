// A journal as a run leaves it, cut off at every byte and with every byte changed: what is intact is used, and nothing else.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { expect, test } from 'vitest';
import type { RecordedEvent, RunEvent } from '../../../src/core/event.ts';
import { foldRun } from '../../../src/core/run-state.ts';
import { newestUnfinished, standingsOf } from '../../../src/core/standing.ts';
import { createJournal, parseJournal } from '../../../src/engine/journal.ts';
import { makeScene } from '../../support/fake-host-scene.ts';

const RUN = 'run-1';
/** Each byte costs as much as the whole journal. */
const EVENTS_MAX = 20;
/** Slow only where the machine is busy. */
const TIMEOUT_MS = 60_000;

/** The bytes of the journal of one apply, and what was written to it. */
const realJournal = async () => {
  const scene = makeScene();
  const result = await scene.apply();
  const events: readonly RunEvent[] = [
    {
      type: 'run-started',
      run: RUN,
      command: 'apply',
      operator: 'ådá@bastion',
      hosts: ['web1'],
      version: 'v',
    },
    ...scene.events.slice(0, EVENTS_MAX),
    { type: 'host-ended', result },
    { type: 'run-ended', exitCode: 0 },
  ];
  const folder = await mkdtemp(join(tmpdir(), 'duo-fleet-journal-'));
  try {
    const journal = await createJournal(folder, RUN, { nowMs: () => 42, scrub: (value) => value });
    const written: RecordedEvent[] = [];
    for (const event of events) written.push(await journal.append(event));
    await journal.close();
    return { bytes: await readFile(journal.path), written };
  } finally {
    await rm(folder, { recursive: true });
  }
};

const { bytes, written } = await realJournal();

/** What is read from damaged bytes; whatever it is, a run's state and what is left of the run can be had from it. */
const readBack = (damaged: Buffer) => {
  const read = parseJournal(damaged.toString('utf8'));
  const record = { run: RUN, state: foldRun(read.events) };
  standingsOf(RUN, [record]);
  newestUnfinished([record], new Set());
  return read;
};

const areWritten = (events: readonly RecordedEvent[]): boolean =>
  events.every((event) => isDeepStrictEqual(event, written[event.seq]));

const LINE_END = 0x0a;
/** Where each line begins, and behind the last one the end. */
const starts = [0, ...[...bytes.entries()].filter(([, byte]) => byte === LINE_END).map(([at]) => at + 1)];
const lineOf = (at: number): number => starts.findLastIndex((start) => start <= at);

test(
  'cut off at any byte: the whole lines before it are used, and half a line is told',
  () => {
    expect(written.length).toBeGreaterThan(EVENTS_MAX);
    const wrong: string[] = [];
    for (let end = 0; end <= bytes.length; end += 1) {
      const { events, damage } = readBack(bytes.subarray(0, end));
      const whole = lineOf(end);
      const told = damage.map(({ line, what }) => `${line} ${what}`).join();
      const due = starts.includes(end) ? '' : `${whole + 1} truncated`;
      if (events.length !== whole || told !== due || !areWritten(events))
        wrong.push(`cut at ${end}: ${told}`);
    }
    expect(wrong).toEqual([]);
  },
  TIMEOUT_MS,
);

test.each([
  ['its lowest bit turned', (byte: number) => byte ^ 1],
  ['its highest bit turned', (byte: number) => byte ^ 0x80],
  ['a line end in its place', () => LINE_END],
  ['a zero in its place', () => 0],
] as const)(
  'any byte with %s: its line is lost and told, and no other but the one that it runs into',
  (_, change) => {
    const wrong: string[] = [];
    for (const [at, byte] of bytes.entries()) {
      const changed = change(byte);
      if (changed === byte) continue;
      const damaged = Buffer.from(bytes);
      damaged[at] = changed;
      const { events, damage } = readBack(damaged);
      const line = lineOf(at);
      // Without its line end, a line takes the next one with it; the last one is half a line.
      const lost = byte === LINE_END ? [line, line + 1] : [line];
      const due = written.filter(({ seq }) => !lost.includes(seq));
      if (!isDeepStrictEqual(events, due) || damage.length === 0)
        wrong.push(`byte ${at} of line ${line + 1}`);
    }
    expect(wrong).toEqual([]);
  },
  TIMEOUT_MS,
);
