// Ansible's YAML inventory: groups with `hosts`, `children` and `vars`.
// Source: ansible lib/ansible/plugins/inventory/yaml.py.
import { isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import type { Diagnostic } from './diagnostic.ts';
import { expandHosts } from './host-range.ts';
import {
  addChild,
  addGroup,
  addHost,
  errorAt,
  INVENTORY_HOSTS_MAX,
  type InventoryDraft,
} from './inventory-groups.ts';
import type { Place, Variable, VariableValue } from './inventory.ts';
import { didYouMean } from './nearest-name.ts';
import { Secret } from './secret.ts';
import { isSecretName } from './variables.ts';
import {
  entriesOf,
  parseYaml,
  placeOf,
  plainValue,
  writtenText,
  type YamlEntry,
  type YamlTree,
} from './yaml-tree.ts';

/** Groups nested deeper than this are refused. */
const GROUP_DEPTH_MAX = 64;
const SECTIONS = ['hosts', 'children', 'vars'] as const;

interface Reading {
  readonly tree: YamlTree;
  readonly draft: InventoryDraft;
  /** Secret or not, by name: asked for thousands of times. */
  readonly secretNames: Map<string, boolean>;
}

const complain = (reading: Reading, place: Place, message: string, remedy = ''): void => {
  reading.draft.diagnostics.push(errorAt(place, message, remedy));
};

/** A mapping, or `null` for nothing there; anything else is an error. */
const mapOf = (reading: Reading, entry: YamlEntry, what: string): YAMLMap | null => {
  const { node } = entry;
  if (isMap(node)) return node;
  if (node !== null && !(isScalar(node) && node.value === null)) {
    const remedy = isSeq(node)
      ? 'Leave out the dashes and end each name with a colon.'
      : `Write the names below ${entry.key}:, indented, each with a colon at its end.`;
    complain(reading, entry.place, `${what} must be a mapping (name: ...)`, remedy);
  }
  return null;
};

/** The one way from text to a Secret: what is no text, number or boolean is left as something that no check takes. */
const secretValue = (entry: YamlEntry, value: VariableValue): VariableValue => {
  if (value === null) return null;
  return isScalar(entry.node) ? new Secret(typeof value === 'string' ? value : writtenText(entry.node)) : [];
};

const variableOf = (reading: Reading, entry: YamlEntry): Variable => {
  const { tree, secretNames } = reading;
  const { key: name, node, keyPlace, place } = entry;
  const secret = secretNames.get(name) ?? isSecretName(name);
  secretNames.set(name, secret);
  const value = plainValue(tree, node);
  const number = isScalar(node) && (typeof value === 'number' || typeof value === 'boolean');
  return {
    name,
    keyPlace,
    place,
    value: secret ? secretValue(entry, value) : value,
    written: number && !secret ? writtenText(node) : null,
    items: isSeq(node) ? node.items.map((item) => placeOf(tree, item as Node)) : [],
  };
};

const readVariables = (reading: Reading, map: YAMLMap | null, into: Map<string, Variable>): void => {
  if (map === null) return;
  for (const entry of entriesOf(reading.tree, map)) into.set(entry.key, variableOf(reading, entry));
};

const portVariable = (place: Place, port: number): Variable => ({
  name: 'ansible_port',
  value: port,
  written: String(port),
  keyPlace: place,
  place,
  items: [],
});

const readHost = (reading: Reading, group: string, entry: YamlEntry): void => {
  const expanded = expandHosts(entry.key);
  if (!expanded.ok) {
    complain(reading, entry.keyPlace, `this is no host: ${expanded.message}`);
    return;
  }
  const variables = new Map<string, Variable>();
  if (expanded.port !== null) variables.set('ansible_port', portVariable(entry.keyPlace, expanded.port));
  readVariables(reading, mapOf(reading, entry, `the variables of host ${entry.key}`), variables);
  for (const name of expanded.names) {
    const host = addHost(reading.draft, group, { name, place: entry.keyPlace });
    if (host === null) {
      complain(reading, entry.keyPlace, `the inventory has more than ${INVENTORY_HOSTS_MAX} hosts`);
      return;
    }
    for (const [key, variable] of variables) host.variables.set(key, variable);
  }
};

/** Group names as Ansible recommends them, with the hyphen and dot that inventories have; nothing that a pattern reads. */
const groupName = /^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u;

const readGroup = (reading: Reading, entry: YamlEntry, parent: string | null, depth: number): void => {
  const { draft, tree } = reading;
  const name = entry.key;
  if (!groupName.test(name)) {
    const message = 'this is no group: a name has letters, digits and _ . - only';
    complain(
      reading,
      entry.keyPlace,
      message,
      parent === null ? 'Hosts stand below a group, most often all:.' : '',
    );
    return;
  }
  if (depth > GROUP_DEPTH_MAX) {
    complain(reading, entry.keyPlace, 'groups are nested too deep');
    return;
  }
  const group = addGroup(draft, name, entry.keyPlace);
  if (parent !== null) addChild(addGroup(draft, parent, entry.keyPlace), group);
  const body = mapOf(reading, entry, `group ${name}`);
  if (body === null) return;
  for (const section of entriesOf(tree, body)) {
    const inside = SECTIONS.find((known) => known === section.key);
    if (inside === undefined) {
      const remedy = `${didYouMean(section.key, SECTIONS)}Below a group stand hosts:, children: and vars:.`;
      complain(reading, section.keyPlace, `${section.key} means nothing below group ${name}`, remedy);
      continue;
    }
    const map = mapOf(reading, section, `${inside} of group ${name}`);
    if (map === null) continue;
    if (inside === 'vars') {
      readVariables(reading, map, group.variables);
      continue;
    }
    for (const item of entriesOf(tree, map)) {
      if (inside === 'hosts') readHost(reading, name, item);
      else readGroup(reading, item, name, depth + 1);
    }
  }
};

const readTop = (
  draft: InventoryDraft,
  file: string,
  text: string,
): { readonly reading: Reading; readonly top: YAMLMap | null } | null => {
  const tree = parseYaml(file, text);
  if (!('document' in tree)) {
    draft.diagnostics.push(...tree);
    return null;
  }
  const reading = { tree, draft, secretNames: new Map<string, boolean>() };
  const top = tree.document.contents as Node | null;
  if (isMap(top)) return { reading, top };
  if (top !== null && !(isScalar(top) && top.value === null)) {
    complain(reading, placeOf(tree, top), 'the file must be a mapping (name: ...)');
  }
  return { reading, top: null };
};

/** Reads a YAML inventory into a draft. */
export const readYamlInventory = (draft: InventoryDraft, file: string, text: string): void => {
  const read = readTop(draft, file, text);
  if (read === null || read.top === null) return;
  for (const entry of entriesOf(read.reading.tree, read.top)) readGroup(read.reading, entry, null, 0);
  draft.diagnostics.push(...(read.reading.tree.diagnostics as readonly Diagnostic[]));
};

/** Reads a file of variables (group_vars/NAME.yml, host_vars/NAME.yml) into a map. */
export const readYamlVariables = (
  draft: InventoryDraft,
  file: string,
  text: string,
  into: Map<string, Variable>,
): void => {
  const read = readTop(draft, file, text);
  if (read === null) return;
  readVariables(read.reading, read.top, into);
  draft.diagnostics.push(...(read.reading.tree.diagnostics as readonly Diagnostic[]));
};
