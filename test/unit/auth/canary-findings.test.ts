import { expect, test } from 'vitest';
import { asUserFindings, canaryFindings } from '../../../src/auth/canary-findings.ts';
import type { AccountFacts, Facts } from '../../../src/core/facts.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { Settings } from '../../../src/core/settings.ts';

const settingsWith = (canary: Settings['canary'], autopush = 'yes'): Settings =>
  ({
    host: 'web1',
    serverAccessGroup: 'sg_serveraccess',
    sudoGroup: 'sg_sudo',
    canary,
    duo: { options: [['autopush', autopush]] },
  }) as unknown as Settings;
const canary = { user: 'canary', passcode: null, privateKeyFile: null };
const factsWith = (account: readonly string[] | null): Facts => ({
  ...({} as Facts),
  accounts: {
    canary: account === null ? null : ({ groups: account } as Partial<AccountFacts> as AccountFacts),
  },
});
const rulesOf = (settings: Settings, facts: Facts) => canaryFindings(settings, facts).map(({ rule }) => rule);

test('a host without canary_user, and one whose canary is a member, have nothing to be told', () => {
  expect(canaryFindings(settingsWith(null), factsWith(null))).toEqual([]);
  expect(canaryFindings(settingsWith(canary), factsWith(['users', 'sg_sudo']))).toEqual([]);
});

test('a canary user that the host does not know, or that is in none of Duo’s groups, refuses the host', () => {
  expect(rulesOf(settingsWith(canary), factsWith(null))).toEqual(['canary-unknown']);
  expect(rulesOf(settingsWith(canary), factsWith(['users']))).toEqual(['canary-no-member']);
  expect(canaryFindings(settingsWith(canary), factsWith(null))[0]?.severity).toBe('breach');
});

test('a passcode with autopush refuses the host: the module would send a push and never ask', () => {
  const passcode = { kind: 'literal', value: new Secret('123456') } as const;
  const facts = factsWith(['sg_serveraccess']);
  expect(rulesOf(settingsWith({ ...canary, passcode }), facts)).toEqual(['canary-autopush']);
  expect(rulesOf(settingsWith({ ...canary, passcode }, 'no'), facts)).toEqual([]);
});

test('--as with nobody whom the host knows, or who never meets Duo, refuses the host', () => {
  expect(asUserFindings('canary', settingsWith(null), factsWith(['users']))[0]?.rule).toBe(
    'as-user-no-member',
  );
  expect(asUserFindings('dora', settingsWith(null), factsWith(null))[0]?.rule).toBe('as-user-unknown');
});
