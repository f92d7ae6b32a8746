// How many connections may be between TCP and login at once.
import pLimit from 'p-limit';
import { Failure } from '../core/failure.ts';
import { deferred } from '../core/deferred.ts';
import { within, type Deadline } from './timer.ts';

/** sshd starts to drop unauthenticated connections at random from the 10th on (MaxStartups 10:30:100, sshd_config(5)). */
export const HANDSHAKES_PER_HOP_MAX = 8;
/** Key exchange is computed on our one thread: more at once only makes each of them slower. */
export const HANDSHAKES_MAX = 32;

/** Lets a handshake begin when there is room for it; sessions that are open already do not count. */
export interface HandshakeGate {
  /** Runs `task` when it is its turn; waits in the queue count towards the deadline. */
  readonly run: <T>(hop: string, deadline: Deadline, task: () => Promise<T>) => Promise<T>;
}

/** @param options bounds for one first hop (host:port that is dialled) and for all together */
export const createHandshakeGate = (options: {
  readonly perHopMax: number;
  readonly totalMax: number;
}): HandshakeGate => {
  const total = pLimit(options.totalMax);
  const hops = new Map<string, { readonly limit: ReturnType<typeof pLimit>; users: number }>();
  return {
    run: async (hop, deadline, task) => {
      const entry = hops.get(hop) ?? { limit: pLimit(options.perHopMax), users: 0 };
      hops.set(hop, entry);
      entry.users += 1;
      const begun = deferred<void>();
      let gaveUp = false;
      const turn = async (): ReturnType<typeof task> => {
        // Whoever gave up while queued must not connect behind everybody's back.
        if (gaveUp) throw new Failure('timeout', queuedTooLong(hop));
        begun.resolve();
        return task();
      };
      try {
        // The hop's turn first: waiting for a busy bastion must not take the room of other hosts.
        const running = entry.limit(async () => total(turn));
        // Only the wait for the turn is bounded here: the task has the deadline too, and cleans up after itself.
        running.catch(() => undefined);
        await within(deadline, Promise.race([begun.promise, running]), () => queuedTooLong(hop)).catch(
          (error: unknown) => {
            gaveUp = true;
            throw error;
          },
        );
        return await running;
      } finally {
        entry.users -= 1;
        if (entry.users === 0) hops.delete(hop);
      }
    },
  };
};

const queuedTooLong = (hop: string): string =>
  `no turn to connect through ${hop} came in time: too many connections are being made at once`;
