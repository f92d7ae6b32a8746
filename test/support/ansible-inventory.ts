// What Ansible itself says of inventories, beside what we say: the same hosts, groups and variables, or a refusal.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Diagnostic } from '../../src/core/diagnostic.ts';
import { VAULTED, type Inventory, type VariableValue } from '../../src/core/inventory.ts';
import { reveal, Secret } from '../../src/core/secret.ts';
import { hostListsOf, selectHosts } from '../../src/core/select-hosts.ts';
import { readHostLists, readInventories } from '../../src/cli/inventory-files.ts';
import { testSurroundings } from './surroundings.ts';

/** Debian's python, for which Debian's ansible-core is; another one may come first in PATH. */
const PYTHON = '/usr/bin/python3';
const OUTPUT_BYTES_MAX = 512 * 1024 * 1024;

/** Inventories, and patterns of hosts in them. */
export interface InventoryQuestion {
  /** The folder to be in. */
  readonly cwd: string;
  readonly sources: readonly string[];
  readonly limits: readonly string[];
}

/** What an inventory says. */
export interface InventoryAnswer {
  /** What there was to say about it; with one that is fatal the rest is empty. */
  readonly problems: readonly string[];
  readonly hosts: readonly string[];
  readonly groups: Readonly<
    Record<string, { readonly children: readonly string[]; readonly hosts: readonly string[] }>
  >;
  readonly members: Readonly<Record<string, readonly string[]>>;
  readonly variables: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** The hosts of each pattern, `null` for one that there was something to say about. */
  readonly limits: readonly (readonly string[] | null)[];
}

/** Ours also says which of its problems are errors, and where. */
export interface OurAnswer extends InventoryAnswer {
  readonly errors: readonly Diagnostic[];
}

/** Whether Ansible is on this machine. */
export const canAskAnsible = (): boolean =>
  spawnSync(PYTHON, ['-c', 'import ansible.inventory.manager']).status === 0;

/** Asks Ansible, all questions in one process. */
export const askAnsible = (questions: readonly InventoryQuestion[]): readonly InventoryAnswer[] => {
  const program = readFileSync(new URL('ansible-inventory.py', import.meta.url), 'utf8');
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', program], {
    input: JSON.stringify(questions),
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  if (status !== 0) throw new Error(`Ansible could not be asked: ${stderr}`);
  return (JSON.parse(stdout) as readonly Partial<InventoryAnswer>[]).map((answer) => ({
    ...empty,
    ...answer,
  }));
};

const empty: InventoryAnswer = {
  problems: [],
  hosts: [],
  groups: {},
  members: {},
  variables: {},
  limits: [],
};

/** Asks ourselves. */
export const askOurselves = async ({ cwd, sources, limits }: InventoryQuestion): Promise<OurAnswer> => {
  const { inventory, diagnostics } = await readInventories(sources, cwd);
  const errors = diagnostics.filter(({ severity }) => severity === 'error');
  const problems = diagnostics.map(({ message }) => message);
  if (errors.length > 0) return { ...empty, errors, problems };
  return {
    errors,
    problems,
    hosts: inventory.hosts.map(({ name }) => name),
    groups: Object.fromEntries(
      [...inventory.groups].map(([name, { children, hosts }]) => [name, { children, hosts }]),
    ),
    members: Object.fromEntries(
      inventory.hosts.map(({ name, groups }) => [name, groups.toSorted(byCodePoint)]),
    ),
    variables: Object.fromEntries(
      inventory.hosts.map(({ name, variables }) => [
        name,
        Object.fromEntries([...variables].map(([key, { value }]) => [key, opened(value)])),
      ]),
    ),
    limits: await Promise.all(limits.map((limit) => chosen(inventory, limit, cwd))),
  };
};

const byCodePoint = (left: string, right: string): number =>
  Buffer.compare(Buffer.from(left), Buffer.from(right));

const chosen = async (
  inventory: Inventory,
  limit: string,
  cwd: string,
): Promise<readonly string[] | null> => {
  const lists = await readHostLists(hostListsOf(limit), testSurroundings({ cwd }));
  const { hosts, diagnostics } = selectHosts(inventory, { hosts: [], limit, lists });
  return diagnostics.length > 0 ? null : hosts.map(({ name }) => name);
};

const opened = (value: VariableValue): unknown => {
  if (value === VAULTED) return { '!vault': true };
  if (value instanceof Secret) return reveal(value);
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, opened(each)]));
};

/** What we and Ansible do not agree on, in words; '' where we agree, or refuse. */
export const disagreement = (ours: OurAnswer, theirs: InventoryAnswer): string => {
  if (ours.errors.length > 0) return '';
  const fatal = theirs.problems.find((problem) => /parse|Error|Exception/.test(problem));
  if (fatal !== undefined) return `Ansible refuses: ${fatal}`;
  for (const part of ['hosts', 'groups', 'members', 'variables'] as const) {
    const [left, right] = [stable(ours[part]), stable(theirs[part])];
    if (left !== right) return `${part}: ours ${left}\nAnsible's ${right}`;
  }
  for (const [at, hosts] of theirs.limits.entries()) {
    const mine = ours.limits[at] ?? null;
    if (mine === null || stable(mine) === stable(hosts)) continue;
    return `limit ${at}: ours ${stable(mine)}\nAnsible's ${stable(hosts)}`;
  }
  return '';
};

/** JSON with every mapping's names in order. */
const stable = (value: unknown): string =>
  JSON.stringify(value, (_key, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([left], [right]) => byCodePoint(left, right)))
      : each,
  );
