// A finished draft -> the inventory: who is in which group, in which order, and whose variables win.
// Source: ansible lib/ansible/inventory/data.py (reconcile_inventory), group.py (get_hosts) and helpers.py (sort_groups),
// lib/ansible/vars/manager.py (get_vars).
import type { Diagnostic } from './diagnostic.ts';
import {
  addChild,
  errorAt,
  warningAt,
  type GroupDraft,
  type InventoryDraft,
  type VariableLayers,
} from './inventory-groups.ts';
import type { Inventory, InventoryGroup, InventoryHost, Place, Variable } from './inventory.ts';

/** Groups nested deeper than this are refused. */
export const GROUP_DEPTH_MAX = 64;

/** Groups named in the message about a cycle. */
const GROUPS_NAMED_MAX = 12;

type Groups = ReadonlyMap<string, GroupDraft>;

/** A finished draft as an inventory; with groups that contain one another, or nest too deep, it has no hosts. */
export const resolveDraft = (
  draft: InventoryDraft,
  file: string,
): { readonly inventory: Inventory; readonly diagnostics: readonly Diagnostic[] } => {
  const diagnostics = [...draft.diagnostics];
  settleMembership(draft, diagnostics);
  const depths = depthsOf(draft.groups);
  const wrong = misnested(draft.groups, depths, file);
  if (wrong !== null) {
    return {
      inventory: { file, hosts: [], mentioned: [], groups: new Map() },
      diagnostics: [...diagnostics, wrong],
    };
  }
  const byHost = resolveHosts(draft, depths);
  const groups = new Map<string, InventoryGroup>();
  for (const group of draft.groups.values()) {
    groups.set(group.name, resolvedGroup(draft.groups, group));
    const twin = draft.hosts.get(group.name);
    if (twin === undefined) continue;
    const message = `${group.name} is the name of a host and of a group`;
    diagnostics.push(warningAt(twin.place, message, 'Rename one of them.'));
  }
  const hosts = (groups.get('all')?.hosts ?? []).flatMap((name) => byHost.get(name) ?? []);
  if (hosts.length === 0 && diagnostics.length === 0) {
    diagnostics.push(errorAt(placeIn(file), 'the inventory has no hosts', 'List them below all: hosts:.'));
  }
  return { inventory: { file, hosts, mentioned: [...draft.hosts.keys()], groups }, diagnostics };
};

const placeIn = (file: string): Place => ({ file, line: 0, column: 0, source: '' });

/** Puts groups without a parent below `all`, and hosts that are in no group of their own into `ungrouped`. */
const settleMembership = (draft: InventoryDraft, diagnostics: Diagnostic[]): void => {
  const { groups, hosts } = draft;
  const all = groups.get('all');
  const ungrouped = groups.get('ungrouped');
  if (all === undefined || ungrouped === undefined) return;
  for (const group of groups.values()) {
    if (group !== all && group.parents.size === 0) addChild(all, group);
    if (group === all || !group.children.has('ungrouped')) continue;
    const message = `ungrouped, the hosts that are in no group, cannot be in group ${group.name}`;
    diagnostics.push(errorAt(group.place, message, 'Give these hosts a group of their own.'));
  }
  for (const host of hosts.values()) {
    if ([...host.groups].some((name) => name !== 'all' && name !== 'ungrouped')) {
      host.groups.delete('ungrouped');
      ungrouped.hosts.delete(host.name);
    } else if (groups.has(host.name)) {
      const message = `${host.name} is the name of a host without a group, and of a group`;
      diagnostics.push(errorAt(host.place, message, 'Rename one of them.'));
    } else {
      host.groups.add('ungrouped');
      ungrouped.hosts.add(host.name);
    }
  }
};

const byName = (left: string, right: string): number => Number(left > right) - Number(left < right);

/** Depth of each group (`all` is 0, a child is one below its deepest parent); the groups of a cycle have none. */
const depthsOf = (groups: ReadonlyMap<string, GroupDraft>): Map<string, number> => {
  const waiting = new Map([...groups.values()].map((group) => [group.name, group.parents.size]));
  const depths = new Map<string, number>();
  const ready: string[] = [];
  const reached = new Map<string, number>();
  for (const [name, parents] of waiting) if (parents === 0) ready.push(name);
  for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
    const depth = reached.get(name) ?? 0;
    depths.set(name, depth);
    for (const child of groups.get(name)?.children ?? []) {
      reached.set(child, Math.max(reached.get(child) ?? 0, depth + 1));
      const left = (waiting.get(child) ?? 1) - 1;
      waiting.set(child, left);
      if (left === 0) ready.push(child);
    }
  }
  return depths;
};

/** The groups of a cycle, from parent to child, the first one again at its end; none where there is no cycle. */
const cycleOf = (groups: Groups, depths: ReadonlyMap<string, number>): readonly string[] => {
  const hasNoDepth = (name: string): boolean => !depths.has(name);
  const upwards = new Set<string>();
  let name = [...groups.keys()].find(hasNoDepth);
  // A group without a depth has a parent without one, so that going up meets the cycle.
  while (name !== undefined && !upwards.has(name)) {
    upwards.add(name);
    name = [...(groups.get(name)?.parents ?? [])].find(hasNoDepth);
  }
  if (name === undefined) return [];
  const way = [...upwards];
  return [name, ...way.slice(way.indexOf(name)).toReversed()];
};

const misnested = (groups: Groups, depths: ReadonlyMap<string, number>, file: string): Diagnostic | null => {
  const cycle = cycleOf(groups, depths);
  if (cycle.length > 0) {
    const place = cycle.map((name) => groups.get(name)?.place).find((each) => (each?.line ?? 0) > 0);
    const named = cycle.slice(0, GROUPS_NAMED_MAX).join(' > ');
    const message = `groups contain one another: ${named}${cycle.length > GROUPS_NAMED_MAX ? ' > ...' : ''}`;
    return errorAt(place ?? placeIn(file), message, 'Take one of them out of the other’s children.');
  }
  const deep = [...groups.values()].find(({ name }) => (depths.get(name) ?? 0) > GROUP_DEPTH_MAX);
  return deep === undefined ? null : errorAt(deep.place, 'groups are nested too deep');
};

/** A group's own hosts first, then its children's, then theirs, each once; found when they are asked for. */
const resolvedGroup = (groups: Groups, { name, children }: GroupDraft): InventoryGroup => {
  let hosts: readonly string[] | null = null;
  return {
    name,
    children: [...children],
    get hosts() {
      hosts ??= [...new Set(withDescendants(groups, name).flatMap((each) => [...each.hosts]))];
      return hosts;
    },
  };
};

const withDescendants = (groups: Groups, name: string): readonly GroupDraft[] => {
  const found = new Set([name]);
  // What is added while a Set is walked is walked, too: level after level.
  for (const each of found) for (const child of groups.get(each)?.children ?? []) found.add(child);
  return [...found].flatMap((each) => groups.get(each) ?? []);
};

/** Groups with their ancestors, in the order of precedence: depth, ansible_group_priority, name. */
const lineage = (
  groups: Groups,
  depths: ReadonlyMap<string, number>,
  direct: Iterable<string>,
): readonly GroupDraft[] => {
  const found = new Set<string>(['all', ...direct]);
  for (const name of found) for (const parent of groups.get(name)?.parents ?? []) found.add(parent);
  return [...found]
    .flatMap((name) => groups.get(name) ?? [])
    .toSorted(
      (left, right) =>
        (depths.get(left.name) ?? 0) - (depths.get(right.name) ?? 0) ||
        left.priority - right.priority ||
        byName(left.name, right.name),
    );
};

/**
 * Merged variables of a chain of groups, `all` first. Of the folders beside several inventories the later one wins,
 * whatever the groups in it are.
 * Source: Ansible's VARIABLE_PRECEDENCE: the inventory's `all`, its groups, group_vars/all, group_vars/*.
 */
const mergeGroups = (chain: readonly GroupDraft[]): Map<string, Variable> => {
  const merged = new Map<string, Variable>();
  for (const { variables } of chain) mergeInto(merged, variables);
  const [all, ...others] = chain;
  for (const part of [all === undefined ? [] : [all], others]) {
    const numbers = new Set(part.flatMap(({ layers }) => [...layers.keys()]));
    for (const number of [...numbers].toSorted((left, right) => left - right)) {
      for (const { layers } of part) mergeInto(merged, layers.get(number));
    }
  }
  return merged;
};

const mergeInto = (merged: Map<string, Variable>, more: ReadonlyMap<string, Variable> = new Map()): void => {
  for (const [name, variable] of more) merged.set(name, variable);
};

const layersInOrder = (layers: VariableLayers): readonly ReadonlyMap<string, Variable>[] =>
  [...layers].toSorted(([left], [right]) => left - right).map(([, variables]) => variables);

const resolveHosts = (
  draft: InventoryDraft,
  depths: ReadonlyMap<string, number>,
): ReadonlyMap<string, InventoryHost> => {
  // Hosts of the same groups inherit the same: it is worked out once for all of them.
  const shared = new Map<
    string,
    { readonly chain: readonly string[]; readonly merged: Map<string, Variable> }
  >();
  const hosts = new Map<string, InventoryHost>();
  for (const { name, place, groups, variables, layers } of draft.hosts.values()) {
    const key = [...groups].toSorted(byName).join('\n');
    let base = shared.get(key);
    if (base === undefined) {
      const chain = lineage(draft.groups, depths, groups);
      base = { chain: chain.map((group) => group.name), merged: mergeGroups(chain) };
      shared.set(key, base);
    }
    let own = base.merged;
    if (variables.size + layers.size > 0) {
      own = new Map(own);
      for (const more of [variables, ...layersInOrder(layers)]) mergeInto(own, more);
    }
    hosts.set(name, { name, place, groups: base.chain, variables: own });
  }
  return hosts;
};
