// Everything that can happen in a run: what the engine emits, the journal keeps and the views show.
import type { ChangeDiff } from './change-diff.ts';
import type { ChangeSummary, StepId } from './change.ts';
import type { FailureReport } from './failure.ts';
import type { Finding } from './finding.ts';
import type { LoginTable } from './login-table.ts';
import type { ExitCode, HostResult } from './verdict.ts';
import type { GateDecision, Rollout } from './wave.ts';

/**
 * The phases of one host's transaction, in their order (design: observe -> ... -> confirm); `settle` where a resumed run asks
 * what became of an earlier one, `bake` where its wave is watched before it is confirmed, `revert` where it fails.
 */
export const PHASES = [
  'connect',
  'settle',
  'observe',
  'assess',
  'preflight',
  'claim',
  'download',
  'snapshot',
  'arm',
  'stage',
  'rehearse',
  'activate',
  'validate',
  'canary',
  'bake',
  'confirm',
  'revert',
] as const;
export type Phase = (typeof PHASES)[number];

/** A row of the view and a line of the journal: a phase, or one step inside `activate`. */
export type TaskId = Phase | StepId;

export type Command = 'apply' | 'plan' | 'verify' | 'rollback' | 'resume';

export type RunEvent =
  | {
      readonly type: 'run-started';
      readonly run: string;
      readonly command: Command;
      readonly operator: string;
      readonly hosts: readonly string[];
      /** Host -> digest of what is declared, so that a resumed run can tell whether the inventory changed. */
      readonly version: string;
      /** Absolute path of the inventory: a host's name says who is meant only together with it. */
      readonly inventory?: string;
      /** How long a host of this run waits for its controller, in seconds. */
      readonly leaseS?: number;
      /** The run that this one finishes. */
      readonly resumes?: string;
      /** Why it was started, in the operator's words: a change ticket. */
      readonly reason?: string;
      /** The run that it rolls back; none where it is each host's newest. */
      readonly undoes?: string;
      /** The plan that it carries out, by the run that made it, and for each host the digests of plan and settings. */
      readonly approved?: {
        readonly run: string;
        readonly hosts: Readonly<Record<string, readonly [digest: string, declared: string]>>;
      };
      /** Its waves, each with its hosts; a command that changes nothing has none. */
      readonly rollout?: Rollout;
    }
  /** The first host of a wave may start; `wave` counts from 1, into the rollout's waves. Waves never overlap. */
  | { readonly type: 'wave-started'; readonly wave: number }
  /** These hosts of the wave are live and unconfirmed, and are watched for `bakeS` seconds; the others have ended. */
  | {
      readonly type: 'bake-started';
      readonly wave: number;
      readonly hosts: readonly string[];
      readonly bakeS: number;
    }
  /** All of them are confirmed now, or all of them put back. */
  | {
      readonly type: 'bake-ended';
      readonly wave: number;
      readonly decision: 'confirm' | 'revert';
      readonly why: string;
    }
  /** All of the wave's hosts have ended, or will not be started any more. Once for each that has started. */
  | { readonly type: 'wave-ended'; readonly wave: number }
  /**
   * Whether more hosts may start. `go-on` comes after a wave's end, where another wave follows; `halt` at most once in a
   * run and as soon as it is known, where there is anything left to be stopped: hosts that have not started, or a bake. In the
   * middle of a wave, running hosts then go on to their end.
   */
  | ({ readonly type: 'gate'; readonly wave: number } & GateDecision)
  | { readonly type: 'host-started'; readonly host: string }
  | { readonly type: 'task-started'; readonly host: string; readonly task: TaskId }
  | { readonly type: 'task-ended'; readonly host: string; readonly task: TaskId; readonly note: string }
  | {
      readonly type: 'task-failed';
      readonly host: string;
      readonly task: TaskId;
      readonly failure: FailureReport;
    }
  | {
      readonly type: 'planned';
      readonly host: string;
      readonly digest: string;
      readonly changes: readonly PlannedChange[];
      readonly findings: readonly Finding[];
      /** Who gets in with what, as the host is and as the plan leaves it: names of exhibits. */
      readonly logins?: { readonly now: string; readonly after: string };
      /** What names in this event and in later ones of the run stand for: told once, however many hosts share it. */
      readonly exhibits?: Readonly<Record<string, Exhibit>>;
    }
  /**
   * Who gets in with what before and after a rollback: the host was read where the candidate files lie over the live ones,
   * since what a snapshot has never leaves it. In place of what `planned` says about logins.
   */
  | {
      readonly type: 'judged';
      readonly host: string;
      readonly logins: { readonly now: string; readonly after: string };
      readonly exhibits?: Readonly<Record<string, Exhibit>>;
    }
  /** The transaction's id on the host and its nonce's digest: enough to ask the host later what became of it. */
  | { readonly type: 'claimed'; readonly host: string; readonly tx: string }
  /** What the host's own record says about a transaction that an earlier run left; `gone`: it knows nothing of it (any more). */
  | { readonly type: 'settled'; readonly host: string; readonly tx: string; readonly how: EarlierEnd }
  /** Something the operator should see, not tied to a row's end. */
  | { readonly type: 'noted'; readonly host: string; readonly note: string }
  | { readonly type: 'host-ended'; readonly result: HostResult }
  | { readonly type: 'interrupted'; readonly signal: string }
  | { readonly type: 'run-ended'; readonly exitCode: ExitCode };

/** A change, and the name of the exhibit that shows it, where there is one. */
export interface PlannedChange extends ChangeSummary {
  readonly diff?: string;
}

/** What plans of many hosts have in common; secrets masked. */
export type Exhibit = ChangeDiff | LoginTable;

/** How a transaction of an earlier run ended, by the host's own record. */
export type EarlierEnd = 'confirmed' | 'aborted' | 'reverted' | 'foreign' | 'gone';

/** An event with its place in the run; `at` is milliseconds since the epoch, controller's clock. */
export type RecordedEvent = RunEvent & { readonly seq: number; readonly at: number };

/** Where events go. The engine awaits it: an event is durable before the next action. */
export type Emit = (event: RunEvent) => Promise<void>;
