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

/** One host's end: an element of `hosts` in the JSON contract. */
export interface HostResult {
  readonly host: string;
  readonly verdict: Verdict;
  readonly changes: readonly ChangeSummary[];
  readonly findings: readonly Finding[];
  readonly failure: FailureReport | null;
  /** From the first connection attempt to the verdict, in milliseconds. */
  readonly durationMs: number;
}

export type ExitCode = 0 | 1 | 2 | 3 | 130;

/** 3 (somebody must act) wins over 130 (interrupted), that over 1 (goal not met). `planned` is a goal met. */
export const exitCodeOf = (verdicts: readonly Verdict[], interrupted: boolean): ExitCode => {
  if (verdicts.includes('stranded')) return 3;
  if (interrupted) return 130;
  const met: readonly Verdict[] = ['unchanged', 'confirmed', 'compliant', 'planned'];
  return verdicts.every((verdict) => met.includes(verdict)) ? 0 : 1;
};
