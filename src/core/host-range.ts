// Ansible's host ranges and ports: `web[01:20]`, `db-[a:f]`, `n[0:10:2]`, `web1:2222`.
import { splitAddress } from './split-address.ts';

/** More hosts than this from one range are a slip of the pen. */
export const RANGE_HOSTS_MAX = 100_000;
const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

export type RangeResult =
  | { readonly ok: true; readonly names: readonly string[]; readonly port: number | null }
  | { readonly ok: false; readonly message: string };

const wrong = (message: string): RangeResult => ({ ok: false, message });

/**
 * The values of one pair of brackets, in order; a text when they are wrong. Numbers keep the width of a first bound
 * that begins with 0. Source: ansible lib/ansible/plugins/inventory/__init__.py, expand_hostname_range.
 */
const valuesOf = (range: string): readonly string[] | string => {
  const [from = '', to = '', stepText = '1', ...more] = range.split(':');
  if (!range.includes(':') || more.length > 0) return `[${range}] is no range; write it as [01:20] or [a:f]`;
  if (!/^[1-9]\d{0,5}$/.test(stepText)) return `the step of [${range}] must be a number from 1`;
  const first = from === '' ? '0' : from;
  const letters = /^[A-Za-z]$/.test(first) && /^[A-Za-z]$/.test(to);
  if (!letters && !(/^\d{1,9}$/.test(first) && /^\d{1,9}$/.test(to))) {
    return `[${range}] must have two numbers or two letters`;
  }
  const width = first.startsWith('0') && first.length > 1 ? first.length : 0;
  if (width > 0 && to.length !== width) {
    return `[${range}] begins with a zero, so that both of its bounds must have the same number of digits`;
  }
  const low = letters ? LETTERS.indexOf(first) : Number(first);
  const high = letters ? LETTERS.indexOf(to) : Number(to);
  if (low > high) return `[${range}] ends before it begins`;
  const step = Number(stepText);
  if ((high - low) / step >= RANGE_HOSTS_MAX) return `[${range}] has more than ${RANGE_HOSTS_MAX} hosts`;
  const values: string[] = [];
  for (let value = low; value <= high; value += step) {
    values.push(letters ? (LETTERS[value] ?? '') : String(value).padStart(width, '0'));
  }
  return values;
};

const expand = (text: string): readonly string[] | string => {
  let names: readonly string[] = [''];
  let rest = text;
  while (rest !== '') {
    const open = rest.indexOf('[');
    const close = rest.indexOf(']', open);
    if (open === -1) {
      if (rest.includes(']')) return 'there is a ] without its [';
      return names.map((name) => name + rest);
    }
    if (close === -1) return 'there is a [ without its ]';
    const head = rest.slice(0, open);
    const values = valuesOf(rest.slice(open + 1, close));
    if (typeof values === 'string') return values;
    if (names.length * values.length > RANGE_HOSTS_MAX) return `it has more than ${RANGE_HOSTS_MAX} hosts`;
    names = names.flatMap((name) => values.map((value) => name + head + value));
    rest = rest.slice(close + 1);
  }
  return names;
};

/**
 * What Ansible does not take for an address, it takes for a name as it stands; with one colon in it or one at its end, that
 * was meant to be a port.
 */
const looksLikePort = (text: string): boolean =>
  text.endsWith(':') || text.replaceAll(/\[[^\]]*\]/g, '').split(':').length === 2;

// What may stand in a name that is dialled, printed and used in file names.
const hostName = /^[A-Za-z0-9_][A-Za-z0-9_.:%@+-]{0,252}$/;

/** A host's key in an inventory -> the names it stands for and the port behind it. */
export const expandHosts = (text: string): RangeResult => {
  const address = splitAddress(text);
  if (address === null && looksLikePort(text)) {
    return wrong('NAME:PORT takes the name of a host and a number');
  }
  const { host: pattern, port } = address ?? { host: text, port: null };
  if (port !== null && (Number(port) < 1 || Number(port) > 65_535)) {
    return wrong(`port ${port.slice(0, 12)} is not between 1 and 65535`);
  }
  const names = expand(pattern);
  if (typeof names === 'string') return wrong(names);
  if (!names.every((name) => hostName.test(name) && !/^\.+$/.test(name))) {
    return wrong('a host name has letters, digits and . - _ : % @ + only, and begins with a letter or digit');
  }
  return { ok: true, names, port: port === null ? null : Number(port) };
};
