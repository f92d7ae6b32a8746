// The inventory's files -> the settings of the hosts that are meant. Nothing is connected to yet.
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { carrierDiagnostics, carriersLast } from '../core/carriers.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import type { InventoryHost } from '../core/inventory.ts';
import { parseInventoryFiles, type InventorySource } from '../core/parse-inventory.ts';
import { selectHosts } from '../core/select-hosts.ts';
import { parseAllSettings } from '../core/settings-parse.ts';
import type { Settings } from '../core/settings.ts';
import type { ConnectOptions } from './options.ts';
import { readPamTemplates, templateDiagnostics } from './pam-templates.ts';
import { UsageError, type Surroundings } from './surroundings.ts';
import { wayDefaults } from './way-defaults.ts';

/** What an inventory's text may weigh, one file; 10,000 hosts with variables are about 2 MiB. */
const INVENTORY_BYTES_MAX = 64 * 1024 * 1024;
const VARIABLE_FILES_MAX = 20_000;
/** Names looked for in an inventory folder, in this order; the first that is there is the inventory. */
const NAMES_IN_FOLDER = [
  'inventory.yml',
  'inventory.yaml',
  'hosts.yml',
  'hosts.yaml',
  'hosts',
  'inventory.ini',
  'hosts.ini',
];

/** The hosts that are meant. With an error among the diagnostics nothing may be done. */
export interface Fleet {
  /** As messages name it. */
  readonly inventory: string;
  readonly settings: readonly Settings[];
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
  const file = await findInventory(options, surroundings);
  const sources: readonly InventorySource[] = [
    { file, text: await readText(resolve(surroundings.cwd, file)), variablesOf: null },
    ...(await variableFiles(dirname(file), surroundings.cwd)),
  ];
  const { inventory, diagnostics } = parseInventoryFiles(sources, file);
  const known = new Set(inventory.hosts.map(({ name }) => name));
  const groups = new Map([...inventory.groups.values()].map((group) => [group.name, group.hosts]));
  if (hasErrors(diagnostics)) return { inventory: file, settings: [], hosts: [], diagnostics, known, groups };
  const selected = selectHosts(inventory, { hosts: options.hosts, limit: options.limit });
  if (hasErrors(selected.diagnostics)) {
    return {
      inventory: file,
      settings: [],
      hosts: [],
      diagnostics: [...diagnostics, ...selected.diagnostics],
      known,
      groups,
    };
  }
  const hosts = selected.hosts.filter(({ name }) => only === null || only.has(name));
  if (hosts.length === 0 && selected.hosts.length > 0) {
    throw new UsageError(`${file} has none of the hosts that are left: nothing to do`);
  }
  if (hosts.length === 0) throw new UsageError(`${file} has no hosts: nothing to do`);
  const templates = await readPamTemplates(hosts, {
    folder: resolve(surroundings.cwd, dirname(file)),
    home: surroundings.home,
  });
  const ways = await wayDefaults(hosts, options, surroundings);
  const { settings, diagnostics: more } = parseAllSettings(hosts, { ...ways, templates });
  return {
    inventory: file,
    settings: carriersLast(settings).map((each) => withKey(each, options.privateKey)),
    hosts,
    diagnostics: [
      ...diagnostics,
      ...selected.diagnostics,
      ...more,
      ...templateDiagnostics(settings),
      ...carrierDiagnostics(settings, hosts),
    ],
    known,
    groups,
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

const findInventory = async (options: ConnectOptions, { cwd, env, home }: Surroundings): Promise<string> => {
  const named = options.inventory ?? (env['DUO_FLEET_INVENTORY'] || null);
  if (named !== null) {
    const path = named.startsWith('~/') ? join(home, named.slice(2)) : named;
    const found = await inventoryAt(path, cwd);
    if (found !== null) return found;
    throw new UsageError(`there is no inventory ${named}`);
  }
  const found = (await inventoryAt('inventory.yml', cwd)) ?? (await inventoryAt('inventory', cwd));
  if (found !== null) return found;
  throw new UsageError(
    'no inventory: name one, set DUO_FLEET_INVENTORY, or put inventory.yml or inventory/ into this folder',
  );
};

/** The inventory at a path, which may be a folder; `null` when there is none. */
const inventoryAt = async (path: string, cwd: string): Promise<string | null> => {
  const kind = await kindOf(resolve(cwd, path));
  if (kind === 'file') return path;
  if (kind !== 'folder') return null;
  for (const name of NAMES_IN_FOLDER) {
    if ((await kindOf(resolve(cwd, path, name))) === 'file') return join(path, name);
  }
  return null;
};

const kindOf = async (path: string): Promise<'file' | 'folder' | 'none'> => {
  const found = await stat(path).catch(() => null);
  if (found === null) return 'none';
  return found.isDirectory() ? 'folder' : 'file';
};

const readText = async (path: string): Promise<string> => {
  try {
    const { size } = await stat(path);
    if (size > INVENTORY_BYTES_MAX)
      throw new UsageError(`${path} is too large for an inventory (${size} bytes)`);
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (thrown) {
    if (thrown instanceof UsageError) throw thrown;
    const what =
      thrown instanceof TypeError ? 'it is not UTF-8' : thrown instanceof Error ? thrown.message : '';
    throw new UsageError(`${path} could not be read: ${what}`);
  }
};

/** group_vars/NAME.yml, group_vars/NAME/*.yml and the same for hosts, beside the inventory, as Ansible reads them. */
const variableFiles = async (folder: string, cwd: string): Promise<readonly InventorySource[]> => {
  const sources: InventorySource[] = [];
  for (const kind of ['group', 'host'] as const) {
    const base = join(folder, `${kind}_vars`);
    for (const entry of await namesIn(resolve(cwd, base))) {
      const path = join(base, entry);
      if ((await kindOf(resolve(cwd, path))) === 'folder') {
        for (const inner of await namesIn(resolve(cwd, path))) {
          if (isVariableFile(inner))
            sources.push(await variableSource(join(path, inner), { kind, name: entry }, cwd));
        }
      } else if (isVariableFile(entry)) {
        const name = basename(
          entry,
          extname(entry) === '.yml' || extname(entry) === '.yaml' ? extname(entry) : '',
        );
        sources.push(await variableSource(path, { kind, name }, cwd));
      }
      if (sources.length > VARIABLE_FILES_MAX)
        throw new UsageError(`${base} has more than ${VARIABLE_FILES_MAX} files`);
    }
  }
  return sources;
};

const namesIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder).catch(() => []))
    .filter((name) => !name.startsWith('.') && !name.endsWith('~'))
    .toSorted();

/** Ansible takes .yml, .yaml, .json and names without an ending. */
const isVariableFile = (name: string): boolean => ['', '.yml', '.yaml', '.json'].includes(extname(name));

const variableSource = async (
  path: string,
  variablesOf: NonNullable<InventorySource['variablesOf']>,
  cwd: string,
): Promise<InventorySource> => ({
  file: path,
  text: await readText(isAbsolute(path) ? path : resolve(cwd, path)),
  variablesOf,
});
