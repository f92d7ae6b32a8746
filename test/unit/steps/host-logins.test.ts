import { describe, expect, test } from 'vitest';
import type { LoginRow, LoginTable } from '../../../src/core/login-table.ts';
import { hostLogins } from '../../../src/steps/host-logins.ts';
import { planHost } from '../../../src/steps/plan-host.ts';
import {
  accountOf,
  afterChanges,
  exampleFacts,
  exampleSettings,
  exampleTools,
  SKEY,
} from '../../support/example-host.ts';

const settings = exampleSettings();
const facts = exampleFacts({
  accounts: {
    ...exampleFacts().accounts,
    bob: accountOf({ groups: ['sg_sudo'], sudo: { kind: 'some', asking: ['(ALL) ALL'], silent: [] } }),
  },
});
const { changes } = planHost(facts, settings, exampleTools());
const logins = hostLogins(facts, settings, changes);
const row = (table: LoginTable | undefined, who: string): LoginRow | undefined =>
  table?.rows.find((each) => each.who === who);
const ways = (given: LoginRow | undefined) =>
  given === undefined
    ? null
    : Object.values(given.ssh).map((each) => each.map(({ proofs }) => proofs.join('+')).join(' or '));

describe('who gets in, for the record', () => {
  test('is told of the host as it is and as the plan leaves it, however Duo answers', () => {
    expect(ways(row(logins?.now, 'sudo member'))).toEqual([
      'key or password',
      'key or password',
      'key or password',
    ]);
    expect(ways(row(logins?.after, 'sudo member'))).toEqual(['key+duo', '', 'key']);
    expect(row(logins?.after, 'sudo member')?.sudo).toEqual({
      allow: { kind: 'asks', ways: [{ proofs: ['password', 'duo'], sure: true }] },
      deny: { kind: 'asks', ways: [] },
      unreachable: { kind: 'asks', ways: [{ proofs: ['password'], sure: true }] },
    });
  });

  test('names who is exempt from Duo, and who is privileged', () => {
    const kinds = (logins?.after.rows ?? []).map(({ who, exempt, privileged }) => [who, exempt, privileged]);
    expect(kinds).toContainEqual(['automation', 'automation', true]);
    expect(kinds).toContainEqual(['sudo member', null, true]);
    expect(kinds).toContainEqual(['server-access member', null, false]);
    expect(kinds).toContainEqual(['local user', 'no-member', false]);
    const listed = hostLogins(facts, { ...settings, keyOnlyUsers: ['bob'] }, []);
    expect(listed?.now.keyOnly).toEqual(['bob']);
    expect(logins?.now.keyOnly).toEqual([]);
  });

  test('of those who are not there yet has no name', () => {
    const none = hostLogins(exampleFacts({ accounts: { automation: accountOf({}) } }), settings, []);
    expect(row(none?.now, 'sudo member')?.user).toBe('');
    expect(row(none?.now, 'automation')?.user).not.toBe('');
  });

  test('of a host that is as declared is one table', () => {
    const done = hostLogins(afterChanges(facts, changes, settings), settings, []);
    expect(done?.after).toBe(done?.now);
    expect(ways(row(done?.now, 'sudo member'))).toEqual(['key+duo', '', 'key']);
  });

  test('of a host of another kind is not told, and no table holds a secret', () => {
    const other = exampleFacts({ os: { ...exampleFacts().os, id: 'rhel', versionId: '9' } });
    expect(hostLogins(other, settings, [])).toBeNull();
    expect(JSON.stringify(logins)).not.toContain(SKEY);
  });
});
