// A host's doors as a table that can be kept: each persona, and with what it gets in however Duo answers.
import type { Facts } from '../core/facts.ts';
import {
  TOLD_ANSWERS,
  type LoginRow,
  type LoginTable,
  type LoginWay,
  type SudoWay,
  type ToldAnswer,
} from '../core/login-table.ts';
import type { Settings } from '../core/settings.ts';
import type { DoorModel } from './door-model.ts';
import type { Persona, PersonaKind, Standing, SudoDoor } from './persona.ts';
import { isKeyOnly, personaFor, personasOf } from './personas.ts';
import { judgedAs } from './policy.ts';
import { isMember } from './policy-ssh.ts';
import { standing } from './standings.ts';

/** The table of one host in one state. */
export const loginTable = (model: DoorModel, facts: Facts, settings: Settings): LoginTable => ({
  kind: 'logins',
  rows: personasOf(facts, settings, [model.host.files])
    .map(judgedAs)
    .map((persona) => rowOf(model, persona, settings)),
  keyOnly: keyOnlyAccounts(facts, settings),
});

/** Names kept; a fleet that exempts more has another question to answer first. */
const KEY_ONLY_MAX = 50;

const keyOnlyAccounts = (facts: Facts, settings: Settings): readonly string[] =>
  Object.keys(facts.accounts)
    .filter((user) => {
      const persona = personaFor(facts, settings, user);
      return persona !== null && persona.kind !== 'root' && isKeyOnly(persona, settings);
    })
    .toSorted()
    .slice(0, KEY_ONLY_MAX);

const rowOf = (model: DoorModel, persona: Persona, settings: Settings): LoginRow => {
  const { kind, user, isReal, address, account } = persona;
  const stands = TOLD_ANSWERS.map((answer) => [answer, standing(model, persona, answer)] as const);
  const each = <T>(tell: (one: Standing) => T): Readonly<Record<ToldAnswer, T>> => {
    const told = stands.map(([answer, one]) => [answer, tell(one)] as const);
    // Every answer is in the list that this was made from.
    return Object.fromEntries(told) as Record<ToldAnswer, T>;
  };
  return {
    who: kind,
    user: isReal ? user : '',
    // sshd tells break-glass by its address; of the others it is only where they happened to be asked about.
    address: kind === 'break-glass' ? address : '',
    exempt: exemption(persona, settings),
    privileged: PRIVILEGED.has(kind) || account.uid === 0 || account.sudo.kind === 'some',
    ssh: each(({ ssh }) => distinct(ssh)),
    sudo: each(({ sudo }) => sudoWay(sudo)),
  };
};

const PRIVILEGED: ReadonlySet<PersonaKind> = new Set(['automation', 'break-glass', 'sudo member', 'root']);

const exemption = (persona: Persona, settings: Settings): LoginRow['exempt'] => {
  if (persona.kind === 'automation' || persona.kind === 'break-glass') return persona.kind;
  if (isKeyOnly(persona, settings)) return 'key-only';
  return isMember(persona) ? null : 'no-member';
};

const sudoWay = (door: SudoDoor): SudoWay => {
  switch (door.kind) {
    case 'asks':
      return { kind: 'asks', ways: distinct(door.ways) };
    case 'asks-nothing':
      return { kind: 'asks-nothing', entry: door.rule };
    case 'not-allowed':
    case 'unknown':
      return door;
    default:
      return door satisfies never;
  }
};

/** Doors that differ in sshd's methods only want the same of whoever comes. */
const distinct = (ways: readonly LoginWay[]): readonly LoginWay[] => [
  ...new Map(
    ways.map(({ proofs, sure }) => [`${proofs.join('+')} ${String(sure)}`, { proofs, sure }]),
  ).values(),
];
