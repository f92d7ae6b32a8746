// The changing part of a host's way: claim -> prepare -> rehearse -> activate -> canary -> confirm, and what happens when
// any of it fails. Nothing live changes before `activate` is sent; what fails earlier is `refused`.
import { automationGetsIn, type Expectation } from '../auth/expectation.ts';
import { summarize } from '../core/change.ts';
import { asFailure, Failure } from '../core/failure.ts';
import type { Finding } from '../core/finding.ts';
import type { GuardReply, HostSession } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import { readRecord, refusalsFile } from '../core/transaction.ts';
import type { LoginCheck } from '../core/verdict.ts';
import { ask } from './ask.ts';
import { bake, lookAt } from './bake.ts';
import { tryLive } from './canary.ts';
import { DEADLINES, SESSIONS_ENOUGH } from './deadlines.ts';
import { whileHeld, type Held, type TransactionContext } from './held.ts';
import { rehearse, sessionsOf } from './rehearse.ts';
import { judgeRollback } from './rollback.ts';
import { settle } from './settle.ts';
import type { Ending } from './transact-deps.ts';
import { markLog, needsLog } from './try-login.ts';

/** Takes one host through its transaction. Never throws; the verdict is what the host's own record says. */
export const runTransaction = async (ctx: TransactionContext): Promise<Ending> => {
  const held: Held = {
    tx: ctx.deps.newTx(),
    nonce: ctx.deps.newNonce(),
    rehearsal: ctx.deps.rehearsal(ctx.settings, ctx.facts),
    canary: ctx.deps.canary(ctx.settings, ctx.facts, ctx.session.sourceAddress),
    checks: [],
    rehearsalLog: null,
    canaryLog: null,
    lease: null,
    second: Promise.resolve(null),
    claimed: false,
    activated: false,
  };
  const changes = ctx.plan.changes.map(summarize);
  const notes: Finding[] = [...ctx.plan.findings];
  try {
    await ctx.deps.emit({ type: 'claimed', host: ctx.settings.host, tx: held.tx });
    const prepared = await prepare(ctx, held);
    if (ctx.deps.mode === 'rollback') await judgeRollback(ctx, held, { prepared, notes });
    notes.push(...(await rehearse(ctx, held, prepared)));
    closeSecond(held);
    await activate(ctx, held);
    await confirm(ctx, held);
    return { verdict: 'confirmed', changes, findings: notes, failure: null, checks: held.checks };
  } catch (thrown) {
    const failure = asFailure(thrown);
    const step = ctx.rows.failedAt();
    const settled = await settle(ctx, held, failure);
    await ctx.rows.close(failure);
    return {
      verdict: settled.verdict,
      changes: settled.verdict === 'confirmed' ? changes : [],
      findings: notes,
      checks: held.checks,
      failure:
        settled.verdict === 'confirmed' ? null : { step, reason: failure.reason, message: settled.message },
    };
  } finally {
    closeSecond(held);
    held.lease?.close();
  }
};

const closeSecond = (held: Held): void => {
  void held.second.then((session) => session?.close());
};

/** Claim and prepare go out in one turn; the lease's channel opens as soon as the claim stands. */
const prepare = async (ctx: TransactionContext, held: Held): Promise<GuardReply> => {
  const { deps, session, settings } = ctx;
  // Both are sent inside the row: were its start not durable, nothing must have been sent.
  const preparing = await ctx.rows.run('claim', async () => {
    const files = {
      ...deps.transactionFiles(ctx.plan, ctx.facts, settings),
      'guard.sh': deps.guardScript,
      refusals: refusalsFile({ rehearsed: failing(held.rehearsal), live: failing(held.canary) }),
    };
    held.claimed = true;
    const claiming = ask(ctx, session, 'claim', {
      tx: held.tx,
      args: [held.nonce, String(deps.leaseS), deps.run, deps.operator, deps.reason],
      files,
      deadlineMs: DEADLINES.claimMs,
    });
    const reply = ask(ctx, session, 'prepare', { tx: held.tx, deadlineMs: DEADLINES.prepareMs });
    // Looked at only when the claim stands; a refused claim leaves nothing for it to work on.
    reply.catch(() => undefined);
    // Behind it in the root channel's queue, which costs no turn: the log ends there before the first login is tried.
    if (needsLog(held.rehearsal))
      held.rehearsalLog = markLog(session, DEADLINES.claimMs + DEADLINES.prepareMs);
    await claiming;
    held.lease = await session.holdLease({
      tx: held.tx,
      everyMs: (deps.leaseS * 1000) / 4,
      leaseS: deps.leaseS,
    });
    if (sessionsOf(ctx.facts) < SESSIONS_ENOUGH) {
      held.second = deps.remote.connect(settings, { deadlineMs: DEADLINES.connectMs }).catch(() => null);
    }
    // In a list, since an async function would wait for a bare promise.
    return [reply] as const;
  });
  try {
    const reply = await whileHeld(ctx, held, preparing[0]);
    await ctx.rows.settled();
    return reply;
  } catch (thrown) {
    const failure = asFailure(thrown);
    await ctx.rows.failOpen(failure);
    throw failure;
  }
};

const activate = async (ctx: TransactionContext, held: Held): Promise<void> => {
  await ctx.rows.run('activate', async () => {
    held.activated = true;
    const activating = ask(ctx, ctx.session, 'activate', { tx: held.tx, deadlineMs: DEADLINES.activateMs });
    if (needsLog(held.canary)) held.canaryLog = markLog(ctx.session, DEADLINES.activateMs);
    await whileHeld(ctx, held, activating);
  });
};

const failing = (expectations: readonly Expectation[]): number =>
  expectations.filter(({ must }) => must === 'be-refused').length;

/**
 * The canary and the confirmation are one act: a new connection, a new login, `sudo -n`, and over that the nonce. Where the
 * wave bakes they are two, hours apart, and the confirmation has a new connection of its own.
 */
const confirm = async (ctx: TransactionContext, held: Held): Promise<void> => {
  const { deps, settings } = ctx;
  const connecting: Promise<HostSession>[] = [];
  try {
    const canary = await tried(ctx, held, connecting);
    if (deps.bake === null) return await sayYes(ctx, held, () => Promise.resolve(canary));
    canary.close();
    await bake(ctx, held, deps.bake);
    await deps.bake.turn(() =>
      sayYes(ctx, held, () => {
        const session = deps.remote.connect(settings, { deadlineMs: DEADLINES.connectMs });
        connecting.push(session);
        return whileHeld(ctx, held, session);
      }),
    );
  } finally {
    // Also one that comes about only after the lease was lost, or whose row could not be written.
    for (const session of connecting) {
      session.then(
        (canary) => canary.close(),
        () => undefined,
      );
    }
  }
};

/** While the canary connects, the lifeline looks whether everything is as declared, and whoever else must get in does, beside it. */
const tried = async (
  ctx: TransactionContext,
  held: Held,
  connecting: Promise<HostSession>[],
): Promise<HostSession> => {
  const looking = lookAt(ctx);
  looking.catch(() => undefined);
  const canary = await ctx.rows.run(
    'canary',
    () => connectAnew(ctx, held, connecting),
    () => `${held.canary.length + 1} logins`,
  );
  await ctx.rows.run('validate', () => whileHeld(ctx, held, looking));
  return canary;
};

const sayYes = async (
  ctx: TransactionContext,
  held: Held,
  connect: () => Promise<HostSession>,
): Promise<void> => {
  await ctx.rows.run('confirm', async () => {
    const reply = await ask(ctx, await connect(), 'confirm', {
      tx: held.tx,
      args: [held.nonce],
      deadlineMs: DEADLINES.confirmMs,
    });
    const record = readRecord(reply.lines);
    if (record?.kind !== 'ended' || record.how !== 'confirmed') {
      throw new Failure('exit', `${ctx.settings.host}: the confirmation is not in the host's own record`);
    }
  });
};

/** Automation's new login, which is to confirm, and beside it the others. */
const connectAnew = async (
  ctx: TransactionContext,
  held: Held,
  connecting: Promise<HostSession>[],
): Promise<HostSession> => {
  const { deps, settings } = ctx;
  const startedMs = deps.nowMs();
  const session = deps.remote.connect(settings, { deadlineMs: DEADLINES.connectMs });
  connecting.push(session);
  const place = { settings, deps, log: held.canaryLog };
  const others: LoginCheck[] = [];
  const all = Promise.all([
    session.then(() => held.checks.push(connected(settings, deps.nowMs() - startedMs))),
    tryLive(held.canary, place, others),
  ]);
  try {
    await whileHeld(ctx, held, all);
  } finally {
    held.checks.push(...others);
  }
  return session;
};

const connected = (settings: Settings, durationMs: number): LoginCheck => ({
  phase: 'canary',
  title: automationGetsIn(settings).attempt.title,
  must: 'get-in',
  result: 'in',
  durationMs: Math.round(durationMs),
});
