import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/core/event.ts';
import { Failure } from '../../../src/core/failure.ts';
import { makeRows } from '../../../src/engine/rows.ts';

const told = (events: readonly RunEvent[]): readonly string[] =>
  events.map((event) => ('task' in event ? `${event.type} ${event.task}` : event.type));

const listening = () => {
  const events: RunEvent[] = [];
  const rows = makeRows('web1', async (event) => {
    await Promise.resolve();
    events.push(event);
  });
  return { events, rows };
};
const broke = new Failure('exit', 'it broke');

describe('rows', () => {
  test('a row begins before its work and ends after it, with the note of its result', async () => {
    const { events, rows } = listening();
    const result = await rows.run(
      'observe',
      async () => 3,
      (count) => `${count} files`,
    );
    expect(result).toBe(3);
    expect(told(events)).toEqual(['task-started observe', 'task-ended observe']);
    expect(events[1]).toMatchObject({ note: '3 files' });
  });

  test('what the host marks is written in its order, inside the row that waits for it', async () => {
    const { events, rows } = listening();
    await rows.run('activate', async () => {
      rows.mark('task-started packages');
      rows.mark('task-ended packages 2.2.3');
    });
    expect(told(events)).toEqual([
      'task-started activate',
      'task-started packages',
      'task-ended packages',
      'task-ended activate',
    ]);
    expect(events[2]).toMatchObject({ note: '2.2.3' });
  });

  test('a failure ends the host’s open rows and the one around them, and is told as the innermost’s', async () => {
    const { events, rows } = listening();
    const work = rows.run('activate', async () => {
      rows.mark('task-started packages');
      await Promise.reject(broke);
    });
    await expect(work).rejects.toBe(broke);
    expect(told(events).slice(2)).toEqual(['task-failed packages', 'task-failed activate']);
    expect(rows.failedAt()).toBe('packages');
  });

  test('what a host marks that is no task, ends nothing, or begins twice is no row', async () => {
    const { events, rows } = listening();
    for (const mark of ['task-started format-disk', 'task-ended packages', 'nonsense', '']) rows.mark(mark);
    rows.mark('task-started packages');
    rows.mark('task-started packages');
    await rows.settled();
    expect(told(events)).toEqual(['task-started packages']);
  });

  test('a note of the host cannot steer a terminal', async () => {
    const { events, rows } = listening();
    rows.mark('task-started packages');
    rows.mark('task-ended packages 2.2.3\u001b[2J');
    await rows.settled();
    expect(JSON.stringify(events)).not.toContain('\u001b');
    expect(events[1]).toHaveProperty('note', expect.stringContaining('2.2.3'));
  });

  test('after the end nothing that the host still says becomes a row', async () => {
    const { events, rows } = listening();
    rows.mark('task-started revert');
    await rows.close(broke);
    rows.mark('task-started packages');
    await rows.settled();
    expect(told(events)).toEqual(['task-started revert', 'task-failed revert']);
  });

  test('a mark that cannot be written fails the row that waits for it', async () => {
    const full = new Failure('exit', 'the journal is full');
    const rows = makeRows('web1', (event) =>
      'task' in event && event.task === 'packages' ? Promise.reject(full) : Promise.resolve(),
    );
    const work = rows.run('activate', async () => rows.mark('task-started packages'));
    await expect(work).rejects.toBe(full);
  });

  test('a failure is told as it was, even when it cannot be written', async () => {
    let left = 1;
    const rows = makeRows('web1', () => {
      left -= 1;
      return left < 0 ? Promise.reject(new Failure('bug', 'the journal is full')) : Promise.resolve();
    });
    await expect(rows.run('claim', () => Promise.reject(broke))).rejects.toBe(broke);
  });
});
