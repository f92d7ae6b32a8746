// The kinds of people and programs that log in, and in which ways each of them may get in.
import type { AccountFacts } from '../core/facts.ts';
import type { Proof } from '../core/login-table.ts';
import type { DuoAnswer } from './duo-answer.ts';
import type { PamVerdict } from './pam-situation.ts';

export const PERSONA_KINDS = [
  'automation',
  'break-glass',
  'server-access member',
  'sudo member',
  'local user',
  'root',
] as const;
export type PersonaKind = (typeof PERSONA_KINDS)[number];

/** One persona on one host: an account that is there, or, where the host has none of its kind, a typical one. */
export interface Persona {
  readonly kind: PersonaKind;
  /** Name of the account. */
  readonly user: string;
  readonly account: AccountFacts;
  /** Whether the account is on the host; a made-up one stands for those who will come (the directory's users). */
  readonly isReal: boolean;
  /** Label of the connection whose effective sshd settings hold for it: see steps/observe-request.ts. */
  readonly label: string;
  /** The address that it is taken to come from. */
  readonly address: string;
}

/** One sequence of sshd's methods that ends inside, and the least that has to be shown on the way. */
export interface Door {
  /** `publickey`, `password`, `keyboard-interactive` in the order in which they are gone through. */
  readonly methods: readonly string[];
  /** Without repetition, in the order key, password, duo. Empty: anybody gets in. */
  readonly proofs: readonly Proof[];
  /** `false`: it hangs on a module that is not known whether this door is there. */
  readonly sure: boolean;
  /** What PAM made of the decisive method; `null` where PAM's auth stack has no say (publickey alone). */
  readonly walk: PamVerdict | null;
}

/** What sudo wants of a persona before it runs a command. */
export type SudoDoor =
  | { readonly kind: 'not-allowed' }
  /** NOPASSWD or !authenticate: PAM's auth stack is not asked at all. `rule` as sudo -l prints it. */
  | { readonly kind: 'asks-nothing'; readonly rule: string }
  | {
      readonly kind: 'asks';
      /** Each is one least set of proofs with which sudo goes on; no set: it cannot be passed. */
      readonly ways: readonly { readonly proofs: readonly Proof[]; readonly sure: boolean }[];
      readonly walk: PamVerdict;
    }
  | { readonly kind: 'unknown'; readonly why: string };

/** How a persona stands before a host while Duo answers in one way. */
export interface Standing {
  readonly persona: Persona;
  readonly duo: DuoAnswer;
  readonly ssh: readonly Door[];
  /** Why sshd takes nobody by this name at all (AllowUsers and its kin, PermitRootLogin), or ''. */
  readonly shutOut: string;
  readonly sudo: SudoDoor;
}
