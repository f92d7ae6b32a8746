// Hosts, groups and variables as in Ansible, each variable with the place where its winning value stands.
import type { Secret } from './secret.ts';

/** A place in a file that the operator wrote. */
export interface Place {
  readonly file: string;
  /** 1-based. */
  readonly line: number;
  /** 1-based, in UTF-16 units as editors count. */
  readonly column: number;
  /** The line as it stands in the file, secrets masked. */
  readonly source: string;
}

/** A value as YAML 1.1 reads it; texts of variables whose name says that they are secret are Secrets from here on. */
export type VariableValue =
  | string
  | number
  | boolean
  | null
  | Secret
  | readonly VariableValue[]
  | { readonly [key: string]: VariableValue };

/** Stands for a value that ansible-vault encrypted: it is nobody's mistake until somebody needs the value. */
export const VAULTED: VariableValue = Object.freeze({ '!vault': true });

export interface Variable {
  readonly name: string;
  readonly value: VariableValue;
  /** A number or boolean as it was written (`0644`, `yes`); `null` for everything else. */
  readonly written: string | null;
  readonly keyPlace: Place;
  readonly place: Place;
  /** Places of a list's elements; empty for anything else. */
  readonly items: readonly Place[];
}

export interface InventoryHost {
  readonly name: string;
  /** Where it is mentioned first. */
  readonly place: Place;
  /** All its groups, `all` first, then by depth, priority and name: a later one wins. */
  readonly groups: readonly string[];
  /** Merged by Ansible's precedence. */
  readonly variables: ReadonlyMap<string, Variable>;
}

export interface InventoryGroup {
  readonly name: string;
  /** Direct child groups. */
  readonly children: readonly string[];
  /** Its own hosts, then those of its descendants, level by level. */
  readonly hosts: readonly string[];
}

export interface Inventory {
  /** The file that was asked for, for messages about the inventory as a whole. */
  readonly file: string;
  /** In Ansible's order: the hosts that `all` names itself, those without a group, then group by group. */
  readonly hosts: readonly InventoryHost[];
  /** Their names in the order in which they are mentioned: a subscript behind a wildcard counts so. */
  readonly mentioned: readonly string[];
  readonly groups: ReadonlyMap<string, InventoryGroup>;
}
