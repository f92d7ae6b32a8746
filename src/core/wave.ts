// Hosts x rules -> waves, and the gate between them: whether the next host may start.
import type { Verdict } from './verdict.ts';

/** So many hosts, or a share of all hosts of the run. */
export type Amount =
  { readonly kind: 'hosts'; readonly count: number } | { readonly kind: 'percent'; readonly percent: number };

/** Who goes first: so many of the first hosts, or those of one group of the inventory. */
export type CanaryRule = Amount | { readonly kind: 'group'; readonly group: string };

/** What becomes of the hosts that a run has confirmed, when more have failed than may: they stay, or are rolled back. */
export const ON_FAILURE = ['stop', 'rollback-run'] as const;
export type OnFailure = (typeof ON_FAILURE)[number];

/** How a run goes about its hosts. */
export interface RolloutRules {
  readonly canary: CanaryRule;
  /** Sizes of the waves after the canary; the last repeats. Never empty. */
  readonly serial: readonly Amount[];
  /** How many hosts may fail; one more halts the run. */
  readonly maxFailures: Amount;
  /** Seconds for which the canary is watched before it is confirmed; 0: confirmed at once. */
  readonly bakeS: number;
  /** The same for each wave after it. */
  readonly bakeWaveS: number;
  readonly onFailure: OnFailure;
}

/** Hosts that run together. Waves are counted from 1. */
export interface Wave {
  readonly kind: 'canary' | 'serial';
  /** In the order of the inventory; never empty. */
  readonly hosts: readonly string[];
  readonly bakeS: number;
}

/** What a run is going to do, in which order; part of its journal's first event. */
export interface Rollout {
  readonly rules: RolloutRules;
  readonly waves: readonly Wave[];
  /** `rules.maxFailures` in hosts of this run. */
  readonly failuresMax: number;
}

/** What a gate said, and why, in a sentence for people. */
export interface GateDecision {
  readonly decision: 'go-on' | 'halt';
  readonly why: string;
  /** Hosts of the run that have failed by then. */
  readonly failures: number;
}

/** `null`: nobody knows what became of the host, which counts as a failure. */
export type Outcome = Verdict | null;

/** What holds where the operator says nothing: one canary, then all the others, and no failure is tolerated. */
export const DEFAULT_RULES: RolloutRules = {
  canary: { kind: 'hosts', count: 1 },
  serial: [{ kind: 'percent', percent: 100 }],
  maxFailures: { kind: 'hosts', count: 0 },
  bakeS: 0,
  bakeWaveS: 0,
  onFailure: 'stop',
};

/** `3` or `10%`; `null` for anything else. */
export const parseAmount = (text: string): Amount | null => {
  const [, digits, sign] = /^(\d{1,6})(%?)$/.exec(text) ?? [];
  if (digits === undefined) return null;
  const number = Number(digits);
  if (sign === '') return { kind: 'hosts', count: number };
  return number <= 100 ? { kind: 'percent', percent: number } : null;
};

/** Never more than the share that was asked for, but for a share of less than one host: then one, since 1% of 20 is not nobody. */
const sizeOf = (amount: Amount, total: number): number => {
  if (amount.kind === 'hosts') return Math.min(amount.count, total);
  const share = Math.floor((total * amount.percent) / 100);
  return amount.percent > 0 && total > 0 ? Math.max(1, share) : share;
};

/** Failures that are tolerated: rounded down to the last, so that a share of less than one host tolerates none. */
const budgetOf = (amount: Amount, total: number): number =>
  amount.kind === 'hosts' ? amount.count : Math.floor((total * amount.percent) / 100);

/** The canaries by the rule. @param groups the inventory's groups, each with its hosts */
export const canariesOf = (
  hosts: readonly string[],
  rule: CanaryRule,
  groups: ReadonlyMap<string, readonly string[]>,
): readonly string[] => {
  if (rule.kind !== 'group') return hosts.slice(0, sizeOf(rule, hosts.length));
  const members = new Set(groups.get(rule.group));
  return hosts.filter((host) => members.has(host));
};

/**
 * The waves: the canaries first, if there are any, then the others in their order, as many at a time as `serial` says, and
 * in the end each host that others are reached through alone, also where it is one of several canaries. Percentages are of all
 * hosts of the run.
 * @param hosts in the order of the inventory
 * @param carriers hosts that others are reached through
 */
export const makeRollout = (
  hosts: readonly string[],
  canaries: readonly string[],
  rules: RolloutRules,
  carriers: readonly string[] = [],
): Rollout => {
  const alone = new Set(carriers);
  // Nobody goes together with those that are behind it; who names it alone wants it first.
  const light = canaries.filter((host) => !alone.has(host));
  const first = new Set(light.length === 0 ? canaries : light);
  const waves: Wave[] = [];
  if (first.size > 0) {
    waves.push({ kind: 'canary', hosts: hosts.filter((host) => first.has(host)), bakeS: rules.bakeS });
  }
  const later = hosts.filter((host) => !first.has(host));
  const rest = later.filter((host) => !alone.has(host));
  let at = 0;
  for (let turn = 0; at < rest.length; turn += 1) {
    const amount = rules.serial[Math.min(turn, rules.serial.length - 1)];
    // Should a size be nothing after all, the run ends all the same.
    const size = Math.max(1, amount === undefined ? rest.length : sizeOf(amount, hosts.length));
    waves.push({ kind: 'serial', hosts: rest.slice(at, at + size), bakeS: rules.bakeWaveS });
    at += size;
  }
  for (const host of later.filter((each) => alone.has(each))) {
    waves.push({ kind: 'serial', hosts: [host], bakeS: rules.bakeWaveS });
  }
  return { rules, waves, failuresMax: budgetOf(rules.maxFailures, hosts.length) };
};

/** Whether a host counts against the budget: whatever is not known to be well does. */
const isFailure = (outcome: Outcome): boolean => {
  switch (outcome) {
    case 'confirmed':
    case 'unchanged':
    case 'compliant':
    case 'planned':
    case 'skipped':
      return false;
    case 'rolled-back':
    case 'unreachable':
    case 'refused':
    case 'stranded':
    case 'drifted':
    case null:
      return true;
    default:
      return outcome satisfies never;
  }
};

/** Hosts named in a sentence; the rest are counted. */
const HOSTS_NAMED_MAX = 6;

/**
 * What the gate says of the hosts that have started and come to an end, over the whole run: it halts when more hosts have
 * failed than may.
 */
export const judgeGate = (outcomes: ReadonlyMap<string, Outcome>, failuresMax: number): GateDecision => {
  let failures = 0;
  const named: string[] = [];
  // Asked after each host of thousands: nothing is built here that is not told.
  for (const [host, outcome] of outcomes) {
    if (!isFailure(outcome)) continue;
    failures += 1;
    if (named.length < HOSTS_NAMED_MAX) named.push(`${host} ${outcome ?? 'unknown'}`);
  }
  const decision = failures > failuresMax ? 'halt' : 'go-on';
  if (failures === 0) return { decision, failures, why: 'no host failed' };
  const more = failures - named.length;
  const who = `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const may = failuresMax === 0 ? 'none' : String(failuresMax);
  return { decision, failures, why: `${hostsText(failures)} failed, and ${may} may: ${who}` };
};

/** Whether a run that came to this puts back what it has confirmed. */
export const undoesItself = (rollout: Rollout | null, outcomes: ReadonlyMap<string, Outcome>): boolean =>
  rollout?.rules.onFailure === 'rollback-run' && judgeGate(outcomes, rollout.failuresMax).decision === 'halt';

/** `1 host`, `12 hosts`. */
export const hostsText = (count: number): string => `${count} ${count === 1 ? 'host' : 'hosts'}`;
