// One login that is tried, what it must end in, and what an outcome means for it.
import { Failure } from '../core/failure.ts';
import type { LoginAttempt, LoginFactor, LoginOutcome } from '../core/remote.ts';
import { Secret } from '../core/secret.ts';
import type { Settings } from '../core/settings.ts';

/** An attempt and what it must end in. */
export interface Expectation {
  readonly attempt: LoginAttempt;
  readonly must: 'get-in' | 'be-refused';
  /** Getting in is not enough: the module's own log must say that Duo was asked and let this user in. */
  readonly asksDuo: boolean;
  /** What the operator has to do while it runs; '' for nothing. */
  readonly notice: string;
}

/** What the logins are tried with, besides keys. All secrets; none is stored or shown. */
export interface ProbeMeans {
  /** A random password that nobody has. */
  readonly wrong: Secret;
  readonly empty: Secret;
  readonly breakGlassPassword: Secret | null;
  readonly canaryPasscode: Secret | null;
  /** Whose push the operator approves by hand (`--as`); `null`: nobody is asked. */
  readonly asUser: string | null;
}

/** Not a secret, but what an answer is made of. */
const PUSH = new Secret('1');

/** A factor that sends a password by sshd's own method. */
export const sent = (password: Secret): LoginFactor => ({ kind: 'password', password });
/** A factor that answers whatever PAM asks. */
export const answered = (answer: Secret | null): LoginFactor => ({ kind: 'keyboard-interactive', answer });

/** Automation by its key, and `sudo -n true` asks nothing: what must work before, in the rehearsal, and ever after. */
export const automationGetsIn = ({ connection: { user, become } }: Settings): Expectation => ({
  must: 'get-in',
  asksDuo: false,
  notice: '',
  attempt: {
    title: `${user} by key${become ? ', and sudo -n true' : ''}`,
    user,
    factors: [{ kind: 'publickey', keys: 'connection' }],
    command: become ? 'sudo -n true' : 'true',
    stdin: null,
    gate: 'candidate',
    network: 'live',
  },
});

/**
 * Break-glass by its password, and its sudo by the same; nothing when no password is configured. Rehearsed it has PAM as
 * the only gate, since sshd lets it in by its address, which a rehearsal has not; and no network, as when Duo is away.
 * `-k` with a command neither uses nor leaves a cached credential (sudo(8)).
 */
export const breakGlassGetsIn = (
  settings: Settings,
  { breakGlassPassword }: ProbeMeans,
): readonly Expectation[] => {
  if (settings.breakGlass === null || breakGlassPassword === null) return [];
  const { user } = settings.breakGlass;
  return [
    {
      must: 'get-in',
      asksDuo: false,
      notice: '',
      attempt: {
        title: `${user} by password, and sudo by password`,
        user,
        factors: [sent(breakGlassPassword)],
        command: 'sudo -k -S true',
        stdin: breakGlassPassword,
        gate: 'pam-only',
        network: 'none',
      },
    },
  ];
};

/**
 * Members of Duo's groups by key and Duo: the canary user, and whoever `--as` names. The canary runs no command: its shell
 * may be nologin. A prompt that it has no passcode for is left unanswered, since an answer could send a push.
 */
export const membersGetIn = (settings: Settings, means: ProbeMeans, when: string): readonly Expectation[] => {
  const expectations: Expectation[] = [];
  const { canary } = settings;
  if (canary !== null) {
    const keys = canary.privateKeyFile === null ? 'own' : { file: canary.privateKeyFile };
    expectations.push({
      must: 'get-in',
      asksDuo: true,
      notice: '',
      attempt: {
        title: `${canary.user} by key and Duo`,
        user: canary.user,
        factors: [{ kind: 'publickey', keys }, answered(means.canaryPasscode)],
        command: null,
        stdin: null,
        gate: 'candidate',
        network: 'live',
      },
    });
  }
  if (means.asUser !== null) {
    expectations.push({
      must: 'get-in',
      asksDuo: true,
      notice: `approve Duo's push for ${means.asUser} now (60 s): ${when}`,
      attempt: {
        title: `${means.asUser} by key and Duo, approved by hand`,
        user: means.asUser,
        // Asked for a passcode or a number, Duo's menu has the push as 1.
        factors: [{ kind: 'publickey', keys: 'own' }, answered(PUSH)],
        command: 'true',
        stdin: null,
        gate: 'candidate',
        network: 'live',
      },
    });
  }
  return expectations;
};

/** A login with wrong factors. It has no network: whatever a stack makes of it, nobody's telephone rings. */
export const refused = (
  name: string,
  what: string,
  gate: LoginAttempt['gate'],
  factors: readonly LoginFactor[],
): Expectation => ({
  must: 'be-refused',
  asksDuo: false,
  notice: '',
  attempt: {
    title: `${name} with ${what}`,
    user: name,
    factors,
    command: null,
    stdin: null,
    gate,
    network: 'none',
  },
});

/** How long a command's output may be in a message. */
const SAID_CHARS_MAX = 200;

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
        : new Failure(
            'locked',
            `the login "${attempt.title}" was refused, and it must get in${attempt.factors.some(({ kind }) => kind === 'password') ? `; is it ${attempt.user}'s password that the inventory gives?` : ''}`,
          );
    case 'in':
      if (must === 'be-refused') {
        return new Failure(
          'open',
          `the login "${attempt.title}" got in, and it must be refused; every password is verified by /etc/pam.d/common-auth in the end: look there first`,
        );
      }
      if (attempt.command === null || outcome.exitCode === 0) return null;
      return new Failure(
        'locked',
        `the login "${attempt.title}" got in, but \`${attempt.command}\` ended with ${String(outcome.exitCode)}: ${outcome.output.slice(-SAID_CHARS_MAX)}`,
      );
    default:
      return outcome satisfies never;
  }
};
