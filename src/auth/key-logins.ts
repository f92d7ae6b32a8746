// Who logs in by key alone today and would stand before a closed door once sshd wants a second factor of everybody.
import type { AccountFacts, Facts } from '../core/facts.ts';
import type { Settings } from '../core/settings.ts';
import { shutOutBy } from './sshd-allow.ts';

/** Shells that end a login at once; SFTP and forwarding work past them all the same. */
export const isNoShell = (shell: string): boolean => /\/(?:nologin|false)$/.test(shell);

/** Whether an account gets in by key today: one lies in its files, or sshd's log tells of one (a certificate, a command's answer). */
export const hasKeyLogin = (account: AccountFacts): boolean =>
  account.authorizedKeys > 0 || account.keyLoginDaysAgo !== null;

/**
 * Accounts with a local password and no login by key, which get in by it today and could not any more, a key being
 * wanted first. Members of Duo's groups are among them, and who has no shell: SFTP works past that. None where sshd takes
 * no password already, and nobody whom it takes by no means (AllowGroups and its kin).
 */
export const passwordLogins = (settings: Settings, facts: Facts): readonly string[] => {
  const effective = facts.sshd.effective['*'] ?? {};
  const takes = (keyword: string): boolean => effective[keyword]?.[0]?.toLowerCase() === 'yes';
  const methods = effective['authenticationmethods']?.join(' ').toLowerCase() ?? 'any';
  const byPassword = takes('passwordauthentication') || takes('kbdinteractiveauthentication');
  if (!byPassword || methods.split(' ').every((list) => list.startsWith('publickey'))) return [];
  const rootToo = facts.sshd.effective['root']?.['permitrootlogin']?.[0]?.toLowerCase() === 'yes';
  return Object.entries(facts.accounts)
    .filter(
      ([name, account]) =>
        account !== null &&
        !hasKeyLogin(account) &&
        account.password === 'set' &&
        !account.expired &&
        shutOutBy(effective, name, account) === null &&
        name !== settings.connection.user &&
        name !== settings.breakGlass?.user &&
        !settings.keyLoginLossAccepted.includes(name) &&
        (account.uid !== 0 || rootToo),
    )
    .map(([name]) => name)
    .toSorted();
};

/**
 * - `lost` has no password to answer with (or is root, and sshd takes none from it): cannot get in any more
 * - `needs-password` gets in with its key and, from now on, its password
 * - `unknown` its password is not the host's own (a directory account), so it cannot be told
 */
export interface KeyLogin {
  readonly account: string;
  /** Days since its last login by key, where no file of authorized keys shows it: only sshd's log does. */
  readonly onlyLoggedDaysAgo: number | null;
  readonly outcome: 'lost' | 'needs-password' | 'unknown';
}

/**
 * Accounts that log in by key ({@link hasKeyLogin}) whose login changes; those that keep theirs are left out: automation, key-only ones,
 * members of Duo's groups (they meet Duo), break-glass with a password, and those whose loss was accepted.
 */
export const keyLogins = (settings: Settings, facts: Facts): readonly KeyLogin[] =>
  Object.entries(facts.accounts)
    .flatMap(([account, known]): readonly KeyLogin[] => {
      // An expired account loses nothing: often it is somebody who has left.
      if (known === null || known.expired || !hasKeyLogin(known) || keepsLogin(account, known, settings))
        return [];
      const outcome = account === 'root' ? rootOutcome(known, facts) : outcomeOf(known);
      const onlyLoggedDaysAgo = known.authorizedKeys === 0 ? known.keyLoginDaysAgo : null;
      return outcome === null ? [] : [{ account, onlyLoggedDaysAgo, outcome }];
    })
    .toSorted((a, b) => (a.account < b.account ? -1 : 1));

/** Whether an account is in one of the groups whose members meet Duo at login. */
export const meetsDuo = (account: AccountFacts, settings: Settings): boolean =>
  isInOneOf(account, [settings.serverAccessGroup, settings.sudoGroup]);

const isInOneOf = (account: AccountFacts, groups: readonly string[]): boolean =>
  groups.some((group) => account.groups.some((name) => name.toLowerCase() === group.toLowerCase()));

const keepsLogin = (name: string, account: AccountFacts, settings: Settings): boolean =>
  name === settings.connection.user ||
  settings.keyOnlyUsers.includes(name) ||
  isInOneOf(account, settings.keyOnlyGroups) ||
  settings.keyLoginLossAccepted.includes(name) ||
  meetsDuo(account, settings) ||
  (name === settings.breakGlass?.user && account.password === 'set');

const outcomeOf = (account: AccountFacts): KeyLogin['outcome'] => {
  switch (account.password) {
    case 'set':
      return 'needs-password';
    // sshd refuses an empty one (PermitEmptyPasswords no, its default).
    case 'locked':
    case 'empty':
      return 'lost';
    case 'none':
    case 'unknown':
      return 'unknown';
    default:
      return account.password satisfies never;
  }
};

/** root's key opens nothing today under PermitRootLogin no, so nothing is lost; any value but yes refuses a password. */
const rootOutcome = (account: AccountFacts, facts: Facts): KeyLogin['outcome'] | null => {
  const permit = facts.sshd.effective['root']?.['permitrootlogin']?.[0]?.toLowerCase();
  if (permit === 'no') return null;
  return permit === 'yes' ? outcomeOf(account) : 'lost';
};
