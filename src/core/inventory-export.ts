// What `ansible-inventory --list` prints, and inventory scripts do: groups with lists of hosts, variables in _meta.
// Source: ansible lib/ansible/plugins/inventory/script.py.
import { isMap, isScalar, isSeq, type Node } from 'yaml';
import { expandHosts } from './host-range.ts';
import { addChild, addGroup, addHost, isGroupName, setGroupVariable, warningAt } from './inventory-groups.ts';
import type { Place, Variable } from './inventory.ts';
import { entriesOf, placeOf, writtenText, type YamlEntry } from './yaml-tree.ts';
import { complain, mapOf, readVariables, type YamlReading } from './yaml-variables.ts';

interface Name {
  readonly text: string;
  readonly place: Place;
}

/** Reads the top of such a file into the draft. */
export const readExportedInventory = (reading: YamlReading, entries: readonly YamlEntry[]): void => {
  const meta = entries.find(({ key }) => key === '_meta');
  const variables = meta === undefined ? new Map<string, HostVariables>() : hostVariables(reading, meta);
  const listed = new Set<string>();
  for (const entry of entries) {
    if (entry !== meta) readGroup(reading, entry, { variables, listed });
  }
  for (const [name, { place }] of variables) {
    if (listed.has(name)) continue;
    reading.draft.diagnostics.push(
      warningAt(
        place,
        `${name} is in no group, so that Ansible leaves it out`,
        'Remove it, or add it to a group.',
      ),
    );
  }
};

interface HostVariables {
  readonly place: Place;
  readonly variables: readonly Variable[];
}

const hostVariables = (reading: YamlReading, meta: YamlEntry): ReadonlyMap<string, HostVariables> => {
  const { tree } = reading;
  const inside = mapOf(reading, meta, '_meta');
  const all = inside === null ? undefined : entriesOf(tree, inside).find(({ key }) => key === 'hostvars');
  const hosts = all === undefined ? null : mapOf(reading, all, 'hostvars');
  const found = new Map<string, HostVariables>();
  for (const entry of hosts === null ? [] : entriesOf(tree, hosts)) {
    const own = mapOf(reading, entry, `the variables of host ${entry.key}`);
    found.set(entry.key, { place: entry.keyPlace, variables: readVariables(reading, own) });
  }
  return found;
};

const readGroup = (
  reading: YamlReading,
  entry: YamlEntry,
  {
    variables,
    listed,
  }: { readonly variables: ReadonlyMap<string, HostVariables>; readonly listed: Set<string> },
): void => {
  const { draft, tree } = reading;
  if (!isGroupName(entry.key)) {
    complain(reading, entry.keyPlace, 'this is no group: a name has letters, digits and _ . - only');
    return;
  }
  const group = addGroup(draft, entry.key, entry.keyPlace);
  // A list alone is a group's hosts.
  const body = isSeq(entry.node) ? null : mapOf(reading, entry, `group ${entry.key}`);
  const parts = new Map((body === null ? [] : entriesOf(tree, body)).map((part) => [part.key, part]));
  for (const [key, part] of parts) {
    if (key === 'hosts' || key === 'children' || key === 'vars') continue;
    complain(reading, part.keyPlace, `${key} means nothing below group ${entry.key}`);
  }
  for (const { text, place } of namesIn(reading, isSeq(entry.node) ? entry : parts.get('hosts'))) {
    const expanded = expandHosts(text);
    // Names are names here: what looks like a range or a port would be taken for one elsewhere.
    if (!expanded.ok || expanded.names[0] !== text) {
      complain(
        reading,
        place,
        expanded.ok
          ? 'a host’s name without a port or a range belongs here'
          : `this is no host: ${expanded.message}`,
      );
      continue;
    }
    const isFirst = !listed.has(text);
    listed.add(text);
    const own = isFirst ? (variables.get(text)?.variables ?? []) : [];
    if (!addHost(draft, group, { name: text, place, port: null, variables: own })) return;
  }
  const vars = parts.get('vars');
  const map = vars === undefined ? null : mapOf(reading, vars, `vars of group ${entry.key}`);
  for (const variable of readVariables(reading, map)) setGroupVariable(draft, group, variable);
  for (const { text, place } of namesIn(reading, parts.get('children'))) {
    if (isGroupName(text)) addChild(group, addGroup(draft, text, place));
    else complain(reading, place, 'this is no group: a name has letters, digits and _ . - only');
  }
};

/** The names of a list. */
const namesIn = (reading: YamlReading, entry: YamlEntry | undefined): readonly Name[] => {
  if (entry === undefined) return [];
  if (!isSeq(entry.node)) {
    complain(reading, entry.place, `${entry.key} must be a list of names`);
    return [];
  }
  return entry.node.items.flatMap((item) => {
    const place = placeOf(reading.tree, item as Node);
    if (isScalar(item) && item.value !== null) return [{ text: writtenText(item), place }];
    complain(reading, place, isMap(item) ? 'a name belongs here, not a mapping' : 'a name belongs here');
    return [];
  });
};
