// What sudo wants of a persona before it runs a command.
import type { DoorModel } from './door-model.ts';
import type { DuoAnswer } from './duo-answer.ts';
import type { PamAttempt, PamVerdict } from './pam-situation.ts';
import type { Proof } from '../core/login-table.ts';
import type { Persona, SudoDoor } from './persona.ts';
import { leastWays, passwordsFor, type Passage, type Way } from './proofs.ts';
import { answerTo } from './sshd-doors.ts';

/** sudo for a persona, by the service of plain `sudo` or of `sudo -i`. */
export const sudoDoor = (
  model: DoorModel,
  persona: Persona,
  duo: DuoAnswer,
  service: 'sudo' | 'sudo-i' = 'sudo',
): SudoDoor => {
  const { sudo } = persona.account;
  // sudoers(5): root is never asked for a password.
  if (persona.account.uid === 0) return { kind: 'asks-nothing', rule: 'it is root already' };
  if (model.sudo.implementation === 'none') return { kind: 'not-allowed' };
  if (sudo.kind === 'none') return { kind: 'not-allowed' };
  if (sudo.kind === 'unknown') return { kind: 'unknown', why: 'what it may do by sudo was not read' };
  if (model.sudo.defaults?.authenticate === false) return { kind: 'asks-nothing', rule: '!authenticate' };
  if (sudo.asking.length === 0) return { kind: 'asks-nothing', rule: sudo.silent[0] ?? '' };
  if (sudo.elsewhere !== undefined) {
    return { kind: 'unknown', why: `sudoers has ${sudo.elsewhere.join(', ')}` };
  }
  const { ways, walk } = sudoWays(model, persona, duo, service);
  return { kind: 'asks', ways: ways.map(({ proofs, sure }) => ({ proofs, sure })), walk };
};

/** What sudo's stack asks for, whatever the persona may do by it; the walk is the least way's, or how all proofs together fail. */
export const sudoWays = (
  model: DoorModel,
  persona: Persona,
  duo: DuoAnswer,
  service: 'sudo' | 'sudo-i' = 'sudo',
): { readonly ways: readonly Way[]; readonly walk: PamVerdict } => {
  const proofs: readonly Proof[] = duo === 'allow' ? ['password', 'duo'] : ['password'];
  const pass = (shown: readonly Proof[]): Passage & { readonly walk: PamVerdict } =>
    passStack(model, persona, { service, shown, duo });
  const ways = leastWays(proofs, pass);
  return { ways, walk: ways[0]?.walk ?? pass(['password', 'duo']).walk };
};

const passStack = (
  model: DoorModel,
  persona: Persona,
  at: { readonly service: string; readonly shown: readonly Proof[]; readonly duo: DuoAnswer },
): Passage & { readonly walk: PamVerdict } => {
  const base: Omit<PamAttempt, 'password'> = {
    service: at.service,
    user: persona.user,
    account: persona.account,
    duo: answerTo(at.shown, at.duo),
    authInfo: '',
    rhost: '',
  };
  const [first, ...others] = passwordsFor(at.shown, persona.account).map((password) =>
    tryPassword(model, base, password),
  );
  if (first === undefined) throw new Error('no password to try');
  return [first, ...others].find(({ passed }) => passed) ?? first;
};

/** sudo wants authentication and the account to be fine; an expired password it has changed (plugins/sudoers/auth/pam.c). */
const tryPassword = (
  model: DoorModel,
  base: Omit<PamAttempt, 'password'>,
  password: PamAttempt['password'],
): Passage & { readonly walk: PamVerdict } => {
  const walk = model.evaluate({ ...base, password }, 'authenticate');
  if (walk.result !== 'PAM_SUCCESS') return { passed: false, sure: true, walk, why: '' };
  const account = model.evaluate({ ...base, password: 'none' }, 'acct_mgmt');
  const isFine = account.result === 'PAM_SUCCESS' || account.result === 'PAM_NEW_AUTHTOK_REQD';
  return isFine
    ? { passed: true, sure: walk.sure, walk, why: '' }
    : { passed: false, sure: true, walk: account, why: '' };
};
