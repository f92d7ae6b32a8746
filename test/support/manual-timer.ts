// A clock that a test moves by hand.
import type { Timer } from '../../src/remote/timer.ts';

export interface ManualTimer extends Timer {
  /** Moves the clock; what falls due runs in its order. */
  readonly advance: (ms: number) => Promise<void>;
  /** Timers that wait. */
  readonly waiting: () => number;
}

export const manualTimer = (): ManualTimer => {
  let nowMs = 0;
  let made = 0;
  const due = new Map<number, { readonly atMs: number; readonly fire: () => void }>();
  return {
    nowMs: () => nowMs,
    waiting: () => due.size,
    after: (ms, then) => {
      made += 1;
      const id = made;
      due.set(id, { atMs: nowMs + ms, fire: then });
      return () => {
        due.delete(id);
      };
    },
    advance: async (ms) => {
      const untilMs = nowMs + ms;
      for (;;) {
        await settled();
        const next = [...due]
          .filter(([, { atMs }]) => atMs <= untilMs)
          .toSorted(([, a], [, b]) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        due.delete(next[0]);
        nowMs = next[1].atMs;
        next[1].fire();
      }
      nowMs = untilMs;
      await settled();
    },
  };
};

/** Lets everything that is ready run: promises and stream events take several rounds. */
export const settled = async (): Promise<void> => {
  for (let round = 0; round < 20; round += 1) {
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
};
