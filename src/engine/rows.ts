// The rows of one host's transaction: emits their start and end, and turns what is thrown inside into a failed row.
import { PHASES, type Emit, type TaskId } from '../core/event.ts';
import { asFailure, type Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import { STEP_IDS } from '../core/change.ts';

const TASKS: readonly string[] = [...PHASES, ...STEP_IDS];
const isTask = (word: string): word is TaskId => TASKS.includes(word);

/** What a host says while it works, as rows; and rows around our own awaits. Each row that starts ends or fails once. */
export interface Rows {
  /**
   * Runs `body` as a row. Its result may carry a note for people.
   * @throws Failure what `body` threw, whatever becomes of the journal; or that its end could not be written
   */
  readonly run: <T>(task: TaskId, body: () => Promise<T>, note?: (result: T) => string) => Promise<T>;
  /** A `#mark` of the guard: `task-started packages`. Unknown ones are ignored. */
  readonly mark: (mark: string) => void;
  /** Waits until every mark is durable; rejects when one could not be written. */
  readonly settled: () => Promise<void>;
  /** Ends the rows that the guard started and left open as failed. Never rejects. */
  readonly failOpen: (failure: Failure) => Promise<void>;
  /** The same, and marks that come later are no rows any more: the host's way is over. */
  readonly close: (failure: Failure) => Promise<void>;
  /** The innermost row in which the last failure happened, else the one begun last; `connect` before any. */
  readonly failedAt: () => TaskId;
}

/** Makes the rows of one host. */
export const makeRows = (host: string, emit: Emit): Rows => {
  const open: TaskId[] = [];
  let latest: TaskId = 'connect';
  let failed: TaskId | null = null;
  let closed = false;
  // Marks come from a callback; they are written one after another, and the next action waits for them.
  let queue: Promise<void> = Promise.resolve();
  const enqueue = (write: () => Promise<void>): void => {
    queue = queue.then(write);
    queue.catch(() => undefined);
  };
  const failAll = async (tasks: readonly TaskId[], failure: Failure): Promise<void> => {
    failed = tasks[0] ?? latest;
    await queue.catch(() => undefined);
    for (const task of tasks) {
      const report = { step: task, reason: failure.reason, message: failure.message };
      // A journal that is full must not hide why the host failed: what to do next hangs on that failure's reason.
      await emit({ type: 'task-failed', host, task, failure: report }).catch(() => undefined);
    }
  };
  const rows: Rows = {
    run: async (task, body, note) => {
      latest = task;
      failed = null;
      await emit({ type: 'task-started', host, task });
      try {
        const result = await body();
        await rows.settled();
        await emit({ type: 'task-ended', host, task, note: note?.(result) ?? '' });
        return result;
      } catch (thrown) {
        const failure = asFailure(thrown);
        await failAll([...open.splice(0).toReversed(), task], failure);
        throw failure;
      }
    },
    mark: (mark) => {
      const [what, task = '', ...rest] = mark.split(' ');
      if (closed || !isTask(task)) return;
      if (what === 'task-started' && !open.includes(task)) {
        open.push(task);
        latest = task;
        enqueue(() => emit({ type: 'task-started', host, task }));
      } else if (what === 'task-ended' && open.includes(task)) {
        open.splice(open.indexOf(task), 1);
        enqueue(() => emit({ type: 'task-ended', host, task, note: printable(rest.join(' ')) }));
      }
    },
    settled: () => queue,
    failOpen: (failure) => failAll(open.splice(0).toReversed(), failure),
    close: (failure) => {
      closed = true;
      return failAll(open.splice(0).toReversed(), failure);
    },
    failedAt: () => failed ?? latest,
  };
  return rows;
};
