// The ports the engine speaks through. remote/ implements them over ssh2; tests have a fake host.
// Every call has a deadline, throws a Failure, and a lost reply counts as "may have happened".
import type { Facts } from './facts.ts';
import type { PreflightFacts, PreflightRequest } from './preflight.ts';
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
  /**
   * People of whom only the host knows who they are: it picks one of each kind (Facts.sshd.users). sshd is asked about them only
   * where a Match block outside of `dropInPath` could make a difference between them and `*`.
   */
  readonly personas: readonly {
    readonly label: string;
    readonly who: Somebody;
    readonly address: string;
  }[];
  /** Our own sshd drop-in. Where it is live, logins by key are not counted any more: nothing is left to be lost. */
  readonly dropInPath: string;
  readonly spacePaths: readonly string[];
  /** Duo repository's URL, to find source files that name it and package origins. */
  readonly repositoryUrl: string;
  readonly modulePath: string;
  /** Also list accounts with authorized keys, and those that logged in by key in the last 90 days. */
  readonly census: boolean;
}

/** Who is meant: none of those whom the request names counts as a member or as local. */
export type Somebody =
  | { readonly kind: 'account'; readonly name: string }
  /** In that group, and in as few others of the request's groups as can be. */
  | { readonly kind: 'member'; readonly group: string }
  /** An account for people (by uid and shell) that is in none of the request's groups. */
  | { readonly kind: 'local' };

/** Everything of ours on a host lives under this root-only folder; a transaction's files in `tx/<tx>/in/`. */
export const GUARD_HOME = '/var/lib/duo-fleet';

/** What a person types at the console of a host that nobody could ask, as root; every message about a stranded host has it. */
export const RECOVER_COMMAND = `sh ${GUARD_HOME}/guard.sh recover`;

/**
 * One operation of the host's guard. remote/ writes `files` into `GUARD_HOME/tx/<tx>/in/` (folders 0700, files 0600 from
 * their first byte, content never in argv), then runs `/bin/sh GUARD_HOME/tx/<tx>/in/guard.sh OPERATION TX ARGS...` in
 * the root channel, all in one frame. The guard itself (`guard.sh`) is among the files of `claim`.
 *
 * A transaction that has ended has no folder any more. What is asked about one by `confirm`, `abort`, `revert`, `status` or
 * `recover`, and `kept`, is then answered by `GUARD_HOME/guard.sh`, the newest one on the host, which knows the records of all; where
 * there is none either, and for the other operations, the reply is GUARD_EXIT.absent.
 */
export interface GuardCall {
  readonly operation: GuardOperation;
  /** Id of the transaction: lower-case letters, digits and `-`, at most 64. */
  readonly tx: string;
  readonly args: readonly string[];
  /** By name relative to the transaction's `in/` folder: `guard.sh`, `manifest`, `new/3`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly deadlineMs: number;
  /** What follows `#mark ` on a line of the guard's output, as it comes; such lines are not in the reply. */
  readonly onMark?: (mark: string) => void;
}

/**
 * - `claim` takes the host's lock, starts the guard's watcher and with it the lease
 * - `prepare` downloads, takes the snapshot, arms, stages and validates the staged files
 * - `activate` makes the staged files live; `validate` checks the live ones
 * - `confirm` ends the lease for good; `abort` gives up before activation; `revert` puts back what was
 * - `status` tells the host's own record of a transaction; `recover` settles what an earlier, dead one left
 * - `kept` lists the snapshots that the host keeps; its argument is the run whose one is meant, else the newest
 */
export type GuardOperation =
  | 'claim'
  | 'prepare'
  | 'activate'
  | 'validate'
  | 'confirm'
  | 'abort'
  | 'revert'
  | 'status'
  | 'recover'
  | 'kept';

export interface GuardReply {
  /** Exit status of the guard: see GUARD_EXIT. */
  readonly code: number;
  /** What it said, line by line, untrusted: control characters are replaced before it is shown. */
  readonly lines: readonly string[];
}

/** Exit statuses of guard.sh; `absent` is the root channel's own: there is no guard on this host to be asked. */
export const GUARD_EXIT = {
  ok: 0,
  failed: 1,
  usage: 64,
  busy: 75,
  fenced: 76,
  drifted: 77,
  absent: 127,
} as const;

/** A login to be tried: through the candidate files on an exec channel, or over a new connection. */
export interface LoginAttempt {
  /** For people: `automation by key`. */
  readonly title: string;
  readonly user: string;
  /** Tried in this order, each at most once. */
  readonly factors: readonly LoginFactor[];
  /** Run when let in; its exit status and output come back. */
  readonly command: string | null;
  /** What the command reads, a line; never in argv. */
  readonly stdin: Secret | null;
  /** `candidate`: the staged sshd settings; `pam-only`: AuthenticationMethods any and passwords allowed, PAM is the only gate. */
  readonly gate: 'candidate' | 'pam-only';
  /** What a rehearsed login's stack can reach. `none`: no network at all, so neither Duo nor anybody's telephone. */
  readonly network: 'live' | 'none';
}
export type LoginFactor =
  | { readonly kind: 'publickey'; readonly keys: KeySource }
  | { readonly kind: 'password'; readonly password: Secret }
  /** Every prompt is answered with this; with `null` there is no answer, and a prompt ends the attempt unproven. */
  | { readonly kind: 'keyboard-interactive'; readonly answer: Secret | null };

/**
 * Whose keys: `connection` what the automation account logs in with, `own` the operator's agent and usual key files, or
 * one key file (a path here).
 */
export type KeySource = 'connection' | 'own' | { readonly file: string };

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
  /** @param through a transaction that is staged: what is read is the host as its candidate files make it */
  observe(request: ObserveRequest, deadlineMs: number, through?: string): Promise<Facts>;
  /** Looks at Duo from this host; touches nothing. What could not be tried is `unproven`: only a bug is thrown. */
  preflight(request: PreflightRequest, deadlineMs: number): Promise<PreflightFacts>;
  /** Calls are queued: a second one may be sent before the first is answered, which saves a turn. */
  guard(call: GuardCall): Promise<GuardReply>;
  /**
   * Opens the lease's own channel (`guard.sh lease TX`; we write `renew SECONDS`, it answers `ok` or `fenced STATE`; we write
   * `revert`, it answers lines and then `done CODE`) and renews every `everyMs` until closed. `lost` resolves with a
   * sentence when a renewal was refused or not answered in time: the host may revert by itself from then on.
   */
  holdLease(options: {
    readonly tx: string;
    readonly everyMs: number;
    readonly leaseS: number;
  }): Promise<Lease>;
  /** Nested: `guard.sh rehearse TX GATE NETWORK` on a channel of this connection is an `sshd -i` in a private mount namespace. */
  rehearse(tx: string, attempt: LoginAttempt, deadlineMs: number): Promise<LoginOutcome>;
  /** Where the host's log of logins ends now: one line, opaque, for `duoLog`. Queued as `guard` is, and writes nothing. */
  logMark(deadlineMs: number): Promise<string>;
  /**
   * What Duo's module has written to the host's log since a mark, untrusted lines: those about this user, and its
   * complaints about its settings. Waits on the host for a line about the user, ten seconds at most.
   */
  duoLog(
    query: { readonly since: string; readonly user: string },
    deadlineMs: number,
  ): Promise<readonly string[]>;
  close(): void;
}

export interface Lease {
  readonly lost: Promise<string>;
  /** Asks the guard to revert over the lease's channel, when the root channel is busy or gone. */
  revert(deadlineMs: number): Promise<GuardReply>;
  close(): void;
}

export interface Remote {
  /** A new TCP connection to the host, login and root shell, never a shared one; from a jump host the TCP connection is its. */
  connect(settings: Settings, options: { readonly deadlineMs: number }): Promise<HostSession>;
  /** A login over a new connection, with real sshd settings: the canary's and --probe's. */
  login(settings: Settings, attempt: LoginAttempt, deadlineMs: number): Promise<LoginOutcome>;
  /**
   * Asks the operator all that can be asked before a run: passphrases, and what jump hosts want to know. Whatever goes
   * wrong is told again by the hosts that it concerns. Absent where nobody is asked.
   */
  readonly prepare?: (settings: readonly Settings[]) => Promise<void>;
  /** Ends what connections share: those to jump hosts. */
  readonly close?: () => void;
}
