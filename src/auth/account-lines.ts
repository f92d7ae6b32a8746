// Account lines of a stack that may keep somebody out by what is not read: access.conf, time.conf, a module that is not known.
import type { AccountFacts } from '../core/facts.ts';
import type { DoorModel } from './door-model.ts';
import { moduleName } from './pam-file.ts';
import type { PamStep } from './pam-situation.ts';

/** Of an account with a password on the host they know nothing, and Debian's stacks ignore that. */
const DIRECTORIES: readonly string[] = ['pam_sss.so', 'pam_winbind.so', 'pam_krb5.so', 'pam_ldap.so'];

/**
 * The first account line of sshd's stack of which it is not known what it says to an account, or `null`. A door counts as
 * there all the same: such a line lets nobody in.
 */
export const unsureAccountLine = (
  model: DoorModel,
  who: { readonly user: string; readonly account: AccountFacts; readonly address: string },
): PamStep | null => {
  const { user, account, address } = who;
  const attempt = { service: 'sshd', user, account, password: 'none', duo: 'unreachable' } as const;
  const verdict = model.evaluate({ ...attempt, authInfo: '', rhost: address }, 'acct_mgmt');
  if (verdict.sure) return null;
  return (
    verdict.steps.find(
      ({ answer, text }) =>
        answer?.kind === 'unknown' && !text.split(' ').some((word) => DIRECTORIES.includes(moduleName(word))),
    ) ?? null
  );
};
