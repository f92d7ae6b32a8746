// One host's way from the first connection to a verdict. What the host's own record says is the verdict; everything
// here is only how we come to ask for it.
import { summarize } from '../core/change.ts';
import { asFailure, Failure } from '../core/failure.ts';
import type { Finding } from '../core/finding.ts';
import type { Facts } from '../core/facts.ts';
import type { Plan } from '../core/plan.ts';
import { printable } from '../core/printable.ts';
import { GUARD_EXIT, RECOVER_COMMAND, type HostSession } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import { readRecord } from '../core/transaction.ts';
import type { HostResult, Verdict } from '../core/verdict.ts';
import { DEADLINES } from './deadlines.ts';
import { makeRows, type Rows } from './rows.ts';
import { busyMessage, ownerOf } from './ask.ts';
import { probeLive } from './canary.ts';
import { preflight } from './preflight.ts';
import { planRollback } from './rollback.ts';
import { makeLifeline, settleEarlier, type Earlier, type Lifeline } from './settle-earlier.ts';
import { runTransaction } from './transaction.ts';
import type { Ending, TransactDeps } from './transact-deps.ts';

/** Brings one host to its verdict. Never throws: whatever goes wrong is in the result. */
export const transact = async (settings: Settings, deps: TransactDeps): Promise<HostResult> => {
  const startedMs = deps.nowMs();
  const rows = makeRows(settings.host, deps.emit);
  const ending = await endingOf(settings, deps, rows);
  return { host: settings.host, durationMs: Math.round(deps.nowMs() - startedMs), ...ending };
};

const endingOf = async (settings: Settings, deps: TransactDeps, rows: Rows): Promise<Ending> => {
  const line = makeLifeline(settings, deps);
  const earlier = deps.earlier?.(settings) ?? null;
  try {
    await deps.emit({ type: 'host-started', host: settings.host });
    if (earlier === null || earlier.tx === null) {
      const session = await rows.run('connect', line.connect);
      return await withSession({ settings, deps, rows, line, earlier }, session);
    }
    const place = { settings, deps, rows, line, earlier, tx: earlier.tx };
    const settled = await settleEarlier(place, null);
    return settled.kind === 'ended'
      ? settled.ending
      : await withSession({ ...place, earlier: { ...earlier, tx: null } }, settled.session);
  } catch (thrown) {
    // Only what happened before a transaction was begun comes here: nothing was touched.
    const failure = asFailure(thrown);
    const away = failure.reason === 'link' || failure.reason === 'timeout';
    return ended(away ? 'unreachable' : 'refused', rows, { failure });
  } finally {
    line.close();
  }
};

/** One host on its way. */
interface Place {
  readonly settings: Settings;
  readonly deps: TransactDeps;
  readonly rows: Rows;
  readonly line: Lifeline;
  readonly earlier: Earlier | null;
}

const withSession = async (place: Place, session: HostSession): Promise<Ending> => {
  const { settings, deps, rows, earlier } = place;
  const facts = await rows.run('observe', () => observe(settings, deps, { session, earlier }));
  if (earlier !== null && facts.pending?.alive === true) {
    // The journal lost its word of the claim: the host itself names the run, whose controller is dead.
    const { run, tx } = facts.pending;
    const settled = await settleEarlier({ ...place, earlier: { ...earlier, run }, tx }, session);
    return settled.kind === 'ended' ? settled.ending : withSession(place, settled.session);
  }
  if (earlier !== null && !earlier.thenApply) {
    const message = `run ${earlier.run} left nothing unfinished on ${settings.host}`;
    return { ...ended('refused', rows, {}), failure: { step: 'settle', reason: 'exit', message } };
  }
  if (deps.mode === 'verify') return verifyHost(settings, deps, rows, { session, facts });
  const plan = await rows.run('assess', () => assess(place, { session, facts }));
  const changes = plan.changes.map(summarize);
  if (breaches(plan.findings).length > 0) {
    return ended('refused', rows, { findings: plan.findings, changes: deps.mode === 'plan' ? changes : [] });
  }
  const isUnchanged = plan.changes.length === 0;
  // Duo may be the very reason for it: what is put back does not ask it, or was confirmed here once.
  if (deps.mode === 'rollback' && !isUnchanged) {
    return runTransaction({ settings, deps, rows, session, facts, plan });
  }
  // A host that is as declared pays nothing for it: verify is there to look at Duo.
  if (isUnchanged && (deps.preflight.members === null || deps.mode === 'rollback')) {
    return ended('unchanged', rows, { findings: plan.findings });
  }
  const findings = await rows.run('preflight', () => preflight({ settings, session, facts, plan }, deps));
  if (breaches(findings).length > 0) {
    return ended('refused', rows, { findings, changes: deps.mode === 'plan' ? changes : [] });
  }
  if (isUnchanged) return ended('unchanged', rows, { findings });
  if (deps.mode === 'plan') return ended('planned', rows, { findings, changes });
  return runTransaction({ settings, deps, rows, session, facts, plan: { ...plan, findings } });
};

/** One round trip; where an earlier run died on this host, what it left is put back first, and then looked at anew. */
const observe = async (
  settings: Settings,
  deps: TransactDeps,
  { session, earlier }: { readonly session: HostSession; readonly earlier: Earlier | null },
): Promise<Facts> => {
  const look = () =>
    session.observe(deps.observeRequest(settings, session.sourceAddress), DEADLINES.observeMs);
  const facts = await look();
  if (facts.pending === null) return facts;
  if (deps.mode !== 'apply' && deps.mode !== 'rollback') return facts;
  if (facts.pending.alive && earlier?.dead.has(facts.pending.run) === true) return facts;
  if (facts.pending.alive) throw new Failure('busy', busyMessage(settings.host, facts.pending));
  const reply = await session.guard({
    operation: 'recover',
    tx: facts.pending.tx,
    args: [],
    files: {},
    deadlineMs: DEADLINES.claimMs,
  });
  if (reply.code === GUARD_EXIT.busy) {
    throw new Failure('busy', busyMessage(settings.host, ownerOf(reply.lines)));
  }
  // Its end counts, not the exit status: a confirmed transaction whose host died while it cleared up is refused a
  // revert, and is over all the same.
  if (reply.code !== GUARD_EXIT.ok && readRecord(reply.lines)?.kind !== 'ended') {
    throw new Failure(
      'drifted',
      `${settings.host}: what run ${printable(facts.pending.run)} left behind could not be put back: ${printable(reply.lines.slice(-3).join(' '))}. On the host, as root: ${RECOVER_COMMAND}`,
    );
  }
  return look();
};

const assess = async (
  { settings, deps }: Pick<Place, 'settings' | 'deps'>,
  { session, facts }: { readonly session: HostSession; readonly facts: Facts },
): Promise<Plan> => {
  const plan =
    deps.mode === 'rollback'
      ? await planRollback({ settings, deps, session, facts })
      : deps.makePlan(facts, settings);
  deps.onPlan(plan);
  await deps.emit({
    type: 'planned',
    host: settings.host,
    digest: plan.digest,
    findings: plan.findings,
    ...deps.show(plan, facts, settings),
  });
  // A breach says more: it would refuse the host whatever was approved.
  const deviation = breaches(plan.findings).length > 0 ? '' : deps.deviation(plan, settings);
  if (deviation !== '') throw new Failure('drifted', deviation);
  return plan;
};

const verifyHost = async (
  settings: Settings,
  deps: TransactDeps,
  rows: Rows,
  { session, facts }: { readonly session: HostSession; readonly facts: Facts },
): Promise<Ending> => {
  const plan = await rows.run('assess', () => assess({ settings, deps }, { session, facts }));
  const differences: Finding[] = deps.differences(facts, settings, plan).map((difference) => ({
    rule: `drift-${difference.step}`,
    persona: 'host',
    severity: 'breach',
    message: `${difference.target}: ${difference.message}`,
  }));
  if (facts.pending !== null) {
    differences.push({
      rule: 'unfinished-transaction',
      persona: 'host',
      severity: 'breach',
      message: `run ${printable(facts.pending.run)} of ${printable(facts.pending.operator)} is ${facts.pending.alive ? 'under way' : `unfinished; the next apply settles it, or on the host: ${RECOVER_COMMAND}`}`,
    });
  }
  const isRefused = plan.findings.some(({ rule }) => rule === 'platform-unsupported');
  const found = isRefused
    ? plan.findings
    : await rows.run('preflight', () => preflight({ settings, session, facts, plan }, deps));
  const probes = deps.probe?.(settings, session.sourceAddress) ?? [];
  const probed =
    probes.length === 0
      ? { findings: [], checks: [] }
      : await rows.run(
          'canary',
          () => probeLive(probes, { settings, deps, session }),
          () => `${probes.length} logins`,
        );
  const findings = [...differences, ...found, ...probed.findings];
  return ended(breaches(findings).length > 0 ? 'drifted' : 'compliant', rows, {
    findings,
    checks: probed.checks,
  });
};

const breaches = (findings: readonly Finding[]): readonly Finding[] =>
  findings.filter((finding) => finding.severity === 'breach');

const ended = (
  verdict: Verdict,
  rows: Rows,
  rest: Partial<Omit<Ending, 'failure'>> & { readonly failure?: Failure },
): Ending => ({
  verdict,
  changes: rest.changes ?? [],
  findings: rest.findings ?? [],
  checks: rest.checks ?? [],
  failure:
    rest.failure === undefined
      ? null
      : { step: rows.failedAt(), reason: rest.failure.reason, message: rest.failure.message },
});
