// What a rollback does that an apply does not: it asks the host what it keeps, and looks at the host as it would be.
import { Failure } from '../core/failure.ts';
import type { Facts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import { KEPT_NOTHING, readKept, type KeptListing } from '../core/kept-snapshot.ts';
import type { Plan } from '../core/plan.ts';
import { printable } from '../core/printable.ts';
import { GUARD_EXIT, type GuardReply, type HostSession } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import { DEADLINES } from './deadlines.ts';
import { whileHeld, type Held, type TransactionContext } from './held.ts';
import type { RollbackDeps, TransactDeps } from './transact-deps.ts';

/** The plan that puts back what the host keeps of a run. One turn more than an apply; nothing is written. */
export const planRollback = async ({
  settings,
  deps,
  session,
  facts,
}: {
  readonly settings: Settings;
  readonly deps: TransactDeps;
  readonly session: HostSession;
  readonly facts: Facts;
}): Promise<Plan> => {
  const { run, plan } = wanted(deps);
  const reply = await session.guard({
    operation: 'kept',
    tx: deps.newTx(),
    args: run === null ? [] : [run],
    files: {},
    deadlineMs: DEADLINES.observeMs,
  });
  return plan(listingOf(settings.host, reply), facts, settings);
};

const wanted = ({ rollback }: TransactDeps): RollbackDeps => {
  if (rollback === null) throw new Failure('bug', 'a rollback was begun without what it goes by');
  return rollback;
};

const listingOf = (host: string, { code, lines }: GuardReply): KeptListing => {
  switch (code) {
    case GUARD_EXIT.ok:
      return readKept(lines);
    case GUARD_EXIT.absent:
      return KEPT_NOTHING;
    // A guard from before there were rollbacks: what it kept lacks what it wrote.
    case GUARD_EXIT.usage:
      return { names: [], chosen: 'too-old' };
    default:
      throw new Failure(
        'exit',
        `${host} does not tell what it keeps: ${printable(lines.slice(-2).join(' '), 200)}`,
      );
  }
};

/** Rules about somebody who gets in and was not checked: a login that has to be refused would not be. */
const DOORS: readonly string[] = ['door-without-proof', 'stack-without-proof', 'sudo-without-password'];

/**
 * Reads the host where the candidate files lie over the live ones, as sshd, PAM and sudo would find it, and judges that. A
 * door of the state that is put back is told, and then no login is tried that it would let in.
 * @param of.notes takes what is found
 * @throws Failure `locked` or `open` where the host must not become that
 */
export const judgeRollback = async (
  ctx: TransactionContext,
  held: Held,
  of: { readonly prepared: GuardReply; readonly notes: Finding[] },
): Promise<void> => {
  const { settings, plan } = ctx;
  await ctx.rows.run('assess', async () => {
    const found = of.prepared.lines.includes('rehearsal possible')
      ? await lookAhead(ctx, held)
      : unseen(plan);
    of.notes.push(...found);
    if (found.some(({ rule }) => DOORS.includes(rule))) {
      held.rehearsal = held.rehearsal.filter(({ must }) => must === 'get-in');
    }
    const breaches = found.filter(({ severity }) => severity === 'breach');
    if (breaches.length === 0) return;
    const isOpen = breaches.some(({ rule }) => DOORS.includes(rule));
    throw new Failure(
      isOpen ? 'open' : 'locked',
      `${settings.host} must not go back to that: ${breaches.map(({ message }) => message).join('; ')}`,
    );
  });
};

const lookAhead = async (ctx: TransactionContext, held: Held): Promise<readonly Finding[]> => {
  const { deps, settings, session, facts, plan } = ctx;
  const looking = session.observe(
    deps.observeRequest(settings, session.sourceAddress),
    DEADLINES.observeMs,
    held.tx,
  );
  const after = await whileHeld(ctx, held, looking);
  const told = wanted(deps).logins({ now: facts, after }, settings);
  if (told !== null) await deps.emit({ type: 'judged', host: settings.host, ...told });
  return wanted(deps).judge({ now: facts, after }, { settings, plan });
};

/** Nothing can be read there. What was before the run is not made worse; where something else was changed since, nobody knows. */
const unseen = ({ rollback }: Plan): readonly Finding[] => {
  const since = rollback?.changedSince ?? [];
  return [
    {
      rule: 'not-looked-ahead',
      persona: 'host',
      severity: since.length === 0 ? 'warning' : 'breach',
      message:
        since.length === 0
          ? 'no private mount namespace is to be had on this host, so who gets in after the rollback was not looked at before'
          : `no private mount namespace is to be had on this host, and ${since.map((path) => printable(path, 80)).join(', ')} changed since that run, so nobody can say who would get in after the rollback`,
    },
  ];
};
