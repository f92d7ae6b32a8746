// SSH login: a key, then Duo for the members of its groups; a verified password for everybody else.
import { authLinesOf } from './pam-auth-lines.ts';
import { commonFindings, readsOfServices, serviceChanges, serviceFindings } from './pam-service.ts';
import type { Step } from './step.ts';

/** /etc/pam.d/sshd. It comes last: from then on Duo is asked. */
export const pamSshd: Step = {
  id: 'pam-sshd',
  title: 'PAM stack of sshd',
  reads: (_settings, platform) => readsOfServices(platform, ['sshd']),
  changes: (context) => serviceChanges(context, 'pam-sshd', 'sshd', authLinesOf(context, 'sshd').block),
  findings: (context) => {
    const { block, findings } = authLinesOf(context, 'sshd');
    return [
      ...findings,
      ...serviceFindings(context, 'sshd', block, { required: true }),
      ...commonFindings(context),
    ];
  },
};
