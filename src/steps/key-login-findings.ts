// What an administrator is told about accounts that log in by key alone today.
import type { Finding } from '../core/finding.ts';
import { keyLogins, passwordLogins, type KeyLogin } from '../auth/key-logins.ts';
import { breach, warning, type StepContext } from './step.ts';

/** A breach for each account that would be shut out, a warning for each that has to answer with a password from now on. */
export const keyLoginFindings = (
  { facts, settings }: StepContext,
  options: { readonly isLive: boolean },
): readonly Finding[] => [
  ...keyLogins(settings, facts).map((login) => findingOf(login, options.isLive)),
  ...passwordLogins(settings, facts).map((account) =>
    warning(
      'password-login-lost',
      `${account} logs in by password today and has no authorized keys: without a key it cannot log in over SSH any more; give it one, or list it in key_login_loss_accepted if that is meant`,
      account,
    ),
  ),
];

const findingOf = ({ account, outcome }: KeyLogin, isLive: boolean): Finding => {
  switch (outcome) {
    case 'lost': {
      const message = `${account} has authorized keys and no password that sshd would take, so it ${isLive ? 'cannot log in' : 'could not log in any more'}; list it in key_only_users, or in key_login_loss_accepted if that is meant`;
      // Where the settings are live already this run takes nothing from it, and refusing would help nobody.
      return isLive
        ? warning('key-login-lost', message, account)
        : breach('key-login-lost', message, account);
    }
    case 'needs-password':
      return warning(
        'key-login-needs-password',
        `${account} has authorized keys and is in none of Duo's groups: it logs in with its key and its password; list it in key_only_users if nobody is there to type one`,
        account,
      );
    case 'unknown':
      return warning(
        'key-login-needs-password',
        `${account} has authorized keys and is in none of Duo's groups, and its password is not on this host: it gets in only if it has one; list it in key_only_users if nobody is there to type one`,
        account,
      );
    default:
      return outcome satisfies never;
  }
};
