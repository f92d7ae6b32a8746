// Files of an inventory -> Inventory and everything that is wrong with them.
import type { Diagnostic } from './diagnostic.ts';
import type { Inventory, Variable } from './inventory.ts';
import {
  emptyDraft,
  warningAt,
  type GroupDraft,
  type InventoryDraft,
  type VariableLayers,
} from './inventory-groups.ts';
import { isIniInventory, readIniInventory } from './inventory-ini.ts';
import { readYamlInventory } from './inventory-yaml.ts';
import { encrypted, unreadable } from './program-inventory.ts';
import { resolveDraft } from './resolve-inventory.ts';
import { readYamlVariables } from './yaml-variables.ts';

/** A file, as it was read. */
export interface InventorySource {
  /** As messages name it. */
  readonly file: string;
  readonly text: string;
}

/** A file of group_vars/ or host_vars/, as it was read. */
export interface VariableSource extends InventorySource {
  readonly of: { readonly kind: 'group' | 'host'; readonly name: string };
  /** The number of the inventory that the folder is beside: a later one wins. */
  readonly layer: number;
}

export interface InventoryResult {
  readonly inventory: Inventory;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads hosts and groups of several files, in the order given: of two that set the same variable the later wins. */
export const draftInventory = (sources: readonly InventorySource[]): InventoryDraft => {
  const draft = emptyDraft();
  for (const { file, text } of sources) {
    const wrong = unreadable(file, text);
    if (wrong !== null) draft.diagnostics.push(wrong);
    else if (isIniInventory(file, text)) readIniInventory(draft, file, text);
    else readYamlInventory(draft, file, text);
  }
  return draft;
};

/**
 * Adds the files of variables, in the order given, and resolves: they win over the inventory itself, as in Ansible.
 * With an error among the diagnostics the inventory must not be used.
 */
export const finishInventory = (
  draft: InventoryDraft,
  sources: readonly VariableSource[],
  name: string,
): InventoryResult => {
  for (const source of sources) {
    const { file, text, of, layer } = source;
    const owner = (of.kind === 'group' ? draft.groups : draft.hosts).get(of.name);
    const wrong = encrypted(file, text);
    if (wrong !== null) draft.diagnostics.push(wrong);
    else if (owner !== undefined) readYamlVariables(draft, source, layerOf(owner, layer));
  }
  for (const group of draft.groups.values()) warnOfRank(draft, group);
  return resolveDraft(draft, name);
};

const layerOf = ({ layers }: { readonly layers: VariableLayers }, number: number): Map<string, Variable> => {
  const variables = layers.get(number) ?? new Map<string, Variable>();
  layers.set(number, variables);
  return variables;
};

/** Somebody who ranks a group in group_vars/ would see its variables lose without a word. */
const warnOfRank = (draft: InventoryDraft, { layers }: GroupDraft): void => {
  for (const variables of layers.values()) {
    const place = variables.get('ansible_group_priority')?.keyPlace;
    if (place === undefined) continue;
    const message = 'ansible_group_priority means nothing in group_vars/, in Ansible neither';
    draft.diagnostics.push(warningAt(place, message, 'Set it in the inventory itself.'));
  }
};

/** Reads an inventory of one file: YAML, or INI when its name or its first line says so. */
export const parseInventory = (text: string, file: string): InventoryResult =>
  finishInventory(draftInventory([{ file, text }]), [], file);
