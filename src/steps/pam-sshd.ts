// SSH login: a key, then Duo for the members of its groups; a verified password for everybody else.
import { commonFindings, readsOfServices, serviceChanges, serviceFindings } from './pam-service.ts';
import type { Step, StepContext } from './step.ts';

/** /etc/pam.d/sshd. It comes last: from then on Duo is asked. */
export const pamSshd: Step = {
  id: 'pam-sshd',
  title: 'PAM stack of sshd',
  reads: (_settings, platform) => readsOfServices(platform, ['sshd']),
  changes: (context) => serviceChanges(context, 'pam-sshd', 'sshd', authBlock(context)),
  findings: (context) => [
    ...serviceFindings(context, 'sshd', authBlock(context), { required: true }),
    ...commonFindings(context),
  ],
};

const authBlock = ({ render, settings, platform }: StepContext): string =>
  render('pam-auth-sshd', {
    breakGlass: settings.breakGlass !== null,
    breakGlassUser: settings.breakGlass?.user ?? '',
    accessGroup: settings.serverAccessGroup.toLowerCase(),
    sudoGroup: settings.sudoGroup.toLowerCase(),
    modulePath: platform.modulePath,
  });
