// The changing part of a host's way: claim -> prepare -> rehearse -> activate -> canary -> confirm, and what happens when
// any of it fails. Nothing live changes before `activate` is sent; what fails earlier is `refused`.
import pLimit from 'p-limit';
import { judge, type Expectation } from '../auth/rehearsal.ts';
import { summarize } from '../core/change.ts';
import type { Facts } from '../core/facts.ts';
import { asFailure, Failure } from '../core/failure.ts';
import type { Finding } from '../core/finding.ts';
import type { Plan } from '../core/plan.ts';
import { printable } from '../core/printable.ts';
import {
  GUARD_EXIT,
  type GuardOperation,
  type GuardReply,
  type HostSession,
  type Lease,
} from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import { readRecord } from '../core/transaction.ts';
import { DEADLINES, REHEARSALS_AT_ONCE } from './deadlines.ts';
import type { Rows } from './rows.ts';
import { settle } from './settle.ts';
import type { Ending, TransactDeps } from './transact.ts';

export interface TransactionContext {
  readonly settings: Settings;
  readonly deps: TransactDeps;
  readonly rows: Rows;
  /** The lifeline. */
  readonly session: HostSession;
  readonly facts: Facts;
  readonly plan: Plan;
}

/** What is known while a transaction runs. */
export interface Held {
  readonly tx: string;
  readonly nonce: string;
  lease: Lease | null;
  /** `claim` was sent: before that there is nothing of ours on the host, and nothing to ask it for. */
  claimed: boolean;
  /** `activate` was sent: from here on only the host knows what is live. */
  activated: boolean;
}

/** Takes one host through its transaction. Never throws; the verdict is what the host's own record says. */
export const runTransaction = async (ctx: TransactionContext): Promise<Ending> => {
  const held: Held = {
    tx: ctx.deps.newTx(),
    nonce: ctx.deps.newNonce(),
    lease: null,
    claimed: false,
    activated: false,
  };
  const changes = ctx.plan.changes.map(summarize);
  const notes: Finding[] = [...ctx.plan.findings];
  try {
    await ctx.deps.emit({ type: 'claimed', host: ctx.settings.host, tx: held.tx });
    const prepared = await prepare(ctx, held);
    notes.push(...(await rehearse(ctx, held, prepared)));
    await activate(ctx, held);
    await confirm(ctx, held);
    return { verdict: 'confirmed', changes, findings: notes, failure: null };
  } catch (thrown) {
    const failure = asFailure(thrown);
    const step = ctx.rows.failedAt();
    const settled = await settle(ctx, held, failure);
    await ctx.rows.close(failure);
    return {
      verdict: settled.verdict,
      changes: settled.verdict === 'confirmed' ? changes : [],
      findings: notes,
      failure:
        settled.verdict === 'confirmed' ? null : { step, reason: failure.reason, message: settled.message },
    };
  } finally {
    held.lease?.close();
  }
};

/** One guard operation; a status other than 0 is a Failure that says the host's own words. */
export const ask = async (
  ctx: TransactionContext,
  session: HostSession,
  operation: GuardOperation,
  options: {
    readonly tx: string;
    readonly args?: readonly string[];
    readonly files?: Readonly<Record<string, Uint8Array>>;
    readonly deadlineMs: number;
  },
): Promise<GuardReply> => {
  const reply = await session.guard({
    operation,
    tx: options.tx,
    args: options.args ?? [],
    files: options.files ?? {},
    deadlineMs: options.deadlineMs,
    onMark: ctx.rows.mark,
  });
  if (reply.code === GUARD_EXIT.ok) return reply;
  if (reply.code === GUARD_EXIT.busy)
    throw new Failure('busy', busyMessage(ctx.settings.host, ownerOf(reply.lines)));
  const said = printable(tellingLines(reply.lines).join('; '), 600);
  throw new Failure(reasonOf(reply.code), `${ctx.settings.host}: ${operation} failed: ${said}`);
};

/** The guard's own last word, and before it what apt, dpkg or another tool called an error; their chatter is left out. */
const tellingLines = (lines: readonly string[]): readonly string[] => {
  const spoken = lines.filter((line) => line.trim() !== '');
  const errors = spoken.slice(0, -1).filter((line) => /^(?:E: |.*\berror\b|.*: (?:bad|cannot) )/i.test(line));
  return [...errors.slice(-3), ...spoken.slice(-1)];
};

/** Who holds a host, since when and for which run, in a sentence. */
export const busyMessage = (
  host: string,
  owner: { readonly operator: string; readonly run: string; readonly sinceS: number },
): string => {
  const since = Number.isFinite(owner.sinceS)
    ? new Date(owner.sinceS * 1000).toISOString()
    : 'an unknown time';
  return `${host} is held by ${printable(owner.operator)} since ${since} (run ${printable(owner.run)}); nothing was touched; try again when that run has ended`;
};

/** The `owner` file that the guard shows when it refuses a claim. */
export const ownerOf = (lines: readonly string[]) => {
  const value = (key: string) => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
  return {
    operator: value('operator') ?? 'somebody',
    run: value('run') ?? 'unknown',
    sinceS: Number(value('since') ?? Number.NaN),
  };
};

const reasonOf = (code: number): Failure['reason'] => {
  if (code === GUARD_EXIT.fenced) return 'fenced';
  return code === GUARD_EXIT.drifted ? 'drifted' : 'exit';
};

/** An await that ends when the lease is lost: from then on the host may revert by itself, so we must not go on. */
const whileHeld = async <T>(ctx: TransactionContext, held: Held, work: Promise<T>): Promise<T> => {
  if (held.lease === null) return work;
  const lost = held.lease.lost.then((why) => {
    throw new Failure('fenced', `${ctx.settings.host}: the lease was lost: ${why}`);
  });
  return Promise.race([work, lost]);
};

/** Claim and prepare go out in one turn; the lease's channel opens as soon as the claim stands. */
const prepare = async (ctx: TransactionContext, held: Held): Promise<GuardReply> => {
  const { deps, session, settings } = ctx;
  // Both are sent inside the row: were its start not durable, nothing must have been sent.
  const preparing = await ctx.rows.run('claim', async () => {
    const files = { ...deps.transactionFiles(ctx.plan, ctx.facts, settings), 'guard.sh': deps.guardScript };
    held.claimed = true;
    const claiming = ask(ctx, session, 'claim', {
      tx: held.tx,
      args: [held.nonce, String(deps.leaseS), deps.run, deps.operator],
      files,
      deadlineMs: DEADLINES.claimMs,
    });
    const reply = ask(ctx, session, 'prepare', { tx: held.tx, deadlineMs: DEADLINES.prepareMs });
    // Looked at only when the claim stands; a refused claim leaves nothing for it to work on.
    reply.catch(() => undefined);
    await claiming;
    held.lease = await session.holdLease({
      tx: held.tx,
      everyMs: (deps.leaseS * 1000) / 4,
      leaseS: deps.leaseS,
    });
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

const rehearse = async (
  ctx: TransactionContext,
  held: Held,
  prepared: GuardReply,
): Promise<readonly Finding[]> => {
  const impossible = prepared.lines.find((line) => line.startsWith('rehearsal impossible'));
  if (impossible !== undefined || !prepared.lines.includes('rehearsal possible')) {
    const why = printable(impossible?.replace(/^rehearsal impossible:? ?/, '') ?? 'the host did not say why');
    return [
      {
        rule: 'not-rehearsed',
        persona: 'host',
        severity: 'warning',
        message: `no private mount namespace is to be had on this host, so no login was tried before activation: ${why}`,
      },
    ];
  }
  const expectations = ctx.deps.rehearsal(ctx.settings, ctx.facts);
  await ctx.rows.run(
    'rehearse',
    () => rehearseAll(ctx, held, expectations),
    () => `${expectations.length} logins`,
  );
  return [];
};

/** All logins, a few at a time. After the first that is not as it must be, no further one is begun. */
const rehearseAll = async (
  ctx: TransactionContext,
  held: Held,
  expectations: readonly Expectation[],
): Promise<void> => {
  const limit = pLimit(REHEARSALS_AT_ONCE);
  let over = false;
  const attempts = expectations.map((expectation) =>
    limit(async () => {
      if (over) return;
      try {
        const outcome = await ctx.session.rehearse(held.tx, expectation.attempt, DEADLINES.rehearseMs);
        const failure = judge(expectation, outcome);
        if (failure !== null) throw failure;
      } catch (thrown) {
        over = true;
        throw thrown;
      }
    }),
  );
  try {
    await whileHeld(ctx, held, Promise.all(attempts));
  } finally {
    over = true;
  }
};

const activate = async (ctx: TransactionContext, held: Held): Promise<void> => {
  await ctx.rows.run('activate', async () => {
    held.activated = true;
    await whileHeld(
      ctx,
      held,
      ask(ctx, ctx.session, 'activate', { tx: held.tx, deadlineMs: DEADLINES.activateMs }),
    );
  });
};

/**
 * The canary and the confirmation are one act: a new connection, a new login, `sudo -n`, and over that the nonce. While it
 * connects, the lifeline looks whether everything is as declared.
 */
const confirm = async (ctx: TransactionContext, held: Held): Promise<void> => {
  const { deps, settings } = ctx;
  const looking = ctx.session.observe(
    deps.observeRequest(settings, ctx.session.sourceAddress),
    DEADLINES.observeMs,
  );
  looking.catch(() => undefined);
  const connecting: Promise<HostSession>[] = [];
  try {
    const canary = await ctx.rows.run('canary', async () => {
      const session = deps.remote.connect(settings, { deadlineMs: DEADLINES.connectMs });
      connecting.push(session);
      return whileHeld(ctx, held, session);
    });
    await ctx.rows.run('validate', async () => {
      const facts = await whileHeld(ctx, held, looking);
      const differences = deps.differences(facts, settings);
      if (differences.length > 0) {
        const words = differences.map(({ target, message }) => `${target}: ${message}`).join('; ');
        throw new Failure(
          'drifted',
          `${settings.host}: after activation not as declared: ${printable(words, 600)}`,
        );
      }
    });
    await ctx.rows.run('confirm', async () => {
      const reply = await ask(ctx, canary, 'confirm', {
        tx: held.tx,
        args: [held.nonce],
        deadlineMs: DEADLINES.confirmMs,
      });
      const record = readRecord(reply.lines);
      if (record?.kind !== 'ended' || record.how !== 'confirmed') {
        throw new Failure('exit', `${settings.host}: the confirmation is not in the host's own record`);
      }
    });
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
