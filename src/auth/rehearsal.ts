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

type Gate = LoginAttempt['gate'];

/**
 * How a password is offered. Under the candidate settings both of sshd's ways are tried. With PAM as the only gate each
 * refusal costs pam_unix's two seconds, so each way is tried once: the wrong one as sshd's password method, the empty one
 * through the conversation (sshd itself answers an empty password method, PAM would never see it).
 */
const factorsOf = (kind: 'wrong' | 'empty', gate: Gate, secret: Secret): readonly LoginFactor[] => {
  const password: LoginFactor = { kind: 'password', password: secret };
  const conversation: LoginFactor = { kind: 'keyboard-interactive', answer: secret };
  if (gate === 'candidate') return [password, conversation];
  return kind === 'wrong' ? [password] : [conversation];
};

/**
 * The rehearsal of the core: automation gets in by key and `sudo -n true` asks nothing; wrong and empty passwords are
 * refused for automation, root and a local user, with the candidate settings and again with PAM as the only gate.
 * @param wrong a random password that nobody has
 */
export const rehearsalOf = (
  settings: Settings,
  facts: Facts,
  passwords: { readonly wrong: Secret; readonly empty: Secret },
): readonly Expectation[] => {
  const { user, become } = settings.connection;
  const automation: Expectation = {
    must: 'get-in',
    attempt: {
      title: `${user} by key${become ? ', and sudo -n true' : ''}`,
      user,
      factors: [{ kind: 'publickey' }],
      command: become ? 'sudo -n true' : 'true',
      gate: 'candidate',
    },
  };
  const refused = personasToRefuse(settings, facts).flatMap((name) =>
    (['pam-only', 'candidate'] as const).flatMap((gate) =>
      (['wrong', 'empty'] as const).map((kind): Expectation => ({
        must: 'be-refused',
        attempt: {
          title: `${name} with ${kind === 'wrong' ? 'a wrong' : 'an empty'} password${
            gate === 'pam-only' ? ', PAM as the only gate' : ''
          }`,
          user: name,
          factors: factorsOf(kind, gate, passwords[kind]),
          command: null,
          gate,
        },
      })),
    ),
  );
  return [automation, ...refused];
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
        return new Failure('open', `the login "${attempt.title}" got in, and it must be refused`);
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
