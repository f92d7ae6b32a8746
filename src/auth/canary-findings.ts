// Whether the people whose logins are to show that Duo is asked can show it on this host.
import type { Facts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import { printable } from '../core/printable.ts';
import type { Settings } from '../core/settings.ts';

const breach = (rule: string, persona: string, message: string): Finding => ({
  rule,
  persona,
  severity: 'breach',
  message,
});

/** What is wrong with `canary_user` on this host: told before anything is touched. */
export const canaryFindings = (settings: Settings, facts: Facts): readonly Finding[] => {
  const { canary } = settings;
  if (canary === null) return [];
  const findings = [...memberFindings(canary.user, settings, facts, 'canary')];
  // With autopush the module asks nothing and sends the push (duo_unix lib/duo.c): a telephone would ring at every run.
  const autopush = settings.duo.options.find(([key]) => key === 'autopush')?.[1] === 'yes';
  if (canary.passcode !== null && autopush) {
    findings.push(
      breach(
        'canary-autopush',
        canary.user,
        `canary_passcode cannot be used with duo_autopush: yes: Duo would send ${canary.user} a push instead of asking for a passcode; put ${canary.user} into Duo's bypass state and remove canary_passcode, or set duo_autopush: no`,
      ),
    );
  }
  return findings;
};

/** What is wrong with the user of `--as` on this host. */
export const asUserFindings = (user: string, settings: Settings, facts: Facts): readonly Finding[] =>
  memberFindings(user, settings, facts, 'as-user');

const memberFindings = (
  user: string,
  settings: Settings,
  facts: Facts,
  rule: 'canary' | 'as-user',
): readonly Finding[] => {
  const source = rule === 'canary' ? 'canary_user' : '--as';
  const account = facts.accounts[user];
  if (account === undefined || account === null) {
    return [
      breach(
        `${rule}-unknown`,
        user,
        `${source} names ${printable(user)}, and ${settings.host} knows no such account: its login cannot show that Duo is asked; create the account, or name another`,
      ),
    ];
  }
  const duoGroups = [settings.serverAccessGroup, settings.sudoGroup];
  if (account.groups.some((group) => duoGroups.includes(group))) return [];
  return [
    breach(
      `${rule}-no-member`,
      user,
      `${source} names ${printable(user)}, who is in none of Duo's groups (${duoGroups.join(', ')}) on ${settings.host} and so never meets Duo; add the account to one of them, or name another`,
    ),
  ];
};
