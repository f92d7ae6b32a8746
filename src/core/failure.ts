// What the world did to us: the one error type of remote/ and engine/, told apart by `reason`, never by its text.

/**
 * - `exit` a remote program ended with a non-zero status or said no
 * - `timeout` a deadline passed; what was asked may have happened
 * - `link` the connection could not be made or was lost; what was asked may have happened
 * - `auth` our own login or `sudo -n` was refused
 * - `open` somebody got in who must not (an open door was seen)
 * - `locked` somebody did not get in who must (a lock-out was seen)
 * - `drifted` the host is not as it was observed or declared
 * - `fenced` the host's guard refused: this transaction no longer holds the host
 * - `busy` another transaction holds the host
 * - `bug` our own mistake
 */
export const FAILURE_REASONS = [
  'exit',
  'timeout',
  'link',
  'auth',
  'open',
  'locked',
  'drifted',
  'fenced',
  'busy',
  'bug',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** `failure` of the JSON contract: which step or phase, why, and a sentence for people. */
export interface FailureReport {
  readonly step: string;
  readonly reason: FailureReason;
  readonly message: string;
}

/** Thrown by remote/ and engine/; caught in one place (engine/transact.ts), journalled, turned into a verdict. */
export class Failure extends Error {
  readonly reason: FailureReason;
  /** Whether the connection was closed before the server's banner: MaxStartups, PerSourcePenalties; worth a retry. */
  readonly beforeBanner: boolean;
  constructor(
    reason: FailureReason,
    message: string,
    options: { readonly beforeBanner?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'Failure';
    this.reason = reason;
    this.beforeBanner = options.beforeBanner ?? false;
  }
}

/** Any thrown value as a Failure; what is not one is our own mistake. */
export const asFailure = (thrown: unknown): Failure =>
  thrown instanceof Failure
    ? thrown
    : new Failure('bug', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
