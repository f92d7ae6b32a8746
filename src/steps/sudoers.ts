// How long sudo does not ask again.
import type { Finding } from '../core/finding.ts';
import { printable } from '../core/printable.ts';
import { fileChange } from './file-change.ts';
import { breach, warning, type Step, type StepContext } from './step.ts';

/** PAM services that Duo is set up for; sudo goes by these unless sudoers says otherwise. */
const SERVICES: readonly string[] = ['sudo', 'sudo-i'];

/** Where it is there, sudo-rs goes by it in place of /etc/sudoers (its src/sudo/mod.rs, candidate_sudoers_file). */
const SUDO_RS_FILE = '/etc/sudoers-rs';

/** /etc/sudoers.d/sudo_timestamp_timeout: sudoers(5), `timestamp_timeout`; sudoers files are 0440. */
export const sudoers: Step = {
  id: 'sudoers',
  title: 'sudo timestamp timeout',
  reads: (_settings, platform) => ({
    files: [
      { path: platform.sudoersPath, text: true },
      { path: SUDO_RS_FILE, text: false },
    ],
  }),
  changes: (context) => changesOf(context),
  findings: (context) => {
    const { facts, settings } = context;
    if (facts.sudo.implementation === 'none') {
      return [warning('sudo-missing', 'sudo is not installed, so Duo is not set up for it')];
    }
    // sudo-rs takes no negative timeouts (its src/defaults) and would reject the whole file.
    if (facts.sudo.implementation === 'sudo-rs' && settings.sudoTimestampTimeoutMin < 0) {
      return [
        breach(
          'sudo-timeout-negative',
          `sudo_timestamp_timeout is ${settings.sudoTimestampTimeoutMin}, and this host's sudo is sudo-rs, which takes no negative value; set it to 0 or more for this host`,
        ),
      ];
    }
    return [...defaultsFindings(context), ...elsewhereFindings(context), ...otherFileFindings(context)];
  },
};

const changesOf = (context: StepContext) =>
  context.facts.sudo.implementation === 'none'
    ? []
    : fileChange(context, {
        step: 'sudoers',
        path: context.platform.sudoersPath,
        content: context.render('sudoers-timestamp', { minutes: context.settings.sudoTimestampTimeoutMin }),
        mode: 0o440,
      });

/** sudo-rs does not tell its defaults, so whether ours is heeded cannot be seen. */
const otherFileFindings = ({ facts, platform }: StepContext): readonly Finding[] =>
  facts.sudo.implementation === 'sudo-rs' && (facts.files[SUDO_RS_FILE]?.kind ?? 'absent') !== 'absent'
    ? [
        warning(
          'sudoers-rs',
          `sudo-rs goes by ${SUDO_RS_FILE} and not by /etc/sudoers, so ${platform.sudoersPath} counts only if that file has "@includedir /etc/sudoers.d"; look into it, or remove it`,
        ),
      ]
    : [];

/**
 * With rootpw, targetpw or runaspw PAM is asked about another account than the caller's (sudo's plugins/sudoers/auth/sudo_auth.c),
 * and root is in none of Duo's groups: whoever knows its password would never meet Duo.
 */
const elsewhereFindings = ({ facts }: StepContext): readonly Finding[] => {
  const byOptions = new Map<string, string[]>();
  for (const [name, account] of Object.entries(facts.accounts)) {
    if (account?.sudo.kind !== 'some' || account.sudo.asking.length === 0) continue;
    const options = account.sudo.elsewhere?.join(', ');
    if (options !== undefined) byOptions.set(options, [...(byOptions.get(options) ?? []), name]);
  }
  return [...byOptions].map(([options, names]) =>
    breach(
      'sudo-other-account',
      `sudoers has ${options} for ${names.map((name) => printable(name, 64)).join(', ')}, so sudo asks for another account's password or by another PAM service, and Duo is not asked about who runs it; remove that from sudoers`,
    ),
  );
};

/** What sudoers says elsewhere: whether sudo asks at all, through which PAM service, and how often. */
const defaultsFindings = (context: StepContext): readonly Finding[] => {
  const { defaults } = context.facts.sudo;
  if (defaults === null) return [];
  const { sudoTimestampTimeoutMin: wantedMin } = context.settings;
  const foreign = defaults.services.filter((service) => !SERVICES.includes(service));
  return [
    ...(defaults.authenticate
      ? []
      : [
          breach(
            'sudo-asks-nobody',
            'sudoers has Defaults !authenticate, so sudo asks neither for a password nor Duo; remove it',
          ),
        ]),
    ...foreign.map((service) =>
      breach(
        'sudo-pam-service',
        `sudoers has sudo go by the PAM service ${service}, where Duo is not; remove pam_service and pam_login_service from it`,
      ),
    ),
    // Once ours is in place, a difference means that a file which is read later says otherwise.
    ...(changesOf(context).length > 0 || defaults.timestampTimeoutMin === wantedMin
      ? []
      : [
          breach(
            'sudo-timeout-overridden',
            `sudo has timestamp_timeout ${defaults.timestampTimeoutMin}, should be ${wantedMin}: sudoers says so after ${context.platform.sudoersPath}, or does not include its folder; remove that line, or set sudo_timestamp_timeout to it for this host`,
          ),
        ]),
  ];
};
