// Who gets in with what on one host, as the model of its doors says: data for the journal and the report.

/** What somebody must show to get in: a key that the account accepts, its password, Duo's approval. */
export type Proof = 'key' | 'password' | 'duo';

/** The answers of Duo that are told: what an administrator plans for. */
export const TOLD_ANSWERS = ['allow', 'deny', 'unreachable'] as const;
export type ToldAnswer = (typeof TOLD_ANSWERS)[number];

/** One least set of proofs that is enough. Empty: anybody gets in. */
export interface LoginWay {
  readonly proofs: readonly Proof[];
  /** `false`: it hangs on something that is not known. */
  readonly sure: boolean;
}

/** What sudo wants; `asks` without a way: it cannot be passed. `entry` as sudo -l prints it. */
export type SudoWay =
  | { readonly kind: 'not-allowed' }
  | { readonly kind: 'asks-nothing'; readonly entry: string }
  | { readonly kind: 'asks'; readonly ways: readonly LoginWay[] }
  | { readonly kind: 'unknown'; readonly why: string };

/** One persona. */
export interface LoginRow {
  /** `automation`, `break-glass`, `server-access member`, `sudo member`, `local user`, `root`. */
  readonly who: string;
  /** Name of its account; '' where the host has none of the kind, and a typical one was judged. */
  readonly user: string;
  /** Where it is taken to come from; '' where that makes no difference. */
  readonly address: string;
  /** Why Duo is not asked, in a word; `null`: it is to be. */
  readonly exempt: 'automation' | 'break-glass' | 'key-only' | 'no-member' | null;
  /** It is root, sudoers allows it something, or the inventory means it to; of others whose rights are not known, `sudo` says so. */
  readonly privileged: boolean;
  /** Ways in by SSH, however Duo answers; none: refused. */
  readonly ssh: Readonly<Record<ToldAnswer, readonly LoginWay[]>>;
  readonly sudo: Readonly<Record<ToldAnswer, SudoWay>>;
}

/** One host in one state. */
export interface LoginTable {
  readonly kind: 'logins';
  readonly rows: readonly LoginRow[];
  /** Accounts that the inventory has log in by key alone; they are no persona, and no row is about them. */
  readonly keyOnly: readonly string[];
}
