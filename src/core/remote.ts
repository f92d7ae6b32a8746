// The ports the engine speaks through. remote/ implements them over ssh2; tests have a fake host.
// Every call has a deadline, throws a Failure, and a lost reply counts as "may have happened".
import type { Facts } from './facts.ts';
import type { Secret } from './secret.ts';
import type { Settings } from './settings.ts';

/** What the steps want read: see templates/observe.sh. */
export interface ObserveRequest {
  readonly packages: readonly string[];
  /** `text`: the content comes too (at most 256 KiB; `skey` masked); else only its digest. */
  readonly files: readonly { readonly path: string; readonly text: boolean }[];
  readonly groups: readonly string[];
  readonly accounts: readonly string[];
  /** `sshd -T -C` is asked for each; `*` stands for no particular user. */
  readonly connections: readonly {
    readonly label: string;
    readonly user: string;
    readonly address: string;
  }[];
  readonly spacePaths: readonly string[];
  /** Duo repository's URL, to find source files that name it and package origins. */
  readonly repositoryUrl: string;
  readonly modulePath: string;
  /** Also list accounts with authorized keys. */
  readonly census: boolean;
}

/** One operation of the host's guard (templates/guard.sh). Words are quoted by remote/; `stdin` carries content. */
export interface GuardCall {
  readonly operation: GuardOperation;
  readonly args: readonly string[];
  /** Named contents, e.g. `manifest`, `new/3`: written into the transaction's folder before the operation runs. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly deadlineMs: number;
  /** Progress marks of the guard, as they come: `task-started packages`. */
  readonly onMark?: (mark: string) => void;
}
export type GuardOperation =
  'prepare' | 'activate' | 'validate' | 'confirm' | 'abort' | 'revert' | 'status' | 'recover';

export interface GuardReply {
  /** Exit status of the guard: see GUARD_EXIT. */
  readonly code: number;
  /** What it said, line by line, untrusted: control characters are replaced before it is shown. */
  readonly lines: readonly string[];
}

/** Exit statuses of guard.sh. */
export const GUARD_EXIT = { ok: 0, failed: 1, usage: 64, busy: 75, fenced: 76 } as const;

/** A login to be tried: through the candidate files on an exec channel, or over a new connection. */
export interface LoginAttempt {
  /** For people: `automation by key`. */
  readonly title: string;
  readonly user: string;
  /** Tried in this order, each at most once. */
  readonly factors: readonly LoginFactor[];
  /** Run when let in; its exit status and output come back. */
  readonly command: string | null;
  /** `candidate`: the staged sshd settings; `pam-only`: AuthenticationMethods any and passwords allowed, PAM is the only gate. */
  readonly gate: 'candidate' | 'pam-only';
}
export type LoginFactor =
  /** The operator's own key. */
  | { readonly kind: 'publickey' }
  | { readonly kind: 'password'; readonly password: Secret }
  /** Every prompt is answered with this. */
  | { readonly kind: 'keyboard-interactive'; readonly answer: Secret };

export type LoginOutcome =
  | {
      readonly kind: 'in';
      readonly exitCode: number | null;
      readonly output: string;
      readonly prompts: readonly string[];
    }
  | { readonly kind: 'refused'; readonly prompts: readonly string[] }
  /** The attempt could not be made or judged: never counted as refused and never as let in. */
  | { readonly kind: 'unproven'; readonly message: string };

/** A root session on one host: the lifeline. Opened before the first change, held to the end. */
export interface HostSession {
  /** Our address as the host sees it (for Match Address and faillock messages). */
  readonly sourceAddress: string;
  observe(request: ObserveRequest, deadlineMs: number): Promise<Facts>;
  guard(call: GuardCall): Promise<GuardReply>;
  /**
   * Opens the lease's own channel and renews every `everyMs` until closed. `lost` resolves when a renewal was refused
   * or not answered in time: the host may revert by itself from then on.
   */
  holdLease(options: {
    readonly tx: string;
    readonly everyMs: number;
    readonly leaseS: number;
  }): Promise<Lease>;
  /** Nested: sshd -i in the rehearsal's mount namespace on a channel of this connection. */
  rehearse(tx: string, attempt: LoginAttempt, deadlineMs: number): Promise<LoginOutcome>;
  close(): void;
}

export interface Lease {
  readonly lost: Promise<string>;
  /** Asks the guard to revert over the lease's channel, when the root channel is busy or gone. */
  revert(deadlineMs: number): Promise<GuardReply>;
  close(): void;
}

export interface Remote {
  /** A new TCP connection, login and root shell, never a shared one. */
  connect(settings: Settings, options: { readonly deadlineMs: number }): Promise<HostSession>;
  /** A login over a new connection, with real sshd settings: the canary's and --probe's. */
  login(settings: Settings, attempt: LoginAttempt, deadlineMs: number): Promise<LoginOutcome>;
}
