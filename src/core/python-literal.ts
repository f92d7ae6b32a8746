// The values of an INI inventory, which Ansible reads with Python's ast.literal_eval and takes for text where that fails.
// Source: ansible lib/ansible/plugins/inventory/ini.py (_parse_value); Python's ast.literal_eval and lexical analysis.
import type { VariableValue } from './inventory.ts';

/** Values nested deeper than this are refused. */
const DEPTH_MAX = 32;

/** What literal_eval makes of a text. `odd`: a literal that has no like here, as the end of `Python reads this as `. */
export type PythonLiteral =
  | { readonly kind: 'value'; readonly value: VariableValue }
  | { readonly kind: 'text' }
  | { readonly kind: 'odd'; readonly what: string };

interface Reader {
  readonly text: string;
  at: number;
  /** What was met that has no like here; '' when nothing was. It counts only when all the rest is a literal, too. */
  odd: string;
  depth: number;
}

interface Item {
  readonly value: VariableValue;
  /** A number that has no sign yet: only before these may one stand. */
  readonly number: 'real' | 'complex' | null;
}

const TOO_DEEP = 'a value that is nested too deep';

/** Reads a text as Python does; an expression that is no literal is `text`. */
export const pythonLiteral = (text: string): PythonLiteral => {
  const reader: Reader = { text, at: 0, odd: '', depth: 0 };
  skipBlanks(reader);
  const read = readRow(reader, '', readItem);
  if (reader.odd === TOO_DEEP) return { kind: 'odd', what: TOO_DEEP };
  const [first] = read?.items ?? [];
  if (read === null || first === undefined) return { kind: 'text' };
  if (reader.odd !== '') return { kind: 'odd', what: reader.odd };
  return { kind: 'value', value: read.comma ? read.items.map(({ value }) => value) : first.value };
};

const match = (reader: Reader, form: RegExp | undefined): RegExpExecArray | null => {
  if (form === undefined) return null;
  form.lastIndex = reader.at;
  const found = form.exec(reader.text);
  if (found !== null) reader.at += found[0].length;
  return found;
};

const skipBlanks = (reader: Reader): void => void match(reader, /[ \t]*(?:#.*)?/y);

const take = (reader: Reader, sign: string): boolean => {
  if (!reader.text.startsWith(sign, reader.at)) return false;
  reader.at += sign.length;
  skipBlanks(reader);
  return true;
};

/** What commas part, to the end of the text or with the bracket that closes it; `null` where it is no literal. */
const readRow = <T>(
  reader: Reader,
  close: ')' | ']' | '}' | '',
  readOne: (reader: Reader) => T | null,
): { readonly items: readonly T[]; readonly comma: boolean } | null => {
  const items: T[] = [];
  let comma = false;
  const isOver = (): boolean => (close === '' ? reader.at === reader.text.length : take(reader, close));
  while (!isOver()) {
    if (items.length > 0 && !comma) return null;
    const item = readOne(reader);
    if (item === null) return null;
    items.push(item);
    const more = take(reader, ',');
    if (!more) return isOver() ? { items, comma } : null;
    comma = true;
  }
  return { items, comma };
};

/** A bracket's inside: the reader stands behind the opening one. */
const readInside = <T>(
  reader: Reader,
  close: ')' | ']' | '}',
  readOne: (reader: Reader) => T | null,
): { readonly items: readonly T[]; readonly comma: boolean } | null => {
  if (reader.depth >= DEPTH_MAX) {
    reader.odd = TOO_DEEP;
    return null;
  }
  reader.depth += 1;
  const row = readRow(reader, close, readOne);
  reader.depth -= 1;
  return row;
};

/** One value: a number with its sign, a complex number of two parts, or an atom. */
const readItem = (reader: Reader): Item | null => {
  const sign = match(reader, /[-+]/y)?.[0] ?? '';
  skipBlanks(reader);
  const atom = readAtom(reader);
  if (atom === null || (sign !== '' && atom.number === null)) return null;
  skipBlanks(reader);
  if (atom.number !== null && match(reader, /[-+]/y) !== null) {
    // Of all sums this one alone is a literal: a number and an imaginary one.
    skipBlanks(reader);
    const imaginary = atom.number === 'real' ? readAtom(reader) : null;
    skipBlanks(reader);
    return imaginary?.number === 'complex' ? { value: null, number: null } : null;
  }
  return sign === '' ? atom : { value: signed(sign, atom.value), number: null };
};

const signed = (sign: string, value: VariableValue): VariableValue => {
  if (sign === '+') return value;
  if (typeof value === 'number') return -value;
  return typeof value === 'string' ? `-${value}` : value;
};

const readAtom = (reader: Reader): Item | null => {
  if (take(reader, '(')) {
    const tuple = readInside(reader, ')', readItem);
    const [first] = tuple?.items ?? [];
    return tuple !== null && first !== undefined && !tuple.comma ? first : listOf(tuple);
  }
  if (take(reader, '[')) return listOf(readInside(reader, ']', readItem));
  if (take(reader, '{')) return readBraces(reader);
  STRING_BEGIN.lastIndex = reader.at;
  return STRING_BEGIN.test(reader.text) ? readStrings(reader) : (readNumber(reader) ?? readWord(reader));
};

const listOf = (row: { readonly items: readonly Item[] } | null): Item | null =>
  row === null ? null : { value: row.items.map(({ value }) => value), number: null };

interface Pair {
  readonly key: VariableValue;
  /** `null`: no colon, an element of a set. */
  readonly value: Item | null;
}

const readPair = (reader: Reader): Pair | null => {
  const key = readItem(reader);
  if (key === null) return null;
  if (!take(reader, ':')) return { key: key.value, value: null };
  const value = readItem(reader);
  return value === null ? null : { key: key.value, value };
};

/** A mapping; a set, which is written with the same braces, has no like here. */
const readBraces = (reader: Reader): Item | null => {
  const row = readInside(reader, '}', readPair);
  if (row === null) return null;
  const bare = row.items.filter(({ value }) => value === null).length;
  if (bare > 0 && bare < row.items.length) return null;
  const entries: [string, VariableValue][] = [];
  for (const { key, value } of row.items) {
    if (value === null) reader.odd ||= 'a set';
    else if (typeof key !== 'string') reader.odd ||= 'a mapping with a key that is no text';
    else entries.push([key, value.value]);
  }
  return { value: Object.fromEntries(entries), number: null };
};

const DIGITS = String.raw`\d(?:_?\d)*`;
const FLOAT = new RegExp(
  String.raw`(?:(?:${DIGITS})?\.${DIGITS}|${DIGITS}\.)(?:[eE][-+]?${DIGITS})?|${DIGITS}[eE][-+]?${DIGITS}`,
  'y',
);
const INTEGER = /0[xX](?:_?[\dA-Fa-f])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|[1-9](?:_?\d)*|0(?:_?0)*/y;
const IMAGINARY = new RegExp(String.raw`(?:${FLOAT.source}|${DIGITS})[jJ]`, 'y');

/** A number that JavaScript cannot hold exactly stays the text that it was. */
const readNumber = (reader: Reader): Item | null => {
  if (match(reader, IMAGINARY) !== null) {
    reader.odd ||= 'a complex number';
    return { value: null, number: 'complex' };
  }
  const float = match(reader, FLOAT)?.[0].replaceAll('_', '');
  if (float !== undefined) {
    if (Number(float) === Infinity) reader.odd ||= 'a number without an end';
    return { value: Number(float), number: 'real' };
  }
  const integer = match(reader, INTEGER)?.[0].replaceAll('_', '');
  if (integer === undefined) return null;
  const value = Number(integer);
  return { value: Number.isSafeInteger(value) ? value : BigInt(integer).toString(), number: 'real' };
};

const STRING_BEGIN = /([rR]?[bB][rR]?|[rR]|[uU]|)("""|'''|"|')/y;

/** One string or several in a row, which Python joins. */
const readStrings = (reader: Reader): Item | null => {
  let text: string | null = null;
  const kinds = new Set<boolean>();
  for (let found = match(reader, STRING_BEGIN); found !== null; found = match(reader, STRING_BEGIN)) {
    const [, prefix = '', quote = ''] = found;
    const inside = match(reader, quote.length === 3 ? longEnd[quote] : shortEnd[quote])?.[1];
    if (inside === undefined) return null;
    kinds.add(/b/i.test(prefix));
    const plain = /r/i.test(prefix) ? inside : unescaped(reader, inside);
    if (plain === null) return null;
    text = (text ?? '') + plain;
    skipBlanks(reader);
  }
  if (text === null || kinds.size > 1) return null;
  if (kinds.has(true)) reader.odd ||= 'bytes';
  return { value: text, number: null };
};

const shortEnd: Readonly<Record<string, RegExp>> = {
  '"': /((?:[^"\\]|\\.)*)"/sy,
  "'": /((?:[^'\\]|\\.)*)'/sy,
};
const longEnd: Readonly<Record<string, RegExp>> = {
  '"""': /((?:[^\\]|\\.)*?)"""/sy,
  "'''": /((?:[^\\]|\\.)*?)'''/sy,
};

const SINGLE: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const CODE_POINT_MAX = 0x10_ff_ff;

/** `null`: an escape that Python refuses, too. One that it does not know keeps its backslash. */
const unescaped = (reader: Reader, text: string): string | null => {
  let isBroken = false;
  const escape = /\\(?:x([\dA-Fa-f]{2})|u([\dA-Fa-f]{4})|U([\dA-Fa-f]{8})|([0-7]{1,3})|(.))/gs;
  const plain = text.replaceAll(
    escape,
    (all, x?: string, u?: string, U?: string, octal?: string, one = '') => {
      const code = octal === undefined ? Number.parseInt(x ?? u ?? U ?? '', 16) : Number.parseInt(octal, 8);
      if (Number.isNaN(code)) {
        if (one === 'N') reader.odd ||= 'a text with \\N in it';
        isBroken ||= 'xuU'.includes(one);
        return SINGLE[one] ?? all;
      }
      isBroken ||= code > CODE_POINT_MAX;
      if (code >= 0xd8_00 && code <= 0xdf_ff) reader.odd ||= 'a text with half a character in it';
      return isBroken ? '' : String.fromCodePoint(code);
    },
  );
  return isBroken ? null : plain;
};

const readWord = (reader: Reader): Item | null => {
  const word = match(reader, /(True|False|None|\.\.\.|set[ \t]*\([ \t]*\))(?![\w\u0080-\u{10ffff}])/uy)?.[1];
  if (word === undefined) return null;
  if (word === 'True' || word === 'False') return { value: word === 'True', number: null };
  if (word !== 'None') reader.odd ||= word === '...' ? 'an ellipsis' : 'a set';
  return { value: null, number: null };
};
