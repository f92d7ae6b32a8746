// What is wrong with a host whatever the steps are: groups that nobody is in, an account in the wrong one, a clock.
import type { AccountFacts } from '../core/facts.ts';
import type { Finding } from '../core/finding.ts';
import { printable } from '../core/printable.ts';
import { shutOutBy } from '../auth/sshd-allow.ts';
import { isNoShell, meetsDuo } from '../auth/key-logins.ts';
import { breach, warning, type StepContext } from './step.ts';

/** Duo's cloud takes requests that are at most five minutes off; a minute is a clock that nobody sets. */
export const CLOCK_SKEW_MAX_S = 60;

export const hostFindings = (context: StepContext): readonly Finding[] => [
  ...groupFindings(context),
  ...memberFindings(context),
  ...sharedUids(context),
  ...breakGlassFindings(context),
  ...clockFindings(context),
];

/** A name that the host does not know: pam_duo lets everybody pass then. */
const groupFindings = ({ facts, settings }: StepContext): readonly Finding[] =>
  [...new Set([settings.serverAccessGroup, settings.sudoGroup])]
    .filter((group) => (facts.groups[group.toLowerCase()] ?? facts.groups[group] ?? null) === null)
    .map((group) =>
      breach(
        'group-unresolved',
        `the host knows no group ${group.toLowerCase()}, so its members would not meet Duo; correct ad_server_access_group and ad_sudo_group, or look at the host's directory service (getent group ${group.toLowerCase()})`,
      ),
    );

const memberFindings = (context: StepContext): readonly Finding[] => {
  const { settings } = context;
  const user = settings.connection.user;
  const glass = settings.breakGlass?.user;
  return [
    ...(isMember(context, user)
      ? [
          breach(
            'automation-meets-duo',
            `${user}, the automation account, is in one of Duo's groups, and nobody is there to approve its logins; take it out`,
            user,
          ),
        ]
      : []),
    ...(glass !== undefined && isMember(context, glass)
      ? [
          breach(
            'break-glass-meets-duo',
            `${glass}, the break-glass account, is in one of Duo's groups, so it would not get to root while Duo is down; take it out`,
            glass,
          ),
        ]
      : []),
    ...settings.keyOnlyGroups
      .filter((group) => [settings.serverAccessGroup, settings.sudoGroup].includes(group))
      .map((group) =>
        breach(
          'key-only-duo-group',
          `${group} is one of Duo's groups and in key_only_groups, so none of its members would meet Duo; take it out of key_only_groups`,
        ),
      ),
    ...keyOnlyMembers(context)
      .filter(([name]) => name !== user && name !== glass)
      .map(([name, by]) =>
        warning(
          'key-only-member',
          `${name} is in one of Duo's groups and in ${by}: it logs in without Duo`,
          name,
        ),
      ),
  ];
};

/**
 * sudo goes by the uid of who calls it, and takes the first account that has it for the caller: its password, its groups at
 * PAM. What the caller may run still goes by the groups of the process (sudo's match.c), so that such a member met no Duo.
 */
const sharedUids = ({ facts, settings }: StepContext): readonly Finding[] => {
  const sudoGroup = settings.sudoGroup.toLowerCase();
  const named = Object.entries(facts.accounts).flatMap(([name, account]) =>
    account === null || account.uid === 0
      ? []
      : [{ name, account, meets: account.groups.some((group) => group.toLowerCase() === sudoGroup) }],
  );
  return named
    .filter(({ meets }) => meets)
    .flatMap((member) => {
      const twin = named.find(({ account, meets }) => !meets && account.uid === member.account.uid);
      return twin === undefined
        ? []
        : [
            breach(
              'shared-uid',
              `${printable(member.name, 64)} and ${printable(twin.name, 64)} have one uid, ${member.account.uid}, and ${printable(twin.name, 64)} is not in ${sudoGroup}: sudo could take the one for the other and not ask Duo; give one another uid (usermod -u), or put both into the group`,
              member.name,
            ),
          ];
    });
};

/** Members of Duo's groups who do not meet it at login, and the variable by which. */
const keyOnlyMembers = (context: StepContext): readonly (readonly [name: string, by: string])[] => {
  const { facts, settings } = context;
  const users = settings.keyOnlyUsers.filter((name) => isMember(context, name));
  const groups = Object.entries(facts.accounts).flatMap(([name, account]) => {
    const group = account?.groups.find((one) => settings.keyOnlyGroups.includes(one));
    return group === undefined || users.includes(name) || !isMember(context, name)
      ? []
      : [[name, `${group} of key_only_groups`] as const];
  });
  return [...users.map((name) => [name, 'key_only_users'] as const), ...groups];
};

const isMember = ({ facts, settings }: StepContext, name: string): boolean => {
  const account = facts.accounts[name] ?? null;
  if (account !== null && meetsDuo(account, settings)) return true;
  return [settings.serverAccessGroup, settings.sudoGroup].some((group) =>
    (facts.groups[group.toLowerCase()] ?? facts.groups[group])?.members.includes(name),
  );
};

const breakGlassFindings = (context: StepContext): readonly Finding[] => {
  const { facts, settings } = context;
  const name = settings.breakGlass?.user;
  if (name === undefined) return [];
  const account = facts.accounts[name] ?? null;
  if (account === null) {
    return [
      breach(
        'break-glass-missing',
        `there is no account ${name}, the break-glass account; create it with a password, or correct break_glass_user`,
        name,
      ),
    ];
  }
  return [...passwordFindings(name, account.password), ...breakGlassShutOut(context, name, account)];
};

/** A way in for the day when Duo is down has to be one: a shell, and sshd that takes the account at all. */
const breakGlassShutOut = (
  { facts }: StepContext,
  name: string,
  account: AccountFacts,
): readonly Finding[] => {
  const effective = facts.sshd.effective['breakglass'] ?? facts.sshd.effective['*'] ?? {};
  const keyword = shutOutBy(effective, name, account);
  return [
    ...(account.expired
      ? [
          breach(
            'break-glass-shut-out',
            `${name}, the break-glass account, has expired; take the date away: chage -E -1 ${name}`,
            name,
          ),
        ]
      : []),
    ...(isNoShell(account.shell)
      ? [
          breach(
            'break-glass-shut-out',
            `${name}, the break-glass account, has ${account.shell} for a shell, so it could do nothing; give it one: chsh -s /bin/bash ${name}`,
            name,
          ),
        ]
      : []),
    ...(keyword === null
      ? []
      : [
          breach(
            'break-glass-shut-out',
            `sshd does not let ${name}, the break-glass account, in: ${keyword} (${effective[keyword]?.join(' ') ?? ''}) shuts it out; add it there`,
            name,
          ),
        ]),
  ];
};

const passwordFindings = (name: string, password: AccountFacts['password']): readonly Finding[] => {
  const finding = (what: string): readonly Finding[] => [
    breach('break-glass-password', `${name}, the break-glass account, ${what}`, name),
  ];
  switch (password) {
    case 'set':
      return [];
    case 'locked':
      return finding(`has no password that it could log in with; set one: passwd ${name}`);
    case 'empty':
      return finding(`has an empty password; set one: passwd ${name}`);
    case 'none':
      return finding('is not a local account, so it is gone with the directory; make it a local one');
    case 'unknown':
      return [
        warning(
          'break-glass-password',
          `it is not known whether ${name}, the break-glass account, has a password`,
          name,
        ),
      ];
    default:
      return password satisfies never;
  }
};

const clockFindings = ({ facts, controllerEpochS }: StepContext): readonly Finding[] => {
  if (controllerEpochS === null) return [];
  const skewS = Math.round(facts.epochS - controllerEpochS);
  return Math.abs(skewS) > CLOCK_SKEW_MAX_S
    ? [
        warning(
          'clock-skew',
          `the host's clock is ${Math.abs(skewS)} s ${skewS > 0 ? 'ahead of' : 'behind'} ours; Duo refuses requests from a clock that is too far off: set it, and have it kept by NTP`,
        ),
      ]
    : [];
};
