// How long sudo does not ask again.
import type { Finding } from '../core/finding.ts';
import { fileChange } from './file-change.ts';
import { breach, warning, type Step, type StepContext } from './step.ts';

/** PAM services that Duo is set up for; sudo goes by these unless sudoers says otherwise. */
const SERVICES: readonly string[] = ['sudo', 'sudo-i'];

/** /etc/sudoers.d/sudo_timestamp_timeout: sudoers(5), `timestamp_timeout`; sudoers files are 0440. */
export const sudoers: Step = {
  id: 'sudoers',
  title: 'sudo timestamp timeout',
  reads: (_settings, platform) => ({ files: [{ path: platform.sudoersPath, text: true }] }),
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
    return defaultsFindings(context);
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
