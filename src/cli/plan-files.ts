// plan --out FILE and apply FILE: a plan that is written, read by people, and applied as it is or not at all.
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
  isPlanFile,
  parsePlanFile,
  planFileText,
  PlanFileError,
  type ApprovedChange,
  type ApprovedPlan,
  type PlanFile,
} from '../core/approved-plan.ts';
import type { Change } from '../core/change.ts';
import { changeDigest } from '../core/plan.ts';
import { printable } from '../core/printable.ts';
import { hostsText } from '../core/wave.ts';
import { namesText } from '../view/wave-words.ts';
import type { CarriedRun } from './carry-run.ts';
import { declaredOf } from './declared-version.ts';
import type { Fleet } from './load-fleet.ts';
import type { ConnectOptions } from './options.ts';
import { sha256 } from './sha256.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** 10,000 hosts are about 16 MiB. */
const PLAN_BYTES_MAX = 128 * 1024 * 1024;

/** A plan file, by the name under which it was given. */
export interface NamedPlan extends PlanFile {
  readonly file: string;
}

/** The plan file that is named where an inventory might be; `null`: it is none. @throws UsageError where it cannot be used */
export const readPlanFile = async (
  { inventory }: Pick<ConnectOptions, 'inventory'>,
  { cwd, home }: Surroundings,
): Promise<NamedPlan | null> => {
  if (inventory === null) return null;
  const path = resolve(cwd, inventory.startsWith('~/') ? join(home, inventory.slice(2)) : inventory);
  const status = await stat(path).catch(() => null);
  if (status === null || !status.isFile() || status.size > PLAN_BYTES_MAX) return null;
  const text = await readFile(path, 'utf8').catch(() => '');
  if (!isPlanFile(text)) return null;
  try {
    return { file: inventory, ...parsePlanFile(text, sha256) };
  } catch (thrown) {
    if (!(thrown instanceof PlanFileError)) throw thrown;
    const place = thrown.line === 0 ? '' : `:${thrown.line}:${thrown.column}`;
    throw new UsageError(`${inventory}${place}: ${thrown.message}`);
  }
};

/**
 * That a host that is named is one of the plan's: what is named and left alone would be taken for done.
 * @throws UsageError
 */
export const noneStrange = ({ file, plans }: NamedPlan, { hosts }: ConnectOptions): void => {
  const strangers = hosts.filter((host) => !plans.hosts.has(host));
  if (strangers.length === 0) return;
  throw new UsageError(
    `${file} does not plan ${namesText(strangers)}: leave out --host for its own hosts, or plan anew`,
  );
};

/**
 * That nobody is forgotten whom the plan has.
 * @throws UsageError where the inventory has lost one, and nothing says which hosts are meant
 */
export const noneLost = (plan: NamedPlan, fleet: Fleet, options: ConnectOptions): void => {
  if (options.hosts.length > 0 || options.limit !== undefined) return;
  const lost = [...plan.plans.hosts.keys()].filter((host) => !fleet.known.has(host));
  if (lost.length === 0) return;
  throw new UsageError(
    `${plan.file} plans ${namesText(lost)}, which ${fleet.inventory} does not have any more: plan anew, or choose the others with --limit`,
  );
};

/** A slip of the hand must not cost an inventory. @throws UsageError where a file is there that is no plan */
export const refuseOverwriting = async (path: string): Promise<void> => {
  const status = await stat(path).catch(() => null);
  if (status === null || !status.isFile() || status.size === 0) return;
  const text = status.size > PLAN_BYTES_MAX ? '' : await readFile(path, 'utf8').catch(() => '');
  if (isPlanFile(text)) return;
  throw new UsageError(`--out ${path}: there is a file that is no plan, and it is not overwritten`);
};

/** The plan's line before the question. */
export const planFileSummary = ({ file, run, madeAt, operator, plans }: NamedPlan): string => {
  const changed = [...plans.hosts.values()].filter(
    ({ changes }) => changes === null || changes.length > 0,
  ).length;
  return `${printable(file, 200)}: made ${printable(madeAt, 40)} by ${printable(operator, 80)} (run ${run}), ${hostsText(plans.hosts.size)}, ${changed} of them to be changed. A host that is not as it was then is refused.`;
};

/** The document of a run of `plan`: the hosts that could be planned. */
export const planFileOf = (
  { run, outcome, plans }: CarriedRun,
  fleet: Fleet,
  { operator, nowMs }: Surroundings,
): { readonly text: string; readonly planned: number; readonly left: readonly string[] } => {
  const settings = new Map(fleet.settings.map((each) => [each.host, each]));
  const hosts = new Map<string, ApprovedPlan>();
  const left: string[] = [];
  for (const { host, verdict } of outcome.results) {
    const plan = plans.get(host);
    const wish = settings.get(host);
    if (plan === undefined || wish === undefined || (verdict !== 'planned' && verdict !== 'unchanged'))
      left.push(host);
    else
      hosts.set(host, {
        digest: plan.digest,
        declared: declaredOf(wish),
        changes: plan.changes.map(approvedChange),
      });
  }
  const head = { run, madeAt: new Date(nowMs()).toISOString(), operator, inventory: fleet.paths };
  return { text: planFileText(head, hosts), planned: hosts.size, left };
};

const approvedChange = (change: Change): ApprovedChange => {
  const { step, kind, target } = change;
  return { step, kind, target, digest: changeDigest(change, sha256) };
};
