import { describe, expect, test } from 'vitest';
import { ELSEWHERE, personaFor, personasOf, PERSONAS_PER_KIND_MAX } from '../../../src/auth/personas.ts';
import type { Facts } from '../../../src/core/facts.ts';
import { accountOf, exampleFacts, exampleSettings } from '../../support/example-host.ts';

const settings = exampleSettings();
const withAccounts = (accounts: Facts['accounts']) =>
  exampleFacts({ accounts: { ...exampleFacts().accounts, ...accounts } });
const ofKind = (facts: Facts, kind: string) =>
  personasOf(facts, settings)
    .filter((persona) => persona.kind === kind)
    .map(({ user, isReal }) => [user, isReal]);
const many = (groups: (at: number) => readonly string[]) =>
  withAccounts(
    Object.fromEntries(
      Array.from({ length: 50 }, (_none, at) => [`user${at}`, accountOf({ groups: groups(at) })]),
    ),
  );

describe('the personas of a host', () => {
  test('are its own accounts, and a typical one where it has none of a kind', () => {
    expect(
      personasOf(exampleFacts(), settings).map(({ kind, user, isReal }) => [kind, user, isReal]),
    ).toEqual([
      ['automation', 'automation', true],
      ['break-glass', 'breakglass', true],
      ['break-glass', 'breakglass', true],
      ['server-access member', 'alice', true],
      ['sudo member', 'a member of the sudo group', false],
      ['local user', 'a local user', false],
      ['root', 'root', true],
    ]);
  });
  test('a typical member is in the group of its kind, as the host spells it', () => {
    const member = personasOf(exampleFacts(), settings).find(({ kind }) => kind === 'sudo member');
    expect(member?.account.groups).toContain('sg_sudo');
  });
  test('break-glass comes from its first source and from somewhere else', () => {
    const glasses = personasOf(exampleFacts(), settings).filter(({ kind }) => kind === 'break-glass');
    expect(glasses.map(({ label, address }) => [label, address])).toEqual([
      ['breakglass', '198.18.0.0'],
      ['breakglass-elsewhere', ELSEWHERE],
    ]);
    const anywhere = exampleSettings({
      breakGlass: { user: 'breakglass', allowedSources: [], password: null },
    });
    expect(personasOf(exampleFacts(), anywhere).filter(({ kind }) => kind === 'break-glass')).toHaveLength(1);
  });
  test('who is in both groups counts by the sudo group', () => {
    const facts = withAccounts({ bob: accountOf({ groups: ['bob', 'sg_serveraccess', 'sg_sudo'] }) });
    expect(ofKind(facts, 'sudo member')).toEqual([['bob', true]]);
    expect(ofKind(facts, 'server-access member')).toEqual([['alice', true]]);
  });
  test('a member whose group is spelled in another case is judged besides the others', () => {
    const facts = withAccounts({
      carol: accountOf({ groups: ['carol', 'SG_ServerAccess'], password: 'locked', authorizedKeys: 1 }),
    });
    expect(ofKind(facts, 'server-access member')).toEqual([
      ['alice', true],
      ['carol', true],
    ]);
  });
  test('accounts that are alike are judged once, and never more than a few of a kind', () => {
    expect(
      ofKind(
        many(() => ['users']),
        'local user',
      ),
    ).toHaveLength(1);
    expect(
      ofKind(
        many((at) => [`Group${at}`]),
        'local user',
      ),
    ).toHaveLength(PERSONAS_PER_KIND_MAX);
  });
  test('an account that a line of a stack singles out is judged, however many come before it', () => {
    const accounts = {
      ...Object.fromEntries(
        (['set', 'locked', 'empty', 'none', 'unknown'] as const).map((password) => [
          `a-${password}`,
          accountOf({ password, groups: ['users'] }),
        ]),
      ),
      zoe: accountOf({ groups: ['zoe', 'nopass'] }),
      zora: accountOf({ uid: 7000 }),
      zed: accountOf(),
    };
    const judged = (...lines: readonly string[]) =>
      personasOf(withAccounts(accounts), settings, [{ 'common-auth': lines.join('\n') }]).map(
        ({ user }) => user,
      );
    expect(judged('auth required pam_unix.so')).not.toContain('zoe');
    expect(
      judged(
        'auth sufficient pam_succeed_if.so quiet user ingroup admins:nopass',
        'auth sufficient pam_succeed_if.so uid >= 7000',
        'auth sufficient pam_succeed_if.so user in zed:zack',
      ),
    ).toEqual(expect.arrayContaining(['zoe', 'zora', 'zed']));
  });
  test('accounts of programs, expired ones and key-only ones are no local users', () => {
    const facts = withAccounts({
      daemon1: accountOf({ uid: 200 }),
      noshell: accountOf({ shell: '/usr/sbin/nologin' }),
      gone: accountOf({ expired: true }),
    });
    expect(ofKind(facts, 'local user')).toEqual([['a local user', false]]);
  });
  test('an account can be asked for by name and address', () => {
    const glass = (address: string) => personaFor(exampleFacts(), settings, 'breakglass', address);
    expect(glass('198.18.7.7')).toMatchObject({ kind: 'break-glass', label: 'breakglass' });
    expect(glass('203.0.113.9')).toMatchObject({ kind: 'break-glass', label: 'breakglass-elsewhere' });
    expect(personaFor(exampleFacts(), settings, 'nobody-here')).toBeNull();
  });
});
