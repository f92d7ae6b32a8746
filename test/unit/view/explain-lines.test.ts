import { describe, expect, test } from 'vitest';
import type { DuoAnswer } from '../../../src/auth/duo-answer.ts';
import type { Explained, ExplainedWay, Explanation } from '../../../src/auth/explanation.ts';
import type { PamStep, PamVerdict } from '../../../src/auth/pam-situation.ts';
import type { Door, Persona, SudoDoor } from '../../../src/auth/persona.ts';
import { explainDocument } from '../../../src/view/explain-document.ts';
import { explainLines } from '../../../src/view/explain-lines.ts';
import { paintFor, PLAIN_PAINT } from '../../../src/view/paint.ts';
import { accountOf } from '../../support/example-host.ts';

const persona = (over: Partial<Persona> = {}): Persona => ({
  kind: 'server-access member',
  user: 'alice',
  account: accountOf(),
  isReal: true,
  label: 'access-member',
  address: '198.51.100.1',
  ...over,
});

const duoStep = (code: 'PAM_SUCCESS' | 'PAM_AUTH_ERR'): PamStep => ({
  file: 'sshd',
  line: 9,
  text: 'auth requisite /usr/lib64/security/pam_duo.so',
  depth: 0,
  answer: { kind: 'returns', code, why: 'alice is in sg_serveraccess' },
  action: code === 'PAM_SUCCESS' ? 'ok' : 'die',
});
const walk = (code: 'PAM_SUCCESS' | 'PAM_AUTH_ERR'): PamVerdict => ({
  result: code,
  sure: true,
  possible: [code],
  steps: [
    {
      file: 'sshd',
      line: 3,
      text: 'auth [success=4 default=ignore] pam_succeed_if.so quiet user = glass',
      depth: 0,
      answer: { kind: 'returns', code: 'PAM_AUTH_ERR', why: 'the user is alice' },
      action: 'ignore',
    },
    duoStep(code),
  ],
});

/** The same after pam_duo has tried in vain. */
const late: PamVerdict = {
  ...walk('PAM_SUCCESS'),
  steps: walk('PAM_SUCCESS').steps.map((step) =>
    step.answer?.kind === 'returns' && step.text.includes('pam_duo')
      ? { ...step, answer: { ...step.answer, waitS: 37 } }
      : step,
  ),
};

const METHODS = ['publickey', 'keyboard-interactive'];
const door = (over: Partial<Door> = {}): Door => ({
  methods: METHODS,
  proofs: ['key', 'duo'],
  sure: true,
  walk: walk('PAM_SUCCESS'),
  ...over,
});

const way = (
  duo: DuoAnswer,
  ssh: readonly Door[],
  over: { readonly sudo?: SudoDoor; readonly who?: Persona; readonly pam?: PamVerdict | null } = {},
): ExplainedWay => ({
  standing: {
    persona: over.who ?? persona(),
    duo,
    ssh,
    shutOut: '',
    sudo: over.sudo ?? { kind: 'not-allowed' },
  },
  ssh: over.pam === undefined ? (ssh[0]?.walk ?? walk('PAM_AUTH_ERR')) : over.pam,
  sudo: null,
});

const member = (over: Partial<Explained> = {}): Explained => ({
  persona: persona(),
  settings: `AuthenticationMethods ${METHODS.join()}`,
  lists: [METHODS],
  ways: [
    way('allow', [door()]),
    way('deny', []),
    way('unreachable', [door({ proofs: ['key'], walk: late })]),
  ],
  ...over,
});

const automation = (): Explained => {
  const who = persona({ kind: 'automation', user: 'automation' });
  const sudo: SudoDoor = { kind: 'asks-nothing', rule: '(ALL) NOPASSWD: ALL' };
  return {
    persona: who,
    settings: 'AuthenticationMethods publickey',
    lists: [['publickey']],
    ways: (['allow', 'deny', 'unreachable'] as const).map((duo) =>
      way(duo, [door({ methods: ['publickey'], proofs: ['key'], walk: null })], { who, sudo, pam: null }),
    ),
  };
};

const explanation = (personas: readonly Explained[], notes: readonly string[] = []): Explanation => ({
  host: 'web1',
  state: 'live',
  personas,
  notes,
});

const show = (
  told: Explanation,
  over: { readonly width?: number; readonly isWalk?: boolean; readonly colour?: boolean } = {},
): string =>
  explainLines(told, {
    services: ['sshd', 'sudo'],
    isWalk: over.isWalk ?? false,
    width: over.width ?? 100,
    paint: over.colour === true ? paintFor(true) : PLAIN_PAINT,
  }).join('\n');

describe('the tables', () => {
  test('say of everybody what sshd asks, what PAM does and what gets in', () => {
    expect(show(explanation([automation(), member()]))).toMatchInlineSnapshot(`
      "SSH login to web1, now

      WHO                   SSHD ASKS             PAM        GETS IN WITH
      automation            publickey             not asked  key
      from 198.51.100.1
      (no key)

      alice,                publickey, then       pam_duo    Duo allow: key and Duo
      server-access member  keyboard-interactive             Duo deny: refused
      from 198.51.100.1                                      Duo unreachable: key (after 37 s)
      (no key)

      sudo on web1, now

      WHO                   PAM        SUDO WANTS
      automation            not asked  nothing: (ALL) NOPASSWD: ALL

      alice,                not asked  sudoers allows nothing
      server-access member
      "
    `);
  });

  test.each([80, 100, 120, 160])('fit into %i columns', (width) => {
    const lines = show(explanation([automation(), member()]), { width, isWalk: true }).split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
  });

  test('an answer of Duo that makes no difference is not told three times', () => {
    const text = show(explanation([automation()]));
    expect(text).not.toContain('Duo deny');
    expect(text.match(/nothing: \(ALL\) NOPASSWD: ALL/g)).toHaveLength(1);
  });

  test('a door that asks nothing of anybody, or only Duo, is cried out', () => {
    const open = member({ ways: [way('allow', [door({ proofs: [] })])] });
    expect(show(explanation([open]))).toContain('ANYTHING: OPEN DOOR');
    expect(show(explanation([open]), { colour: true })).toContain('\u001B[31mANYTHING');
    const tired = member({ ways: [way('allow', [door({ proofs: ['duo'] })])] });
    expect(show(explanation([tired]), { colour: true })).toContain('\u001B[31mDuo');
  });

  test('what hangs on a module that is not known is never told as sure', () => {
    const unsure = member({ ways: [way('allow', [door({ sure: false })])] });
    expect(show(explanation([unsure]))).toContain('key and Duo (not sure)');
  });

  test('who is shut out by sshd, or asked for what cannot be met, is told so', () => {
    const [allow] = member().ways;
    if (allow === undefined) throw new Error('no way');
    const standing = { ...allow.standing, ssh: [], shutOut: 'AllowUsers ann' };
    const out = member({ lists: [], ways: [{ ...allow, standing, ssh: null }] });
    expect(show(explanation([out]), { width: 160 })).toContain('nothing: AllowUsers ann');
    const unmet = member({
      lists: [],
      settings: 'AuthenticationMethods publickey,hostbased',
      ways: [way('allow', [])],
    });
    expect(show(explanation([unmet]), { width: 160 })).toContain(
      'no way: AuthenticationMethods publickey, hostbased',
    );
  });

  test('somebody made up is not called by a name that no account has', () => {
    const made = member({ persona: persona({ user: 'typical', isReal: false }) });
    const text = show(explanation([made]));
    expect(text).not.toContain('typical');
    expect(text).toContain('to come');
  });

  test('notes and names from a host cannot steer the terminal', () => {
    const evil = member({ persona: persona({ user: 'a\u001B[2J' }), lists: [['publickey\u001B[1m']] });
    expect(show(explanation([evil], ['run \u001B]0;x\u0007']))).not.toMatch(/[\u001B\u0007]/);
  });
});

describe('the walk', () => {
  test('is told once for all answers of Duo that lead the same way', () => {
    const denied = member({ ways: [way('allow', [door()]), way('deny', []), way('badkeys', [door()])] });
    expect(show(explanation([denied]), { isWalk: true }).match(/^SSH: alice.*$/gm)).toEqual([
      'SSH: alice, server-access member, from 198.51.100.1; Duo allow or badkeys',
      'SSH: alice, server-access member, from 198.51.100.1; Duo deny',
    ]);
  });

  test('of two answers that need different proofs is told twice, even where PAM does the same', () => {
    expect(show(explanation([member()]), { isWalk: true })).toMatch(
      /Duo allow$[^]*^Gets in with: key and Duo\.$[^]*Duo unreachable$[^]*^Gets in with: key \(after 37 s\)\.$/m,
    );
  });
});

describe('the document', () => {
  const asked = { host: 'web1', user: null, service: null, planned: false } as const;

  test('has one standing for each persona and answer, and of a service only what was asked', () => {
    const document = JSON.parse(
      JSON.stringify(explainDocument(explanation([member()]), { ...asked, service: 'sshd' })),
    );
    expect(document).toMatchObject({ host: 'web1', state: 'live', user: null, notes: [], failure: null });
    expect(
      document.standings.map(({ duo, ssh }: { duo: string; ssh: { doors: unknown } }) => [duo, ssh.doors]),
    ).toEqual([
      ['allow', [{ methods: METHODS, proofs: ['key', 'duo'], sure: true }]],
      ['deny', []],
      ['unreachable', [{ methods: METHODS, proofs: ['key'], sure: true }]],
    ]);
    expect(document.standings[0]).not.toHaveProperty('sudo');
    expect(document.standings[1].ssh.pam).toMatchObject({ result: 'PAM_AUTH_ERR', sure: true });
  });

  test('of a failure keeps its shape', () => {
    const failure = { step: 'observe', reason: 'link', message: 'web1 does not answer' } as const;
    expect(explainDocument(failure, asked)).toEqual({
      host: 'web1',
      state: 'live',
      user: null,
      notes: [],
      failure,
      standings: [],
    });
  });
});
