// The modules that ask a directory for a password: sssd's, winbind's, Kerberos's and nslcd's.
import type { PamCode } from './pam-code.ts';
import { ALL_CODES } from './pam-control.ts';
import { mayReturn, passwordFor, returns, type Asked } from './pam-passwords.ts';
import type { ModuleAnswer, PamKnowledge } from './pam-situation.ts';

/** The calls that a module answers in a way of its own. */
type Call = 'authenticate' | 'setcred' | 'acct_mgmt';

/** Whatever a module says that does not let in. */
const REFUSALS: readonly PamCode[] = ALL_CODES.filter(
  (code) => !['PAM_SUCCESS', 'PAM_NEW_AUTHTOK_REQD', 'PAM_IGNORE', 'PAM_INCOMPLETE'].includes(code),
);

/** sssd's module: it knows the accounts of a directory, a local one it does not know or cannot ask about (pam_sss(8)). */
export const sssAnswer = (asked: Asked, call: Call): ModuleAnswer => {
  const { args, known } = asked;
  const { account } = known;
  const unknown: PamCode = args.includes('ignore_unknown_user') ? 'PAM_IGNORE' : 'PAM_USER_UNKNOWN';
  const away: PamCode = args.includes('ignore_authinfo_unavail') ? 'PAM_IGNORE' : 'PAM_AUTHINFO_UNAVAIL';
  if (account === null || account?.password === 'set' || account?.password === 'locked') {
    const why = account === null ? 'there is no such account' : 'a local account';
    return unknown === away ? returns(unknown, why) : mayReturn([unknown, away], why);
  }
  const refusals: readonly PamCode[] = [unknown, away, 'PAM_PERM_DENIED', 'PAM_SYSTEM_ERR'];
  if (call !== 'authenticate') {
    return mayReturn(
      ['PAM_SUCCESS', 'PAM_NEW_AUTHTOK_REQD', 'PAM_ACCT_EXPIRED', ...refusals],
      'the directory says',
    );
  }
  const password = passwordFor(asked);
  if (typeof password === 'object') return password;
  if (account?.password !== 'none') {
    const codes = [...refusals, 'PAM_AUTH_ERR'] as const;
    return mayReturn(
      password === 'right' ? ['PAM_SUCCESS', ...codes] : codes,
      'it may be a directory account',
    );
  }
  return verified(password);
};

/** nsswitch/pam_winbind.c of Samba. An expired password, too, is said to be one only once it was verified. */
export const winbindAnswer = (asked: Asked, call: Call): ModuleAnswer => {
  const ignores = asked.args.includes('unknown_ok');
  switch (call) {
    case 'authenticate':
      return directoryPassword(asked, { ownsAccounts: true, ignores });
    case 'setcred':
      return mayReturn(['PAM_SUCCESS', 'PAM_SYSTEM_ERR', 'PAM_SERVICE_ERR'], 'winbind says');
    case 'acct_mgmt':
      return directoryAccount(ignores);
    default:
      return call satisfies never;
  }
};

/** pam/pam.c of nss-pam-ldapd, which asks nslcd. */
export const ldapAnswer = (asked: Asked, call: Call): ModuleAnswer => {
  const { args } = asked;
  const ignoresUnknown = args.includes('ignore_unknown_user');
  const ignores = ignoresUnknown || args.includes('ignore_authinfo_unavail');
  if (call === 'setcred') return returns('PAM_SUCCESS', '');
  if (isBelowMinimum(asked)) {
    return returns(ignoresUnknown ? 'PAM_IGNORE' : 'PAM_USER_UNKNOWN', 'the uid is below minimum_uid');
  }
  return call === 'authenticate'
    ? directoryPassword(asked, { ownsAccounts: true, ignores })
    : directoryAccount(ignores);
};

/**
 * Debian's libpam-krb5 (rra/pam-krb5, module/auth.c, account.c). Its accounts are often local ones whose password is
 * locked, so that it may know any. Where nobody has come by it, it has no say in the account phase (PAM_IGNORE).
 */
export const krb5Answer = (asked: Asked, call: Call): ModuleAnswer => {
  const isLeftOut = isLeftOutByKrb5(asked);
  if (call === 'acct_mgmt') return isLeftOut ? returns('PAM_IGNORE', LEFT_OUT) : directoryAccount(true);
  if (call === 'setcred') {
    return mayReturn(
      ['PAM_SUCCESS', 'PAM_IGNORE', ...REFUSALS],
      'it goes by whether Kerberos let somebody in',
    );
  }
  if (isLeftOut) return returns('PAM_USER_UNKNOWN', LEFT_OUT);
  // Without force_first_pass it asks where nobody before it has.
  const args = asked.args.includes('force_first_pass') ? ['use_first_pass'] : [];
  const answer = directoryPassword({ ...asked, args }, { ownsAccounts: false, ignores: false });
  // The KDC may say that a password has expired before it has seen one; with this option that is success at first.
  const codes: readonly PamCode[] = asked.args.includes('defer_pwchange')
    ? ['PAM_SUCCESS', 'PAM_NEW_AUTHTOK_REQD']
    : ['PAM_NEW_AUTHTOK_REQD'];
  return answer.kind === 'unknown' ? mayReturn([...codes, ...answer.codes], answer.why) : answer;
};

/** Whether one of these modules asks for a password at all, which it then leaves behind for the next one. */
export const directoryAsks = (module: string, asked: Pick<Asked, 'args' | 'known'>): boolean => {
  switch (module) {
    case 'pam_sss':
    case 'pam_winbind':
      return true;
    case 'pam_ldap':
      return !isBelowMinimum(asked);
    case 'pam_krb5':
      return !isLeftOutByKrb5(asked) && !KRB5_ASKS_ITSELF.some((option) => asked.args.includes(option));
    default:
      return false;
  }
};

/** With these Kerberos's library does the asking, and what was typed is not passed on. */
const KRB5_ASKS_ITSELF = ['try_pkinit', 'use_pkinit', 'no_prompt'];

const LEFT_OUT = 'by minimum_uid or ignore_root this account is none of Kerberos’s';

const isLeftOutByKrb5 = ({ args, known }: Pick<Asked, 'args' | 'known'>): boolean =>
  (args.includes('ignore_root') && known.user === 'root') ||
  (known.user?.includes('@') !== true && isBelowMinimum({ args, known }));

const isBelowMinimum = ({ args, known }: Pick<Asked, 'args' | 'known'>): boolean => {
  const minimum = args.findLast((arg) => /^minimum_uid=\d+$/.test(arg))?.slice('minimum_uid='.length);
  const uid = known.account?.uid;
  return minimum !== undefined && uid !== undefined && uid < Number(minimum);
};

interface Directory {
  /** An account that has no password on the host can only be its: a name service of its own brought it. */
  readonly ownsAccounts: boolean;
  /** It is told to ignore users whom it does not know, or that it cannot be asked. */
  readonly ignores: boolean;
}

/** A password that is not the right one lets nobody in; whether the right one does hangs on whom the directory knows. */
const directoryPassword = (asked: Asked, { ownsAccounts, ignores }: Directory): ModuleAnswer => {
  const refusals: readonly PamCode[] = ignores ? ['PAM_IGNORE', ...REFUSALS] : REFUSALS;
  const { account } = asked.known;
  if (account === null) return mayReturn(refusals, 'there is no such account');
  const password = passwordFor(asked);
  if (password === 'right') {
    return ownsAccounts && account?.password === 'none'
      ? verified(password)
      : mayReturn(['PAM_SUCCESS', ...refusals], 'it goes by whether the directory knows the account');
  }
  if (typeof password === 'object') {
    return password.kind === 'returns' ? mayReturn(refusals, password.why) : password;
  }
  return mayReturn(refusals, `the password is ${password}`);
};

const directoryAccount = (ignores: boolean): ModuleAnswer =>
  mayReturn(
    ['PAM_SUCCESS', 'PAM_NEW_AUTHTOK_REQD', ...(ignores ? (['PAM_IGNORE'] as const) : []), ...REFUSALS],
    'it goes by what the directory says of the account',
  );

const verified = (password: NonNullable<PamKnowledge['password']>): ModuleAnswer =>
  password === 'right'
    ? returns('PAM_SUCCESS', "the directory's password is right")
    : returns('PAM_AUTH_ERR', `the directory's password is ${password}`);
