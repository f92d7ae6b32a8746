// The files of one or several inventories, found and read as Ansible does.
// Source: ansible lib/ansible/inventory/manager.py (parse_source), plugins/vars/host_group_vars.py.
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isPlanFile } from '../core/approved-plan.ts';
import type { Diagnostic } from '../core/diagnostic.ts';
import { warningAt } from '../core/inventory-groups.ts';
import {
  draftInventory,
  finishInventory,
  type InventoryResult,
  type InventorySource,
  type VariableSource,
} from '../core/parse-inventory.ts';
import type { HostList } from '../core/select-hosts.ts';
import { assignEntries, isVariableFile, isVariableFolder } from '../core/variable-files.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** What an inventory's text may weigh, one file; 10,000 hosts with variables are about 2 MiB. */
const INVENTORY_BYTES_MAX = 64 * 1024 * 1024;
const INVENTORY_FILES_MAX = 10_000;
const VARIABLE_FILES_MAX = 100_000;
/** Folders within folders; a link to a folder above would never end. */
const FOLDER_DEPTH_MAX = 16;
/** Files read at the same time. */
const READS_MAX = 64;

/** Passed over in a folder that is an inventory; Ansible's INVENTORY_IGNORE_EXTS, .ini and .cfg among them. */
const PASSED_OVER =
  /^\.|^(?:host_vars|group_vars|vars_plugins)$|(?:\.pyc|\.pyo|\.swp|\.bak|~|\.rpm|\.md|\.txt|\.rst|\.orig|\.ini|\.cfg|\.retry)$/;

/**
 * The inventories that are meant, as they were named: one path, or several with commas between.
 * @throws UsageError when there is none
 */
export const findInventories = async (
  given: string | null,
  { cwd, env, home }: Surroundings,
): Promise<readonly string[]> => {
  const isThere = async (path: string): Promise<boolean> => (await kindOf(resolve(cwd, path))) !== 'none';
  const named = given ?? (env['DUO_FLEET_INVENTORY'] || null);
  if (named === null) {
    for (const usual of ['inventory.yml', 'inventory']) if (await isThere(usual)) return [usual];
    throw new UsageError(
      'no inventory: name one, set DUO_FLEET_INVENTORY, or put inventory.yml or inventory/ into this folder',
    );
  }
  const atHome = (path: string): string => (path.startsWith('~/') ? join(home, path.slice(2)) : path);
  if (await isThere(atHome(named))) return [atHome(named)];
  const paths = named.split(',').map((path) => path.trim());
  for (const path of paths) {
    if (path !== '' && (await isThere(atHome(path)))) continue;
    const list = paths.length > 1 ? ' (hosts are chosen with --host and --limit, not listed here)' : '';
    throw new UsageError(`there is no inventory ${path === '' ? named : path}${list}`);
  }
  return paths.map(atHome);
};

/**
 * Reads inventories and the group_vars/ and host_vars/ beside them; a later one wins over an earlier one.
 * @throws UsageError when a file cannot be read
 */
export const readInventories = async (paths: readonly string[], cwd: string): Promise<InventoryResult> => {
  const sources: InventorySource[] = [];
  const folders: string[] = [];
  for (const path of paths) {
    const whole = await isFolder(resolve(cwd, path));
    folders.push(whole ? path : dirname(path));
    const files = whole ? await inventoryFilesIn(path, cwd) : [path];
    const read = await readAll(files, cwd);
    refusePlans(read);
    sources.push(...read);
  }
  const draft = draftInventory(sources);
  const variables: VariableSource[] = [];
  const diagnostics: Diagnostic[] = [];
  const absolute = folders.map((folder) => resolve(cwd, folder));
  for (const [layer, folder] of folders.entries()) {
    // Two inventories in one folder share what is beside them, and the later one is the one that wins.
    if (absolute.lastIndexOf(resolve(cwd, folder)) !== layer) continue;
    for (const kind of ['group', 'host'] as const) {
      const base = join(folder, `${kind}_vars`);
      const entries = await entriesIn(base, cwd);
      const owners = (kind === 'group' ? draft.groups : draft.hosts).keys();
      const { assigned, diagnostics: unread } = assignEntries([...entries.keys()], owners, {
        folder: base,
        kind,
      });
      diagnostics.push(...unread);
      const found: { readonly path: string; readonly name: string }[] = [];
      for (const { owner, entry } of assigned) {
        const path = join(base, entry);
        const paths = entries.get(entry) === 'folder' ? await variableFilesIn(path, cwd) : [path];
        found.push(...paths.map((each) => ({ path: each, name: owner })));
      }
      if (found.length > VARIABLE_FILES_MAX)
        throw new UsageError(`${base} has more than ${VARIABLE_FILES_MAX} files`);
      const read = await readAll(
        found.map(({ path }) => path),
        cwd,
      );
      variables.push(
        ...read.map((source, at) => ({ ...source, layer, of: { kind, name: found[at]?.name ?? '' } })),
      );
    }
  }
  diagnostics.push(...(await besideNobody(absolute, cwd)));
  const result = finishInventory(draft, variables, paths.join(','));
  return { ...result, diagnostics: [...result.diagnostics, ...diagnostics] };
};

/** A plan is for `apply`, where nothing else is named; its errors as an inventory would tell nobody that. @throws UsageError */
const refusePlans = (sources: readonly InventorySource[]): void => {
  const plan = sources.find(({ text }) => isPlanFile(text));
  if (plan === undefined) return;
  throw new UsageError(
    `${plan.file} is a plan that plan --out has written, and no inventory: only apply takes one, as the one file on its command line (no -i beside it, no pipe, not from DUO_FLEET_INVENTORY)`,
  );
};

/** Where playbooks lie, Ansible reads group_vars/ beside them, too; whoever keeps variables there must not miss them here. */
const besideNobody = async (folders: readonly string[], cwd: string): Promise<readonly Diagnostic[]> => {
  if (folders.includes(resolve(cwd))) return [];
  const here = ['group_vars', 'host_vars'];
  const isHere = await Promise.all(here.map((name) => isFolder(resolve(cwd, name))));
  return here
    .filter((_name, at) => isHere[at])
    .map((name) => {
      const place = { file: `${name}/`, line: 0, column: 0, source: '' };
      const message = 'is not read: it is in this folder, and not beside the inventory';
      return warningAt(
        place,
        message,
        `Where it holds what duo-fleet needs, link it there: ln -s ${resolve(cwd, name)} ${folders[0] ?? ''}/`,
      );
    });
};

/** Reads the files that --limit names (`@failed.txt`); what is wrong with one is told where it is used. */
export const readHostLists = async (
  names: readonly string[],
  { cwd, home }: Surroundings,
): Promise<ReadonlyMap<string, HostList>> => {
  const lists = new Map<string, HostList>();
  for (const name of names) {
    const path = resolve(cwd, name.startsWith('~/') ? join(home, name.slice(2)) : name);
    const kind = await kindOf(path);
    if (kind === 'none') lists.set(name, { problem: 'is not there' });
    else if (kind === 'folder') lists.set(name, { problem: 'is a folder, and must be a file of host names' });
    else lists.set(name, { text: await readText(path) });
  }
  return lists;
};

/** Whether there is a folder at a path. */
export const isFolder = async (path: string): Promise<boolean> => (await kindOf(path)) === 'folder';

type Kind = 'file' | 'folder' | 'other' | 'none';

const kindOf = async (path: string): Promise<Kind> => {
  const found = await stat(path).catch(() => null);
  if (found === null) return 'none';
  if (found.isFile()) return 'file';
  return found.isDirectory() ? 'folder' : 'other';
};

/** The files of a folder that is an inventory, those of the folders in it where they stand among the others. */
const inventoryFilesIn = async (folder: string, cwd: string, depth = 0): Promise<readonly string[]> => {
  const files: string[] = [];
  for (const [name, kind] of await entriesIn(folder, cwd, depth)) {
    if (PASSED_OVER.test(name)) continue;
    const path = join(folder, name);
    if (kind === 'folder') files.push(...(await inventoryFilesIn(path, cwd, depth + 1)));
    else if (kind === 'file') files.push(path);
    else throw new UsageError(`${path} is no file and no folder`);
    if (files.length > INVENTORY_FILES_MAX)
      throw new UsageError(`${folder} has more than ${INVENTORY_FILES_MAX} files`);
  }
  return files;
};

/** The files of a group's or host's folder. */
const variableFilesIn = async (folder: string, cwd: string, depth = 0): Promise<readonly string[]> => {
  const files: string[] = [];
  for (const [name, kind] of await entriesIn(folder, cwd, depth)) {
    const path = join(folder, name);
    if (kind === 'folder' && isVariableFolder(name))
      files.push(...(await variableFilesIn(path, cwd, depth + 1)));
    else if (kind === 'file' && isVariableFile(name)) files.push(path);
  }
  return files;
};

/**
 * What is in a folder, in the order of the code points, as Python sorts; nothing in one that is not there.
 * @throws UsageError where it cannot be read: what is in there must not be passed over
 */
const entriesIn = async (folder: string, cwd: string, depth = 0): Promise<ReadonlyMap<string, Kind>> => {
  if (depth > FOLDER_DEPTH_MAX) throw new UsageError(`${folder}: folders are nested too deep`);
  const absolute = resolve(cwd, folder);
  let entries: readonly Dirent[];
  try {
    entries = await readdir(absolute, { withFileTypes: true });
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') return new Map();
    throw new UsageError(`${folder} could not be read: ${code ?? 'unknown'}`);
  }
  const sorted = entries.toSorted((left, right) =>
    Buffer.compare(Buffer.from(left.name), Buffer.from(right.name)),
  );
  const kinds = new Map<string, Kind>();
  for (const entry of sorted) {
    const isPlain = entry.isFile() || entry.isDirectory();
    const plain = entry.isFile() ? 'file' : 'folder';
    kinds.set(entry.name, isPlain ? plain : await kindOf(join(absolute, entry.name)));
  }
  return kinds;
};

const readAll = async (paths: readonly string[], cwd: string): Promise<readonly InventorySource[]> => {
  const sources: InventorySource[] = [];
  for (let at = 0; at < paths.length; at += READS_MAX) {
    const some = paths.slice(at, at + READS_MAX);
    const texts = await Promise.all(some.map((path) => readText(resolve(cwd, path))));
    sources.push(...some.map((file, index) => ({ file, text: texts[index] ?? '' })));
  }
  return sources;
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
