// After a failure: bring the host to an end and read from its own record which one it was.
import { Failure } from '../core/failure.ts';
import { GUARD_EXIT, GUARD_HOME, type GuardReply, type HostSession } from '../core/remote.ts';
import { readRecord, type HostRecord } from '../core/transaction.ts';
import type { Verdict } from '../core/verdict.ts';
import { DEADLINES } from './deadlines.ts';
import type { Held, TransactionContext } from './transaction.ts';

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
  // A claim that was refused by name was never ours: there is nothing to put back, and not ours to touch.
  if (failure.reason === 'busy') return { verdict: 'refused', message: failure.message };
  const record = await revertNow(ctx, held).catch(() => null);
  const end = record?.kind === 'ended' ? record : await waitForEnd(ctx, held);
  return told(ctx, held, failure, end);
};

const revertNow = async (ctx: TransactionContext, held: Held): Promise<HostRecord | null> => {
  const byLease = held.lease?.revert(DEADLINES.revertMs);
  if (byLease !== undefined) {
    const reply = await byLease.catch(() => null);
    if (reply !== null) {
      const record = await markedRecord(ctx, reply);
      if (record?.kind === 'ended') return record;
    }
  }
  const reply = await ctx.session.guard({
    operation: 'revert',
    tx: held.tx,
    args: [],
    files: {},
    deadlineMs: DEADLINES.revertMs,
    onMark: ctx.rows.mark,
  });
  return markedRecord(ctx, reply);
};

const markedRecord = async (ctx: TransactionContext, reply: GuardReply): Promise<HostRecord | null> => {
  await ctx.rows.settled().catch(() => undefined);
  return readRecord(reply.lines);
};

/** Until the lease must have lapsed and the host must have put itself back: look again over new connections. */
const waitForEnd = async (ctx: TransactionContext, held: Held): Promise<HostRecord | null> => {
  const { deps } = ctx;
  const untilMs = deps.nowMs() + deps.leaseS * 1000 + DEADLINES.settleMs;
  let last: HostRecord | null = null;
  while (deps.nowMs() < untilMs) {
    last = (await askStatus(ctx, held).catch(() => null)) ?? last;
    if (last?.kind === 'ended' || (last?.kind === 'running' && last.state === 'gone')) return last;
    await deps.sleep(DEADLINES.pollMs);
  }
  return last;
};

const askStatus = async (ctx: TransactionContext, held: Held): Promise<HostRecord | null> => {
  const session = await ctx.deps.remote.connect(ctx.settings, { deadlineMs: DEADLINES.connectMs });
  try {
    return readRecord((await statusOf(session, held.tx)).lines);
  } finally {
    session.close();
  }
};

const statusOf = async (session: HostSession, tx: string): Promise<GuardReply> => {
  const reply = await session.guard({
    operation: 'status',
    tx,
    args: [],
    files: {},
    deadlineMs: DEADLINES.statusMs,
  });
  if (reply.code !== GUARD_EXIT.ok) throw new Failure('exit', 'the host does not tell its record');
  return reply;
};

const told = (ctx: TransactionContext, held: Held, failure: Failure, record: HostRecord | null): Settled => {
  const { host } = ctx.settings;
  const because = failure.message;
  if (record?.kind === 'ended') {
    switch (record.how) {
      case 'confirmed':
        return { verdict: 'confirmed', message: because };
      case 'aborted':
        return { verdict: 'refused', message: `${because}. Nothing live was changed on ${host}` };
      case 'reverted':
        return { verdict: 'rolled-back', message: `${because}. ${host} is back to what it was` };
      case 'foreign':
        return {
          verdict: 'stranded',
          message: `${because}. ${host} was put back, but for files that somebody else changed meanwhile: they were left as they are; compare them with ${GUARD_HOME}/kept/${held.tx} on the host`,
        };
      default:
        return record.how satisfies never;
    }
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
    message: `${because}. ${host} ${state}: it puts itself back when the lease lapses, but nobody could see that. At its console, as root: sh ${GUARD_HOME}/guard.sh recover`,
  };
};
