import { describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/core/facts.ts';
import { Failure } from '../../../src/core/failure.ts';
import { parseObserveOutput } from '../../../src/remote/observe.ts';
import { damaged, hostileText } from '../../support/hostile-text.ts';
import { nonce, observeAnswer } from '../../support/observe-answer.ts';
import { diceOf, type Dice } from '../../support/dice.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

/** What the parser makes of an answer; a throw that is no Failure, or calls itself our bug, is one. */
const parsed = (answer: Uint8Array): Facts | Failure => {
  try {
    return parseObserveOutput(answer, nonce);
  } catch (thrown) {
    if (thrown instanceof Failure && thrown.reason !== 'bug') return thrown;
    throw thrown;
  }
};

const PLAIN = observeAnswer({});
/** Header and content lines of each part, without the first line and the last. */
const PARTS = PLAIN.split(`#${nonce} `).slice(2, -1);
const joined = (parts: readonly string[]): string =>
  [`#${nonce} begin 1\n`, ...parts.map((part) => `#${nonce} ${part}`), `#${nonce} end\n`].join('');

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** One part with hostile text in its words or its lines, as a host that lies would write it. */
const lying = (dice: Dice, part: string): string => {
  const [header = '', ...lines] = part.split('\n');
  const text = utf8(hostileText(dice));
  switch (dice(4)) {
    case 0:
      return damaged(dice, part);
    case 1:
      return [`${header} ${text.replaceAll('\n', ' ')}`, ...lines].join('\n');
    case 2:
      return [header, ...lines.slice(0, -1), ...text.split('\n').map((line) => `|${line}`), ''].join('\n');
    default:
      return [
        header,
        ...lines.map((line) => (dice(2) === 0 ? line : `|${text.replaceAll('\n', '')}`)),
        '',
      ].join('\n');
  }
};

const shuffled = (dice: Dice, parts: readonly string[]): readonly string[] => {
  const result = [...parts];
  for (let count = 1 + dice(4); count > 0; count -= 1) {
    const at = dice(result.length);
    const part = result[at] ?? '';
    const change = dice(4);
    if (change === 0) result.splice(at, 1);
    else if (change === 1) result.splice(dice(result.length), 0, part);
    else if (change === 2) result.push(...result.splice(at, 1));
    else result[at] = lying(dice, part);
  }
  return result;
};

describe('an answer to observe', () => {
  test('cut off at any byte is a Failure that says that nothing was touched', () => {
    for (let at = 0; at < PLAIN.length; at += 1) {
      const ended = parsed(bytes(PLAIN.slice(0, at)));
      expect(ended).toBeInstanceOf(Failure);
      expect(ended).toMatchObject({
        reason: 'exit',
        message: expect.stringContaining('nothing was touched'),
      });
    }
  });

  test('with any one byte changed is facts or a Failure, never a crash', () => {
    const dice = diceOf(1);
    const answer = bytes(PLAIN);
    for (let at = 0; at < answer.length; at += 1) {
      const changed = Uint8Array.from(answer);
      changed[at] = dice(256);
      parsed(changed);
    }
  });

  test.each([11, 12, 13, 14])(
    'with parts missing, doubled, moved or full of lies is facts or a Failure, never a crash (seed %i)',
    (seed) => {
      const dice = diceOf(seed);
      let facts = 0;
      let failures = 0;
      for (let round = 0; round < 800; round += 1) {
        if (parsed(bytes(joined(shuffled(dice, PARTS)))) instanceof Failure) failures += 1;
        else facts += 1;
      }
      // Both ends must be met, or the lies are too coarse or too fine to show anything.
      expect(facts).toBeGreaterThan(80);
      expect(failures).toBeGreaterThan(80);
    },
  );

  test('of random bytes is a Failure', () => {
    const dice = diceOf(2);
    for (let round = 0; round < 200; round += 1) {
      const noise = Uint8Array.from({ length: dice(5_000) }, () => dice(256));
      const framed = Buffer.concat([bytes(`#${nonce} begin 1\n`), noise, bytes(`\n#${nonce} end\n`)]);
      expect(parsed(noise)).toBeInstanceOf(Failure);
      expect(parsed(framed)).toBeInstanceOf(Failure);
    }
  });
});

/** Long enough for a machine that is busy; what looks at everything twice would take minutes. */
const PATIENCE_MS = 15_000;

const many = (count: number, make: (at: number) => string): readonly string[] =>
  Array.from({ length: count }, (_unused, at) => make(at));

const account = (at: number): string => `|u${at}:${at}:${at}:/:/bin/sh:set:/k`;

/** While one answer is read, no other host's lease is renewed: what a host sends must not decide how long that takes. */
test('with more accounts than can be judged is a Failure', () => {
  const answer = observeAnswer({ accounts: [...many(10_001, account), ''] });
  expect(parsed(bytes(answer))).toMatchObject({ reason: 'exit', message: expect.stringContaining('10000') });
});

describe('the largest answers are read in a moment', () => {
  test.each<[string, () => Readonly<Record<string, readonly string[]>>]>([
    [
      'accounts and groups',
      () => ({
        accounts: [...many(9_000, account), ''],
        groups: [...many(60_000, (at) => `|g${at}:${at}:u${at}`), ''],
      }),
    ],
    [
      'accounts in one group each of whose members is listed',
      () => ({
        accounts: [...many(9_000, account), ''],
        groups: [`|all:7:${many(100_000, (at) => `m${at}`).join(',')}`, ''],
      }),
    ],
    [
      'accounts whose groups and rights come one by one',
      () => ({
        accounts: [...many(9_000, account), ''],
        ...Object.fromEntries(
          many(30_000, (at) => `member u${at}`).map((each) => [each, ['|x', '|exit 0', '']]),
        ),
        ...Object.fromEntries(
          many(30_000, (at) => `rights u${at}`).map((each) => [each, ['|x', '|exit 0', '']]),
        ),
      }),
    ],
    [
      'picks with settings of sshd each',
      () => ({
        people: ['|match', ...many(40_000, (at) => `|user l${at} a n`), ''],
        ...Object.fromEntries(
          many(40_000, (at) => `sshd l${at}`).map((each) => [each, ['|port 22', '|+', '']]),
        ),
      }),
    ],
    [
      'wishes',
      () => ({
        ...Object.fromEntries(many(20_000, (at) => `want group w${at}`).map((each) => [each, []])),
        groups: [...many(100_000, (at) => `|g${at}:${at}:`), ''],
      }),
    ],
    [
      'wishes for groups of a directory',
      () => ({
        'directory yes': [],
        ...Object.fromEntries(many(20_000, (at) => `want group w${at}`).map((each) => [each, []])),
        ...Object.fromEntries(
          [...many(20_000, (at) => `group w${at}`), 'group sg_sudo', 'group nosuch'].map((each) => [
            each,
            ['|exit 0', ''],
          ]),
        ),
      }),
    ],
    [
      'wishes for settings of sshd',
      () => ({
        ...Object.fromEntries(many(20_000, (at) => `want connection c${at}`).map((each) => [each, []])),
        ...Object.fromEntries(
          many(20_001, (at) => `sshd ${at}`).map((each) => [each, ['|port 22', '|+', '']]),
        ),
      }),
    ],
    [
      'files and their texts',
      () => {
        const paths = many(15_000, (at) => `/f${at}`);
        return {
          ...Object.fromEntries(paths.map((path) => [`want file ${path}`, []])),
          ...Object.fromEntries(paths.map((path) => [`text ${path}`, ['|x', '']])),
          stat: [...paths.map((path) => `|81a4:2:root:root:${path}`), ''],
          digests: [...paths.map((path) => `|${'a'.repeat(64)}  ${path}`), ''],
        };
      },
    ],
    [
      'links',
      () => {
        const paths = many(15_000, (at) => `/f${at}`);
        return {
          ...Object.fromEntries(paths.map((path) => [`want file ${path}`, []])),
          ...Object.fromEntries(paths.map((path) => [`link ${path}`, ['|x', '']])),
          stat: [...paths.map((path) => `|a1ff:2:root:root:${path}`), ''],
          digests: [''],
        };
      },
    ],
    [
      'origins of one package',
      () => ({
        policy: ['|sudo:', '| *** 1 500', ...many(200_000, (at) => `|        500 http://h/${at} x`), ''],
      }),
    ],
    [
      'slashes at the end of an origin',
      () => ({ policy: ['|sudo:', `|        500 http://h${'/'.repeat(300_000)}x x`, ''] }),
    ],
    ['blanks in os-release', () => ({ os: [`|ID=${' '.repeat(300_000)}x`, ''] })],
    [
      'commands of a unit',
      () => ({ units: ['|LoadState=loaded', `|ExecStart=${' argv[]='.repeat(60_000)}`, ''] }),
    ],
  ])(
    '%s',
    (_what, changes) => {
      expect(parsed(bytes(observeAnswer(changes())))).not.toBeInstanceOf(Failure);
    },
    PATIENCE_MS,
  );
});
