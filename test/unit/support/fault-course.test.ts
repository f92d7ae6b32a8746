import { describe, expect, test } from 'vitest';
import { canStrike, roundsOf } from '../../support/fault-course.ts';
import { COMMANDS, commandOf } from '../../support/fault-commands.ts';
import { faultOf, FAULTS, faultsDuring } from '../../support/fault-kinds.ts';

const HOSTS = ['bookworm1', 'trixie2', 'plain1'];
const course = { hosts: HOSTS, count: 300, seed: 3 };
const told = (rounds: ReturnType<typeof roundsOf>) =>
  rounds.map(({ number, host, fault }) => `${number} ${host} ${fault.kind}`);

describe('the rounds of a seed', () => {
  test('are the same ones each time, and others for another seed', () => {
    expect(told(roundsOf(course))).toEqual(told(roundsOf(course)));
    expect(told(roundsOf(course))).not.toEqual(told(roundsOf({ ...course, seed: 4 })));
  });

  test('can be had again one by one', () => {
    const all = told(roundsOf(course));
    for (const from of [0, 7, 100, 299])
      expect(told(roundsOf({ ...course, from, count: 1 }))).toEqual([all[from]]);
  });

  test('bring each kind that there can be on a host before one comes again', () => {
    for (const host of HOSTS) {
      const possible = FAULTS.filter((fault) => canStrike(fault, host)).map(({ kind }) => kind);
      const mine = roundsOf(course).filter((round) => round.host === host);
      const first = mine.slice(0, possible.length).map(({ fault }) => fault.kind);
      expect(first.toSorted()).toEqual(possible.toSorted());
    }
  });

  test('have no fault on a host where there can be none of it', () => {
    const rounds = roundsOf(course);
    expect(rounds.every(({ fault, host }) => canStrike(fault, host))).toBe(true);
    expect(canStrike(faultOf('source-penalised'), 'bookworm1')).toBe(false);
  });

  test('can be of some kinds alone', () => {
    const only = ['link-down', 'disk-full'];
    expect(new Set(roundsOf({ ...course, only }).map(({ fault }) => fault.kind))).toEqual(new Set(only));
  });

  test('have, during a rollback, every kind but those of a repository that it does not ask', () => {
    const { rollback } = COMMANDS;
    const kinds = new Set(
      roundsOf({ ...course, hosts: ['trixie1'], command: rollback }).map(
        ({ command, fault }) => `${command.name} ${fault.kind}`,
      ),
    );
    const left = FAULTS.filter(({ kind }) => !kinds.has(`rollback ${kind}`)).map(({ kind }) => kind);
    expect(left.length).toBeGreaterThan(0);
    expect(left.every((kind) => kind.startsWith('repository:'))).toBe(true);
    expect(kinds.size + left.length).toBe(FAULTS.length);
  });
});

test('every kind of fault has a name of its own, and says what happens', () => {
  expect(new Set(FAULTS.map(({ kind }) => kind)).size).toBe(FAULTS.length);
  for (const { what, rows } of FAULTS) expect([what.length > 10, rows.length > 0]).toEqual([true, true]);
  for (const command of Object.values(COMMANDS))
    for (const { kind, rows } of faultsDuring(command))
      expect([kind, rows.every((row) => command.lacks.includes(row))]).toEqual([kind, false]);
  expect(() => faultOf('rain')).toThrow("no fault 'rain'");
  expect(() => commandOf('verify')).toThrow("'verify' is not struck");
});
