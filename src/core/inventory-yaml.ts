// Ansible's YAML inventory: groups with `hosts`, `children` and `vars`.
// Source: ansible lib/ansible/plugins/inventory/yaml.py.
import { isScalar } from 'yaml';
import { expandHosts } from './host-range.ts';
import { readExportedInventory } from './inventory-export.ts';
import {
  addChild,
  addGroup,
  addHost,
  isGroupName,
  setGroupVariable,
  type GroupDraft,
  type InventoryDraft,
} from './inventory-groups.ts';
import { didYouMean } from './nearest-name.ts';
import { exportCommand } from './program-inventory.ts';
import { GROUP_DEPTH_MAX } from './resolve-inventory.ts';
import { entriesOf, type YamlEntry } from './yaml-tree.ts';
import { complain, mapOf, openYaml, readVariables, type YamlReading } from './yaml-variables.ts';

const SECTIONS = ['hosts', 'children', 'vars'] as const;

/** Reads a YAML inventory, or what `ansible-inventory --list` printed, into a draft. */
export const readYamlInventory = (draft: InventoryDraft, file: string, text: string): void => {
  const read = openYaml(draft, file, text);
  if (read === null) return;
  const { reading, top } = read;
  const entries = entriesOf(reading.tree, top);
  const plugin = entries.find(({ key, node }) => key === 'plugin' && isScalar(node));
  if (plugin !== undefined) {
    const message =
      'this sets up a plugin of Ansible, which finds its hosts by itself, and plugins are not run';
    complain(reading, plugin.keyPlace, message, exportCommand(file));
  } else if (entries.some(({ key }) => key === '_meta')) {
    readExportedInventory(reading, entries);
  } else {
    for (const entry of entries) readGroup(reading, entry, null);
  }
  draft.diagnostics.push(...reading.tree.diagnostics);
};

const readHost = (reading: YamlReading, group: GroupDraft, entry: YamlEntry): void => {
  const expanded = expandHosts(entry.key);
  if (!expanded.ok) {
    complain(reading, entry.keyPlace, `this is no host: ${expanded.message}`);
    return;
  }
  const { names, port } = expanded;
  const variables = readVariables(reading, mapOf(reading, entry, `the variables of host ${entry.key}`));
  for (const name of names) {
    if (!addHost(reading.draft, group, { name, place: entry.keyPlace, port, variables })) return;
  }
};

const readGroup = (reading: YamlReading, entry: YamlEntry, parent: GroupDraft | null, depth = 0): void => {
  const { draft } = reading;
  const name = entry.key;
  if (!isGroupName(name)) {
    const message = 'this is no group: a name has letters, digits and _ . - only';
    const remedy = parent === null ? 'Hosts stand below a group, most often all:.' : '';
    complain(reading, entry.keyPlace, message, remedy);
    return;
  }
  if (depth > GROUP_DEPTH_MAX) {
    complain(reading, entry.keyPlace, 'groups are nested too deep');
    return;
  }
  const group = addGroup(draft, name, entry.keyPlace);
  const body = mapOf(reading, entry, `group ${name}`);
  for (const section of body === null ? [] : entriesOf(reading.tree, body)) {
    readGroupSection(reading, group, { section, depth });
  }
  if (parent !== null) addChild(parent, group);
};

const readGroupSection = (
  reading: YamlReading,
  group: GroupDraft,
  { section, depth }: { readonly section: YamlEntry; readonly depth: number },
): void => {
  const inside = SECTIONS.find((known) => known === section.key);
  if (inside === undefined) {
    const remedy = `${didYouMean(section.key, SECTIONS)}Below a group stand hosts:, children: and vars:.`;
    complain(reading, section.keyPlace, `${section.key} means nothing below group ${group.name}`, remedy);
    return;
  }
  const map = mapOf(reading, section, `${inside} of group ${group.name}`);
  if (inside === 'vars') {
    for (const variable of readVariables(reading, map)) setGroupVariable(reading.draft, group, variable);
    return;
  }
  for (const item of map === null ? [] : entriesOf(reading.tree, map)) {
    if (inside === 'hosts') readHost(reading, group, item);
    else readGroup(reading, item, group, depth + 1);
  }
};
