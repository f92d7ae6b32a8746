// How an invocation ends.
import type { ExitCode } from '../core/verdict.ts';

/** How the process ends. */
export interface Ending {
  readonly exitCode: ExitCode;
  /** Connections of hosts that are no longer waited for hold the process open: it must be ended. */
  readonly endNow: boolean;
}
