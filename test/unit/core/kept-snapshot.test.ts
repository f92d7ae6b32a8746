import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/failure.ts';
import { isRolledBack, readKept, type KeptName } from '../../../src/core/kept-snapshot.ts';

const print = (digit: string, mode = '644') => `${digit.repeat(64)}:${mode}:0:0`;

const LINES = [
  'kept tx-2 1795870100 - 20261122-100000-0002 ann of ops@bastion',
  'kept tx-1 1795870000 - 20261121-100000-0001 ann@bastion',
  'chosen tx-2',
  `entry pam-sshd 13 ${print('a')} ${print('b')} ${print('b')} /etc/pam.d/sshd`,
  `entry - 14 link:${'c'.repeat(64)} absent absent /usr/lib/libduo.so.3`,
  'reload ssh',
  'packages known',
  'package was installed libpam-duo 1.11.3-1+b1',
  'package now config-files libpam-duo 1.11.3-1+b1',
  'deb libpam-duo',
  'since /etc/ssh/sshd_config',
];

describe('what a host says it keeps', () => {
  test('is read with all there is about the snapshot that is meant', () => {
    const { names, chosen } = readKept(LINES);
    expect(names.map(({ tx, run }) => [tx, run])).toEqual([
      ['tx-2', '20261122-100000-0002'],
      ['tx-1', '20261121-100000-0001'],
    ]);
    expect(chosen).toMatchObject({
      tx: 'tx-2',
      operator: 'ann of ops@bastion',
      sinceS: 1_795_870_100,
      undoes: null,
      reloads: ['ssh'],
      debs: ['libpam-duo'],
      changedSince: ['/etc/ssh/sshd_config'],
      entries: [
        { step: 'pam-sshd', number: 13, path: '/etc/pam.d/sshd', was: print('a'), now: print('b') },
        { step: null, number: 14, after: 'absent' },
      ],
      packages: {
        was: { 'libpam-duo': { status: 'installed', version: '1.11.3-1+b1' } },
        after: {},
        now: { 'libpam-duo': { status: 'config-files' } },
      },
    });
  });

  test('is nothing, or too old, where it says so', () => {
    expect(readKept([])).toEqual({ names: [], chosen: null });
    expect(readKept(LINES.slice(0, 2)).chosen).toBe(null);
    expect(readKept([...LINES.slice(0, 3), 'too-old']).chosen).toBe('too-old');
  });

  test('without a word of packages is about none', () => {
    const chosen = readKept(LINES.slice(0, 4)).chosen;
    expect(chosen).toMatchObject({ packages: null });
  });

  test.each([
    'kept ../tx 1 - run ann',
    'kept tx-1 soon - run ann',
    'chosen tx-9',
    'something else',
    '',
    ...[
      'entry pam-sshd 13 absent absent /etc/pam.d/sshd',
      `entry no-step 13 ${print('a')} absent absent /etc/x`,
      `entry pam-sshd 13 ${print('a')} absent absent etc/x`,
      `entry pam-sshd 13 ${'a'.repeat(64)}:644:0 absent absent /etc/x`,
      'package later installed x 1',
      'reload',
    ].map((line) => ['chosen tx-1', line].join('\n')),
  ])('that is not understood is an error, never half an answer: %j', (text) => {
    const lines = ['kept tx-1 1795870000 - 20261121-100000-0001 ann', ...text.split('\n')];
    expect(() => readKept(lines)).toThrow(Failure);
  });
});

const name = (tx: string, undoes: string | null): KeptName => ({
  tx,
  undoes,
  sinceS: 0,
  run: `run-${tx}`,
  operator: '',
});
describe('whether a host stands as a rollback left it', () => {
  const apply = name('a', null);
  const rollback = name('b', 'a');
  const redo = name('c', 'b');

  test.each([
    ['nothing', [], false],
    ['an apply', [apply], false],
    ['a rollback', [rollback, apply], true],
    ['a rollback of the rollback', [redo, rollback, apply], false],
    ['a third one', [name('d', 'c'), redo, rollback, apply], true],
    ['an apply after a rollback', [name('e', null), rollback, apply], false],
    ['a rollback of what is not kept any more', [rollback], 'unknown'],
    ['a rollback that names itself', [name('x', 'x')], 'unknown'],
  ] as const)('after %s', (_, names, expected) => {
    expect(isRolledBack({ names, chosen: null })).toBe(expected);
  });
});
