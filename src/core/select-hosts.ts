// --host and --limit: which of the inventory's hosts are meant. Ansible's patterns.
// Source: ansible lib/ansible/inventory/manager.py and "Patterns: targeting hosts and groups" of its documentation.
import type { Diagnostic } from './diagnostic.ts';
import type { Inventory, InventoryHost } from './inventory.ts';
import { didYouMean } from './nearest-name.ts';

export interface Selection {
  /** Names, each exactly one host; empty: all. */
  readonly hosts: readonly string[];
  /** One pattern, as `web*:!web3:&prod`. */
  readonly limit: string | undefined;
}

/** A pattern longer than this, in characters, or of more parts is refused. */
const PATTERN_LENGTH_MAX = 16_384;
const PATTERN_PARTS_MAX = 1024;

const wrong = (file: string, message: string, remedy = ''): Diagnostic => ({
  severity: 'error',
  file,
  line: 0,
  column: 0,
  source: '',
  message,
  remedy: remedy.trim(),
});

const bareIpv6 = /^[!&]?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/;

/** A pattern's parts: commas part them; without one colons do, outside of brackets and of IPv6 addresses. */
const splitPattern = (pattern: string): readonly string[] => {
  const colons = !pattern.includes(',') && !bareIpv6.test(pattern);
  const parts = colons ? pattern.replaceAll(/\[[^\]]*\]|:/g, (all) => (all === ':' ? '\n' : all)) : pattern;
  return parts
    .split(colons ? '\n' : ',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
};

const glob = (pattern: string): RegExp => {
  const source = pattern.replaceAll(/\[(!?)([^\]]+)\]|[\s\S]/g, (all, not?: string, set?: string) => {
    if (set !== undefined)
      return `[${not === '!' ? '^' : ''}${set.replaceAll(/[\\\][^]/g, String.raw`\$&`)}]`;
    if (all === '*') return '.*';
    return all === '?' ? '.' : all.replaceAll(/[.+^${}()|[\]\\/]/g, String.raw`\$&`);
  });
  return new RegExp(`^${source}$`, 's');
};

/** A part without its subscript, and what the subscript picks: `web[0]`, `web[-1]`, `web[1:3]`, `web[2:]`. */
const subscriptOf = (
  part: string,
): { readonly name: string; readonly pick: (hosts: readonly string[]) => readonly string[] } => {
  const [, name, single, from, to] = /^(.+)\[(?:(-?\d+)|(\d+)[:-](\d*))\]$/.exec(part) ?? [];
  if (name === undefined) return { name: part, pick: (hosts) => hosts };
  if (single !== undefined) {
    return { name, pick: (hosts) => [hosts.at(Number(single))].filter((host) => host !== undefined) };
  }
  const end = to === undefined || to === '' ? Infinity : Number(to) + 1;
  return { name, pick: (hosts) => hosts.slice(Number(from), end) };
};

type Matched = { readonly hosts: readonly string[] } | { readonly problem: Diagnostic };

const matcherOf = (name: string): RegExp | null => {
  try {
    return name.startsWith('~') ? new RegExp(`^(?:${name.slice(1)})`) : glob(name);
  } catch {
    // The only thing that RegExp throws at is its own syntax.
    return null;
  }
};

/** The hosts of one part without its `!` or `&`: an exact name, a group, or what a wildcard or ~expression matches. */
const matchPart = (inventory: Inventory, names: ReadonlySet<string>, part: string): Matched => {
  if (names.has(part)) return { hosts: [part] };
  if (part.startsWith('@')) {
    const remedy = 'Write the hosts themselves: --limit "$(paste -sd, FILE)".';
    return { problem: wrong('--limit', 'lists in files (@FILE) are not read', remedy) };
  }
  const { name, pick } = part.startsWith('~')
    ? { name: part, pick: (h: readonly string[]) => h }
    : subscriptOf(part);
  const exact = inventory.groups.get(name);
  if (exact !== undefined) return { hosts: pick(exact.hosts) };
  const matcher = matcherOf(name);
  if (matcher === null) {
    return { problem: wrong('--limit', `${part} is no regular expression, and no list of characters`) };
  }
  const groups = [...inventory.groups.values()].filter((group) => matcher.test(group.name));
  const found = new Set(groups.flatMap((group) => group.hosts));
  for (const host of names) if (matcher.test(host)) found.add(host);
  if (found.size > 0) return { hosts: pick([...found]) };
  if (groups.length > 0) return { hosts: [] };
  const remedy = `${didYouMean(name, [...inventory.groups.keys(), ...names])}Its hosts and groups are in ${inventory.file}.`;
  return { problem: wrong('--limit', `no host and no group matches ${part}`, remedy) };
};

/** Plain parts add, `&` parts keep what is in both, `!` parts take away; in this order, as in Ansible. */
const matchPattern = (
  inventory: Inventory,
  names: ReadonlySet<string>,
  pattern: string,
): { readonly chosen: ReadonlySet<string>; readonly diagnostics: readonly Diagnostic[] } => {
  const parts = splitPattern(pattern);
  if (parts.length === 0) {
    // An empty limit, most often an unset shell variable, must not mean every host.
    const message = 'the pattern is empty';
    return { chosen: new Set(), diagnostics: [wrong('--limit', message, 'Write all for every host.')] };
  }
  if (pattern.length > PATTERN_LENGTH_MAX || parts.length > PATTERN_PARTS_MAX) {
    return { chosen: new Set(), diagnostics: [wrong('--limit', 'the pattern is too long')] };
  }
  const starting = (sign: string): readonly string[] =>
    parts.filter((part) => part.startsWith(sign)).map((part) => part.slice(1));
  const plain = parts.filter((part) => !/^[!&]/.test(part));
  const diagnostics: Diagnostic[] = [];
  const match = (part: string): readonly string[] => {
    const matched = matchPart(inventory, names, part);
    if ('hosts' in matched) return matched.hosts;
    diagnostics.push(matched.problem);
    return [];
  };
  let chosen = new Set(plain.length === 0 ? names : plain.flatMap(match));
  for (const part of starting('&')) {
    const kept = new Set(match(part));
    chosen = new Set([...chosen].filter((host) => kept.has(host)));
  }
  for (const part of starting('!')) for (const host of match(part)) chosen.delete(host);
  return { chosen, diagnostics };
};

/**
 * The hosts that --host and --limit mean, in inventory order; both given: what is in both. A name or a pattern's part
 * that matches nothing is an error with the nearest name, also behind `!`: a mistyped exception excepts nobody.
 */
export const selectHosts = (
  inventory: Inventory,
  selection: Selection,
): { readonly hosts: readonly InventoryHost[]; readonly diagnostics: readonly Diagnostic[] } => {
  const names = new Set(inventory.hosts.map((host) => host.name));
  const wanted = new Set(selection.hosts);
  const diagnostics = [...wanted]
    .filter((name) => !names.has(name))
    .map((name) => {
      const group = inventory.groups.has(name) ? `${name} is a group: give it to --limit. ` : '';
      const remedy = group === '' ? didYouMean(name, names).trim() : group.trim();
      return wrong('--host', `${inventory.file} has no host ${name}`, remedy);
    });
  const limited = selection.limit === undefined ? null : matchPattern(inventory, names, selection.limit);
  diagnostics.push(...(limited?.diagnostics ?? []));
  const hosts = inventory.hosts.filter(
    (host) =>
      (wanted.size === 0 || wanted.has(host.name)) && (limited === null || limited.chosen.has(host.name)),
  );
  if (hosts.length === 0 && diagnostics.length === 0 && inventory.hosts.length > 0) {
    diagnostics.push(wrong('--limit', 'no host is left: no host matches all of what is asked for'));
  }
  return { hosts, diagnostics };
};
