// How a run goes about its hosts: --canary, --serial, --bake, --max-failures and what they come to for this fleet.
import { parseDuration } from '../core/duration.ts';
import { didYouMean } from '../core/nearest-name.ts';
import {
  canariesOf,
  DEFAULT_RULES,
  ON_FAILURE,
  makeRollout,
  parseAmount,
  type Amount,
  type CanaryRule,
  type OnFailure,
  type Rollout,
  type RolloutRules,
} from '../core/wave.ts';
import { oneText, type FlagReader } from './flag-reader.ts';
import type { Fleet } from './load-fleet.ts';
import { UsageError } from './surroundings.ts';

/** What was given on the command line; `null`: nothing was said. */
export interface RolloutOptions {
  readonly canary: CanaryRule | null;
  readonly serial: readonly Amount[] | null;
  readonly maxFailures: Amount | null;
  readonly bakeS: number | null;
  readonly bakeWaveS: number | null;
  readonly onFailure: OnFailure | null;
  readonly confirmWaves: boolean;
}

/** Sizes in one --serial; the last repeats, so nobody needs many. */
const SERIAL_MAX = 50;
/** All the while somebody's connection has to hold. */
const BAKE_S_MAX = 24 * 3600;

/** Reads them; mistakes are the reader's. */
export const readRolloutOptions = ({ given, check, flag }: FlagReader): RolloutOptions => ({
  canary: check(() => canaryRule(oneText('canary', given('canary'))), null),
  serial: check(() => serialSizes(oneText('serial', given('serial'))), null),
  maxFailures: check(() => amount('max-failures', oneText('max-failures', given('max-failures'))), null),
  bakeS: check(() => duration('bake', oneText('bake', given('bake'))), null),
  bakeWaveS: check(() => duration('bake-wave', oneText('bake-wave', given('bake-wave'))), null),
  onFailure: check(() => onFailure(oneText('on-failure', given('on-failure'))), null),
  confirmWaves: flag('confirm-waves'),
});

/**
 * The waves of a fleet.
 * @param base what holds where nothing was said
 * @param earlier the canaries that an earlier run has left, which go first where no others are asked for
 * @throws UsageError where the rules do not fit the fleet
 */
export const rolloutOf = (
  { settings, carriers, groups, inventory }: Pick<Fleet, 'settings' | 'carriers' | 'groups' | 'inventory'>,
  options: RolloutOptions,
  { base, earlier }: { readonly base: RolloutRules; readonly earlier: readonly string[] | null },
): Rollout => {
  const hosts = settings.map(({ host }) => host);
  const rules: RolloutRules = {
    canary: options.canary ?? base.canary,
    serial: options.serial ?? base.serial,
    maxFailures: options.maxFailures ?? base.maxFailures,
    bakeS: options.bakeS ?? base.bakeS,
    bakeWaveS: options.bakeWaveS ?? base.bakeWaveS,
    onFailure: options.onFailure ?? base.onFailure,
  };
  const isEarlier = options.canary === null && earlier !== null;
  if (rules.canary.kind === 'group' && !isEarlier && !groups.has(rules.canary.group)) {
    throw new UsageError(
      `--canary takes a number of hosts, a share such as 10%, or a group, and ${inventory} has no group ${rules.canary.group}. ${didYouMean(rules.canary.group, groups.keys())}`.trim(),
    );
  }
  const canaries = isEarlier ? earlier : canariesOf(hosts, rules.canary, groups);
  if (canaries.length === 0 && !isEarlier && rules.canary.kind === 'group') {
    throw new UsageError(`--canary ${rules.canary.group}: no host of this run is in that group`);
  }
  if (canaries.length === 0 && !isEarlier && (options.bakeS ?? 0) > 0) {
    throw new UsageError(
      '--bake is for the canary, and --canary 0 leaves none: --bake-wave is for all waves',
    );
  }
  return makeRollout(hosts, canaries, rules, carriers);
};

/**
 * The waves of a rollback: all hosts together, whatever becomes of the others, and those that others are reached through
 * after them; `null` where there are none of those.
 */
export const rollbackRollout = ({
  settings,
  carriers,
}: Pick<Fleet, 'settings' | 'carriers'>): Rollout | null => {
  if (carriers.length === 0) return null;
  const hosts = settings.map(({ host }) => host);
  const rules: RolloutRules = { ...DEFAULT_RULES, maxFailures: { kind: 'percent', percent: 100 } };
  return makeRollout(hosts, [], rules, carriers);
};

const canaryRule = (text: string | null): CanaryRule | null =>
  text === null ? null : (parseAmount(text) ?? { kind: 'group', group: text });

const amount = (name: string, text: string | null): Amount | null => {
  if (text === null) return null;
  const found = parseAmount(text);
  if (found !== null) return found;
  throw new UsageError(`--${name} takes a number of hosts or a share such as 10%`);
};

const serialSizes = (text: string | null): readonly Amount[] | null => {
  if (text === null) return null;
  const sizes = text.split(',').map((word) => parseAmount(word.trim()));
  const good = sizes.flatMap((size) => (size === null || isNothing(size) ? [] : [size]));
  if (good.length === sizes.length && good.length <= SERIAL_MAX) return good;
  throw new UsageError(
    `--serial takes sizes of waves with commas between them, such as 1,10%,100%, none of them 0 and at most ${SERIAL_MAX}`,
  );
};

const onFailure = (text: string | null): OnFailure | null => {
  const found = ON_FAILURE.find((each) => each === text);
  if (text === null || found !== undefined) return found ?? null;
  throw new UsageError(`--on-failure takes one of ${ON_FAILURE.join(', ')}`);
};

const isNothing = (size: Amount): boolean => (size.kind === 'hosts' ? size.count : size.percent) === 0;

const duration = (name: string, text: string | null): number | null => {
  if (text === null) return null;
  const durationS = parseDuration(text);
  if (durationS !== null && durationS <= BAKE_S_MAX) return durationS;
  throw new UsageError(`--${name} takes a length of time such as 90s, 10m or 1h30m, at most 24h`);
};
