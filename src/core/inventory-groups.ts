// Groups, their hosts and the precedence of their variables: what the YAML and the INI reader fill, then resolved.
import type { Diagnostic } from './diagnostic.ts';
import type { Inventory, InventoryGroup, InventoryHost, Place, Variable } from './inventory.ts';

interface GroupDraft {
  readonly name: string;
  readonly place: Place;
  readonly children: Set<string>;
  readonly parents: Set<string>;
  readonly variables: Map<string, Variable>;
  /** From group_vars/: wins over what the inventory itself says of any group. */
  readonly fileVariables: Map<string, Variable>;
}

interface HostDraft {
  readonly name: string;
  readonly place: Place;
  readonly groups: Set<string>;
  readonly variables: Map<string, Variable>;
  /** From host_vars/. */
  readonly fileVariables: Map<string, Variable>;
}

/** What is known so far of an inventory that is being read, possibly from several files. */
export interface InventoryDraft {
  readonly groups: Map<string, GroupDraft>;
  /** In the order in which they are mentioned. */
  readonly hosts: Map<string, HostDraft>;
  readonly diagnostics: Diagnostic[];
}

/** More hosts than this are not taken: the memory of a bastion has an end. */
export const INVENTORY_HOSTS_MAX = 100_000;

/** A draft with nothing in it. */
export const emptyDraft = (): InventoryDraft => ({ groups: new Map(), hosts: new Map(), diagnostics: [] });

/** An error at a place. */
export const errorAt = (place: Place, message: string, remedy = ''): Diagnostic => ({
  severity: 'error',
  file: place.file,
  line: place.line,
  column: place.column,
  source: place.source,
  message,
  remedy: remedy.trim(),
});

/** A warning at a place. */
export const warningAt = (place: Place, message: string, remedy = ''): Diagnostic => ({
  ...errorAt(place, message, remedy),
  severity: 'warning',
});

/** Adds a group, or finds the one of this name. */
export const addGroup = (draft: InventoryDraft, name: string, place: Place): GroupDraft => {
  const known = draft.groups.get(name);
  if (known !== undefined) return known;
  const group: GroupDraft = {
    name,
    place,
    children: new Set(),
    parents: new Set(),
    variables: new Map(),
    fileVariables: new Map(),
  };
  draft.groups.set(name, group);
  return group;
};

/** Makes one group the child of another; cycles are found by {@link resolveDraft}. */
export const addChild = (parent: GroupDraft, child: GroupDraft): void => {
  parent.children.add(child.name);
  child.parents.add(parent.name);
};

/** Adds a host to a group, or the group to a host that is known already. `null` when there are too many. */
export const addHost = (
  draft: InventoryDraft,
  group: string,
  host: { readonly name: string; readonly place: Place },
): HostDraft | null => {
  let known = draft.hosts.get(host.name);
  if (known === undefined) {
    if (draft.hosts.size >= INVENTORY_HOSTS_MAX) return null;
    known = { ...host, groups: new Set(), variables: new Map(), fileVariables: new Map() };
    draft.hosts.set(host.name, known);
  }
  known.groups.add(group);
  return known;
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

/** The groups of a cycle, as a chain for people; '' when there is none. */
const cycleOf = (groups: ReadonlyMap<string, GroupDraft>, depths: ReadonlyMap<string, number>): string => {
  const stuck = [...groups.keys()].find((name) => !depths.has(name));
  const chain: string[] = [];
  // A group without a depth has a parent without one, so that going up meets the cycle.
  for (let name = stuck; name !== undefined && !chain.includes(name);) {
    chain.unshift(name);
    const parents: readonly string[] = [...(groups.get(name)?.parents ?? [])];
    const next: string | undefined = parents.find((parent) => !depths.has(parent));
    if (next === undefined || chain.includes(next)) {
      return next === undefined
        ? chain.join(' > ')
        : [next, ...chain.slice(0, chain.indexOf(next) + 1)].join(' > ');
    }
    name = next;
  }
  return '';
};

const priorityOf = (group: GroupDraft | undefined): number => {
  const variable =
    group?.fileVariables.get('ansible_group_priority') ?? group?.variables.get('ansible_group_priority');
  return typeof variable?.value === 'number' ? variable.value : 1;
};

/** Groups with their ancestors, in the order of precedence: depth, ansible_group_priority, name. */
const lineage = (
  groups: ReadonlyMap<string, GroupDraft>,
  depths: ReadonlyMap<string, number>,
  direct: readonly string[],
): readonly string[] => {
  const found = new Set<string>(['all']);
  const queue = [...direct];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    if (found.has(name) && name !== 'all') continue;
    found.add(name);
    queue.push(...(groups.get(name)?.parents ?? []));
  }
  return [...found].toSorted(
    (left, right) =>
      (depths.get(left) ?? 0) - (depths.get(right) ?? 0) ||
      priorityOf(groups.get(left)) - priorityOf(groups.get(right)) ||
      byName(left, right),
  );
};

/**
 * Merged variables of a chain of groups.
 * Source: Ansible's VARIABLE_PRECEDENCE: the inventory's `all`, its groups, group_vars/all, group_vars/*.
 */
const mergeGroups = (
  groups: ReadonlyMap<string, GroupDraft>,
  chain: readonly string[],
): Map<string, Variable> => {
  const merged = new Map<string, Variable>();
  for (const layer of ['variables', 'fileVariables'] as const) {
    for (const name of chain) {
      for (const [key, variable] of groups.get(name)?.[layer] ?? []) merged.set(key, variable);
    }
  }
  return merged;
};

const emptyPlace = (file: string): Place => ({ file, line: 0, column: 0, source: '' });

/** Puts groups without a parent below `all`, and hosts that are in no group of their own into `ungrouped`. */
const settleMembership = (draft: InventoryDraft, file: string): void => {
  const all = addGroup(draft, 'all', emptyPlace(file));
  addGroup(draft, 'ungrouped', emptyPlace(file));
  for (const group of draft.groups.values()) {
    if (group !== all && group.parents.size === 0) addChild(all, group);
  }
  for (const host of draft.hosts.values()) {
    const own = [...host.groups].some((name) => name !== 'all' && name !== 'ungrouped');
    if (own) host.groups.delete('ungrouped');
    else host.groups.add('ungrouped');
    host.groups.delete('all');
  }
};

const resolveHosts = (
  draft: InventoryDraft,
  depths: ReadonlyMap<string, number>,
): readonly InventoryHost[] => {
  const shared = new Map<
    string,
    { readonly chain: readonly string[]; readonly merged: Map<string, Variable> }
  >();
  const hosts: InventoryHost[] = [];
  for (const host of draft.hosts.values()) {
    const direct = [...host.groups].toSorted(byName);
    const key = direct.join('\n');
    let base = shared.get(key);
    if (base === undefined) {
      const chain = lineage(draft.groups, depths, direct);
      base = { chain, merged: mergeGroups(draft.groups, chain) };
      shared.set(key, base);
    }
    const own = host.variables.size + host.fileVariables.size > 0;
    hosts.push({
      name: host.name,
      place: host.place,
      groups: base.chain,
      variables: own ? new Map([...base.merged, ...host.variables, ...host.fileVariables]) : base.merged,
    });
  }
  return hosts;
};

/** A finished draft as an inventory; a cycle of groups is an error, and then there are no hosts. */
export const resolveDraft = (
  draft: InventoryDraft,
  file: string,
): { readonly inventory: Inventory; readonly diagnostics: readonly Diagnostic[] } => {
  settleMembership(draft, file);
  const depths = depthsOf(draft.groups);
  const diagnostics = [...draft.diagnostics];
  const cycle = cycleOf(draft.groups, depths);
  if (cycle !== '') {
    const place = draft.groups.get(cycle.split(' > ')[0] ?? '')?.place ?? emptyPlace(file);
    diagnostics.push(
      errorAt(place, `groups contain one another: ${cycle}`, 'Take one of them out of the other’s children.'),
    );
    return { inventory: { file, hosts: [], groups: new Map() }, diagnostics };
  }
  const hosts = resolveHosts(draft, depths);
  const members = new Map<string, string[]>([...draft.groups.keys()].map((name) => [name, []]));
  for (const host of hosts) for (const group of host.groups) members.get(group)?.push(host.name);
  const groups = new Map<string, InventoryGroup>();
  for (const group of draft.groups.values()) {
    const { name } = group;
    groups.set(name, { name, children: [...group.children], hosts: members.get(name) ?? [] });
    const twin = draft.hosts.get(name);
    if (twin !== undefined) {
      diagnostics.push(
        warningAt(twin.place, `${name} is the name of a host and of a group`, 'Rename one of them.'),
      );
    }
  }
  if (hosts.length === 0 && diagnostics.length === 0) {
    diagnostics.push(errorAt(emptyPlace(file), 'the inventory has no hosts', 'List them below all: hosts:.'));
  }
  return { inventory: { file, hosts, groups }, diagnostics };
};
