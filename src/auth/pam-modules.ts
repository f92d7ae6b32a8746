// What the modules of stacks in the field answer, as far as that is known without asking them.
import { answerOfDuo } from './duo-module.ts';
import type { PamCode } from './pam-code.ts';
import { ALL_CODES, codeOfToken } from './pam-control.ts';
import { directoryAsks, krb5Answer, ldapAnswer, sssAnswer, winbindAnswer } from './pam-directories.ts';
import { moduleName } from './pam-file.ts';
import {
  mayReturn,
  returns,
  unixAccount,
  unixAuthenticate,
  unixSetcred,
  type PamHandle,
} from './pam-passwords.ts';
import type { ModuleAnswer, PamCall, PamHost, PamKnowledge } from './pam-situation.ts';
import type { PamHandler } from './pam-stack.ts';
import { answerOfSucceedIf } from './pam-succeed-if.ts';

/** One question to one module. */
export interface ModuleQuestion {
  readonly host: Omit<PamHost, 'files'>;
  readonly known: PamKnowledge;
  readonly handler: Pick<PamHandler, 'module' | 'args'>;
  readonly call: PamCall;
  readonly handle: PamHandle;
}

/** The answer, and what the module leaves to those after it. A module without a model may answer anything. */
export const answerOfModule = (
  question: ModuleQuestion,
): { readonly answer: ModuleAnswer; readonly handle: PamHandle } => {
  const { host, handler, call, handle } = question;
  const module = handler.module.replace('$ISA', ISA_FOLDER);
  if (host.hasModule(module) === false) {
    const answer = returns('PAM_MODULE_UNKNOWN', `libpam cannot load ${module}`);
    return { answer, handle };
  }
  const name = moduleName(module).replace(/\.so$/, '');
  const model = Object.hasOwn(MODELS, name) ? MODELS[name] : undefined;
  if (model === undefined) {
    return { answer: mayReturn(ANY_CODE, `what ${moduleName(module)} answers is not known`), handle };
  }
  const speak = model[call === 'setcred-alone' ? 'setcred' : call];
  if (speak === undefined) {
    const answer = returns('PAM_MODULE_UNKNOWN', `the module has nothing to say in ${call}`);
    return { answer, handle };
  }
  const { known } = question;
  const answer = speak({ args: handler.args, known, host, handle });
  if (call !== 'authenticate') return { answer, handle };
  const isTyped = known.password !== 'none' && known.password !== undefined;
  const asks = isTyped && (name === 'pam_unix' || directoryAsks(name, { args: handler.args, known }));
  const unix = answer.kind === 'returns' ? answer.code : undefined;
  return {
    answer,
    handle: { asked: handle.asked || asks, unix: name === 'pam_unix' ? unix : handle.unix },
  };
};

/** What `$ISA` stands for where Debian builds libpam, a folder that is empty since it has one for each architecture. */
const ISA_FOLDER = '/lib/security';

/** All but the answer of a module that waits for its program to call again, which neither sshd nor sudo does. */
const ANY_CODE = ALL_CODES.filter((code) => code !== 'PAM_INCOMPLETE');

type Asked = Omit<ModuleQuestion, 'handler' | 'call'> & { readonly args: readonly string[] };
type Answer = (asked: Asked) => ModuleAnswer;

/** A function that is missing is one that the module does not have: libpam takes PAM_MODULE_UNKNOWN for its answer. */
interface Model {
  readonly authenticate?: Answer;
  readonly setcred?: Answer;
  readonly acct_mgmt?: Answer;
}

const says =
  (code: PamCode, why = ''): Answer =>
  () =>
    returns(code, why);

const saysAny =
  (codes: readonly PamCode[], why: string): Answer =>
  () =>
    mayReturn(codes, why);

/** A module that has an answer to each call. */
const directory = (
  says: (asked: Asked, call: 'authenticate' | 'setcred' | 'acct_mgmt') => ModuleAnswer,
): Model => ({
  authenticate: (asked) => says(asked, 'authenticate'),
  setcred: (asked) => says(asked, 'setcred'),
  acct_mgmt: (asked) => says(asked, 'acct_mgmt'),
});

/** Modules of sessions alone. */
const NO_PART: Model = {};

/** pam_debug.c: the first argument for the call names the answer; one that it does not know leaves success. */
const debug =
  (event: string): Answer =>
  ({ args }) => {
    const word = args.find((arg) => arg.startsWith(`${event}=`)) ?? '';
    return returns(codeOfToken(word.slice(event.length + 1)) ?? 'PAM_SUCCESS', word);
  };

const duo: Answer = ({ args, known, host }) => {
  const bad = args.find((arg) => arg !== 'debug' && !arg.startsWith('conf='));
  if (bad !== undefined) return returns('PAM_SERVICE_ERR', `the module knows no argument ${bad}`);
  const path = args.findLast((arg) => arg.startsWith('conf='))?.slice('conf='.length) ?? null;
  const { user, account, duo: cloud, rhost } = known;
  if (user === undefined || account === undefined || cloud === undefined) {
    return mayReturn(
      ['PAM_SUCCESS', 'PAM_AUTH_ERR', 'PAM_ABORT', 'PAM_SERVICE_ERR'],
      'nothing is known of Duo',
    );
  }
  const place = path === null ? {} : { confPath: path };
  const from = rhost === undefined ? {} : { rhost };
  return answerOfDuo(host.duoConf(path), { user, account }, cloud, { ...place, ...from }).answer;
};

/** The words of the gate that our own stack has before Duo: templates/pam-auth-sshd.hbs. */
const GATE = [
  'quiet',
  '/bin/sh',
  '-c',
  'case "$SSH_AUTH_INFO_0" in "publickey "*) exit 0 ;; esac; exit 1',
].join('\n');

/** pam_exec.c; what a program other than our gate says is not known. */
const exec =
  (type: 'auth' | 'account'): Answer =>
  ({ args, known }) => {
    if (args.length === 0) return returns('PAM_SERVICE_ERR', 'the line names no program');
    const program = args.findIndex((arg) => arg.startsWith('/'));
    const options = program < 0 ? args : args.slice(0, program);
    const of = options.find((arg) => arg.toLowerCase().startsWith('type='));
    if (of !== undefined && of.slice('type='.length) !== type) return returns('PAM_IGNORE', of);
    if (args.join('\n') !== GATE || known.authInfo === undefined) {
      return mayReturn(['PAM_SUCCESS', 'PAM_SYSTEM_ERR'], 'what the program says is not known');
    }
    return known.authInfo.startsWith('publickey ')
      ? returns('PAM_SUCCESS', 'a key was shown')
      : returns('PAM_SYSTEM_ERR', 'no key was shown first');
  };

/** pam_nologin.c. */
const nologin: Answer = ({ args, known, host }) => {
  const open: PamCode = args.includes('successok') ? 'PAM_SUCCESS' : 'PAM_IGNORE';
  const isOwnFile = args.some((arg) => arg.startsWith('file='));
  if (host.nologin === false && !isOwnFile) return returns(open, 'there is no /etc/nologin');
  const { account } = known;
  if (host.nologin === null || isOwnFile || account === undefined) {
    return mayReturn([open, 'PAM_AUTH_ERR', 'PAM_USER_UNKNOWN'], 'nothing is known of /etc/nologin');
  }
  if (account === null) return returns('PAM_USER_UNKNOWN', 'there is no such account');
  return account.uid === 0
    ? returns(open, '/etc/nologin does not hold for root')
    : returns('PAM_AUTH_ERR', '/etc/nologin is there');
};

/** pam_faillock.c, for an account that is not locked at the moment. */
const faillock: Answer = ({ args, known }) => {
  if (known.account === null) return returns('PAM_IGNORE', 'there is no such account');
  return args.includes('authfail')
    ? returns('PAM_IGNORE', 'a failure is counted')
    : returns('PAM_SUCCESS', 'the account is not taken to be locked');
};

/** Whatever its arguments, the account phase only takes note of a login. */
const faillockAccount: Answer = ({ known, host, handle }) => faillock({ args: [], known, host, handle });

const localUser: Answer = ({ args, known }) => {
  const { account } = known;
  if (account === null) return returns('PAM_PERM_DENIED', 'there is no such account');
  const isOwnFile = args.some((arg) => arg.startsWith('file='));
  if (isOwnFile || account === undefined || account.password === 'none' || account.password === 'unknown') {
    return mayReturn(
      ['PAM_SUCCESS', 'PAM_PERM_DENIED'],
      'it is not known whether the account is a local one',
    );
  }
  return returns('PAM_SUCCESS', 'a local account');
};

/** pam_securetty.c lets everybody but root pass. */
const securetty: Answer = ({ known }) =>
  known.account !== undefined && known.account !== null && known.account.uid !== 0
    ? returns('PAM_SUCCESS', 'not root')
    : mayReturn(
        ['PAM_SUCCESS', 'PAM_AUTH_ERR', 'PAM_SERVICE_ERR', 'PAM_USER_UNKNOWN'],
        'it goes by /etc/securetty',
      );

const shells: Answer = ({ known }) =>
  known.account === null
    ? returns('PAM_AUTH_ERR', 'there is no such account')
    : mayReturn(['PAM_SUCCESS', 'PAM_AUTH_ERR', 'PAM_SERVICE_ERR'], 'it goes by /etc/shells');

const readsFile = (file: string): Answer =>
  saysAny(
    ['PAM_SUCCESS', 'PAM_IGNORE', 'PAM_AUTH_ERR', 'PAM_PERM_DENIED', 'PAM_SERVICE_ERR', 'PAM_USER_UNKNOWN'],
    `it goes by ${file}`,
  );

const wheel = readsFile('the caller, whom nothing is known of');
const succeedIf: Answer = ({ args, known }) => answerOfSucceedIf(args, known);

/** Linux-PAM 1.4 to 1.7 as Debian builds it; each module's own source is modules/NAME/NAME.c. Directories' modules have theirs. */
const MODELS: Readonly<Record<string, Model>> = {
  pam_unix: { authenticate: unixAuthenticate, setcred: unixSetcred, acct_mgmt: unixAccount },
  pam_sss: directory(sssAnswer),
  pam_winbind: directory(winbindAnswer),
  pam_krb5: directory(krb5Answer),
  pam_ldap: directory(ldapAnswer),
  pam_duo: { authenticate: duo, setcred: says('PAM_SUCCESS'), acct_mgmt: says('PAM_SUCCESS') },
  pam_succeed_if: { authenticate: succeedIf, setcred: says('PAM_IGNORE'), acct_mgmt: succeedIf },
  pam_permit: {
    authenticate: says('PAM_SUCCESS', 'it always permits'),
    setcred: says('PAM_SUCCESS'),
    acct_mgmt: says('PAM_SUCCESS', 'it always permits'),
  },
  pam_deny: {
    authenticate: says('PAM_AUTH_ERR', 'it always denies'),
    setcred: says('PAM_CRED_ERR', 'it always denies'),
    acct_mgmt: says('PAM_AUTH_ERR', 'it always denies'),
  },
  pam_debug: { authenticate: debug('auth'), setcred: debug('cred'), acct_mgmt: debug('acct') },
  pam_exec: { authenticate: exec('auth'), setcred: says('PAM_IGNORE'), acct_mgmt: exec('account') },
  pam_nologin: {
    authenticate: nologin,
    setcred: ({ args }) => returns(args.includes('successok') ? 'PAM_SUCCESS' : 'PAM_IGNORE', ''),
    acct_mgmt: nologin,
  },
  pam_faillock: { authenticate: faillock, setcred: says('PAM_SUCCESS'), acct_mgmt: faillockAccount },
  pam_faildelay: { authenticate: says('PAM_IGNORE', 'a delay only'), setcred: says('PAM_IGNORE') },
  pam_localuser: { authenticate: localUser, setcred: says('PAM_SUCCESS'), acct_mgmt: localUser },
  pam_securetty: { authenticate: securetty, setcred: says('PAM_SUCCESS'), acct_mgmt: securetty },
  pam_shells: { authenticate: shells, setcred: says('PAM_SUCCESS'), acct_mgmt: shells },
  pam_rootok: {
    authenticate: saysAny(['PAM_SUCCESS', 'PAM_AUTH_ERR'], 'it goes by who runs the program'),
    setcred: says('PAM_SUCCESS'),
    acct_mgmt: saysAny(['PAM_SUCCESS', 'PAM_AUTH_ERR'], 'it goes by who runs the program'),
  },
  pam_wheel: { authenticate: wheel, setcred: says('PAM_SUCCESS'), acct_mgmt: wheel },
  pam_listfile: {
    authenticate: readsFile('a list in a file'),
    setcred: says('PAM_SUCCESS'),
    acct_mgmt: readsFile('a list in a file'),
  },
  pam_access: {
    authenticate: readsFile('/etc/security/access.conf'),
    setcred: says('PAM_IGNORE'),
    acct_mgmt: readsFile('/etc/security/access.conf'),
  },
  pam_time: { acct_mgmt: readsFile('/etc/security/time.conf') },
  pam_usertype: {
    authenticate: readsFile('/etc/login.defs'),
    setcred: says('PAM_IGNORE'),
    acct_mgmt: readsFile('/etc/login.defs'),
  },
  pam_warn: {
    authenticate: says('PAM_IGNORE'),
    setcred: says('PAM_IGNORE'),
    acct_mgmt: says('PAM_IGNORE'),
  },
  pam_env: {
    authenticate: says('PAM_IGNORE'),
    setcred: saysAny(['PAM_SUCCESS', 'PAM_IGNORE'], 'it goes by its own files'),
    acct_mgmt: says('PAM_SERVICE_ERR'),
  },
  pam_group: {
    authenticate: says('PAM_IGNORE'),
    setcred: saysAny(['PAM_SUCCESS', 'PAM_ABORT', 'PAM_USER_UNKNOWN'], 'it goes by /etc/security/group.conf'),
  },
  pam_cap: {
    authenticate: saysAny(['PAM_SUCCESS', 'PAM_IGNORE'], 'it goes by /etc/security/capability.conf'),
    setcred: saysAny(['PAM_SUCCESS', 'PAM_IGNORE'], 'it goes by /etc/security/capability.conf'),
  },
  pam_keyinit: {
    authenticate: says('PAM_IGNORE'),
    setcred: saysAny(
      ['PAM_SUCCESS', 'PAM_IGNORE', 'PAM_CRED_ERR', 'PAM_USER_UNKNOWN'],
      'it goes by the kernel’s keyrings',
    ),
  },
  pam_mail: {
    authenticate: says('PAM_IGNORE'),
    setcred: saysAny(['PAM_SUCCESS', 'PAM_IGNORE', 'PAM_USER_UNKNOWN'], 'it goes by the mailbox'),
  },
  pam_loginuid: {
    acct_mgmt: saysAny(['PAM_SUCCESS', 'PAM_IGNORE', 'PAM_SESSION_ERR'], 'it goes by the kernel'),
  },
  pam_limits: NO_PART,
  pam_mkhomedir: NO_PART,
  pam_motd: NO_PART,
  pam_namespace: NO_PART,
  pam_systemd: NO_PART,
  pam_tty_audit: NO_PART,
  pam_umask: NO_PART,
  pam_xauth: NO_PART,
};
