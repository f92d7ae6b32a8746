import { describe, expect, test } from 'vitest';
import { pythonLiteral } from '../../../src/core/python-literal.ts';

const value = (text: string): unknown => {
  const read = pythonLiteral(text);
  return read.kind === 'value' ? read.value : read.kind;
};

// test/contract/inventory-ansible.test.ts compares with Python itself.
describe('a value of an INI inventory', () => {
  test.each([
    ['5', 5],
    ['-5', -5],
    ['- 5', -5],
    ['-(5)', -5],
    ['1_000', 1000],
    ['0x1f', 31],
    ['0o17', 15],
    ['0b11', 3],
    ['1.5e3', 1500],
    ['.5', 0.5],
    ['00', 0],
    ['True', true],
    ['None', null],
    ["'a'", 'a'],
    ['\'a\' "b"', 'ab'],
    [String.raw`'a\tb\x41\u00e9\101'`, 'a\tbAéA'],
    [String.raw`'\d'`, String.raw`\d`],
    [String.raw`r'\t'`, String.raw`\t`],
    ["'''it's'''", "it's"],
    ['[1, "a", [None,],]', [1, 'a', [null]]],
    ['1, 2', [1, 2]],
    ['(1)', 1],
    ['()', []],
    ["{'a': {'b': 1}}", { a: { b: 1 } }],
    ['5 # five', 5],
    ['123456789012345678901', '123456789012345678901'],
  ])('%s is what Python makes of it', (text, wanted) => {
    expect(value(text)).toStrictEqual(wanted);
  });

  test.each([
    '',
    'abc',
    'yes',
    'true',
    '0644',
    '1e',
    '1__0',
    '1_',
    '10.0.0.1',
    '1+2',
    '-True',
    '[1',
    '[1,,2]',
    '[a]',
    "'open",
    "'a' b",
    String.raw`'\x4'`,
    "f'x'",
    'f(1)',
    '{1: 2, 3}',
    ',',
    '{{ jinja }}',
  ])('%s is no literal, and stays the text that it is', (text) => {
    expect(value(text)).toBe('text');
  });

  test.each(["b'x'", '{1, 2}', '{1: 2}', '1+2j', '2j', '...', 'set()', '1e999', String.raw`'\N{DASH}'`])(
    '%s has no like here, and is not passed over',
    (text) => {
      expect(value(text)).toBe('odd');
    },
  );

  test('brackets without an end are refused before the stack is', () => {
    expect(pythonLiteral('['.repeat(1_000_000))).toMatchObject({ kind: 'odd' });
  });
});
