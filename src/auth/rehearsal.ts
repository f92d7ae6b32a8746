// Which logins are tried through the candidate files, and what each must end in.
import type { Facts } from '../core/facts.ts';
import { Failure } from '../core/failure.ts';
import type { LoginAttempt, LoginFactor, LoginOutcome } from '../core/remote.ts';
import type { Secret } from '../core/secret.ts';
import type { Settings } from '../core/settings.ts';

/** An attempt and what it must end in. */
export interface Expectation {
  readonly attempt: LoginAttempt;
  readonly must: 'get-in' | 'be-refused';
}

/**
 * The accounts whose passwords are tried wrongly: automation, root, and somebody local who logs in by password. An
 * account that is not there would be refused by any stack and prove nothing.
 */
const personasToRefuse = (settings: Settings, facts: Facts): readonly string[] => {
  const duoGroups = new Set([settings.serverAccessGroup, settings.sudoGroup]);
  const local = Object.entries(facts.accounts).find(
    ([name, account]) =>
      account !== null &&
      account.password === 'set' &&
      account.uid >= 1000 &&
      name !== settings.connection.user &&
      !account.groups.some((group) => duoGroups.has(group)),
  )?.[0];
  const names = [settings.connection.user, 'root', local ?? settings.breakGlass?.user];
  return [...new Set(names.filter((name) => name !== undefined))];
};

const sent = (password: Secret): LoginFactor => ({ kind: 'password', password });
const answered = (answer: Secret): LoginFactor => ({ kind: 'keyboard-interactive', answer });
const refused = (
  name: string,
  what: string,
  gate: LoginAttempt['gate'],
  factors: readonly LoginFactor[],
): Expectation => ({
  must: 'be-refused',
  attempt: { title: `${name} with ${what}`, user: name, factors, command: null, gate },
});

/** Automation by its key, and `sudo -n true` asks nothing: what must work before, in the rehearsal, and ever after. */
export const automationGetsIn = ({ connection: { user, become } }: Settings): Expectation => ({
  must: 'get-in',
  attempt: {
    title: `${user} by key${become ? ', and sudo -n true' : ''}`,
    user,
    factors: [{ kind: 'publickey' }],
    command: become ? 'sudo -n true' : 'true',
    gate: 'candidate',
  },
});

/**
 * The rehearsal of the core: automation gets in by key and `sudo -n true` asks nothing; wrong and empty passwords are
 * refused for automation, root and a local user, with the candidate settings and again with PAM as the only gate.
 *
 * Under the candidate settings one login offers all of them. With PAM as the only gate each refusal costs pam_unix's two
 * seconds, so they are logins of their own, side by side, and each of sshd's ways is tried once: the wrong password as
 * sshd's password method, the empty one through the conversation (an empty password method is answered by sshd itself,
 * PAM would never see it).
 * @param passwords a random one that nobody has, and ''
 */
export const rehearsalOf = (
  settings: Settings,
  facts: Facts,
  passwords: { readonly wrong: Secret; readonly empty: Secret },
): readonly Expectation[] => {
  const { wrong, empty } = passwords;
  return [
    automationGetsIn(settings),
    ...personasToRefuse(settings, facts).flatMap((name) => [
      refused(name, 'a wrong password, PAM as the only gate', 'pam-only', [sent(wrong)]),
      refused(name, 'an empty password, PAM as the only gate', 'pam-only', [answered(empty)]),
      refused(name, 'a wrong and an empty password', 'candidate', [
        sent(wrong),
        answered(wrong),
        answered(empty),
      ]),
    ]),
  ];
};

/**
 * What an outcome means for an expectation: `null` when it was met. An attempt that could not be judged is a failure
 * too: a probe that did not run proves nothing (Argo Rollouts #3562 counted it as a success).
 */
export const judge = (expectation: Expectation, outcome: LoginOutcome): Failure | null => {
  const { attempt, must } = expectation;
  switch (outcome.kind) {
    case 'unproven':
      return new Failure('exit', `the login "${attempt.title}" could not be tried: ${outcome.message}`);
    case 'refused':
      return must === 'be-refused'
        ? null
        : new Failure('locked', `the login "${attempt.title}" was refused, and it must get in`);
    case 'in':
      if (must === 'be-refused') {
        return new Failure(
          'open',
          `the login "${attempt.title}" got in, and it must be refused; every password is verified by /etc/pam.d/common-auth in the end: look there first`,
        );
      }
      return outcome.exitCode === 0
        ? null
        : new Failure(
            'locked',
            `the login "${attempt.title}" got in, but \`${attempt.command ?? ''}\` ended with ${String(outcome.exitCode)}: ${outcome.output.slice(0, 200)}`,
          );
    default:
      return outcome satisfies never;
  }
};
