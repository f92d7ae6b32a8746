// Who stands before a PAM stack, with what in hand, and how a module or a whole stack answers.
import type { AccountFacts } from '../core/facts.ts';
import type { DuoAnswer } from './duo-answer.ts';
import type { DuoConfReading } from './duo-conf.ts';
import type { PamCode } from './pam-code.ts';

/** Service files by name as they lie in one folder: `sshd`, `common-auth`, `other`. A name that is absent has no file. */
export type PamFolder = Readonly<Record<string, string>>;

/** What of a host the modules look at. Everything that is not known makes an answer unsure, never safe. */
export interface PamHost {
  readonly files: PamFolder;
  /** Whether libpam can load a module as a stack names it (bare name or absolute path); `null`: not known, taken as there. */
  readonly hasModule: (module: string) => boolean | null;
  /** What pam_duo reads when its line names this file by `conf=`, or with `null` its default one. */
  readonly duoConf: (path: string | null) => DuoConfReading;
  /** /etc/nologin or /run/nologin is there; `null`: not known. */
  readonly nologin: boolean | null;
}

/** One attempt to get through a stack. */
export interface PamAttempt {
  readonly service: string;
  readonly user: string;
  /** `null`: libc knows no such account. */
  readonly account: AccountFacts | null;
  /** What is typed wherever a password is asked for. `none`: nothing can be typed, the conversation fails. */
  readonly password: 'right' | 'wrong' | 'empty' | 'none';
  /** How Duo answers for this user, if it is asked. */
  readonly duo: DuoAnswer;
  /** SSH_AUTH_INFO_0 as sshd sets it: `publickey ssh-ed25519 AAAA...` after a verified key, else ''. */
  readonly authInfo: string;
  /** Address that the login comes from, '' for none (sudo). */
  readonly rhost: string;
  /** The program accepts empty passwords (sshd: PermitEmptyPasswords); absent: not known for sshd, yes for others. */
  readonly emptyAllowed?: boolean;
}

/** What is known of an attempt; what is `undefined` is not, and whatever hangs on it is unsure. */
export interface PamKnowledge {
  readonly service: string;
  readonly user: string | undefined;
  readonly account: AccountFacts | null | undefined;
  readonly password: PamAttempt['password'] | undefined;
  readonly duo: DuoAnswer | undefined;
  readonly authInfo: string | undefined;
  readonly rhost: string | undefined;
  /** The program accepts empty passwords: PAM_DISALLOW_NULL_AUTHTOK is not set (sshd: PermitEmptyPasswords). */
  readonly emptyAllowed?: boolean | undefined;
}

/** What one module says. */
export type ModuleAnswer =
  | {
      readonly kind: 'returns';
      readonly code: PamCode;
      readonly why: string;
      /** Seconds that the module takes before it answers, where that is long: pam_duo that gets no answer. */
      readonly waitS?: number;
    }
  /** It may return any of `codes`. */
  | { readonly kind: 'unknown'; readonly codes: readonly PamCode[]; readonly why: string };

/**
 * libpam's management calls that decide over a login. `setcred` follows an authenticate of the same handle and goes by
 * what that had from each line; `setcred-alone` has none before it: sshd after a key, or after keyboard-interactive, for
 * which it authenticates in another process.
 */
export type PamCall = 'authenticate' | 'setcred' | 'setcred-alone' | 'acct_mgmt';

/** One line that libpam came by, in its order, and what it did there. */
export interface PamStep {
  readonly file: string;
  /** 1-based line of the file; 0 where libpam itself speaks (a missing file). */
  readonly line: number;
  /** The line's words as written, blanks squeezed. */
  readonly text: string;
  /** How deep in substacks; 0 is the service's own stack. */
  readonly depth: number;
  /** `null`: jumped over, or the stack was at its end before. */
  readonly answer: ModuleAnswer | null;
  /** What libpam made of it: `ok`, `done`, `bad`, `die`, `ignore`, `reset`, `jump 2`, or '' for a line that was not run. */
  readonly action: string;
}

/** What a stack comes to. */
export interface PamVerdict {
  /** The return code of the call; of several possible ones the most permissive. */
  readonly result: PamCode;
  /** Every module that counted was known. With `false`, `possible` has what else it may be. */
  readonly sure: boolean;
  readonly possible: readonly PamCode[];
  /** The walk that ended in `result`. */
  readonly steps: readonly PamStep[];
}
