// Files of an inventory -> Inventory and everything that is wrong with them.
import type { Diagnostic } from './diagnostic.ts';
import type { Inventory } from './inventory.ts';
import { addGroup, emptyDraft, resolveDraft, warningAt } from './inventory-groups.ts';
import { isIniInventory, readIniInventory } from './inventory-ini.ts';
import { readYamlInventory, readYamlVariables } from './inventory-yaml.ts';

/** A file that belongs to an inventory, as it was read. */
export interface InventorySource {
  /** As messages name it. */
  readonly file: string;
  readonly text: string;
  /** A file of variables (group_vars/NAME.yml, host_vars/NAME.yml); `null`: hosts and groups. */
  readonly variablesOf: { readonly kind: 'group' | 'host'; readonly name: string } | null;
}

export interface InventoryResult {
  readonly inventory: Inventory;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads an inventory of several files, in the order given; of two that set the same variable of the same group or
 * host the later wins, and group_vars/ and host_vars/ win over the inventory itself, as in Ansible.
 * With an error among the diagnostics the inventory must not be used.
 */
export const parseInventoryFiles = (sources: readonly InventorySource[], name: string): InventoryResult => {
  const draft = emptyDraft();
  for (const { file, text, variablesOf } of sources) {
    if (variablesOf !== null) continue;
    if (isIniInventory(file, text)) readIniInventory(draft, file, text);
    else readYamlInventory(draft, file, text);
  }
  for (const { file, text, variablesOf } of sources) {
    if (variablesOf === null) continue;
    const owners = variablesOf.kind === 'group' ? draft.groups : draft.hosts;
    const implicit = variablesOf.kind === 'group' && ['all', 'ungrouped'].includes(variablesOf.name);
    const place = { file, line: 0, column: 0, source: '' };
    const owner =
      owners.get(variablesOf.name) ?? (implicit ? addGroup(draft, variablesOf.name, place) : undefined);
    if (owner === undefined) {
      const message = `there is no ${variablesOf.kind} ${variablesOf.name}, so that its variables are not used`;
      draft.diagnostics.push(warningAt(place, message));
      continue;
    }
    readYamlVariables(draft, file, text, owner.fileVariables);
  }
  return resolveDraft(draft, name);
};

/** Reads an inventory of one file: YAML, or INI when its name or its first line says so. */
export const parseInventory = (text: string, file: string): InventoryResult =>
  parseInventoryFiles([{ file, text, variablesOf: null }], file);
