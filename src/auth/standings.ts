// How a persona stands before a host, however Duo answers.
import type { DoorModel } from './door-model.ts';
import { DUO_ANSWERS, type DuoAnswer } from './duo-answer.ts';
import type { PamStep } from './pam-situation.ts';
import type { Persona, Standing } from './persona.ts';
import { sshDoors } from './sshd-doors.ts';
import { sudoDoor } from './sudo-doors.ts';

/** One persona while Duo answers in one way. */
export const standing = (model: DoorModel, persona: Persona, duo: DuoAnswer): Standing => {
  const { doors, shutOut } = sshDoors(model, persona, duo);
  return { persona, duo, ssh: doors, shutOut, sudo: sudoDoor(model, persona, duo) };
};

/** One persona under each answer of Duo. */
export const standings = (model: DoorModel, persona: Persona): readonly Standing[] =>
  DUO_ANSWERS.map((duo) => standing(model, persona, duo));

/** Seconds that a login takes at least under a standing because Duo does not answer, if it has one address; 0 where it is not asked. */
export const waitS = ({ ssh }: Standing): number =>
  Math.max(0, ...ssh.flatMap(({ walk }) => walk?.steps ?? []).map(secondsOf));

const secondsOf = ({ answer }: PamStep): number => (answer?.kind === 'returns' ? (answer.waitS ?? 0) : 0);
