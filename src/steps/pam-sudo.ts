// sudo: Duo for the members of the sudo group, and the password for everybody.
import { authLinesOf } from './pam-auth-lines.ts';
import { basePath, readsOfServices, serviceChanges, serviceFindings } from './pam-service.ts';
import { textOf, type Step, type StepContext } from './step.ts';

/** `sudo -i` has a service of its own where the package ships one (sudo's --with-pam-login). */
const SERVICES = ['sudo', 'sudo-i'] as const;

/** /etc/pam.d/sudo, and /etc/pam.d/sudo-i where there is one. */
export const pamSudo: Step = {
  id: 'pam-sudo',
  title: 'PAM stack of sudo',
  reads: (_settings, platform) => readsOfServices(platform, SERVICES),
  changes: (context) => {
    const { block } = authLinesOf(context, 'sudo');
    return present(context).flatMap((service) => serviceChanges(context, 'pam-sudo', service, block));
  },
  findings: (context) => {
    const { block, findings } = authLinesOf(context, 'sudo');
    const services = present(context);
    return [
      ...(services.length > 0 ? findings : []),
      ...services.flatMap((service) =>
        serviceFindings(context, service, block, { required: service === 'sudo' }),
      ),
    ];
  },
};

/** Where sudo is not installed there is nothing to manage; a service that we managed once is managed on. */
const present = (context: StepContext): readonly (typeof SERVICES)[number][] =>
  SERVICES.filter(
    (service) =>
      context.facts.sudo.implementation !== 'none' || textOf(context.facts, basePath(service)) !== null,
  );
