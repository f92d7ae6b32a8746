// The modules that ask for a password: what they answer by what is typed and what is known of the account.
import type { PamCode } from './pam-code.ts';
import type { ModuleAnswer, PamKnowledge } from './pam-situation.ts';

/** What earlier modules of the same call, or of authenticate before setcred, have left behind (pam_set_item(3), pam_set_data(3)). */
export interface PamHandle {
  /** A password was asked for and given: the next module that wants one takes it. */
  readonly asked: boolean;
  /** What pam_unix last returned from authenticate; `undefined` where that is not known. */
  readonly unix: PamCode | null | undefined;
}

export const FRESH_HANDLE: PamHandle = { asked: false, unix: null };

/** One call to a module: its arguments, what is known, and what those before it have left. */
export interface Asked {
  readonly args: readonly string[];
  readonly known: PamKnowledge;
  readonly handle: PamHandle;
}

export const returns = (code: PamCode, why: string): ModuleAnswer => ({ kind: 'returns', code, why });
export const mayReturn = (codes: readonly PamCode[], why: string): ModuleAnswer => ({
  kind: 'unknown',
  codes,
  why,
});

/** The password that a module gets at, or the answer of one that gets at none (libpam/pam_get_authtok.c). */
export const passwordFor = ({
  args,
  known,
  handle,
}: Asked): NonNullable<PamKnowledge['password']> | ModuleAnswer => {
  const { password } = known;
  if (!handle.asked && args.includes('use_first_pass')) {
    return returns(
      'PAM_AUTH_ERR',
      'no module before it has asked for a password, and use_first_pass asks for none',
    );
  }
  if (password === undefined) {
    return mayReturn(
      ['PAM_SUCCESS', 'PAM_AUTH_ERR', 'PAM_USER_UNKNOWN', 'PAM_AUTHTOK_ERR'],
      'a password is asked for',
    );
  }
  return password === 'none' ? returns('PAM_AUTHTOK_ERR', 'nothing can be typed') : password;
};

/** modules/pam_unix/pam_unix_auth.c and support.c. */
export const unixAuthenticate = (asked: Asked): ModuleAnswer => {
  const { args, known } = asked;
  const { account } = known;
  if (known.user !== undefined && /^[+-]/.test(known.user)) {
    return returns('PAM_USER_UNKNOWN', 'the name begins with a sign');
  }
  const nullok = args.includes('nullok') || args.includes('nullok_secure');
  const empty = emptyPasswords(known);
  if (account?.password === 'empty' && nullok && empty !== 'refused') {
    const why = 'the account has no password, and nullok lets it in without';
    return empty === 'accepted'
      ? returns('PAM_SUCCESS', why)
      : mayReturn(['PAM_SUCCESS', 'PAM_AUTH_ERR'], `${why} where the program accepts that`);
  }
  const password = passwordFor(asked);
  if (typeof password === 'object') return password;
  if (account === null) return returns('PAM_USER_UNKNOWN', 'there is no such account');
  const state = account?.password;
  switch (state) {
    case 'set':
      return password === 'right'
        ? returns('PAM_SUCCESS', 'the password is right')
        : returns('PAM_AUTH_ERR', `the password is ${password}`);
    case 'locked':
      return returns('PAM_AUTH_ERR', "the account's password is locked");
    case 'empty':
      return returns('PAM_AUTH_ERR', 'the account has no password, and that is not accepted');
    case 'none':
      return mayReturn(['PAM_AUTH_ERR', 'PAM_AUTHINFO_UNAVAIL'], 'the account has no password on this host');
    case 'unknown':
    case undefined: {
      const refusals: readonly PamCode[] = ['PAM_AUTH_ERR', 'PAM_AUTHINFO_UNAVAIL', 'PAM_USER_UNKNOWN'];
      return password === 'right' || (nullok && empty !== 'refused')
        ? mayReturn(['PAM_SUCCESS', ...refusals], 'nothing is known of the account’s password')
        : mayReturn(refusals, `the password is ${password}`);
    }
    default:
      return state satisfies never;
  }
};

const emptyPasswords = ({ emptyAllowed, service }: PamKnowledge): 'accepted' | 'refused' | 'unknown' => {
  if (emptyAllowed !== undefined) return emptyAllowed ? 'accepted' : 'refused';
  return service === 'sshd' ? 'unknown' : 'accepted';
};

/** pam_sm_setcred of pam_unix_auth.c: with likeauth what authenticate returned, if there was one. */
export const unixSetcred = ({ args, handle }: Asked): ModuleAnswer => {
  if (!args.includes('likeauth') || handle.unix === null) return returns('PAM_SUCCESS', '');
  return handle.unix === undefined
    ? mayReturn(['PAM_SUCCESS', 'PAM_AUTH_ERR', 'PAM_USER_UNKNOWN', 'PAM_AUTHINFO_UNAVAIL'], 'likeauth')
    : returns(handle.unix, 'likeauth: as in authenticate');
};

/** modules/pam_unix/pam_unix_acct.c; an expired password is not looked for, for the login goes on to change it. */
export const unixAccount = ({ args, known }: Asked): ModuleAnswer => {
  const { account } = known;
  if (account === null) return returns('PAM_USER_UNKNOWN', 'there is no such account');
  if (account === undefined) {
    return mayReturn(
      ['PAM_SUCCESS', 'PAM_NEW_AUTHTOK_REQD', 'PAM_ACCT_EXPIRED', 'PAM_USER_UNKNOWN', 'PAM_AUTHINFO_UNAVAIL'],
      'nothing is known of the account',
    );
  }
  if (account.expired) return returns('PAM_ACCT_EXPIRED', 'the account has expired');
  if (account.password === 'none' || account.password === 'unknown') {
    if (args.includes('broken_shadow')) return returns('PAM_SUCCESS', 'broken_shadow');
    return mayReturn(['PAM_SUCCESS', 'PAM_AUTHINFO_UNAVAIL'], 'the account is not known to be a local one');
  }
  return returns('PAM_SUCCESS', 'the account has not expired');
};
