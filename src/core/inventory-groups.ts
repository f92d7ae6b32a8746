// Groups and hosts of an inventory that is being read: what the readers of its forms fill.
// Source: ansible lib/ansible/inventory/data.py, group.py and host.py.
import type { Diagnostic } from './diagnostic.ts';
import type { Place, Variable } from './inventory.ts';

/** Variables from group_vars/ or host_vars/, by the number of the inventory that the folder is beside. */
export type VariableLayers = Map<number, Map<string, Variable>>;

export interface GroupDraft {
  readonly name: string;
  readonly place: Place;
  readonly children: Set<string>;
  readonly parents: Set<string>;
  /** Those that it names itself. */
  readonly hosts: Set<string>;
  readonly variables: Map<string, Variable>;
  /** From group_vars/: they win over what the inventory itself says of any group. */
  readonly layers: VariableLayers;
  /** Its rank among the groups of its depth: `ansible_group_priority`. */
  priority: number;
}

export interface HostDraft {
  readonly name: string;
  readonly place: Place;
  readonly groups: Set<string>;
  /** The one behind its name where it was mentioned first, which is the only one that counts in Ansible. */
  readonly port: number | null;
  readonly variables: Map<string, Variable>;
  /** From host_vars/. */
  readonly layers: VariableLayers;
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

const NOWHERE: Place = { file: '', line: 0, column: 0, source: '' };

/** A draft with nothing in it but the two groups that are always there. */
export const emptyDraft = (): InventoryDraft => {
  const draft: InventoryDraft = { groups: new Map(), hosts: new Map(), diagnostics: [] };
  addChild(addGroup(draft, 'all', NOWHERE), addGroup(draft, 'ungrouped', NOWHERE));
  return draft;
};

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
    hosts: new Set(),
    variables: new Map(),
    layers: new Map(),
    priority: 1,
  };
  draft.groups.set(name, group);
  return group;
};

/** Makes one group the child of another; cycles are found when the inventory is resolved. */
export const addChild = (parent: GroupDraft, child: GroupDraft): void => {
  parent.children.add(child.name);
  child.parents.add(parent.name);
};

/** Sets a group's variable; `ansible_group_priority` is none, but the group's rank. */
export const setGroupVariable = (draft: InventoryDraft, group: GroupDraft, variable: Variable): void => {
  const { name, value, place } = variable;
  if (name !== 'ansible_group_priority') {
    group.variables.set(name, variable);
    return;
  }
  const isRank = typeof value === 'number' || (typeof value === 'string' && /^[-+]?\d+$/.test(value));
  if (isRank && Number.isSafeInteger(Number(value))) group.priority = Number(value);
  else draft.diagnostics.push(errorAt(place, 'ansible_group_priority must be a whole number'));
};

/** A host as it is mentioned in a group. */
export interface HostMention {
  readonly name: string;
  readonly place: Place;
  readonly port: number | null;
  readonly variables: Iterable<Variable>;
}

/** Adds a host to a group, or the group to a host that is known already. `false` when there are too many hosts. */
export const addHost = (draft: InventoryDraft, group: GroupDraft, mention: HostMention): boolean => {
  const { name, place, port } = mention;
  let host = draft.hosts.get(name);
  if (host === undefined) {
    if (draft.hosts.size >= INVENTORY_HOSTS_MAX) {
      draft.diagnostics.push(errorAt(place, `the inventory has more than ${INVENTORY_HOSTS_MAX} hosts`));
      return false;
    }
    host = { name, place, port, groups: new Set(), variables: new Map(), layers: new Map() };
    draft.hosts.set(name, host);
    if (port !== null) host.variables.set('ansible_port', portVariable(place, port));
  } else if (port !== null && port !== host.port) {
    const message = `${name} is in the inventory already, ${nameOf(host.place)}, and Ansible passes over a second port`;
    draft.diagnostics.push(errorAt(place, message, `Write ansible_port: ${port} in its place.`));
  }
  host.groups.add(group.name);
  group.hosts.add(name);
  // Ansible looks for a group first: the variables of a host that is called like one are the group's.
  const namesake = draft.groups.get(name);
  for (const variable of mention.variables) {
    if (namesake === undefined) host.variables.set(variable.name, variable);
    else setGroupVariable(draft, namesake, variable);
  }
  return true;
};

const nameOf = ({ file, line }: Place): string => `in ${file}, line ${line}`;

const portVariable = (place: Place, port: number): Variable => ({
  name: 'ansible_port',
  value: port,
  written: String(port),
  keyPlace: place,
  place,
  items: [],
});

/** Group names as Ansible recommends them, with the hyphen and dot that inventories have; nothing that a pattern reads. */
export const isGroupName = (name: string): boolean => /^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u.test(name);
