// Variables of a YAML file, each with its place: what an inventory and the files of group_vars/ and host_vars/ share.
import { isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { errorAt, type InventoryDraft } from './inventory-groups.ts';
import { VAULTED, type Place, type Variable, type VariableValue } from './inventory.ts';
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

/** A YAML file that is being read into a draft. */
export interface YamlReading {
  readonly tree: YamlTree;
  readonly draft: InventoryDraft;
  /** Secret or not, by name: asked for thousands of times. */
  readonly secretNames: Map<string, boolean>;
}

/** Complains about a place. */
export const complain = (reading: YamlReading, place: Place, message: string, remedy = ''): void => {
  reading.draft.diagnostics.push(errorAt(place, message, remedy));
};

/** A mapping, or `null` for nothing there; anything else is an error. */
export const mapOf = (reading: YamlReading, entry: YamlEntry, what: string): YAMLMap | null => {
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
  if (value === null || value === VAULTED) return value;
  return isScalar(entry.node) ? new Secret(typeof value === 'string' ? value : writtenText(entry.node)) : [];
};

const variableOf = (reading: YamlReading, entry: YamlEntry): Variable => {
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

/** The variables of a mapping, in its order. */
export const readVariables = (reading: YamlReading, map: YAMLMap | null): readonly Variable[] =>
  map === null ? [] : entriesOf(reading.tree, map).map((entry) => variableOf(reading, entry));

/** Opens a file whose top is a mapping; `null` for what it has instead, with its diagnostics in the draft. */
export const openYaml = (
  draft: InventoryDraft,
  file: string,
  text: string,
): { readonly reading: YamlReading; readonly top: YAMLMap } | null => {
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
  return null;
};

/** Reads a file of variables (group_vars/NAME.yml, host_vars/NAME.yml) into a map. */
export const readYamlVariables = (
  draft: InventoryDraft,
  source: { readonly file: string; readonly text: string },
  into: Map<string, Variable>,
): void => {
  const read = openYaml(draft, source.file, source.text);
  if (read === null) return;
  for (const variable of readVariables(read.reading, read.top)) into.set(variable.name, variable);
  draft.diagnostics.push(...read.reading.tree.diagnostics);
};
