import { describe, expect, test } from 'vitest';
import { judge, rehearsalOf, type Expectation } from '../../../src/auth/rehearsal.ts';
import type { Facts } from '../../../src/core/facts.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { Settings } from '../../../src/core/settings.ts';

const settings = {
  connection: { user: 'automation', become: true },
  serverAccessGroup: 'sg_serveraccess',
  sudoGroup: 'sg_sudo',
  breakGlass: { user: 'breakglass' },
} as Partial<Settings> as Settings;
const facts = {
  accounts: {
    alice: {
      uid: 1001,
      home: '',
      shell: '',
      groups: ['sg_serveraccess'],
      password: 'set',
      expired: false,
      authorizedKeys: 1,
      keyLoginDaysAgo: null,
      sudo: { kind: 'unknown' },
    },
    dora: {
      uid: 1002,
      home: '',
      shell: '',
      groups: ['users'],
      password: 'set',
      expired: false,
      authorizedKeys: 1,
      keyLoginDaysAgo: null,
      sudo: { kind: 'unknown' },
    },
  },
} as Partial<Facts> as Facts;
const passwords = { wrong: new Secret('w'), empty: new Secret('') };
const expectations = rehearsalOf(settings, facts, passwords);
const refused: Expectation = { attempt: expectations[1]!.attempt, must: 'be-refused' };
const getIn: Expectation = { attempt: expectations[0]!.attempt, must: 'get-in' };

describe('the rehearsal', () => {
  test('tries automation by key with sudo -n true, and that alone must get in', () => {
    const inside = expectations.filter(({ must }) => must === 'get-in');
    expect(inside.map(({ attempt }) => [attempt.user, attempt.command, attempt.gate])).toEqual([
      ['automation', 'sudo -n true', 'candidate'],
    ]);
  });

  test('tries a wrong and an empty password of automation, root and a local user at both gates', () => {
    const offered = expectations
      .filter(({ must }) => must === 'be-refused')
      .flatMap(({ attempt }) =>
        attempt.factors.map((factor) => {
          const secret =
            factor.kind === 'password' ? factor.password : factor.kind === 'publickey' ? null : factor.answer;
          return `${attempt.user} ${attempt.gate} ${secret === passwords.wrong ? 'wrong' : 'empty'}`;
        }),
      );
    const wanted = ['automation', 'root', 'dora'].flatMap((user) =>
      ['candidate', 'pam-only'].flatMap((gate) =>
        ['wrong', 'empty'].map((kind) => `${user} ${gate} ${kind}`),
      ),
    );
    expect([...new Set(offered)].toSorted()).toEqual(wanted.toSorted());
  });

  test('never sends an empty password by sshd’s own method, which would not ask PAM', () => {
    const sent = expectations.flatMap(({ attempt }) =>
      attempt.factors.filter(({ kind }) => kind === 'password'),
    );
    expect(sent.every((factor) => factor.kind === 'password' && factor.password === passwords.wrong)).toBe(
      true,
    );
    expect(sent.length).toBeGreaterThan(0);
  });

  test('never sends a password of a Duo member: a right guess would send a push', () => {
    expect(expectations.some(({ attempt }) => attempt.user === 'alice')).toBe(false);
  });
});

describe('the judgement', () => {
  test('somebody who gets in and must not is an open door', () => {
    expect(judge(refused, { kind: 'in', exitCode: 0, output: '', prompts: [] })?.reason).toBe('open');
  });
  test('automation that is refused is a lock-out', () => {
    expect(judge(getIn, { kind: 'refused', prompts: [] })?.reason).toBe('locked');
  });
  test('automation whose sudo asks for something is a lock-out', () => {
    expect(
      judge(getIn, { kind: 'in', exitCode: 1, output: 'a password is required', prompts: [] })?.reason,
    ).toBe('locked');
    expect(judge(getIn, { kind: 'in', exitCode: null, output: '', prompts: [] })?.reason).toBe('locked');
  });
  test('a probe that could not run never counts as passed', () => {
    expect(judge(refused, { kind: 'unproven', message: 'gone' })).not.toBeNull();
    expect(judge(getIn, { kind: 'unproven', message: 'gone' })).not.toBeNull();
  });
  test('what was expected passes', () => {
    expect(judge(refused, { kind: 'refused', prompts: [] })).toBeNull();
    expect(judge(getIn, { kind: 'in', exitCode: 0, output: '', prompts: [] })).toBeNull();
  });
});
