// By which methods and with which proofs a persona gets through sshd and its PAM stack.
import type { DoorModel } from './door-model.ts';
import type { DuoAnswer } from './duo-answer.ts';
import type { PamAttempt, PamVerdict } from './pam-situation.ts';
import type { Proof } from '../core/login-table.ts';
import type { Door, Persona } from './persona.ts';
import { leastWays, passwordsFor, type Passage } from './proofs.ts';
import { isForeignMethod, PAM_ALONE, sshdGate, type SshdGate } from './sshd-methods.ts';

/** A key as sshd names it to PAM once it has verified it: `METHOD TYPE KEY`, a line each (auth.c, auth2_update_session_info). */
const VERIFIED_KEY = 'publickey ssh-ed25519 AAAA';

/** PAM's service for sshd; another one (PAMServiceName) is a finding of its own. */
const SERVICE = 'sshd';

/** Every way in over SSH, list by list, and why sshd takes nobody by this name from there, or ''. */
export const sshDoors = (
  model: DoorModel,
  persona: Persona,
  duo: DuoAnswer,
): { readonly doors: readonly Door[]; readonly shutOut: string } => {
  const gate = sshdGate(model.sshd(persona), persona);
  return { doors: gate.shutOut === '' ? doorsOf(model, persona, duo, gate) : [], shutOut: gate.shutOut };
};

/** The ways in without a first factor, a verified key or password: there should be none. */
export const openDoors = (model: DoorModel, persona: Persona): readonly Door[] => {
  const gate = sshdGate(model.sshd(persona), persona);
  return gate.shutOut === '' ? doorsOf(model, persona, 'allow', gate, ['duo']) : [];
};

/** What sshd's PAM stack alone asks for, whatever sshd is set to: nothing has been verified before it. */
export const stackDoors = (model: DoorModel, persona: Persona, duo: DuoAnswer): readonly Door[] =>
  doorsOf(model, persona, duo, PAM_ALONE);

/** What becomes of somebody who shows all that there is to show, on the way through a list: for the reason of a refusal. */
export const tryEverything = (
  model: DoorModel,
  persona: Persona,
  duo: DuoAnswer,
  methods: readonly string[],
): Passage => {
  const gate = sshdGate(model.sshd(persona), persona);
  return pass(model, persona, gate, { methods, shown: ['key', 'password', 'duo'], duo });
};

// oxlint-disable-next-line max-params
const doorsOf = (
  model: DoorModel,
  persona: Persona,
  duo: DuoAnswer,
  gate: SshdGate,
  offered: readonly Proof[] = ['key', 'password', 'duo'],
): readonly Door[] =>
  gate.lists.flatMap((methods) => {
    const asksPam = methods.some((method) => method !== 'publickey');
    const proofs: readonly Proof[] = [
      ...(methods.includes('publickey') ? (['key'] as const) : []),
      ...(asksPam ? (['password'] as const) : []),
      // Only one whom Duo approves has an approval to show; what else Duo may answer costs nobody anything.
      ...(asksPam && duo === 'allow' ? (['duo'] as const) : []),
    ];
    const tried = proofs.filter((proof) => offered.includes(proof));
    return leastWays(tried, (shown) => pass(model, persona, gate, { methods, shown, duo })).map(
      ({ proofs: least, sure, walk }) => ({ methods, proofs: least, sure, walk }),
    );
  });

interface Attempt {
  readonly methods: readonly string[];
  readonly shown: readonly Proof[];
  readonly duo: DuoAnswer;
}

const closed = (walk: PamVerdict | null, why = ''): Passage => ({ passed: false, sure: true, walk, why });

const pass = (model: DoorModel, persona: Persona, gate: SshdGate, attempt: Attempt): Passage => {
  let state = { authInfo: '', sure: true, walk: null as PamVerdict | null };
  for (const method of attempt.methods) {
    const step = passMethod(model, persona, gate, { ...attempt, method, authInfo: state.authInfo });
    if (!step.passed) return step;
    const shown = method === 'publickey' ? VERIFIED_KEY : method;
    state = {
      authInfo: `${state.authInfo}${shown}\n`,
      sure: state.sure && step.sure,
      walk: step.walk ?? state.walk,
    };
  }
  if (!gate.usesPam) return { passed: true, sure: state.sure, walk: null, why: '' };
  const base = pamAttempt(persona, attempt, state.authInfo);
  // What was typed is no matter of the account's lines any more.
  const account = model.evaluate({ ...base, password: 'none' }, 'acct_mgmt');
  // A password that has to be changed is changed in the session, so it keeps nobody out (auth-pam.c, do_pam_account).
  if (account.result !== 'PAM_SUCCESS' && account.result !== 'PAM_NEW_AUTHTOK_REQD') return closed(account);
  // An account line that is not known may keep somebody out, and never lets anybody in: the door counts as there.
  return { passed: true, sure: state.sure, walk: state.walk, why: '' };
};

const passMethod = (
  model: DoorModel,
  persona: Persona,
  gate: SshdGate,
  at: Attempt & { readonly method: string; readonly authInfo: string },
): Passage => {
  if (isForeignMethod(at.method)) {
    return { passed: true, sure: false, walk: null, why: `sshd takes ${at.method}` };
  }
  if (at.method === 'publickey') {
    if (!at.shown.includes('key')) return closed(null);
    // Without PAM sshd itself refuses an account whose password is locked with `!`, not one with `*` (auth.c, allowed_user).
    return { passed: true, sure: gate.usesPam || persona.account.password !== 'locked', walk: null, why: '' };
  }
  return gate.usesPam ? passPam(model, persona, gate, at) : passShadow(persona, gate, at);
};

/** Without PAM sshd compares the password with the shadow file's by itself, and Duo has no say. */
const passShadow = ({ account }: Persona, gate: SshdGate, at: Attempt): Passage => {
  const open = { passed: true, walk: null, why: 'sshd checks the password without PAM (UsePAM no)' };
  if (account.password === 'empty' && gate.takesEmptyPasswords) return { ...open, sure: true };
  if (!at.shown.includes('password')) return closed(null);
  if (account.password === 'set') return { ...open, sure: true };
  return account.password === 'unknown' || account.password === 'none'
    ? { ...open, sure: false }
    : closed(null);
};

const passPam = (
  model: DoorModel,
  persona: Persona,
  gate: SshdGate,
  at: Attempt & { readonly method: string; readonly authInfo: string },
): Passage => {
  const isConversation = at.method === 'keyboard-interactive';
  // sshd names what it has verified to a conversation only, not to its password method (auth-pam.c, expose_authinfo).
  const base = pamAttempt(persona, at, isConversation ? at.authInfo : '');
  // sshd refuses an empty password to its password method by itself, unless it is set otherwise (auth-passwd.c).
  const takesEmpty = isConversation || gate.takesEmptyPasswords;
  const passages = passwordsFor(at.shown, persona.account)
    .filter((password) => password !== 'empty' || takesEmpty)
    .map((password): Passage => {
      const walk = model.evaluate({ ...base, password }, 'authenticate');
      if (walk.result !== 'PAM_SUCCESS') return closed(walk);
      // After a conversation that succeeded sshd ends the session when setcred fails, else it goes on (do_pam_setcred).
      // The conversation is held in a process of its own, so that setcred's handle has seen no authentication (auth-pam.c,
      // sshpam_init_ctx).
      const credentials = isConversation ? model.evaluate({ ...base, password }, 'setcred-alone') : null;
      if (credentials !== null && credentials.result !== 'PAM_SUCCESS') return closed(credentials);
      return { passed: true, sure: walk.sure && (credentials?.sure ?? true), walk, why: '' };
    });
  return (
    passages.find(({ passed, sure }) => passed && sure) ??
    passages.find(({ passed }) => passed) ??
    passages[0] ??
    closed(null)
  );
};

const pamAttempt = (
  persona: Persona,
  { shown, duo }: Attempt,
  authInfo: string,
): Omit<PamAttempt, 'password'> => ({
  service: SERVICE,
  user: persona.user,
  account: persona.account,
  duo: answerTo(shown, duo),
  authInfo,
  rhost: persona.address,
});

/** Who has no approval to show is somebody whom Duo denies. */
export const answerTo = (shown: readonly Proof[], duo: DuoAnswer): DuoAnswer =>
  duo === 'allow' && !shown.includes('duo') ? 'deny' : duo;
