import { describe, expect, test } from 'vitest';
import type { Persona } from '../../../src/auth/persona.ts';
import type { Effective } from '../../../src/auth/sshd-after.ts';
import { sshdGate } from '../../../src/auth/sshd-methods.ts';
import { accountOf } from '../../support/example-host.ts';

const persona = (over: Partial<Persona> = {}): Persona => ({
  kind: 'local user',
  user: 'alice',
  account: accountOf(),
  isReal: true,
  label: '*',
  address: '198.18.0.7',
  ...over,
});
const root = persona({ kind: 'root', user: 'root', account: accountOf({ uid: 0, groups: ['root'] }) });
const ON: Effective = {
  usepam: ['yes'],
  pubkeyauthentication: ['yes'],
  passwordauthentication: ['yes'],
  kbdinteractiveauthentication: ['yes'],
  authenticationmethods: ['any'],
  permitrootlogin: ['yes'],
};
const lists = (over: Effective = {}, who = persona()) =>
  sshdGate({ ...ON, ...over }, who).lists.map((methods) => methods.join(','));
const shutOut = (over: Effective, who = persona()) => sshdGate({ ...ON, ...over }, who).shutOut;

describe('the methods that sshd takes', () => {
  test('any is each method that is on, by itself', () => {
    expect(lists()).toEqual(['publickey', 'password', 'keyboard-interactive']);
    expect(lists({ passwordauthentication: ['no'] })).toEqual(['publickey', 'keyboard-interactive']);
  });
  test('without PAM there is nobody to converse with', () => {
    expect(lists({ usepam: ['no'] })).toEqual(['publickey', 'password']);
  });
  test('before OpenSSH 8.7 either switch turns the conversation off', () => {
    expect(lists({ challengeresponseauthentication: ['no'] })).toEqual(['publickey', 'password']);
    expect(lists({ challengeresponseauthentication: ['yes'] })).toContain('keyboard-interactive');
  });
  test('a list that names a method which is off cannot be gone through', () => {
    const methods = { authenticationmethods: ['publickey,keyboard-interactive password'] };
    expect(lists({ ...methods, kbdinteractiveauthentication: ['no'] })).toEqual(['password']);
  });
  test('a device is PAM or none, and a method may have to be gone through twice', () => {
    expect(lists({ authenticationmethods: ['publickey,keyboard-interactive:pam'] })).toEqual([
      'publickey,keyboard-interactive',
    ]);
    expect(lists({ authenticationmethods: ['keyboard-interactive:bsdauth'] })).toEqual([]);
    expect(lists({ authenticationmethods: ['publickey,publickey'] })).toEqual(['publickey,publickey']);
  });
  test('root without PermitRootLogin yes passes by a key and nothing else, not as a second factor either', () => {
    for (const permit of ['prohibit-password', 'without-password', 'forced-commands-only']) {
      expect(lists({ permitrootlogin: [permit] }, root)).toEqual(['publickey']);
      expect(
        lists({ permitrootlogin: [permit], authenticationmethods: ['publickey,keyboard-interactive'] }, root),
      ).toEqual([]);
    }
    expect(lists({}, root)).toHaveLength(3);
  });
  test('nothing is open where nothing is known', () => {
    expect(sshdGate({}, persona()).lists).toEqual([]);
  });
  test('who is shut out is told by which keyword', () => {
    expect(shutOut({ permitrootlogin: ['no'] }, root)).toBe('PermitRootLogin no');
    expect(shutOut({ permitrootlogin: ['no'] })).toBe('');
    expect(shutOut({ allowgroups: ['admins'] })).toBe('AllowGroups admins');
    expect(shutOut({ denyusers: ['alice@198.18.*'] })).toBe('DenyUsers alice@198.18.*');
    expect(shutOut({ denyusers: ['alice@203.0.113.0/24'] })).toBe('');
    expect(shutOut({ allowusers: ['alice@203.0.113.0/24'] })).toBe('AllowUsers alice@203.0.113.0/24');
    expect(shutOut({ allowusers: ['alice@bastion.example'] })).toBe('');
  });
});
