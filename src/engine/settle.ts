// After a failure: bring the host to an end and read from its own record which one it was.
import { asFailure, type Failure } from '../core/failure.ts';
import {
  GUARD_EXIT,
  GUARD_HOME,
  RECOVER_COMMAND,
  type GuardReply,
  type HostSession,
} from '../core/remote.ts';
import { readRecord, type HostRecord } from '../core/transaction.ts';
import type { Verdict } from '../core/verdict.ts';
import { DEADLINES } from './deadlines.ts';
import type { Held, TransactionContext } from './held.ts';

interface Settled {
  readonly verdict: Verdict;
  /** The failure's message with what state the host is in now, and what to do. */
  readonly message: string;
}

/**
 * Asks the host to put itself back, by the fastest way that answers: the lease's channel (the root channel may be busy),
 * the lifeline, a new connection. Where none answers the lease lapses and the host does it alone; then it is asked what
 * became of it. `stranded` only when nobody could ask until the end, or when the host itself says that it needs a person.
 */
export const settle = async (ctx: TransactionContext, held: Held, failure: Failure): Promise<Settled> => {
  const { host } = ctx.settings;
  // A claim that was refused by name was never ours: there is nothing to put back, and not ours to touch.
  if (failure.reason === 'busy') return { verdict: 'refused', message: failure.message };
  if (!held.claimed) {
    return { verdict: 'refused', message: `${failure.message}. Nothing was sent to ${host} yet` };
  }
  const record = await revertNow(ctx, held);
  const end = isOver(record) ? record : await waitForEnd(ctx, held);
  return told(ctx, held, failure, end);
};

/** Nothing more will come: an end is recorded, or the host has nothing of this transaction (any more). */
const isOver = (record: HostRecord | null): boolean =>
  record?.kind === 'ended' || (record?.kind === 'running' && record.state === 'gone');

const revertNow = async (ctx: TransactionContext, held: Held): Promise<HostRecord | null> => {
  const reply = (await held.lease?.revert(DEADLINES.revertMs).catch(() => null)) ?? null;
  const record = reply === null ? null : recordOf(reply);
  return isOver(record) ? record : revertOver(ctx, ctx.session, held.tx).catch(() => record);
};

const revertOver = async (
  ctx: TransactionContext,
  session: HostSession,
  tx: string,
): Promise<HostRecord | null> => {
  const reply = await session.guard({
    operation: 'revert',
    tx,
    args: [],
    files: {},
    deadlineMs: DEADLINES.revertMs,
    onMark: ctx.rows.mark,
  });
  return recordOf(reply);
};

const recordOf = (reply: GuardReply): HostRecord | null =>
  reply.code === GUARD_EXIT.absent ? { kind: 'running', state: 'gone' } : readRecord(reply.lines);

/**
 * Until the lease must have lapsed and the host must have put itself back: look again over new connections, and once more
 * at the very end, whatever the waiting was spent on.
 */
const waitForEnd = async (ctx: TransactionContext, held: Held): Promise<HostRecord | null> => {
  const { deps } = ctx;
  const untilMs = deps.nowMs() + deps.leaseS * 1000 + DEADLINES.settleMs;
  let last: HostRecord | null = null;
  for (;;) {
    const isLastLook = deps.nowMs() >= untilMs;
    let pauseMs: number = DEADLINES.pollMs;
    try {
      last = (await askAnew(ctx, held, isLastLook ? 'look' : 'look and revert')) ?? last;
    } catch (thrown) {
      // Refused logins are counted (faillock, fail2ban, PerSourcePenalties): not again before the lease has lapsed.
      if (asFailure(thrown).reason === 'auth') pauseMs = deps.leaseS * 1000;
    }
    if (isOver(last) || isLastLook) return last;
    await deps.sleep(pauseMs);
  }
};

/** Over a new connection: what the host's record says; and where it has not ended, that it shall put itself back now. */
const askAnew = async (
  ctx: TransactionContext,
  held: Held,
  what: 'look' | 'look and revert',
): Promise<HostRecord | null> => {
  const session = await ctx.deps.remote.connect(ctx.settings, { deadlineMs: DEADLINES.connectMs });
  try {
    const status = await session.guard({
      operation: 'status',
      tx: held.tx,
      args: [],
      files: {},
      deadlineMs: DEADLINES.statusMs,
    });
    const record = recordOf(status);
    if (record === null || isOver(record) || what === 'look') return record;
    return (await revertOver(ctx, session, held.tx)) ?? record;
  } finally {
    session.close();
  }
};

/** "Back to what it was" would be what the operator of a rollback asked for. */
const asBefore = ({ deps }: TransactionContext): string =>
  deps.mode === 'rollback' ? 'is as it was before this rollback' : 'is back to what it was';

const told = (ctx: TransactionContext, held: Held, failure: Failure, record: HostRecord | null): Settled => {
  const { deps } = ctx;
  const { host } = ctx.settings;
  const because = failure.message;
  if (record?.kind === 'ended') {
    switch (record.how) {
      case 'confirmed':
        return { verdict: 'confirmed', message: because };
      case 'aborted':
        return { verdict: 'refused', message: `${because}. Nothing live was changed on ${host}` };
      case 'reverted':
        return { verdict: 'rolled-back', message: `${because}. ${host} ${asBefore(ctx)}` };
      case 'foreign':
        return {
          verdict: 'stranded',
          message: `${because}. ${host} ${deps.mode === 'rollback' ? 'was put back to what it was before this rollback' : 'was put back'}, but for files that somebody else changed meanwhile: they were left as they are; compare them with ${GUARD_HOME}/kept/${held.tx} on the host, where ${RECOVER_COMMAND} names them`,
        };
      default:
        return record.how satisfies never;
    }
  }
  if (!held.activated && isOver(record)) {
    return { verdict: 'refused', message: `${because}. Nothing live was changed on ${host}` };
  }
  if (!held.activated) {
    return {
      verdict: 'refused',
      message: `${because}. Nothing live was changed on ${host}; its guard clears up by itself when the lease lapses`,
    };
  }
  const state = record?.kind === 'running' ? `is ${record.state}` : 'does not answer';
  return {
    verdict: 'stranded',
    message: `${because}. ${host} ${state}: it puts itself back when the lease lapses, but nobody could see that. At its console, as root: ${RECOVER_COMMAND}`,
  };
};
