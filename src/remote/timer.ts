// Waiting, with a bound on every wait. The clock is a port so that tests decide what time it is.
import { Failure } from '../core/failure.ts';
import { deferred } from '../core/deferred.ts';

/** A monotonic clock and one-shot timers. */
export interface Timer {
  /** Milliseconds since some fixed moment; never goes back. */
  readonly nowMs: () => number;
  /** Calls `then` once after `ms`; the result takes the timer back. */
  readonly after: (ms: number, then: () => void) => () => void;
}

/** setTimeout's longest wait (2^31-1 ms); beyond it Node fires at once. */
const TIMER_MS_MAX = 2_147_483_647;

/** The machine's own clock. */
export const systemTimer: Timer = {
  nowMs: () => performance.now(),
  after: (ms, then) => {
    const handle = setTimeout(then, Math.min(Math.max(ms, 0), TIMER_MS_MAX));
    return () => clearTimeout(handle);
  },
};

/** A moment by which something must be over, however many waits it is made of. */
export interface Deadline {
  readonly timer: Timer;
  readonly atMs: number;
}

export const deadlineIn = (timer: Timer, ms: number): Deadline => ({ timer, atMs: timer.nowMs() + ms });

/** Milliseconds left, never negative. */
export const remainingMs = (deadline: Deadline): number =>
  Math.max(0, deadline.atMs - deadline.timer.nowMs());

/**
 * The promise's own end, or a Failure `timeout` with `late`'s sentence when the deadline comes first. The promise is not
 * stopped by that: whoever waits in vain closes what he waited for.
 */
export const within = async <T>(deadline: Deadline, promise: Promise<T>, late: () => string): Promise<T> => {
  const timeout = deferred<never>();
  const cancel = deadline.timer.after(remainingMs(deadline), () =>
    timeout.reject(new Failure('timeout', late())),
  );
  try {
    return await Promise.race([promise, timeout.promise]);
  } finally {
    cancel();
  }
};

/** Resolves after `ms`. */
export const pause = async (timer: Timer, ms: number): Promise<void> => {
  await new Promise<void>((resolve) => {
    timer.after(ms, resolve);
  });
};
