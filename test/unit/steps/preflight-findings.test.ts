import { describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/core/facts.ts';
import type { AddressFacts, PreflightFacts } from '../../../src/core/preflight.ts';
import type { Settings } from '../../../src/core/settings.ts';
import { preflightFindings, type PreflightContext } from '../../../src/steps/preflight-findings.ts';
import { duoMembers, makePreflightRequest } from '../../../src/steps/preflight-request.ts';
import { accountOf, exampleFacts, exampleSettings, exampleTools, SKEY } from '../../support/example-host.ts';
import { reveal } from '../../../src/core/secret.ts';

const WELL: PreflightFacts = {
  target: { name: 'api-12345678.duosecurity.com', port: 443, isProxy: false },
  unproven: null,
  addresses: [{ address: '192.0.2.1', kind: 'trusted' }],
  addressesLeft: 0,
  cafile: 'unused',
  clock: { hostEpochS: 1_795_000_000, duoEpochS: 1_795_000_001 },
  keys: { kind: 'accepted' },
  enrolment: {},
};

const settingsWith = (failmode: 'safe' | 'secure', options: Settings['duo']['options'] = []): Settings => {
  const settings = exampleSettings();
  return { ...settings, duo: { ...settings.duo, failmode, options: [...settings.duo.options, ...options] } };
};
const graceOf = (seconds: number | null): Facts => {
  const facts = exampleFacts();
  const effective = seconds === null ? {} : { '*': { logingracetime: [String(seconds)] } };
  return { ...facts, sshd: { ...facts.sshd, effective } };
};
const contextOf = (over: Partial<PreflightContext> = {}): PreflightContext => ({
  settings: settingsWith('safe'),
  facts: graceOf(120),
  duoPackage: 'duo-unix',
  packagesChange: true,
  ...over,
});
const found = (seen: Partial<PreflightFacts>, over: Partial<PreflightContext> = {}) =>
  preflightFindings({ ...WELL, ...seen }, contextOf(over));
const told = (seen: Partial<PreflightFacts>, over: Partial<PreflightContext> = {}) =>
  found(seen, over).map(({ severity, rule }) => `${severity} ${rule}`);
const words = (seen: Partial<PreflightFacts>, over: Partial<PreflightContext> = {}) =>
  found(seen, over)
    .map(({ message }) => message)
    .join('\n');

const addresses = (...kinds: readonly AddressFacts['kind'][]): readonly AddressFacts[] =>
  kinds.map((kind, at) => {
    const address = `192.0.2.${at + 1}`;
    if (kind === 'proxy-refused') return { address, kind, status: 403 };
    if (kind === 'untrusted' || kind === 'no-tls' || kind === 'unproven')
      return { address, kind, why: 'because' };
    return { address, kind };
  });
const NOT_ASKED = { kind: 'unproven', why: 'Duo could not be asked' } as const;

test('a Duo with which all is well is no finding', () => {
  expect(found({})).toEqual([]);
});

describe('a Duo that the host does not reach refuses the host', () => {
  test.each<[string, Partial<PreflightFacts>, string]>([
    ['no name', { addresses: [] }, 'duo-unresolved'],
    ['no address', { addresses: addresses('refused', 'silent') }, 'duo-unreachable'],
    ['no TLS', { addresses: addresses('no-tls') }, 'duo-tls'],
    ['no trust', { addresses: addresses('untrusted') }, 'duo-tls'],
    ['a proxy that says no', { addresses: addresses('proxy-refused') }, 'duo-tls'],
    ['no CA file', { addresses: addresses('untrusted'), cafile: 'missing' }, 'duo-tls'],
    ['a CA file with nothing in it', { addresses: addresses('untrusted'), cafile: 'unusable' }, 'duo-tls'],
  ])('%s, told once, in both failmodes', (_, seen, rule) => {
    for (const failmode of ['safe', 'secure'] as const) {
      expect(told({ ...seen, keys: NOT_ASKED, clock: null }, { settings: settingsWith(failmode) })).toEqual([
        `breach ${rule}`,
      ]);
    }
  });

  test('with the consequence under the failmode, and how long a login would wait', () => {
    const seen = { addresses: addresses('silent', 'silent'), keys: NOT_ASKED };
    expect(words(seen)).toMatch(
      /failmode safe members .* would get in without Duo, and each login would wait about 67 s/,
    );
    expect(words(seen, { settings: settingsWith('secure') })).toMatch(
      /failmode secure no member .* could log in/,
    );
  });

  test('and where sshd gives up before the module does, failmode safe is told to help nobody', () => {
    const seen = { addresses: addresses('silent', 'silent', 'silent', 'silent'), keys: NOT_ASKED };
    expect(words(seen)).toMatch(/about 127 s, and sshd's LoginGraceTime of 120 s ends it before that/);
    expect(words(seen, { facts: graceOf(0) })).toMatch(/would get in without Duo, and each login/);
  });
});

describe('a Duo that is reached in part is a warning', () => {
  test('with the delay that silent addresses cost', () => {
    const seen = { addresses: addresses('trusted', 'silent', 'silent') };
    expect(told(seen)).toEqual(['warning duo-address-unreachable']);
    expect(words(seen)).toMatch(/up to 20 s, of the 120 s of sshd's LoginGraceTime/);
    expect(words({ addresses: addresses('trusted', 'refused') })).toMatch(/lose no time/);
  });

  test('but an IPv6 address that a host without IPv6 has no route to is no news', () => {
    const address = '2001:db8::1';
    expect(told({ addresses: [...addresses('trusted'), { address, kind: 'refused' }] })).toEqual([]);
    expect(told({ addresses: [...addresses('trusted'), { address, kind: 'silent' }] })).toEqual([
      'warning duo-address-unreachable',
    ]);
  });

  test('also where one address is not trusted', () => {
    expect(told({ addresses: addresses('trusted', 'untrusted') })).toEqual(['warning duo-tls']);
  });

  test('and what could not be tried is never counted as reached or as away', () => {
    expect(told({ addresses: addresses('trusted', 'unproven') })).toEqual(['warning duo-unproven']);
    expect(told({ addresses: addresses('unproven'), keys: NOT_ASKED })).toEqual(['warning duo-unproven']);
    expect(told({ addresses: addresses('untrusted', 'unproven'), keys: NOT_ASKED })).toEqual([
      'warning duo-unproven',
      'warning duo-tls',
    ]);
  });
});

test('a preflight that could not be made is one warning and nothing else', () => {
  const seen = { unproven: 'no bash', addresses: [], keys: NOT_ASKED, cafile: 'missing' } as const;
  expect(told(seen)).toEqual(['warning duo-unproven']);
  expect(words(seen)).toContain('no bash');
});

test('so many addresses that sshd would give up before failmode safe helps are a warning on good days', () => {
  const four = addresses('trusted', 'trusted', 'trusted', 'trusted');
  expect(told({ addresses: four })).toEqual(['warning duo-grace-time']);
  expect(told({ addresses: four }, { settings: settingsWith('secure') })).toEqual([]);
  expect(told({ addresses: four }, { facts: graceOf(128) })).toEqual([]);
  expect(told({ addresses: addresses('trusted', 'trusted', 'trusted') })).toEqual([]);
  expect(told({ addresses: addresses('trusted'), addressesLeft: 3 })).toEqual(['warning duo-grace-time']);
});

const off = (seconds: number) => ({ clock: { hostEpochS: 1000 + seconds, duoEpochS: 1000 } });
const installed = (version: string): Facts => ({
  ...graceOf(120),
  packages: { 'duo-unix': { status: 'installed', version, origins: [] } },
});

describe('the clock', () => {
  test('is compared with Duo’s: a minute is nothing, more is a warning', () => {
    expect([told(off(60)), told(off(-60)), told(off(61)), told(off(-9999))]).toEqual([
      [],
      [],
      ['warning duo-clock'],
      ['warning duo-clock'],
    ]);
    expect(words(off(-90))).toContain("90 s behind Duo's");
  });

  test('is a breach past five minutes where the module that stays does not make up for it', () => {
    const old = { facts: installed('2.0.4-0'), packagesChange: false };
    expect(told(off(301), old)).toEqual(['breach duo-clock']);
    expect(told(off(300), old)).toEqual(['warning duo-clock']);
    expect(told(off(301), { ...old, packagesChange: true })).toEqual(['warning duo-clock']);
    expect(told(off(301), { ...old, facts: installed('2.1.0-0') })).toEqual(['warning duo-clock']);
  });
});

describe('the keys', () => {
  test('refused by a 401 are a breach with its consequence, anything else is a warning', () => {
    const refused = { keys: { kind: 'refused', why: 'HTTP 401' } } as const;
    expect(told(refused)).toEqual(['breach duo-keys']);
    expect(words(refused)).toContain('would get in without Duo');
    expect(words(refused, { settings: settingsWith('secure') })).toContain('could log in');
    expect(told({ keys: { kind: 'unproven', why: 'HTTP 403' } })).toEqual(['warning duo-keys-unproven']);
  });
});

describe('enrolment', () => {
  test('is a warning for each who would not get in, with the name as persona', () => {
    const findings = found({
      enrolment: {
        ada: { kind: 'enrolled' },
        bo: { kind: 'bypass' },
        cy: { kind: 'not-enrolled' },
        di: { kind: 'denied', why: 'locked out' },
      },
    });
    expect(findings.map(({ severity, rule, persona }) => [severity, rule, persona])).toEqual([
      ['warning', 'duo-not-enrolled', 'cy'],
      ['warning', 'duo-denied', 'di'],
    ]);
  });

  test('that could not be found out is one warning, however many names it is about', () => {
    const names = Array.from({ length: 9 }, (_, at) => `user${at}`);
    const enrolment = Object.fromEntries(
      names.map((name) => [name, { kind: 'unproven', why: 'HTTP 429' } as const]),
    );
    const findings = found({ enrolment });
    expect(findings.map(({ rule }) => rule)).toEqual(['duo-enrolment-unproven']);
    expect(findings[0]?.message).toMatch(/user4 and 4 more .*HTTP 429/);
  });

  test('is asked for members by the host’s lists and by accounts’ groups, each once', () => {
    const facts: Facts = {
      ...exampleFacts(),
      groups: { sg_serveraccess: { gid: 1, members: ['zed', 'amy'] }, sg_sudo: { gid: 2, members: ['amy'] } },
      accounts: { kim: accountOf({ groups: ['SG_Sudo'] }), lee: accountOf(), gone: null },
    };
    expect(duoMembers(settingsWith('safe'), facts)).toEqual(['amy', 'kim', 'zed']);
    expect(duoMembers(settingsWith('safe', [['gecos_username_pos', '2']]), facts)).toEqual([]);
  });
});

test('the request is the module’s own settings, with the secret still a secret', () => {
  const settings = settingsWith('safe', [
    ['http_proxy', 'http://proxy:3128'],
    ['cafile', '/etc/duo/ca.pem'],
  ]);
  const request = makePreflightRequest(settings, exampleTools().openSecret, ['amy']);
  expect(request).toMatchObject({
    proxy: 'http://proxy:3128',
    cafile: '/etc/duo/ca.pem',
    enrolment: ['amy'],
  });
  expect(JSON.stringify(request)).not.toContain(SKEY);
  expect(reveal(request.skey)).toBe(SKEY);
});
