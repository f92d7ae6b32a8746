import { describe, expect, test } from 'vitest';
import { canaryOf, rehearsalOf } from '../../../src/auth/rehearsal.ts';
import type { Change } from '../../../src/core/change.ts';
import type { Facts } from '../../../src/core/facts.ts';
import { Failure } from '../../../src/core/failure.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { Secret } from '../../../src/core/secret.ts';
import { transactionFiles } from '../../../src/core/transaction.ts';
import type { HostResult } from '../../../src/core/verdict.ts';
import { differences, planHost } from '../../../src/steps/plan-host.ts';
import { finalTable } from '../../../src/view/final-table.ts';
import { jsonDocument } from '../../../src/view/json-document.ts';
import { PLAIN_PAINT } from '../../../src/view/paint.ts';
import { planDiff } from '../../../src/view/plan-diff.ts';
import {
  accountOf,
  afterChanges,
  exampleFacts,
  exampleSettings,
  exampleTools,
  fileOf,
  SKEY,
} from '../../support/example-host.ts';
import { hostileText, damaged, steeringOf } from '../../support/hostile-text.ts';
import { diceOf, type Dice } from '../../support/dice.ts';

const tools = exampleTools();
const settings = exampleSettings();
const ROUNDS = 12;
/** For a machine that is busy. */
const PATIENCE_MS = 30_000;

/** The declared values, as everybody's host gets them; what a host says must not be in one of them. */
const DECLARED = new Map(
  planHost(exampleFacts(), settings, tools).changes.flatMap((change) =>
    change.kind === 'file' ? [[change.target, Buffer.from(change.content).toString()] as const] : [],
  ),
);
/** A copy of the host's own file, or a file with a copy in it: its text goes back to where it came from. */
const isItsOwn = (path: string): boolean => path.startsWith('/etc/pam.d/') || path.includes('/base/');

/** One of a few words that the parser knows; it lets no other through. */
const CLOSED: ReadonlySet<string> = new Set(['kind', 'password', 'implementation', 'keyLoginLog']);

/** Facts with lies in them, of the shapes that the parser lets through: one value in so many is another. */
const mangled = <T>(dice: Dice, value: T, oneIn: number): T => lied(dice, value, oneIn) as T;
const lied = (dice: Dice, value: unknown, oneIn: number): unknown => {
  const lie = dice(oneIn) === 0;
  if (typeof value === 'string')
    return lie
      ? (dice(2) === 0 ? hostileText(dice) : damaged(dice, value)).replaceAll(/\p{Cs}/gu, '?')
      : value;
  if (typeof value === 'number')
    return lie ? ([0, 1, 2 ** 31, 999_999_999_999, Infinity][dice(5)] ?? 0) : value;
  if (typeof value === 'boolean') return lie ? !value : value;
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) {
    const items = value.map((item) => lied(dice, item, oneIn));
    if (!lie) return items;
    if (dice(2) === 0) return items.slice(1);
    return [...items, ...items, ...(typeof items[0] === 'string' ? [hostileText(dice)] : [])];
  }
  if ('kind' in value && value.kind === 'file' && lie) return { kind: 'other', what: hostileText(dice) };
  const entries = Object.entries(value).map(([key, each]) => [
    key,
    CLOSED.has(key) ? each : lied(dice, each, oneIn),
  ]);
  return Object.fromEntries(entries) as unknown;
};

/** A sha256 is 64 digits and a file's kind ours: the parser sees to that. */
const liesOf = (dice: Dice, facts: Facts, oneIn: number): Facts => {
  const lies = mangled(dice, facts, oneIn);
  const files = Object.fromEntries(
    Object.entries(lies.files).map(([path, file]) => {
      const honest = facts.files[path];
      return [
        path,
        file.kind === 'file' && honest?.kind === 'file' ? { ...file, sha256: honest.sha256 } : file,
      ];
    }),
  );
  const groups = {
    ...lies.groups,
    ...(dice(3) === 0 ? { [hostileText(dice)]: { gid: 1, members: ['x'] } } : {}),
  };
  const accounts = { ...lies.accounts, ...(dice(3) === 0 ? { [hostileText(dice)]: accountOf() } : {}) };
  return {
    ...lies,
    files,
    groups,
    accounts,
    architecture: facts.architecture,
    os: dice(8) === 0 ? lies.os : facts.os,
  };
};

const resultOf = (plan: Plan): HostResult => ({
  host: settings.host,
  verdict: 'refused',
  changes: plan.changes.map(({ step, kind, target, why }) => ({ step, kind, target, why })),
  findings: plan.findings,
  checks: [],
  failure: { step: 'assess', reason: 'exit', message: plan.findings[0]?.message ?? '' },
  durationMs: 1,
});

/** Everything that a person or a program is shown of a plan. */
const shownOf = (plan: Plan): readonly string[] => [
  ...planDiff(plan, PLAIN_PAINT),
  ...finalTable([resultOf(plan)], PLAIN_PAINT, {
    run: 'r',
    command: 'apply',
    again: () => 'duo-fleet',
    journal: null,
    waves: [],
    isUndone: false,
  }),
  JSON.stringify(jsonDocument('r', 'apply', { exitCode: 1, results: [resultOf(plan)], waves: [] })),
];

const filesOf = (
  changes: readonly Change[],
  facts: Facts,
): Readonly<Record<string, Uint8Array>> | Failure => {
  try {
    return transactionFiles(changes, facts, { modulePath: '/m', repositoryUrl: 'https://r' });
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
};

const means = {
  wrong: new Secret('w'),
  empty: new Secret(''),
  breakGlassPassword: new Secret('b'),
  canaryPasscode: null,
  asUser: null,
};

describe.each([
  ['a stock host', exampleFacts()],
  [
    'a compliant host',
    afterChanges(exampleFacts(), planHost(exampleFacts(), settings, tools).changes, settings),
  ],
])('whatever %s says of itself', (_what, honest) => {
  test.each([21, 22])(
    'a plan of it is made, and nothing shown of it steers a terminal (seed %i)',
    (seed) => {
      const dice = diceOf(seed);
      for (let round = 0; round < ROUNDS; round += 1) {
        const facts = liesOf(dice, honest, 4 + dice(60));
        const plan = planHost(facts, settings, tools);
        differences(facts, settings, tools);
        rehearsalOf(settings, facts, means);
        canaryOf(settings, facts, { means, sourceAddress: '198.18.0.1' });
        const shown = shownOf(plan).join('\n');
        expect(steeringOf(shown)).toBeNull();
        expect(shown).not.toContain(SKEY);
      }
    },
    PATIENCE_MS,
  );

  test.each([31])(
    'no file but its own PAM files is made of its words, and no line of the manifest (seed %i)',
    (seed) => {
      const dice = diceOf(seed);
      let made = 0;
      for (let round = 0; round < ROUNDS; round += 1) {
        const facts = liesOf(dice, honest, 20 + dice(100));
        const { changes } = planHost(facts, settings, tools);
        for (const change of changes) {
          if (change.kind !== 'file' || isItsOwn(change.target)) continue;
          // OpenSSH's age decides about a line of the drop-in, and nothing else of a host does.
          if (change.target.endsWith('00-duo-fleet.conf')) {
            const known = new Set(DECLARED.get(change.target)?.split('\n'));
            const others = Buffer.from(change.content)
              .toString()
              .split('\n')
              .filter((line) => !known.has(line));
            expect(others).toEqual([]);
          } else expect(Buffer.from(change.content).toString()).toBe(DECLARED.get(change.target));
        }
        const files = filesOf(changes, facts);
        if (files instanceof Failure) continue;
        made += 1;
        const lines = Buffer.from(files['manifest'] ?? [])
          .toString()
          .split('\n')
          .slice(0, -1);
        expect(lines.filter((line) => !line.startsWith('step '))).toHaveLength(changes.length);
        for (const line of lines)
          expect(line).toMatch(
            /^(?:step [a-z-]+|(?:file|absent|packages|reload) \d+ (?:[0-7]{4}|-) (?:[0-9a-f]{64}|absent|-) [!-~]+)$/,
          );
      }
      expect(made).toBeGreaterThan(ROUNDS / 3);
    },
    PATIENCE_MS,
  );
});

const lines = (count: number, lineOf: (at: number) => string) =>
  fileOf(Array.from({ length: count }, (_unused, at) => `${lineOf(at)}\n`).join(''));

/** While one plan is made no other host's lease is renewed. */
describe('a plan is made in a moment', () => {
  test.each<[string, Facts['files']]>([
    [
      'for a stack of thousands of unknown modules',
      {
        '/etc/pam.d/common-auth': lines(
          3_000,
          (at) => `auth [success=${1 + (at % 3)} default=ignore] pam_x${at}.so`,
        ),
      },
    ],
    [
      'for files that include each other hundreds of times',
      {
        '/etc/pam.d/common-auth': lines(200, () => 'auth include common-account'),
        '/etc/pam.d/common-account': lines(200, () => 'auth include common-session'),
        '/etc/pam.d/common-session': lines(200, () => 'auth include common-password'),
        '/etc/pam.d/common-password': lines(200, () => 'auth required pam_x.so'),
      },
    ],
    ['for a line of blanks', { '/etc/ssh/sshd_config': fileOf(`Port 22${' '.repeat(250_000)}x\n`) }],
  ])(
    '%s',
    (_what, files) => {
      const facts = exampleFacts();
      // Whatever is not read counts as a door that may be open, never as a closed one.
      const { findings } = planHost({ ...facts, files: { ...facts.files, ...files } }, settings, tools);
      expect(findings.length).toBeLessThan(100);
    },
    PATIENCE_MS / 2,
  );
});
