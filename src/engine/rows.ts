// The rows of one host's transaction: emits their start and end, and turns what is thrown inside into a failed row.
import { PHASES, type Emit, type TaskId } from '../core/event.ts';
import { asFailure, type Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import { STEP_IDS } from '../core/change.ts';

const TASKS: readonly string[] = [...PHASES, ...STEP_IDS];
const isTask = (word: string): word is TaskId => TASKS.includes(word);

/** What a host says while it works, as rows; and rows around our own awaits. */
export interface Rows {
  /** Runs `body` as a row. Its result may carry a note for people. */
  readonly run: <T>(task: TaskId, body: () => Promise<T>, note?: (result: T) => string) => Promise<T>;
  /** A `#mark` of the guard: `task-started packages`. Unknown ones are ignored. */
  readonly mark: (mark: string) => void;
  /** Waits until every mark is durable; rejects when one could not be written. */
  readonly settled: () => Promise<void>;
  /** Ends the rows that the guard started and left open as failed. */
  readonly failOpen: (failure: Failure) => Promise<void>;
  /** The row in which the last failure happened; `connect` before any. */
  readonly failedAt: () => TaskId;
}

export const makeRows = (host: string, emit: Emit): Rows => {
  const open: TaskId[] = [];
  let failed: TaskId = 'connect';
  // Marks come from a callback; they are written one after another, and the next action waits for them.
  let queue: Promise<void> = Promise.resolve();
  const fail = async (task: TaskId, failure: Failure): Promise<void> => {
    failed = task;
    await emit({
      type: 'task-failed',
      host,
      task,
      failure: { step: task, reason: failure.reason, message: failure.message },
    });
  };
  const rows: Rows = {
    run: async (task, body, note) => {
      await emit({ type: 'task-started', host, task });
      try {
        const result = await body();
        await rows.settled();
        await emit({ type: 'task-ended', host, task, note: note?.(result) ?? '' });
        return result;
      } catch (thrown) {
        const failure = asFailure(thrown);
        await queue.catch(() => undefined);
        if (open.length > 0) await rows.failOpen(failure);
        else await fail(task, failure);
        throw failure;
      }
    },
    mark: (mark) => {
      const [what, task = '', ...rest] = mark.split(' ');
      if (!isTask(task)) return;
      if (what === 'task-started') {
        open.push(task);
        queue = queue.then(() => emit({ type: 'task-started', host, task }));
      } else if (what === 'task-ended') {
        if (open.includes(task)) open.splice(open.indexOf(task), 1);
        queue = queue.then(() => emit({ type: 'task-ended', host, task, note: printable(rest.join(' ')) }));
      }
      queue.catch(() => undefined);
    },
    settled: () => queue,
    failOpen: async (failure) => {
      for (const task of open.splice(0).toReversed()) await fail(task, failure);
    },
    failedAt: () => failed,
  };
  return rows;
};
