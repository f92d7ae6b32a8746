// What an administrator is told about accounts that log in by key alone today.
import type { Facts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import { keyLogins, passwordLogins, type KeyLogin } from '../auth/key-logins.ts';
import { breach, warning, type StepContext } from './step.ts';

/** A breach for each account that would be shut out, a warning for each that has to answer with a password from now on. */
export const keyLoginFindings = (
  { facts, settings }: StepContext,
  options: { readonly isLive: boolean },
): readonly Finding[] => [
  ...logFindings(facts.keyLoginLog),
  ...keyLogins(settings, facts).map((login) => findingOf(login, options.isLive)),
  ...passwordLogins(settings, facts).map((account) =>
    warning(
      'password-login-lost',
      `${account} logs in by password today and not by key: without a key it cannot log in over SSH any more; give it one, or list it in key_login_loss_accepted if that is meant`,
      account,
    ),
  ),
];

/** Who is missing in the log is missing among those who would be shut out. */
const logFindings = (log: Facts['keyLoginLog']): readonly Finding[] =>
  log === 'cut'
    ? [
        warning(
          'key-login-log-cut',
          'sshd has logged more than could be read in time, so accounts whose last login by key is some time ago, and whose keys are in no authorized_keys file, may be missing here; see for yourself: journalctl -t sshd -t sshd-session --since=-90d -g "Accepted publickey"',
        ),
      ]
    : [];

/** `has authorized keys`, or what the log tells where no file does. */
const evidenceOf = ({ onlyLoggedDaysAgo: days }: KeyLogin): string => {
  if (days === null) return 'has authorized keys';
  const when = days === 0 ? 'today' : days === 1 ? 'yesterday' : `${days} days ago`;
  return `logged in by key ${when} (no authorized_keys file holds it: a certificate, AuthorizedKeysCommand, or it is gone since)`;
};

const findingOf = (login: KeyLogin, isLive: boolean): Finding => {
  const { account, outcome } = login;
  const evidence = evidenceOf(login);
  switch (outcome) {
    case 'lost': {
      const message = `${account} ${evidence} and has no password that sshd would take, so it ${isLive ? 'cannot log in' : 'could not log in any more'}; list it in key_only_users, or in key_login_loss_accepted if that is meant`;
      // Where the settings are live already this run takes nothing from it, and refusing would help nobody.
      return isLive
        ? warning('key-login-lost', message, account)
        : breach('key-login-lost', message, account);
    }
    case 'needs-password':
      return warning(
        'key-login-needs-password',
        `${account} ${evidence} and is in none of Duo's groups: it logs in with its key and its password; list it in key_only_users if nobody is there to type one`,
        account,
      );
    case 'unknown':
      return warning(
        'key-login-needs-password',
        `${account} ${evidence} and is in none of Duo's groups, and its password is not on this host: it gets in only if it has one; list it in key_only_users if nobody is there to type one`,
        account,
      );
    default:
      return outcome satisfies never;
  }
};
