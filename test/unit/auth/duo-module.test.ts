import { describe, expect, test } from 'vitest';
import { DUO_ANSWERS } from '../../../src/auth/duo-answer.ts';
import type { DuoConf, DuoConfReading } from '../../../src/auth/duo-conf.ts';
import { answerOfDuo, type DuoUser } from '../../../src/auth/duo-module.ts';
import type { AccountFacts } from '../../../src/core/facts.ts';

const account = (...groups: readonly string[]): AccountFacts => ({
  uid: 1000,
  home: '/home/u',
  shell: '/bin/sh',
  groups,
  password: 'set',
  expired: false,
  authorizedKeys: 0,
  keyLoginDaysAgo: null,
  sudo: { kind: 'unknown' },
});

const alice: DuoUser = { user: 'alice', account: account('users', 'sg_a') };

const reading = (conf: Partial<DuoConf> = {}): DuoConfReading => ({
  kind: 'read',
  conf: {
    failmode: 'safe',
    groups: [],
    host: 'api.example.com',
    prompts: 3,
    autopush: false,
    unverified: false,
    ...conf,
  },
});

/** A file with an error. */
const broken = (failmode: 'safe' | 'secure'): Extract<DuoConfReading, { kind: 'broken' }> => ({
  kind: 'broken',
  failmode,
  line: 7,
  reason: "an unknown key, 'x'",
  complaint: 'Parse error in %s, line 8',
});

const codeOf = (...call: Parameters<typeof answerOfDuo>) => {
  const { answer } = answerOfDuo(...call);
  return answer.kind === 'returns' ? answer.code : answer.kind;
};

describe('an account that Duo is asked about', () => {
  test.each([
    ['allow', 'PAM_SUCCESS', 'PAM_SUCCESS'],
    ['deny', 'PAM_MAXTRIES', 'PAM_MAXTRIES'],
    ['bypass', 'PAM_SUCCESS', 'PAM_SUCCESS'],
    ['unknown-user', 'PAM_ABORT', 'PAM_ABORT'],
    ['unreachable', 'PAM_SUCCESS', 'PAM_SERVICE_ERR'],
    ['badkeys', 'PAM_SUCCESS', 'PAM_SERVICE_ERR'],
    ['forbidden', 'PAM_ABORT', 'PAM_ABORT'],
    ['error', 'PAM_SUCCESS', 'PAM_SERVICE_ERR'],
  ] as const)('%s: %s under failmode safe, %s under secure', (cloud, safe, secure) => {
    expect(answerOfDuo(reading(), alice, cloud).stands).toBe('challenged');
    expect(codeOf(reading(), alice, cloud)).toBe(safe);
    expect(codeOf(reading({ failmode: 'secure' }), alice, cloud)).toBe(secure);
  });

  test('waits for as many addresses as there are, three times each, only where Duo is out of reach', () => {
    expect(answerOfDuo(reading(), alice, 'unreachable').waitS).toBe(37);
    expect(answerOfDuo(reading(), alice, 'unreachable', { addresses: 4 }).waitS).toBe(127);
    const others = DUO_ANSWERS.filter((cloud) => cloud !== 'unreachable');
    expect(others.map((cloud) => answerOfDuo(reading(), alice, cloud).waitS)).toEqual(others.map(() => 0));
  });

  test('is denied with fewer prompts as with three, but by 1.11.3 with another code', () => {
    expect(codeOf(reading({ prompts: 1 }), alice, 'deny', { version: 'v2' })).toBe('PAM_MAXTRIES');
    expect(codeOf(reading({ prompts: 1 }), alice, 'deny', { version: 'v1' })).toBe('PAM_SERVICE_ERR');
    expect(codeOf(reading({ prompts: 2 }), alice, 'deny', { version: 'v1' })).toBe('PAM_SERVICE_ERR');
    expect(codeOf(reading({ prompts: 3 }), alice, 'deny', { version: 'v1' })).toBe('PAM_MAXTRIES');
    expect(codeOf(reading(), alice, 'deny', { isLockedOut: true })).toBe('PAM_ABORT');
  });

  test('is denied where nobody can answer a prompt, which autopush does not have', () => {
    expect(codeOf(reading(), alice, 'allow', { canAnswer: false })).toBe('PAM_ABORT');
    expect(codeOf(reading({ autopush: true }), alice, 'allow', { canAnswer: false })).toBe('PAM_SUCCESS');
    expect(codeOf(reading(), alice, 'bypass', { canAnswer: false })).toBe('PAM_SUCCESS');
  });

  test('is denied whatever failmode says when the module cannot begin', () => {
    expect(codeOf(reading({ refusesProxy: true }), alice, 'allow')).toBe('PAM_SERVICE_ERR');
    const named = reading({ cafile: '/ca.pem' });
    expect(codeOf(named, alice, 'allow', { cafileLoads: false })).toBe('PAM_SERVICE_ERR');
    expect(codeOf(named, alice, 'allow')).toBe('PAM_SUCCESS');
    expect(codeOf(reading({ fipsMode: true }), alice, 'allow')).toBe('PAM_OPEN_ERR');
  });

  test('is logged with the address that it comes from, on one line', () => {
    expect(answerOfDuo(reading(), alice, 'allow', { rhost: '192.0.2.1' }).log).toBe(
      "Successful Duo login for 'alice' from 192.0.2.1",
    );
    expect(answerOfDuo(reading(), alice, 'badkeys').log).toBe(
      "Failsafe Duo login for 'alice': Invalid ikey or skey",
    );
    expect(answerOfDuo(reading(), { ...alice, user: 'a\nb' }, 'allow').log).not.toContain('\n');
  });
});

describe('an account that Duo is not asked about', () => {
  const groups = ['sg_x,sg_y'];

  test('is exempt outside the groups, and success is the answer whatever Duo would say', () => {
    for (const cloud of DUO_ANSWERS) {
      expect(answerOfDuo(reading({ groups, failmode: 'secure' }), alice, cloud)).toEqual({
        stands: 'exempt',
        answer: { kind: 'returns', code: 'PAM_SUCCESS', why: 'not in groups sg_x,sg_y: exempt' },
        log: "User alice bypassed Duo 2FA due to user's UNIX group",
        waitS: 0,
      });
    }
  });

  test('is unknown to the host', () => {
    const ghost = { user: 'ghost', account: null };
    expect(answerOfDuo(reading({ groups }), ghost, 'allow')).toMatchObject({
      stands: 'unknown-user',
      log: '',
    });
    expect(codeOf(reading({ groups }), ghost, 'allow')).toBe('PAM_USER_UNKNOWN');
  });
});

describe('a broken file', () => {
  test('lets everybody through or nobody, also accounts that are not there or in no group', () => {
    for (const user of [alice, { user: 'ghost', account: null }]) {
      expect(codeOf(broken('safe'), user, 'deny')).toBe('PAM_SUCCESS');
      expect(codeOf(broken('secure'), user, 'allow')).toBe('PAM_SERVICE_ERR');
    }
  });

  test('is named with the line, and logged as the module counts', () => {
    const said = answerOfDuo(broken('safe'), alice, 'allow', { confPath: '/etc/duo/x.conf' });
    expect(said).toMatchObject({ stands: 'broken', log: 'Parse error in /etc/duo/x.conf, line 8' });
    expect(said.answer.why).toContain("/etc/duo/x.conf line 7: an unknown key, 'x'");
    expect(said.answer.why).toContain('everybody is let through');
  });

  test('on which the module crashes lets nobody in', () => {
    expect(codeOf({ ...broken('safe'), crashes: true }, alice, 'allow')).toBe('PAM_ABORT');
  });
});
