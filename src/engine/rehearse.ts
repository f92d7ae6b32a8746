// Real logins through the candidate files, while the live ones are untouched.
import pLimit from 'p-limit';
import type { Expectation } from '../auth/expectation.ts';
import type { Facts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import { printable } from '../core/printable.ts';
import type { GuardReply, HostSession } from '../core/remote.ts';
import { REHEARSALS_AT_ONCE } from './deadlines.ts';
import { whileHeld, type Held, type TransactionContext } from './held.ts';
import { tryLogin, type Tried } from './try-login.ts';

/** The logins through the candidate files; a note instead, where the host has no namespaces for them. */
export const rehearse = async (
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
  const expectations = held.rehearsal;
  await ctx.rows.run(
    'rehearse',
    () => rehearseAll(ctx, held, expectations),
    () => `${expectations.length} logins`,
  );
  return [];
};

/** sshd's MaxSessions as automation meets it; 10 where it is not told, sshd_config(5). */
export const sessionsOf = (facts: Facts): number => {
  const told = Number(facts.sshd.effective['automation']?.['maxsessions']?.[0]);
  return Number.isInteger(told) && told > 0 ? told : 10;
};

/** All logins, as many side by side as sshd allows. After the first that is not as it must be, no further one is begun. */
const rehearseAll = async (
  ctx: TransactionContext,
  held: Held,
  expectations: readonly Expectation[],
): Promise<void> => {
  const sessions = sessionsOf(ctx.facts);
  const lane = (session: HostSession, taken: number) => ({
    session,
    limit: pLimit(Math.min(REHEARSALS_AT_ONCE, Math.max(1, sessions - taken))),
  });
  const second = await held.second;
  // On the lifeline's connection the root shell and the lease are sessions too; on the other one, its own root shell.
  const lifeline = lane(ctx.session, 2);
  const lanes = second === null ? [lifeline] : [lane(second, 1)];
  const tried: (Tried | null)[] = expectations.map(() => null);
  let over = false;
  const attempts = expectations.map((expectation, at) => {
    const { session, limit } = lanes[at % lanes.length] ?? lifeline;
    return limit(async () => {
      if (over) return;
      try {
        const one = await tryLogin(expectation, {
          host: ctx.settings.host,
          phase: 'rehearse',
          deps: ctx.deps,
          login: (attempt, deadlineMs) => session.rehearse(held.tx, attempt, deadlineMs),
          log: held.rehearsalLog,
        });
        tried[at] = one;
        if (one.failure !== null) throw one.failure;
      } catch (thrown) {
        over = true;
        throw thrown;
      }
    });
  });
  try {
    await whileHeld(ctx, held, Promise.all(attempts));
  } finally {
    over = true;
    held.checks.push(...tried.flatMap((one) => (one === null ? [] : [one.check])));
  }
};
