import { describe, expect, test } from 'vitest';
import type { Persona } from '../../../src/auth/persona.ts';
import { personasOf } from '../../../src/auth/personas.ts';
import { effectiveAfter, effectiveNow } from '../../../src/auth/sshd-after.ts';
import type { Facts } from '../../../src/core/facts.ts';
import type { Settings } from '../../../src/core/settings.ts';
import { accountOf, exampleFacts, exampleSettings } from '../../support/example-host.ts';

const NOT_LIVE = { dropInIsLive: false };
const LIVE = { dropInIsLive: true };
const methodsAfter = (
  label: string,
  settings: Settings = exampleSettings(),
  facts: Facts = exampleFacts(),
) => {
  const persona = personasOf(facts, settings).find((one) => one.label === label);
  return persona === undefined
    ? null
    : effectiveAfter(facts, settings, persona, NOT_LIVE)['authenticationmethods']?.join(' ');
};
const KEY_AND_CONVERSATION = 'publickey,keyboard-interactive';

describe("sshd's settings once our drop-in is in place", () => {
  test('are as declared for everybody, and the Match blocks for whom they name', () => {
    expect(methodsAfter('*')).toBe(KEY_AND_CONVERSATION);
    expect(methodsAfter('root')).toBe(KEY_AND_CONVERSATION);
    expect(methodsAfter('automation')).toBe('publickey');
    expect(methodsAfter('breakglass')).toBe('password');
    expect(methodsAfter('breakglass-elsewhere')).toBe(KEY_AND_CONVERSATION);
  });
  test('a key-only account and group have their blocks, which come after the break-glass one', () => {
    const settings = exampleSettings({ keyOnlyUsers: ['root', 'breakglass'] });
    expect(methodsAfter('root', settings)).toBe('publickey');
    expect(methodsAfter('breakglass', settings)).toBe('password');
    const facts = exampleFacts();
    const scanner: Persona = {
      kind: 'local user',
      user: 'scan',
      account: accountOf({ groups: ['scan', 'scanners'] }),
      isReal: true,
      label: '*',
      address: '198.18.0.9',
    };
    const grouped = exampleSettings({ keyOnlyGroups: ['scanners'] });
    expect(effectiveAfter(facts, grouped, scanner, NOT_LIVE)['authenticationmethods']).toEqual(['publickey']);
  });
  test('what nobody declares stays, and somebody else’s Match beats what is declared for everybody', () => {
    const facts = exampleFacts();
    const root = {
      ...facts.sshd.effective['root'],
      passwordauthentication: ['no'],
      permitrootlogin: ['yes'],
    };
    const sshd = {
      ...facts.sshd,
      effective: { ...facts.sshd.effective, root: { ...root, usedns: ['yes'] } },
    };
    const persona = personasOf(facts, exampleSettings()).find(({ kind }) => kind === 'root');
    if (persona === undefined) throw new Error('no root');
    const after = effectiveAfter({ ...facts, sshd }, exampleSettings(), persona, NOT_LIVE);
    expect(after).toMatchObject({ permitrootlogin: ['yes'], usedns: ['yes'], usepam: ['yes'] });
    expect(effectiveAfter({ ...facts, sshd }, exampleSettings(), persona, LIVE)['usedns']).toEqual(['no']);
  });
  test('an OpenSSH that has the older switch too has it on', () => {
    const facts = exampleFacts();
    const old = { ...facts.sshd.effective['*'], challengeresponseauthentication: ['no'] };
    const persona = personasOf(facts, exampleSettings()).find(({ label }) => label === '*');
    if (persona === undefined) throw new Error('nobody');
    const sshd = { ...facts.sshd, effective: { '*': old } };
    expect(effectiveAfter({ ...facts, sshd }, exampleSettings(), persona, NOT_LIVE)).toMatchObject({
      challengeresponseauthentication: ['yes'],
    });
  });
});

describe("sshd's settings today", () => {
  test('are its own answer; who was not asked for has those of everybody, and our blocks where they are live', () => {
    const facts = exampleFacts();
    const settings = exampleSettings({ keyOnlyUsers: ['scan'] });
    const scan: Persona = {
      kind: 'local user',
      user: 'scan',
      account: accountOf(),
      isReal: true,
      label: 'local',
      address: '198.18.0.9',
    };
    expect(effectiveNow(facts, settings, scan, NOT_LIVE)['authenticationmethods']).toEqual(['any']);
    expect(effectiveNow(facts, settings, scan, LIVE)['authenticationmethods']).toEqual(['publickey']);
  });
});
