// How a host's way ends, and what that means for the exit code.
import type { ChangeSummary } from './change.ts';
import type { FailureReport } from './failure.ts';
import type { Finding } from './finding.ts';

export type Verdict =
  | 'unchanged'
  | 'confirmed'
  | 'refused'
  | 'unreachable'
  | 'skipped'
  | 'rolled-back'
  | 'stranded'
  | 'compliant'
  | 'drifted'
  | 'planned';

/** One login that was tried, and what it came to: an element of `checks` in the JSON contract. */
export interface LoginCheck {
  /** `rehearse`: through the candidate files; `canary`: on the live host, over a new connection. */
  readonly phase: 'rehearse' | 'canary';
  /** For people: `automation by key, and sudo -n true`. */
  readonly title: string;
  readonly must: 'get-in' | 'be-refused';
  /** `unproven`: it could not be made or judged, or it got in and what had to be shown on the way or inside was not. */
  readonly result: 'in' | 'refused' | 'unproven';
  readonly durationMs: number;
  /** What shows that Duo was asked; absent where nothing does. */
  readonly duo?: DuoProof;
}

/** A login of which Duo's module wrote to the host's log that Duo was asked and let the user in. */
export interface DuoProof {
  readonly user: string;
  /** `bypassed`: Duo answered that no second factor is needed. */
  readonly how: 'approved' | 'bypassed';
  /** The module's own words. */
  readonly line: string;
}

/** Whether a login ended as it must. */
export const isAsItMust = ({ must, result }: LoginCheck): boolean =>
  result === (must === 'get-in' ? 'in' : 'refused');

/** One host's end: an element of `hosts` in the JSON contract. */
export interface HostResult {
  readonly host: string;
  readonly verdict: Verdict;
  readonly changes: readonly ChangeSummary[];
  readonly findings: readonly Finding[];
  readonly failure: FailureReport | null;
  /** Every login that was tried on it, in the order in which they are listed in their phase. */
  readonly checks: readonly LoginCheck[];
  /** From the first connection attempt to the verdict, in milliseconds. */
  readonly durationMs: number;
}

export type ExitCode = 0 | 1 | 2 | 3 | 130;

/** 3 (somebody must act) wins over 130 (interrupted), that over 1 (goal not met). `planned` is a goal met. */
export const exitCodeOf = (verdicts: readonly Verdict[], interrupted: boolean): ExitCode => {
  if (verdicts.includes('stranded')) return 3;
  if (interrupted) return 130;
  return verdicts.every(isGoal) ? 0 : 1;
};

const GOALS: readonly Verdict[] = ['unchanged', 'confirmed', 'compliant', 'planned'];

/** Whether a verdict is what was asked for. */
export const isGoal = (verdict: Verdict): boolean => GOALS.includes(verdict);
