// Hosts x rules -> waves, and the gate between them: whether the next host may start.
import type { Verdict } from './verdict.ts';

/** So many hosts, or a share of all hosts of the run. */
export type Amount =
  { readonly kind: 'hosts'; readonly count: number } | { readonly kind: 'percent'; readonly percent: number };

/** Who goes first: so many of the first hosts, or those of one group of the inventory. */
export type CanaryRule = Amount | { readonly kind: 'group'; readonly group: string };

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
