// The look at Duo from the host, before anything is touched.
import type { Facts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import type { Plan } from '../core/plan.ts';
import type { PreflightFacts } from '../core/preflight.ts';
import type { HostSession } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import { DEADLINES } from './deadlines.ts';
import type { TransactDeps } from './transact-deps.ts';

/** What a preflight is made over. */
export interface PreflightSubject {
  readonly settings: Settings;
  readonly session: HostSession;
  readonly facts: Facts;
  readonly plan: Plan;
}

/** The plan's findings with what the host's look at Duo adds. Its own failures are findings too, never thrown. */
export const preflight = async (
  { settings, session, facts, plan }: PreflightSubject,
  deps: TransactDeps,
): Promise<readonly Finding[]> => {
  const { members, request, findings } = deps.preflight;
  const users = members?.(settings, facts) ?? [];
  const deadlineMs = DEADLINES.preflightMs + (users.length === 0 ? 0 : DEADLINES.enrolmentMs);
  const look = async (unknown: readonly string[]) => {
    const seen = await session.preflight(request(settings, unknown), deadlineMs);
    return { enrolment: seen.enrolment, rest: seen };
  };
  // Under a CA file of the host's own, the host can answer in Duo's name: what is heard there counts for nobody else.
  const isShared = users.length > 0 && request(settings, []).cafile === null;
  const { enrolment, rest } = isShared
    ? await deps.preflight.bookFor(settings).askAbout(users, look)
    : await look(users);
  const seen: PreflightFacts = { ...rest, enrolment };
  const more = findings(seen, { settings, facts, plan });
  const isSuperseded = ({ rule }: Finding): boolean =>
    // Duo's clock counts, and not ours: where it is known, the comparison with ours says nothing more.
    (rule === 'clock-skew' && seen.clock !== null) ||
    // That one reckons with a single address of Duo's, this one with as many as there are.
    (rule === 'login-grace-short' && more.some((finding) => finding.rule === 'duo-grace-time'));
  return [...plan.findings.filter((finding) => !isSuperseded(finding)), ...more];
};
