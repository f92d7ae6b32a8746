// --host and --limit: which of the inventory's hosts are meant. Ansible's patterns.
// Source: ansible lib/ansible/inventory/manager.py and "Patterns: targeting hosts and groups" of its documentation.
import type { Diagnostic } from './diagnostic.ts';
import { matcherOf, splitHostPattern, splitSubscript } from './host-pattern.ts';
import type { Inventory, InventoryHost } from './inventory.ts';
import { didYouMean } from './nearest-name.ts';

/** The text of a list of hosts, or what is wrong with it, as the end of a sentence that begins with its name. */
export type HostList = { readonly text: string } | { readonly problem: string };

export interface Selection {
  /** Names, each exactly one host; empty: all. */
  readonly hosts: readonly string[];
  /** One pattern, as `web*:!web3:&prod`. */
  readonly limit: string | undefined;
  /** The files that the pattern names, by {@link hostListsOf}. */
  readonly lists?: ReadonlyMap<string, HostList>;
}

/** A pattern longer than this, in characters, or of more parts that are no mere host is refused. */
const PATTERN_LENGTH_MAX = 16_384;
const PATTERN_PARTS_MAX = 1024;

/** A part of the pattern, and where it stands. */
interface Part {
  readonly text: string;
  readonly place: { readonly file: string; readonly line: number; readonly column: number };
}

const onCommandLine = { file: '--limit', line: 0, column: 0 };

const wrong = (place: Part['place'], message: string, remedy = ''): Diagnostic => ({
  severity: 'error',
  ...place,
  source: '',
  message,
  remedy: remedy.trim(),
});

/** The files that a pattern names: `@failed.txt`. */
export const hostListsOf = (limit: string | undefined): readonly string[] =>
  (splitHostPattern(limit ?? '') ?? []).filter((part) => part.startsWith('@')).map((part) => part.slice(1));

/**
 * The hosts that --host and --limit mean, in inventory order; both given: what is in both. A name or a pattern's part
 * that matches nothing is an error with the nearest name, also behind `!`: a mistyped exception excepts nobody.
 */
export const selectHosts = (
  inventory: Inventory,
  selection: Selection,
): { readonly hosts: readonly InventoryHost[]; readonly diagnostics: readonly Diagnostic[] } => {
  const names = new Set(inventory.mentioned);
  const wanted = new Set(selection.hosts);
  const diagnostics = [...wanted]
    .filter((name) => !names.has(name))
    .map((name) => {
      const group = inventory.groups.has(name) ? `${name} is a group: give it to --limit. ` : '';
      const remedy = group === '' ? didYouMean(name, names).trim() : group.trim();
      return wrong({ ...onCommandLine, file: '--host' }, `${inventory.file} has no host ${name}`, remedy);
    });
  const limited = selection.limit === undefined ? null : matchPattern(inventory, names, selection);
  diagnostics.push(...(limited?.diagnostics ?? []));
  const hosts = inventory.hosts.filter(
    (host) =>
      (wanted.size === 0 || wanted.has(host.name)) && (limited === null || limited.chosen.has(host.name)),
  );
  if (hosts.length === 0 && diagnostics.length === 0 && inventory.hosts.length > 0) {
    diagnostics.push(wrong(onCommandLine, 'no host is left: no host matches all of what is asked for'));
  }
  return { hosts, diagnostics };
};

/** Plain parts add, `&` parts keep what is in both, `!` parts take away; in this order, as in Ansible. */
const matchPattern = (
  inventory: Inventory,
  names: ReadonlySet<string>,
  selection: Selection,
): { readonly chosen: ReadonlySet<string>; readonly diagnostics: readonly Diagnostic[] } => {
  const read = partsOf(selection);
  const parts = 'parts' in read ? read.parts : [];
  const diagnostics: Diagnostic[] = 'parts' in read ? [] : [read.problem];
  if (parts.filter(({ text }) => !names.has(text)).length > PATTERN_PARTS_MAX) {
    return { chosen: new Set(), diagnostics: [wrong(onCommandLine, 'the pattern has too many parts')] };
  }
  const match = ({ text, place }: Part, sign = ''): readonly string[] => {
    const matched = matchPart(inventory, names, text.slice(sign.length));
    if ('hosts' in matched) return matched.hosts;
    diagnostics.push(wrong(place, matched.message, matched.remedy));
    return [];
  };
  const starting = (sign: string): readonly Part[] => parts.filter(({ text }) => text.startsWith(sign));
  const plain = parts.filter(({ text }) => !/^[!&]/.test(text));
  let chosen = new Set(plain.length === 0 ? names : plain.flatMap((part) => match(part)));
  for (const part of starting('&')) {
    const kept = new Set(match(part, '&'));
    chosen = new Set([...chosen].filter((host) => kept.has(host)));
  }
  for (const part of starting('!')) for (const host of match(part, '!')) chosen.delete(host);
  return { chosen, diagnostics };
};

const fail = (message: string, remedy = ''): { readonly problem: Diagnostic } => ({
  problem: wrong(onCommandLine, message, remedy),
});

/** The pattern's parts, those of its files among them. */
const partsOf = ({
  limit = '',
  lists = new Map(),
}: Selection): { readonly parts: readonly Part[] } | { readonly problem: Diagnostic } => {
  if (limit.length > PATTERN_LENGTH_MAX) return fail('the pattern is too long');
  const texts = splitHostPattern(limit);
  if (texts === null) return fail('a bracket is not closed');
  // An empty limit, most often an unset shell variable, must not mean every host.
  if (texts.length === 0) return fail('the pattern is empty', 'Write all for every host.');
  const parts: Part[] = [];
  for (const text of texts) {
    const list = text.startsWith('@') ? (lists.get(text.slice(1)) ?? { problem: 'was not read' }) : null;
    if (list === null) {
      parts.push({ text, place: onCommandLine });
      continue;
    }
    if ('problem' in list) return fail(`${text.slice(1)} ${list.problem}`);
    const lines = linesOf(list.text, text.slice(1));
    // To Ansible a file without a host, that of a run in which nobody failed, means every host.
    if (lines.length === 0)
      return fail(`${text.slice(1)} names no host`, 'There is nothing to be done for it.');
    parts.push(...lines);
  }
  return { parts };
};

/** One part on each line; nothing else parts them there. */
const linesOf = (text: string, file: string): readonly Part[] =>
  text.split('\n').flatMap((line, at) => {
    const trimmed = line.trim();
    const column = line.length - line.trimStart().length + 1;
    return trimmed === '' ? [] : [{ text: trimmed, place: { file, line: at + 1, column } }];
  });

type Matched = { readonly hosts: readonly string[] } | { readonly message: string; readonly remedy: string };

/** The hosts of one part without its `!` or `&`: an exact name, a group, or what a wildcard or ~expression matches. */
const matchPart = (inventory: Inventory, names: ReadonlySet<string>, part: string): Matched => {
  const group = inventory.groups.get(part);
  if (names.has(part)) {
    // Ansible means the host, but behind ! and & the group.
    if (group === undefined || (group.hosts.length === 1 && group.hosts[0] === part))
      return { hosts: [part] };
    return { message: `${part} is the name of a host and of a group`, remedy: 'Rename one of them.' };
  }
  const { name, subscript } = splitSubscript(part);
  const matcher = name === '' ? null : matcherOf(name);
  if (matcher === null) {
    return { message: `${part} is no regular expression, and no list of characters`, remedy: '' };
  }
  const found = enumerate(inventory, names, { name, matcher });
  if (found === null) {
    const remedy = `${didYouMean(name, [...inventory.groups.keys(), ...names])}Its hosts and groups are in ${inventory.file}.`;
    return { message: `no host and no group matches ${part}`, remedy };
  }
  if (subscript === null || found.length === 0) return { hosts: found };
  const { from, to } = subscript;
  const picked = from < 0 ? [found.at(from)].filter((host) => host !== undefined) : found.slice(from, to + 1);
  if (picked.length > 0) return { hosts: picked };
  return { message: `${part} picks nobody: ${name} has ${found.length} hosts, counted from 0`, remedy: '' };
};

/** What a name matches, groups first, a host as often as it is met: that is what Ansible's subscripts count. */
const enumerate = (
  inventory: Inventory,
  names: ReadonlySet<string>,
  { name, matcher }: { readonly name: string; readonly matcher: RegExp },
): readonly string[] | null => {
  const groups = [...inventory.groups.values()].filter((group) => matcher.test(group.name));
  const found = groups.flatMap((group) => group.hosts);
  if (groups.length === 0 || /^~|[.?*[]/.test(name)) {
    for (const host of names) if (matcher.test(host)) found.push(host);
  }
  return found.length === 0 && groups.length === 0 ? null : found;
};
