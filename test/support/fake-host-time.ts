// Virtual time: what sleeps on it wakes in order, and no real clock is ever asked.

/** A scene that needs more wake-ups than this waits for something that never comes. */
const WAKE_UPS_MAX = 200_000;

interface Sleeper {
  readonly atMs: number;
  readonly order: number;
  readonly wake: () => void;
}

/** A clock that moves only when everybody sleeps. */
export interface VirtualTime {
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** Lets time pass until the promise is settled, and gives back what it settled with. */
  readonly until: <T>(work: Promise<T>) => Promise<T>;
  /** Lets this much time pass. */
  readonly pass: (ms: number) => Promise<void>;
}

/** All microtasks that are ready, and those that they make ready; setImmediate runs after the last of them. */
const everythingReady = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Starts a clock at the given milliseconds since the epoch. */
export const virtualTime = (startMs: number): VirtualTime => {
  let nowMs = startMs;
  let order = 0;
  const sleepers: Sleeper[] = [];
  const sleep = (ms: number): Promise<void> =>
    new Promise((wake) => {
      order += 1;
      sleepers.push({ atMs: nowMs + Math.max(0, ms), order, wake });
    });
  const wakeNext = (): void => {
    sleepers.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
    const next = sleepers.shift();
    if (next === undefined) throw new Error('everybody waits, and nobody will ever wake them');
    nowMs = Math.max(nowMs, next.atMs);
    next.wake();
  };
  const until = async <T>(work: Promise<T>): Promise<T> => {
    const state = { settled: false };
    const mark = (): void => {
      state.settled = true;
    };
    work.then(mark, mark);
    await everythingReady();
    for (let wakeUps = 0; !state.settled; wakeUps += 1) {
      if (wakeUps > WAKE_UPS_MAX) throw new Error(`more than ${WAKE_UPS_MAX} wake-ups without an end`);
      wakeNext();
      await everythingReady();
    }
    return work;
  };
  return { nowMs: () => nowMs, sleep, until, pass: (ms) => until(sleep(ms)) };
};

/** A promise and the way to resolve it. */
export const deferred = <T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } => {
  const waiting: ((value: T) => void)[] = [];
  const promise = new Promise<T>((resolve) => {
    waiting.push(resolve);
  });
  return {
    promise,
    resolve: (value) => {
      for (const resolve of waiting) resolve(value);
    },
  };
};
