// What one host's way needs from outside, and what it comes to.
import type { Expectation } from '../auth/expectation.ts';
import type { Emit } from '../core/event.ts';
import type { Facts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import type { KeptListing } from '../core/kept-snapshot.ts';
import type { Plan } from '../core/plan.ts';
import type { PreflightFacts, PreflightRequest } from '../core/preflight.ts';
import type { ObserveRequest, Remote } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import type { HostResult } from '../core/verdict.ts';
import type { EnrolmentBook } from './enrolment-book.ts';
import type { Told, ToldLogins } from './exhibits.ts';
import type { Earlier } from './settle-earlier.ts';
import type { BakeSeat } from './wave-bake.ts';

/** What is wrong with a host for verify: a difference between what is declared and what is. */
export interface Difference {
  readonly step: string;
  readonly target: string;
  readonly message: string;
}

/** The look at Duo: what is asked, and what is made of it. */
export interface PreflightDeps {
  /** Whom Duo is asked about; `null`: nobody (without --check-enrolment). */
  readonly members: ((settings: Settings, facts: Facts) => readonly string[]) | null;
  readonly request: (settings: Settings, enrolment: readonly string[]) => PreflightRequest;
  /** The run's book of the application that these settings name: the same user may stand differently with another. */
  readonly bookFor: (settings: Settings) => EnrolmentBook;
  readonly findings: (
    seen: PreflightFacts,
    of: { readonly settings: Settings; readonly facts: Facts; readonly plan: Plan },
  ) => readonly Finding[];
}

/** What a rollback asks a host for, and what it makes of the answers. */
export interface RollbackDeps {
  /** The run whose snapshot is meant; `null`: the host's newest one. */
  readonly run: string | null;
  readonly plan: (kept: KeptListing, facts: Facts, settings: Settings) => Plan;
  /** Who gets in, for the journal; `null` for a host that is none of ours. */
  readonly logins: (
    facts: { readonly now: Facts; readonly after: Facts },
    settings: Settings,
  ) => ToldLogins | null;
  /** What is wrong with the host as it would be; both as one look read them. */
  readonly judge: (
    facts: { readonly now: Facts; readonly after: Facts },
    of: { readonly settings: Settings; readonly plan: Plan },
  ) => readonly Finding[];
}

/** What one host's way needs; cli/wire.ts fills it in. */
export interface TransactDeps {
  readonly mode: 'apply' | 'plan' | 'verify' | 'rollback';
  /** What `rollback` goes by; used in that mode only. */
  readonly rollback: RollbackDeps | null;
  readonly remote: Remote;
  readonly emit: Emit;
  readonly run: string;
  readonly operator: string;
  readonly leaseS: number;
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** A fresh id for a transaction on a host, and a secret word for its confirmation; both `[a-z0-9-]`. */
  readonly newTx: () => string;
  readonly newNonce: () => string;
  readonly observeRequest: (settings: Settings, sourceAddress: string) => ObserveRequest;
  readonly makePlan: (facts: Facts, settings: Settings) => Plan;
  /** How a plan differs from the one that was approved for this host: '' where it is that, or where any is welcome. */
  readonly deviation: (plan: Plan, settings: Settings) => string;
  /** What the journal is told of a plan beside its digest and its findings. */
  readonly show: (plan: Plan, facts: Facts, settings: Settings) => Told;
  /** What is not as it is to be: after this plan, or as verify sees it. */
  readonly differences: (facts: Facts, settings: Settings, plan: Plan) => readonly Difference[];
  readonly preflight: PreflightDeps;
  /** The logins through the candidate files. */
  readonly rehearsal: (settings: Settings, facts: Facts) => readonly Expectation[];
  /** The logins on the live host after activation, beside the one that confirms; `sourceAddress` is ours, or ''. */
  readonly canary: (settings: Settings, facts: Facts, sourceAddress: string) => readonly Expectation[];
  /** The files of the transaction without the guard itself, and the guard. */
  readonly transactionFiles: (
    plan: Plan,
    facts: Facts,
    settings: Settings,
  ) => Readonly<Record<string, Uint8Array>>;
  readonly guardScript: Uint8Array;
  /** Also told to whoever shows plans. */
  readonly onPlan: (plan: Plan) => void;
  /** verify --probe: the logins that are tried on the live host, none of them failing ones. */
  readonly probe: ((settings: Settings, sourceAddress: string) => readonly Expectation[]) | null;
  /** What an earlier run left on this host, when that run is resumed. */
  readonly earlier: ((settings: Settings) => Earlier) | null;
  /** This host's place in the bake of its wave; `null`: it is confirmed as soon as it was tried. */
  readonly bake: BakeSeat | null;
  /** Why the run was started, in the operator's words, for the host's own record; '' where nobody said. */
  readonly reason: string;
}

/** How a host ended, without what `transact` adds. */
export type Ending = Pick<HostResult, 'verdict' | 'changes' | 'findings' | 'failure' | 'checks'>;
