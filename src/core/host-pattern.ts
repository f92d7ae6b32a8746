// One of Ansible's host patterns, taken apart: `web*`, `~web\d`, `prod[0:2]`.
// Source: ansible lib/ansible/inventory/manager.py (split_host_pattern, _match_list, _split_subscript); Python's fnmatch.
import { splitAddress } from './split-address.ts';

/**
 * A pattern's parts: commas part them; without one, colons and blanks do, but not within brackets, and not in an address.
 * `null` where a bracket is not closed: Ansible leaves it out without a word, and `web[` would mean `web`.
 */
export const splitHostPattern = (pattern: string): readonly string[] | null => {
  if (pattern.includes(',')) return sound(pattern.split(','));
  if (splitAddress(pattern) !== null) return [pattern];
  if (/[[\]]/.test(pattern.replaceAll(/\[[^\]]*\]/g, ''))) return null;
  return sound(pattern.match(/(?:[^\s:[\]]|\[[^\]]*\])+/g) ?? []);
};

const sound = (parts: readonly string[]): readonly string[] =>
  parts.map((part) => part.trim()).filter((part) => part !== '');

export interface PatternParts {
  /** Without the subscript. */
  readonly name: string;
  /** What the brackets behind it pick, first and last, both counted; a number below 0 counts from the end. */
  readonly subscript: { readonly from: number; readonly to: number } | null;
}

/** Takes a part's subscript off: `web[0]`, `web[-1]`, `web[1:3]`, `web[2:]`. An expression (`~...`) has none. */
export const splitSubscript = (part: string): PatternParts => {
  const form = /^(.+)\[(?:(-?\d+)|(\d+)[:-](\d*))\]$/s;
  const [, name, single, from, to] = part.startsWith('~') ? [] : (form.exec(part) ?? []);
  if (name === undefined) return { name: part, subscript: null };
  if (single !== undefined) return { name, subscript: { from: Number(single), to: Number(single) } };
  return {
    name,
    subscript: { from: Number(from), to: to === undefined || to === '' ? Infinity : Number(to) },
  };
};

/** A wildcard or, behind a ~, a regular expression, as a test of names; `null` when it is neither. */
export const matcherOf = (name: string): RegExp | null => {
  try {
    return name.startsWith('~') ? expression(name.slice(1)) : wildcard(name);
  } catch {
    // The only thing that RegExp throws at is its own syntax.
    return null;
  }
};

/** Python lets every sign but letters and digits be escaped; what JavaScript reads otherwise than Python is refused here. */
const expression = (source: string): RegExp | null => {
  const escaped = source.replaceAll(/\\([^A-Za-z0-9^$\\.*+?()[\]{}|/])/g, (_all, sign: string) => {
    const code = sign.codePointAt(0) ?? 0;
    return String.raw`\u{${code.toString(16)}}`;
  });
  return source === '' || source.includes('(?<') ? null : new RegExp(`^(?:${escaped})`, 'su');
};

const wildcard = (pattern: string): RegExp => {
  let source = '';
  for (let at = 0; at < pattern.length;) {
    const set = /\[(!?)(\]?[^\]]*)\]/y;
    set.lastIndex = at;
    const found = set.exec(pattern);
    if (found?.[2] !== undefined && found[2] !== '') {
      source += `[${found[1] === '!' ? '^' : ''}${found[2].replaceAll(/[\\\][^&~|]/g, String.raw`\$&`)}]`;
      at = set.lastIndex;
      continue;
    }
    const sign = String.fromCodePoint(pattern.codePointAt(at) ?? 0);
    if (sign === '*') source += '.*';
    else source += sign === '?' ? '.' : sign.replaceAll(/[.+^${}()|[\]\\/]/g, String.raw`\$&`);
    at += sign.length;
  }
  return new RegExp(`^${source}$`, 's');
};
