// What Ctrl-C means: once, stop starting; twice, stop waiting; three times, stop.
import type { StopSignal, Surroundings } from './surroundings.ts';

/** A terminal, npm and sudo may each pass on one Ctrl-C; two within this time are one. */
export const SAME_KEY_MS = 300;

/** What a run does about signals. */
export interface InterruptHandler {
  /** The first signal of any kind: no new host starts. */
  readonly stop: (signal: StopSignal) => void;
  /** Just before `abandon`: say what is left behind. */
  readonly insist: () => void;
  /** The second Ctrl-C: stop waiting. */
  readonly abandon: () => void;
}

/** Where a run hears of signals. */
export interface Interrupts {
  /** Listens until the returned function is called. */
  readonly listen: (handler: InterruptHandler) => () => void;
}

/**
 * Counts signals. SIGTERM and SIGHUP are like one Ctrl-C however often they come: they are sent by machines, a closing
 * terminal sends several, and leaving hosts in the middle takes a person who insists.
 */
export const interruptsOf = (
  surroundings: Pick<Surroundings, 'onSignal' | 'nowMs' | 'exitNow'>,
): Interrupts => ({
  listen: (handler) => {
    let presses = 0;
    let lastAtMs = Number.NEGATIVE_INFINITY;
    let stopped = false;
    return surroundings.onSignal((signal) => {
      if (signal === 'SIGINT') {
        const atMs = surroundings.nowMs();
        const same = atMs - lastAtMs < SAME_KEY_MS;
        lastAtMs = atMs;
        if (same) return;
        presses += 1;
      }
      if (!stopped) {
        stopped = true;
        handler.stop(signal);
      } else if (signal === 'SIGINT' && presses === 2) {
        handler.insist();
        handler.abandon();
      } else if (signal === 'SIGINT' && presses > 2) surroundings.exitNow(130);
    });
  },
});
