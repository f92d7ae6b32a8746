// What the views call things: times, verdicts, and what an administrator does next.
import type { Command } from '../core/event.ts';
import type { Finding } from '../core/finding.ts';
import { printable } from '../core/printable.ts';
import { RECOVER_COMMAND } from '../core/remote.ts';
import type { HostResult, Verdict } from '../core/verdict.ts';
import type { Paint } from './paint.ts';

/** A message is shown whole up to here: its end is what to do next, so it gets more room than a host's own words. */
const MESSAGE_CHARS_MAX = 2_000;

/** Text that may hold a host's words, harmless and on one line. */
export const shown = (text: string): string => printable(text, MESSAGE_CHARS_MAX);

/** Why a host did not reach its goal, in one sentence; '' when it did. */
export const whyNot = (result: HostResult): string =>
  result.failure?.message ?? result.findings.find(({ severity }) => severity === 'breach')?.message ?? '';

/** `0.8s`, `75.0s`: always seconds with one digit, so that a column of them can be sorted and compared. */
export const secondsText = (durationMs: number): string => `${(Math.max(0, durationMs) / 1000).toFixed(1)}s`;

/** Whether a verdict is what the operator asked for. */
export const isGood = (verdict: Verdict): boolean => toneOf(verdict) === 'good';

/** How a verdict is coloured: reached, safe but not reached, or needing a person now. */
export const toneOf = (verdict: Verdict): 'good' | 'warn' | 'bad' => {
  switch (verdict) {
    case 'unchanged':
    case 'confirmed':
    case 'compliant':
    case 'planned':
      return 'good';
    case 'skipped':
    case 'refused':
    case 'unreachable':
    case 'drifted':
    case 'rolled-back':
      return 'warn';
    case 'stranded':
      return 'bad';
    default:
      return verdict satisfies never;
  }
};

/** A verdict in its colour. */
export const paintVerdict = (verdict: Verdict, paint: Paint, text: string = verdict): string =>
  paint[toneOf(verdict)](text);

/** What became of the changes, for the table's last column. */
export const changesText = (result: HostResult): string => {
  const steps = [...new Set(result.changes.map((change) => change.step))].join(', ');
  switch (result.verdict) {
    case 'confirmed':
      return steps === '' ? 'nothing' : steps;
    case 'planned':
      return steps === '' ? 'nothing' : `would change: ${steps}`;
    case 'unchanged':
    case 'compliant':
      return 'nothing to do';
    case 'rolled-back':
      return 'nothing: all was put back';
    case 'stranded':
      return steps === '' ? 'unknown' : `unknown: ${steps}`;
    case 'refused':
    case 'unreachable':
    case 'skipped':
      return 'nothing was touched';
    case 'drifted':
      return hasDrift(result.findings) ? 'not as declared' : 'as declared, but see below';
    default:
      return result.verdict satisfies never;
  }
};

/** Makes the command that does something about one host, as the operator would type it in this run's place. */
export type Again = (command: Command, host: string) => string;

/** What to do next: words, and commands to copy, which are never broken into lines. */
export interface NextStep {
  readonly words: string;
  readonly commands: readonly string[];
}

/** verify names each difference between the host and its declaration after the step that would mend it. */
const hasDrift = (findings: readonly Finding[]): boolean =>
  findings.some(({ rule }) => rule.startsWith('drift-'));

/**
 * What to do about a verdict; `null` when nothing is. The failure's own message comes before it.
 * @param command what this run was: who only looked is told to look again
 */
export const nextStep = (
  { host, verdict, failure, findings }: HostResult,
  command: Command,
  again: Again,
): NextStep | null => {
  switch (verdict) {
    case 'unchanged':
    case 'confirmed':
    case 'compliant':
    case 'planned':
    // The same command again, and told once for all of them.
    case 'skipped':
      return null;
    case 'unreachable':
      return {
        words: `See whether ssh reaches ${host} from here, then:`,
        commands: [again(command, host)],
      };
    case 'refused':
    case 'rolled-back':
      if (verdict === 'refused' && failure?.step === 'assess' && failure.reason === 'drifted') {
        return {
          words: 'What would be done now, and doing it:',
          commands: [again('plan', host), again('apply', host)],
        };
      }
      return {
        words: failure?.reason === 'busy' ? 'When that run has ended:' : 'Remove the cause, then:',
        commands: [again(command, host)],
      };
    case 'drifted':
      // What no file of the host causes (Duo is away, a login was refused), apply cannot mend.
      if (!hasDrift(findings)) return { words: 'Remove the cause, then:', commands: [again(command, host)] };
      return {
        words: 'What would be done about it, and doing it:',
        commands: [again('plan', host), again('apply', host)],
      };
    case 'stranded':
      return {
        words: `${host} needs you. See whether it can be reached, and how it is (the first); where it cannot, at its console, as root (the second):`,
        commands: [again('verify', host), RECOVER_COMMAND],
      };
    default:
      return verdict satisfies never;
  }
};
