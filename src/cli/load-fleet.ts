// The inventory's files -> the settings of the hosts that are meant. Nothing is connected to yet.
import { dirname, resolve } from 'node:path';
import { carrierDiagnostics, carrierNames, carriersLast } from '../core/carriers.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import type { InventoryHost } from '../core/inventory.ts';
import { hostListsOf, selectHosts } from '../core/select-hosts.ts';
import { parseAllSettings } from '../core/settings-parse.ts';
import type { Settings } from '../core/settings.ts';
import { findInventories, isFolder, readHostLists, readInventories } from './inventory-files.ts';
import type { ConnectOptions } from './options.ts';
import { readPamTemplates, templateDiagnostics } from './pam-templates.ts';
import { UsageError, type Surroundings } from './surroundings.ts';
import { wayDefaults } from './way-defaults.ts';

/** The hosts that are meant. With an error among the diagnostics nothing may be done. */
export interface Fleet {
  /** As messages name it. */
  readonly inventory: string;
  /** Absolute: one path, or several with commas between. */
  readonly paths: string;
  readonly settings: readonly Settings[];
  /** Those that others are reached through, in their order. */
  readonly carriers: readonly string[];
  /** The same hosts as the inventory has them, for the places of their variables. */
  readonly hosts: readonly InventoryHost[];
  readonly diagnostics: readonly Diagnostic[];
  /** Names of all hosts of the inventory, also those that are not meant. */
  readonly known: ReadonlySet<string>;
  /** All groups of the inventory, each with the names of its hosts, those of the groups inside it too. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/**
 * Finds and reads the inventory, chooses the hosts, checks their settings.
 * @param only of the chosen ones, these; `null`: all
 * @throws UsageError when there is no inventory or it cannot be read
 */
export const loadFleet = async (
  options: ConnectOptions,
  surroundings: Surroundings,
  only: ReadonlySet<string> | null = null,
): Promise<Fleet> => {
  const { cwd } = surroundings;
  const paths = await findInventories(options.inventory, surroundings);
  const { inventory, diagnostics } = await readInventories(paths, cwd);
  const named = {
    inventory: inventory.file,
    paths: paths.map((path) => resolve(cwd, path)).join(','),
    known: new Set(inventory.hosts.map(({ name }) => name)),
    groups: new Map([...inventory.groups.values()].map((group) => [group.name, group.hosts])),
  };
  if (hasErrors(diagnostics)) return { ...named, settings: [], carriers: [], hosts: [], diagnostics };
  const { hosts: names, limit } = options;
  const lists = await readHostLists(hostListsOf(limit), surroundings);
  const selected = selectHosts(inventory, { hosts: names, limit, lists });
  if (hasErrors(selected.diagnostics)) {
    const all = [...diagnostics, ...selected.diagnostics];
    return { ...named, settings: [], carriers: [], hosts: [], diagnostics: all };
  }
  const hosts = selected.hosts.filter(({ name }) => only === null || only.has(name));
  if (hosts.length === 0 && selected.hosts.length > 0) {
    throw new UsageError(`${inventory.file} has none of the hosts that are left: nothing to do`);
  }
  if (hosts.length === 0) throw new UsageError(`${inventory.file} has no hosts: nothing to do`);
  const first = resolve(cwd, paths[0] ?? '');
  const templates = await readPamTemplates(hosts, {
    folder: (await isFolder(first)) ? first : dirname(first),
    home: surroundings.home,
  });
  const ways = await wayDefaults(hosts, options, surroundings);
  const { settings, diagnostics: more } = parseAllSettings(hosts, { ...ways, templates });
  const ordered = carriersLast(settings);
  return {
    ...named,
    settings: ordered.map((each) => withKey(each, options.privateKey)),
    carriers: carrierNames(ordered),
    hosts,
    diagnostics: [
      ...diagnostics,
      ...selected.diagnostics,
      ...more,
      ...templateDiagnostics(settings),
      ...carrierDiagnostics(settings, hosts),
    ],
  };
};

/** The same with these hosts alone. */
export const partOf = (fleet: Fleet, names: readonly string[]): Fleet => {
  const chosen = new Set(names);
  return {
    ...fleet,
    settings: fleet.settings.filter(({ host }) => chosen.has(host)),
    carriers: fleet.carriers.filter((host) => chosen.has(host)),
    hosts: fleet.hosts.filter(({ name }) => chosen.has(name)),
  };
};

/** Whether anything among them forbids to go on. */
export const hasErrors = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some(({ severity }) => severity === 'error');

/** --private-key is for hosts whose inventory names none: a nearer word wins, as with Ansible's flag of that name. */
const withKey = (settings: Settings, privateKey: string | null): Settings =>
  privateKey === null || settings.connection.privateKeyFile !== null
    ? settings
    : { ...settings, connection: { ...settings.connection, privateKeyFile: privateKey } };
