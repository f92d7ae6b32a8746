// Which logins are tried through the candidate files, and which on the live host afterwards.
import type { Facts } from '../core/facts.ts';
import { isAddressOf } from '../core/ip-address.ts';
import type { Settings } from '../core/settings.ts';
import {
  answered,
  automationGetsIn,
  breakGlassGetsIn,
  membersGetIn,
  refused,
  sent,
  type Expectation,
  type ProbeMeans,
} from './expectation.ts';

/**
 * The accounts whose passwords are tried wrongly: automation, root, break-glass, somebody local who logs in by password,
 * and a member of Duo's groups. An account that is not there would be refused by any stack and prove nothing.
 */
const personasToRefuse = (settings: Settings, facts: Facts): readonly string[] => {
  const duoGroups = new Set([settings.serverAccessGroup, settings.sudoGroup]);
  const special = new Set([settings.connection.user, settings.breakGlass?.user, 'root']);
  const accounts = Object.entries(facts.accounts).flatMap(([name, account]) =>
    account === null || special.has(name)
      ? []
      : [{ name, account, isMember: account.groups.some((group) => duoGroups.has(group)) }],
  );
  const members = accounts.filter(({ isMember }) => isMember);
  const member = members.find(({ account }) => account.password === 'set') ?? members[0];
  const local = accounts.find(
    ({ account, isMember }) => !isMember && account.password === 'set' && account.uid >= 1000,
  );
  const breakGlass = settings.breakGlass?.user;
  return [
    settings.connection.user,
    'root',
    ...(breakGlass === undefined || facts.accounts[breakGlass] === null ? [] : [breakGlass]),
    ...(local === undefined ? [] : [local.name]),
    ...(member === undefined ? [] : [member.name]),
  ];
};

/**
 * The rehearsal. Automation gets in by key and `sudo -n true` asks nothing; the canary user meets Duo; break-glass gets in
 * by its password where that is configured. Wrong and empty passwords are refused for everybody, with the candidate
 * settings and again with PAM as the only gate.
 *
 * With PAM as the only gate each of sshd's ways is tried: the wrong password as sshd's password method, the empty one
 * through the conversation (an empty password method is answered by sshd itself, PAM would never see it).
 */
export const rehearsalOf = (settings: Settings, facts: Facts, means: ProbeMeans): readonly Expectation[] => {
  const { wrong, empty } = means;
  return [
    // The slow ones first: Duo's answer takes longer than a refusal.
    ...membersGetIn(settings, means, 'the rehearsal waits for it'),
    automationGetsIn(settings),
    ...breakGlassGetsIn(settings, means),
    ...personasToRefuse(settings, facts).flatMap((name) => [
      refused(name, 'a wrong and an empty password, PAM as the only gate', 'pam-only', [
        sent(wrong),
        answered(empty),
      ]),
      refused(name, 'a wrong and an empty password', 'candidate', [
        sent(wrong),
        answered(wrong),
        answered(empty),
      ]),
    ]),
  ];
};

/**
 * The logins on the live host beside automation's, which confirms: the canary user's, break-glass's where its sources have
 * our address, and one that must fail, automation's with a wrong password. That one is left out where it could cost us the
 * way back: sshd's PerSourcePenalties (OpenSSH 9.8 and later, on by default) counts it against our address, and where sshd
 * is not set up by us, the password would be sent and counted by fail2ban and faillock, too.
 * @param sourceAddress ours as the host sees it, '' where it is not known
 */
export const canaryOf = (
  settings: Settings,
  facts: Facts,
  options: { readonly means: ProbeMeans; readonly sourceAddress: string },
): readonly Expectation[] => {
  const { means, sourceAddress } = options;
  const mayFail = settings.sshdConfig === 'managed' && !punishes(facts);
  return [
    ...membersGetIn(settings, means, 'the canary waits for it, else the host goes back to what it was'),
    ...(isBreakGlassSource(settings, sourceAddress) ? breakGlassGetsIn(settings, means) : []),
    ...(mayFail
      ? [refused(settings.connection.user, 'a wrong password', 'candidate', [sent(means.wrong)])]
      : []),
  ];
};

/**
 * A rollback's rehearsal: the same, but for those who must meet Duo. What is put back may let in whom apply would not; then the
 * logins that must fail are left out by whoever has seen that.
 */
export const rollbackRehearsalOf: typeof rehearsalOf = (settings, facts, means) =>
  rehearsalOf(settings, facts, means).filter(({ asksDuo }) => !asksDuo);

/** The logins on the live host after a rollback. None that must fail: sshd is not set up by us then, so that it would be counted. */
export const rollbackCanaryOf: typeof canaryOf = (settings, facts, options) =>
  canaryOf(settings, facts, options).filter(({ must, asksDuo }) => must === 'get-in' && !asksDuo);

/** What `verify --probe` tries on the live host; none of it must fail, since failures are counted. */
export const probeOf = (
  settings: Settings,
  options: { readonly means: ProbeMeans; readonly sourceAddress: string },
): readonly Expectation[] => [
  automationGetsIn(settings),
  ...membersGetIn(settings, options.means, 'the probe waits for it'),
  ...(isBreakGlassSource(settings, options.sourceAddress) ? breakGlassGetsIn(settings, options.means) : []),
];

/** sshd_config(5) PerSourcePenalties, `no` where it is off; `sshd -T` of older versions does not know it. */
const punishes = (facts: Facts): boolean => {
  const told = facts.sshd.effective['automation']?.['persourcepenalties'];
  return told !== undefined && told[0] !== 'no';
};

const isBreakGlassSource = ({ breakGlass }: Settings, address: string): boolean => {
  if (breakGlass === null || address === '') return false;
  const { allowedSources } = breakGlass;
  return allowedSources.length === 0 || allowedSources.some((source) => isAddressOf(source, address));
};
