// How long sudo does not ask again.
import { fileChange } from './file-change.ts';
import { breach, warning, type Step } from './step.ts';

/** /etc/sudoers.d/sudo_timestamp_timeout: sudoers(5), `timestamp_timeout`; sudoers files are 0440. */
export const sudoers: Step = {
  id: 'sudoers',
  title: 'sudo timestamp timeout',
  reads: (_settings, platform) => ({ files: [{ path: platform.sudoersPath, text: true }] }),
  changes: (context) =>
    context.facts.sudo.implementation === 'none'
      ? []
      : fileChange(context, {
          step: 'sudoers',
          path: context.platform.sudoersPath,
          content: context.render('sudoers-timestamp', {
            minutes: context.settings.sudoTimestampTimeoutMin,
          }),
          mode: 0o440,
        }),
  findings: ({ facts, settings }) => {
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
    return [];
  },
};
