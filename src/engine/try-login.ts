// One login: tried, judged, and where Duo must have been asked, compared with what Duo's module wrote to the host's log.
import { doubtOf, proofOf } from '../auth/duo-log.ts';
import { judge, type Expectation } from '../auth/expectation.ts';
import { asFailure, Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import type { HostSession, LoginAttempt, LoginOutcome } from '../core/remote.ts';
import type { LoginCheck } from '../core/verdict.ts';
import { DEADLINES } from './deadlines.ts';
import type { TransactDeps } from './transact-deps.ts';

/** What came of a login. */
export interface Tried {
  readonly check: LoginCheck;
  /** Why it is not as it must be; `null` when it is. */
  readonly failure: Failure | null;
  /** Names a finding about it: `canary-failsafe`; `probe-failed` where the login itself went wrong. */
  readonly rule: string;
}

/** Where and how a login is tried. */
export interface Trial {
  readonly host: string;
  readonly phase: LoginCheck['phase'];
  readonly deps: Pick<TransactDeps, 'nowMs' | 'emit'>;
  readonly login: (attempt: LoginAttempt, deadlineMs: number) => Promise<LoginOutcome>;
  /** The session that reads the host's log, and where it ended before. */
  readonly log: { readonly session: HostSession; readonly mark: Promise<string> } | null;
}

/**
 * Asks the host where its log ends; whatever becomes of it is seen by who awaits it.
 * @param aheadMs how long what was sent before it may take: the host does one thing after another
 */
export const markLog = (session: HostSession, aheadMs: number): NonNullable<Trial['log']> => {
  const mark = session.logMark(aheadMs + DEADLINES.duoLogMs);
  mark.catch(() => undefined);
  return { session, mark };
};

/** Whether the log has to be read for any of these. */
export const needsLog = (expectations: readonly Expectation[]): boolean =>
  expectations.some(({ asksDuo }) => asksDuo);

/** Tries one login. @throws Failure only where the journal or a bug stands in the way */
export const tryLogin = async (expectation: Expectation, trial: Trial): Promise<Tried> => {
  const { attempt, must, asksDuo, notice } = expectation;
  const { deps, host, phase } = trial;
  // Durable first, as everything: and the person must know before the telephone rings.
  if (notice !== '') await deps.emit({ type: 'noted', host, note: notice });
  const startedMs = deps.nowMs();
  const outcome = await trial.login(attempt, asksDuo ? DEADLINES.duoLoginMs : DEADLINES.rehearseMs);
  const own = judge(expectation, outcome);
  const lines = asksDuo ? await linesOf(attempt.user, trial.log) : null;
  const doubt = lines === null ? null : duoDoubt(attempt.user, lines, own);
  const failure = doubt?.failure ?? own;
  const duo =
    failure === null && lines !== null && !(lines instanceof Failure) ? proofOf(attempt.user, lines) : null;
  const isProven = failure === null || outcome.kind === 'refused' || must === 'be-refused';
  return {
    check: {
      phase,
      title: attempt.title,
      must,
      result: isProven ? outcome.kind : 'unproven',
      durationMs: Math.round(deps.nowMs() - startedMs),
      ...(duo === null ? {} : { duo }),
    },
    failure:
      failure === null ? null : new Failure(failure.reason, `${host}: ${printable(failure.message, 900)}`),
    rule: doubt?.rule ?? 'probe-failed',
  };
};

interface Doubt {
  readonly rule: string;
  readonly failure: Failure;
}

/** What the log says against a login; with a login that failed already, what it adds to that. */
const duoDoubt = (user: string, lines: readonly string[] | Failure, own: Failure | null): Doubt | null => {
  if (lines instanceof Failure) {
    const message = `whether Duo was asked for ${user} is not known: ${lines.message}`;
    return own === null ? { rule: 'canary-unread', failure: new Failure('exit', message) } : null;
  }
  const doubt = doubtOf(user, lines);
  if (doubt === null) return null;
  if (own !== null) {
    // Silence adds nothing to a login that did not come as far.
    return doubt.rule === 'canary-silent'
      ? null
      : {
          rule: doubt.rule,
          failure: new Failure(own.reason, `${own.message}. ${doubt.message} [${doubt.rule}]`),
        };
  }
  return {
    rule: doubt.rule,
    failure: new Failure(
      doubt.meaning === 'denied' ? 'locked' : 'open',
      `${user} got in, and not by Duo's word. ${doubt.message} [${doubt.rule}]`,
    ),
  };
};

const linesOf = async (user: string, log: Trial['log']): Promise<readonly string[] | Failure> => {
  if (log === null) return new Failure('bug', 'nobody reads the log');
  try {
    return await log.session.duoLog({ since: await log.mark, user }, DEADLINES.duoLogMs);
  } catch (thrown) {
    const failure = asFailure(thrown);
    if (failure.reason === 'bug') throw failure;
    return failure;
  }
};
