import { describe, expect, test } from 'vitest';
import { judge, type Expectation, type ProbeMeans } from '../../../src/auth/expectation.ts';
import { canaryOf, probeOf, rehearsalOf } from '../../../src/auth/rehearsal.ts';
import type { AccountFacts, Facts } from '../../../src/core/facts.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { Settings } from '../../../src/core/settings.ts';

const settings = {
  connection: { user: 'automation', become: true },
  serverAccessGroup: 'sg_serveraccess',
  sudoGroup: 'sg_sudo',
  breakGlass: { user: 'breakglass', allowedSources: ['192.0.2.0/24', '10.0.*'], password: null },
  canary: { user: 'canary', passcode: null, privateKeyFile: null },
  sshdConfig: 'managed',
} as unknown as Settings;
const account = (groups: readonly string[], password: AccountFacts['password'] = 'set'): AccountFacts =>
  ({ uid: 1001, groups, password }) as Partial<AccountFacts> as AccountFacts;
const facts = {
  accounts: {
    breakglass: account(['sudo']),
    canary: account(['sg_serveraccess'], 'locked'),
    alice: account(['sg_serveraccess']),
    dora: account(['users']),
  },
  sshd: { effective: {} },
} as unknown as Facts;
const means: ProbeMeans = {
  wrong: new Secret('w'),
  empty: new Secret(''),
  breakGlassPassword: new Secret('b'),
  canaryPasscode: null,
  asUser: null,
};
const expectations = rehearsalOf(settings, facts, means);
const titles = (all: readonly Expectation[]): readonly string[] => all.map(({ attempt }) => attempt.title);
const inside = expectations.filter(({ must }) => must === 'get-in');
const outside = expectations.filter(({ must }) => must === 'be-refused');
const secretOf = (factor: Expectation['attempt']['factors'][number]): Secret | null => {
  if (factor.kind === 'publickey') return null;
  return factor.kind === 'password' ? factor.password : factor.answer;
};

const answers = (given: ProbeMeans) =>
  rehearsalOf(settings, facts, given)[0]?.attempt.factors.map((factor) => secretOf(factor));
const live = (address: string, over: Partial<Settings> = {}, seen: Facts = facts) =>
  titles(canaryOf({ ...settings, ...over }, seen, { means, sourceAddress: address }));
const punishing = (value: string) =>
  ({ ...facts, sshd: { effective: { automation: { persourcepenalties: [value] } } } }) as unknown as Facts;

describe('the rehearsal', () => {
  test('lets the canary user in by key and Duo, automation by key with sudo, break-glass by password with sudo', () => {
    expect(
      inside.map(({ attempt, asksDuo }) => [attempt.user, attempt.command, attempt.gate, asksDuo]),
    ).toEqual([
      ['canary', null, 'candidate', true],
      ['automation', 'sudo -n true', 'candidate', false],
      ['breakglass', 'sudo -k -S true', 'pam-only', false],
    ]);
  });

  test('tries a wrong and an empty password of every persona at both gates', () => {
    const offered = outside.flatMap(({ attempt }) =>
      attempt.factors.map(
        (factor) => `${attempt.user} ${attempt.gate} ${secretOf(factor) === means.wrong ? 'wrong' : 'empty'}`,
      ),
    );
    const wanted = ['automation', 'root', 'breakglass', 'dora', 'alice'].flatMap((user) =>
      ['candidate', 'pam-only'].flatMap((gate) =>
        ['wrong', 'empty'].map((kind) => `${user} ${gate} ${kind}`),
      ),
    );
    expect([...new Set(offered)].toSorted()).toEqual(wanted.toSorted());
  });

  test('gives no network to a login that must fail, so that it cannot reach Duo and nobody gets a push', () => {
    expect(outside.length).toBeGreaterThan(0);
    expect(outside.every(({ attempt }) => attempt.network === 'none')).toBe(true);
  });

  test('never sends an empty password by sshd’s own method, which would not ask PAM', () => {
    const passwords = outside.flatMap(({ attempt }) =>
      attempt.factors.filter(({ kind }) => kind === 'password').map(secretOf),
    );
    expect(passwords.length).toBeGreaterThan(0);
    expect(passwords.every((secret) => secret === means.wrong)).toBe(true);
  });

  test('sends break-glass’s password to sudo on its stdin and has it in no command', () => {
    const attempt = inside.find(({ attempt: { user } }) => user === 'breakglass')?.attempt;
    expect(attempt?.stdin).toBe(means.breakGlassPassword);
    expect(attempt?.network).toBe('none');
  });

  test('leaves a prompt of the canary user unanswered without a passcode: an answer could be a push', () => {
    expect(answers(means)).toEqual([null, null]);
    const canaryPasscode = new Secret('123456');
    expect(answers({ ...means, canaryPasscode })).toEqual([null, canaryPasscode]);
  });

  test('asks a person for a push only where --as names one, and says so first', () => {
    expect(expectations.every(({ notice }) => notice === '')).toBe(true);
    const asked = rehearsalOf(settings, facts, { ...means, asUser: 'alice' }).filter(
      ({ notice }) => notice !== '',
    );
    expect(asked.map(({ attempt, must, asksDuo }) => [attempt.user, must, asksDuo])).toEqual([
      ['alice', 'get-in', true],
    ]);
    expect(asked[0]?.notice).toContain("approve Duo's push for alice now (60 s)");
  });

  test('is smaller where there is no canary user, no password of break-glass and nobody else', () => {
    const few = rehearsalOf(
      { ...settings, canary: null, breakGlass: null },
      { ...facts, accounts: {} },
      { ...means, breakGlassPassword: null },
    );
    expect([...new Set(few.map(({ attempt }) => attempt.user))]).toEqual(['automation', 'root']);
  });
});

describe('the canary', () => {
  const CANARY = 'canary by key and Duo';
  const BREAK_GLASS = 'breakglass by password, and sudo by password';
  const WRONG = 'automation with a wrong password';

  test('tries break-glass from its sources only', () => {
    expect(live('192.0.2.7')).toEqual([CANARY, BREAK_GLASS, WRONG]);
    expect(live('10.0.3.4')).toContain(BREAK_GLASS);
    expect(live('198.51.100.1')).toEqual([CANARY, WRONG]);
    expect(live('')).toEqual([CANARY, WRONG]);
  });

  test('has one login that must fail at most, and none where sshd would hold it against our address', () => {
    expect(live('', {}, punishing('crash:90 authfail:5'))).toEqual([CANARY]);
    expect(live('', {}, punishing('no'))).toEqual([CANARY, WRONG]);
    expect(live('', { sshdConfig: 'check' })).toEqual([CANARY]);
  });

  test('by verify --probe has no login that must fail', () => {
    const probed = probeOf(settings, { means, sourceAddress: '192.0.2.7' });
    expect(titles(probed)).toEqual(['automation by key, and sudo -n true', CANARY, BREAK_GLASS]);
    expect(probed.every(({ must }) => must === 'get-in')).toBe(true);
  });
});

describe('the judgement', () => {
  const refused = outside[0]!;
  const getIn = inside.find(({ attempt }) => attempt.user === 'automation')!;
  const noCommand = inside.find(({ attempt }) => attempt.command === null)!;
  const came = { kind: 'in', output: '', prompts: [] } as const;

  test('somebody who gets in and must not is an open door', () => {
    expect(judge(refused, { ...came, exitCode: 0 })?.reason).toBe('open');
  });
  test('automation that is refused is a lock-out', () => {
    expect(judge(getIn, { kind: 'refused', prompts: [] })?.reason).toBe('locked');
  });
  test('automation whose sudo asks for something is a lock-out', () => {
    expect(judge(getIn, { ...came, exitCode: 1, output: 'a password is required' })?.reason).toBe('locked');
    expect(judge(getIn, { ...came, exitCode: null })?.reason).toBe('locked');
  });
  test('a probe that could not run never counts as passed', () => {
    expect(judge(refused, { kind: 'unproven', message: 'gone' })).not.toBeNull();
    expect(judge(getIn, { kind: 'unproven', message: 'gone' })).not.toBeNull();
  });
  test('what was expected passes', () => {
    expect(judge(refused, { kind: 'refused', prompts: [] })).toBeNull();
    expect(judge(getIn, { ...came, exitCode: 0 })).toBeNull();
    expect(judge(noCommand, { ...came, exitCode: null })).toBeNull();
  });
});
