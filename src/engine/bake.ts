// A host that waits to be confirmed: live, its lease renewed, looked at again and again.
import type { Expectation } from '../auth/expectation.ts';
import { asFailure, Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import type { LoginCheck } from '../core/verdict.ts';
import { tryLive } from './canary.ts';
import { DEADLINES } from './deadlines.ts';
import { whileHeld, type Held, type TransactionContext } from './held.ts';
import { markLog, needsLog } from './try-login.ts';
import type { BakeSeat } from './wave-bake.ts';

/**
 * The row of a host whose wave bakes. Ends well when all hosts of the wave may be confirmed.
 * @throws Failure when this one is to be put back, whichever host of the wave is to blame
 */
export const bake = async (ctx: TransactionContext, held: Held, seat: BakeSeat): Promise<void> => {
  const again = held.canary.filter(isRepeatable);
  await ctx.rows.run(
    'bake',
    async () => {
      try {
        return await whileHeld(
          ctx,
          held,
          seat.sitOut(() => lookAgain(ctx, held, again)),
        );
      } catch (thrown) {
        const failure = asFailure(thrown);
        seat.fail(failure);
        throw failure;
      }
    },
    (looks) => `looked at ${looks === 1 ? 'once' : `${looks} times`}, ${again.length + 1} logins each`,
  );
};

/** Failures are counted by whoever watches a host, and nobody has to approve a push every few minutes. */
const isRepeatable = ({ must, notice }: Expectation): boolean => must === 'get-in' && notice === '';

/** New connections for automation and whoever else gets in without a person's help; meanwhile, over the lifeline, for drift. */
const lookAgain = async (
  ctx: TransactionContext,
  held: Held,
  again: readonly Expectation[],
): Promise<void> => {
  const { deps, settings, session } = ctx;
  const log = needsLog(again) ? markLog(session, 0) : null;
  // The log has to end before the first login; where it cannot be read, the login says so.
  await log?.mark.catch(() => undefined);
  const checks: LoginCheck[] = [];
  const connecting = deps.remote.connect(settings, { deadlineMs: DEADLINES.connectMs });
  try {
    await Promise.all([
      connecting.then((canary) => canary.close()),
      tryLive(again, { settings, deps, log }, checks),
      lookAt(ctx),
    ]);
  } catch (thrown) {
    // Of those that went well, the ones before the bake tell enough.
    held.checks.push(...checks);
    throw thrown;
  }
};

/** Over the lifeline: is everything as declared. @throws Failure `drifted` */
export const lookAt = async ({ deps, settings, session, plan }: TransactionContext): Promise<void> => {
  const request = deps.observeRequest(settings, session.sourceAddress);
  const facts = await session.observe(request, DEADLINES.observeMs);
  const differences = deps.differences(facts, settings, plan);
  if (differences.length === 0) return;
  const words = differences.map(({ target, message }) => `${target}: ${message}`).join('; ');
  throw new Failure(
    'drifted',
    `${settings.host}: after activation not as ${deps.mode === 'rollback' ? 'it was' : 'declared'}: ${printable(words, 600)}`,
  );
};
