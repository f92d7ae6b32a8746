// What is known while a transaction runs, and the await that ends when the host is no longer ours.
import type { Expectation } from '../auth/expectation.ts';
import type { Facts } from '../core/facts.ts';
import { Failure } from '../core/failure.ts';
import type { Plan } from '../core/plan.ts';
import type { HostSession, Lease } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import type { LoginCheck } from '../core/verdict.ts';
import type { Rows } from './rows.ts';
import type { TransactDeps } from './transact-deps.ts';
import type { Trial } from './try-login.ts';

/** What a transaction works with. */
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
  /** What is tried through the candidate files, and on the live host. */
  rehearsal: readonly Expectation[];
  readonly canary: readonly Expectation[];
  /** What came of the logins that were tried. */
  readonly checks: LoginCheck[];
  /** Where the host's log ended before the rehearsal, and before the canary; `null` where nobody reads it. */
  rehearsalLog: Trial['log'];
  canaryLog: Trial['log'];
  lease: Lease | null;
  /** Where sshd allows few sessions: a connection for the rehearsal's logins, opened while the host prepares. */
  second: Promise<HostSession | null>;
  /** `claim` was sent: before that there is nothing of ours on the host, and nothing to ask it for. */
  claimed: boolean;
  /** `activate` was sent: from here on only the host knows what is live. */
  activated: boolean;
}

/** An await that ends when the lease is lost: from then on the host may revert by itself, so we must not go on. */
export const whileHeld = async <T>(ctx: TransactionContext, held: Held, work: Promise<T>): Promise<T> => {
  if (held.lease === null) return work;
  const lost = held.lease.lost.then((why) => {
    throw new Failure('fenced', `${ctx.settings.host}: the lease was lost: ${why}`);
  });
  return Promise.race([work, lost]);
};
