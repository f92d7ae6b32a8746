// sshd: PAM and its conversation on, a key before it for everybody but the accounts that are named.
import type { Finding } from '../core/finding.ts';
import type { Settings } from '../core/settings.ts';
import { isOlderOpenSsh } from '../auth/sshd-config.ts';
import { fileChange } from './file-change.ts';
import { checkedSettings, dropInFindings, overridden } from './sshd-findings.ts';
import { SSHD_DEFAULTS_PATH, startFindings } from './sshd-start-findings.ts';
import { keyLoginFindings } from './key-login-findings.ts';
import { breach, type Step, type StepContext } from './step.ts';

const STEP = 'sshd-settings';

/** /etc/ssh/sshd_config.d/00-duo-fleet.conf and a reload; with duo_sshd_config: check nothing is changed. */
export const sshdSettings: Step = {
  id: STEP,
  title: 'sshd settings',
  // The other drop-ins of sshd's folder come unasked.
  reads: (_settings, platform) => ({
    files: [
      { path: platform.sshdDropInPath, text: true },
      { path: platform.sshdConfigPath, text: true },
      { path: SSHD_DEFAULTS_PATH, text: true },
    ],
  }),
  changes: (context) => {
    const files = dropInChanges(context);
    return files.length === 0
      ? []
      : [
          ...files,
          {
            kind: 'reload',
            step: STEP,
            target: context.platform.sshService,
            why: ['sshd reads its settings only then'],
          },
        ];
  },
  findings: (context) => {
    const { facts, settings } = context;
    if (Object.keys(facts.sshd.effective).length === 0) {
      return [
        breach(
          'sshd-settings-invalid',
          `sshd does not accept its own settings, so nothing can be said about logins: ${facts.sshd.error || 'sshd -T gave no answer'}; mend them first`,
        ),
      ];
    }
    return [
      ...(settings.sshdConfig === 'check' ? checkedSettings(context) : managedFindings(context)),
      ...startFindings(context),
    ];
  },
};

const dropInChanges = (context: StepContext) =>
  context.settings.sshdConfig === 'check'
    ? []
    : fileChange(context, {
        step: STEP,
        path: context.platform.sshdDropInPath,
        content: context.render('sshd-drop-in', dropInData(context.settings, context.facts.sshd.version)),
        mode: 0o644,
      });

const dropInData = (settings: Settings, version: string) => ({
  oldNames: isOlderOpenSsh(version, 8, 7) === true,
  automation: settings.connection.user,
  breakGlass: settings.breakGlass !== null,
  breakGlassUser: settings.breakGlass?.user ?? '',
  breakGlassSources: (settings.breakGlass?.allowedSources.length ?? 0) > 0,
  breakGlassAddresses: settings.breakGlass?.allowedSources ?? [],
  keyOnlyUsers: settings.keyOnlyUsers.length > 0,
  keyOnlyUserNames: settings.keyOnlyUsers,
  keyOnlyGroups: settings.keyOnlyGroups.length > 0,
  keyOnlyGroupNames: settings.keyOnlyGroups,
});

const managedFindings = (context: StepContext): readonly Finding[] => {
  const isLive = dropInChanges(context).length === 0;
  return [
    ...dropInFindings(context),
    ...loginMethodFindings(context.settings),
    // Once ours is in place, a difference means that some other file beats it.
    ...(isLive ? overridden(context) : []),
    ...keyLoginFindings(context, { isLive }),
  ];
};

const loginMethodFindings = ({ connection }: Settings): readonly Finding[] =>
  connection.password !== null && connection.privateKeyFile === null
    ? [
        breach(
          'automation-needs-key',
          `${connection.user} is configured with a password, and sshd will take only a key from it; give ansible_ssh_private_key_file`,
          connection.user,
        ),
      ]
    : [];
