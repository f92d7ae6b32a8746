// Real logins on the live host, over new connections.
import type { Expectation } from '../auth/expectation.ts';
import type { Finding } from '../core/finding.ts';
import type { HostSession } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import type { LoginCheck } from '../core/verdict.ts';
import type { TransactDeps } from './transact-deps.ts';
import { markLog, needsLog, tryLogin, type Trial, type Tried } from './try-login.ts';

/** Where the live logins are tried: their host, and the session that reads its log. */
export interface LivePlace {
  readonly settings: Settings;
  readonly deps: TransactDeps;
  readonly log: Trial['log'];
}

/**
 * Tries all of them side by side, each over a connection of its own, and ends with the first that is not as it must be.
 * @param checks takes what came of each that ended by then
 * @throws Failure of that one
 */
export const tryLive = async (
  expectations: readonly Expectation[],
  place: LivePlace,
  checks: LoginCheck[],
): Promise<void> => {
  const tried: (Tried | null)[] = expectations.map(() => null);
  try {
    await Promise.all(
      expectations.map(async (expectation, at) => {
        const one = await tryOver(expectation, place);
        tried[at] = one;
        if (one.failure !== null) throw one.failure;
      }),
    );
  } finally {
    checks.push(...tried.flatMap((one) => (one === null ? [] : [one.check])));
  }
};

const tryOver = async (expectation: Expectation, { settings, deps, log }: LivePlace): Promise<Tried> =>
  tryLogin(expectation, {
    host: settings.host,
    phase: 'canary',
    deps,
    login: (attempt, deadlineMs) => deps.remote.login(settings, attempt, deadlineMs),
    log,
  });

/** verify --probe: each login to its end, whatever becomes of the others; a breach for each that is not as it must be. */
export const probeLive = async (
  expectations: readonly Expectation[],
  place: { readonly settings: Settings; readonly deps: TransactDeps; readonly session: HostSession },
): Promise<{ readonly findings: readonly Finding[]; readonly checks: readonly LoginCheck[] }> => {
  const { settings, deps, session } = place;
  // Awaited: the log must end before the first login.
  const log = needsLog(expectations) ? markLog(session, 0) : null;
  await log?.mark.catch(() => undefined);
  const tried = await Promise.all(
    expectations.map((expectation) => tryOver(expectation, { settings, deps, log })),
  );
  const findings = tried.flatMap(({ failure, rule }, at): readonly Finding[] =>
    failure === null
      ? []
      : [
          {
            rule,
            persona: expectations[at]?.attempt.user ?? 'host',
            severity: 'breach',
            message: failure.message,
          },
        ],
  );
  return { findings, checks: tried.map(({ check }) => check) };
};
