// Which run is resumed, which of its hosts are left, and what is to be said before it begins.
import type { ApprovedPlans } from '../core/approved-plan.ts';
import { printable } from '../core/printable.ts';
import { RECOVER_COMMAND } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import {
  isAtGoal,
  isOver,
  isToBeUndone,
  familyOf,
  isUnfinished,
  newestUnfinished,
  standingsOf,
  type Standing,
} from '../core/standing.ts';
import { DEFAULT_RULES, type Rollout } from '../core/wave.ts';
import { readRuns, type ReadRun } from '../engine/run-folders.ts';
import type { Earlier } from '../engine/settle-earlier.ts';
import { declaredVersion } from './declared-version.ts';
import { namesText, rolloutLines } from '../view/wave-words.ts';
import { hasErrors, loadFleet, partOf, type Fleet } from './load-fleet.ts';
import { rollbackCommand } from './next-command.ts';
import type { ResumeOptions } from './resume-options.ts';
import { rolloutOf } from './rollout-options.ts';
import { holderOf } from './run-holder.ts';
import { runsFolder } from './runs-folder.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

const SUMMARY_WIDTH = 80;

/** What is left of a run. */
export interface Resumption {
  /** The run that is finished. */
  readonly resumes: string;
  /** Its hosts that are left. */
  readonly fleet: Fleet;
  /** `null`: nothing new is started on any. */
  readonly rollout: Rollout | null;
  readonly earlier: (settings: Settings) => Earlier;
  /** Hosts on which a rollback was cut off, with the run that it undoes; `null`: each host's newest. */
  readonly rollbacks: ReadonlyMap<string, string | null>;
  /** Runs that this one is of one rollout with: what another one has confirmed is not theirs to undo. */
  readonly family: ReadonlySet<string>;
  /** What they have confirmed, and what is rolled back with the rest where that fails; empty where it stays. */
  readonly before: readonly RunPart[];
  /** The plan that the run carried out, and that holds for the rest of it, too. */
  readonly approved: ApprovedPlans | null;
  /** Lines for the operator, before the question. */
  readonly summary: readonly string[];
}

/** Hosts that one run has confirmed. */
export interface RunPart {
  readonly run: string;
  readonly fleet: Fleet;
}

/** Why nothing is resumed, in words for the operator; the code is 1 where something is left that resume does not do. */
export interface NothingToResume {
  readonly why: string;
  readonly exitCode: 0 | 1;
}

const nothing = (why: string): NothingToResume => ({ why, exitCode: 0 });

/**
 * Finds what is to be resumed, or why nothing is.
 * @throws UsageError when there is no such run, when its controller lives, or when its inventory cannot be read
 */
export const findResumption = async (
  options: ResumeOptions,
  surroundings: Surroundings,
): Promise<Resumption | NothingToResume> => {
  const runs = await readRuns(runsFolder(surroundings), options.run).catch((thrown: unknown) => {
    throw new UsageError(`the journals cannot be read: ${String(thrown)}`);
  });
  const alive = await livingRuns(runs);
  const run = options.run === null ? newest(runs, alive) : named(options.run, runs, alive);
  if (run === null) return nothing('Nothing to resume: every host of every run came to its verdict.');
  const standings = standingsOf(run.run, runs, alive);
  const left = standings.filter(
    (standing) => (!isAtGoal(standing) || isToBeUndone(standing)) && !alive.has(standing.run),
  );
  if (!left.some(isUnfinished)) {
    const busy = standings.find((standing) => alive.has(standing.run) && isUnfinished(standing));
    if (busy !== undefined) throw underWay(busy.run, alive.get(busy.run) ?? 0);
    return nothing(nothingLeft(run, standings));
  }
  // What a rollback left is settled and no more: what is declared, to which resume brings hosts, is the opposite of its goal.
  const chosen = left.filter(
    (standing) => isToBeAsked(standing) || (!options.onlySettle && !isOver(standing)),
  );
  const undo = undoLines(run, standings, options);
  const family = new Set(familyOf(run.run, runs).map((each) => each.run));
  if (chosen.length === 0 && undo.length > 0) return { why: undo.join('\n'), exitCode: 1 };
  if (chosen.length === 0) {
    return nothing(
      `Nothing to settle: no host of run ${run.run} was in the middle. Not started were: ${namesOf(left)}.${rollbackAgain(left)}`,
    );
  }
  const { fleet, changed } = await fleetOf(run, chosen, { options, surroundings });
  const rollout =
    options.onlySettle || hasErrors(fleet.diagnostics) || chosen.every(isOver)
      ? null
      : rolloutOfRest(run, fleet, { chosen, options });
  const confirmed =
    rollout?.rules.onFailure === 'rollback-run'
      ? standingsOf(familyOf(run.run, runs)[0]?.run ?? run.run, runs, alive).filter(
          (standing) => family.has(standing.run) && family.has(standing.by) && isConfirmed(standing),
        )
      : [];
  const before = await partsOf(confirmed, fleet, { options, surroundings });
  return {
    resumes: run.run,
    fleet: before.find((part) => hasErrors(part.fleet.diagnostics))?.fleet ?? fleet,
    rollout,
    rollbacks: rollbacksAmong(chosen, runs),
    family,
    before,
    approved: run.state.started?.approved ?? null,
    earlier: earlierOf(chosen, { run, runs, alive, thenApply: !options.onlySettle }),
    summary: [
      ...run.damage.map(
        ({ line, what }) =>
          `The journal of run ${run.run} is damaged at line ${line} (${what}); what is left of it is used.`,
      ),
      ...(run.state.started === null && !options.onlySettle
        ? ['Whether it carried out a plan is lost, too: what the inventory says now would be done.']
        : []),
      ...summaryOf(run, standings, { chosen, fleet, changed }),
      ...undo,
      ...(chosen.some(({ isRollback }) => isRollback)
        ? [
            `What a rollback left is brought to its end, and nothing is applied there.${rollbackAgain(chosen)}`,
          ]
        : []),
      ...(rollout === null || rollout.waves.length < 2
        ? []
        : [`They go on in ${rollout.waves.length} waves:`, ...rolloutLines(rollout, SUMMARY_WIDTH)]),
    ],
  };
};

/** What a run that failed was to put back and was cut off before it did; nothing where all of it is done. */
const undoLines = (
  { state }: ReadRun,
  standings: readonly Standing[],
  options: ResumeOptions,
): readonly string[] => {
  const inventory = state.started?.inventory ?? null;
  return [...new Set(standings.flatMap(({ toUndo }) => toUndo ?? []))].flatMap((run) => {
    const left = standings.filter(({ toUndo }) => toUndo === run);
    const hosts = left.map(({ host }) => host);
    return [
      `More hosts failed than may, and what run ${run} had confirmed was to be rolled back (--on-failure rollback-run). Still confirmed: ${namesText(hosts)}. This puts them back:`,
      `  ${rollbackCommand({ inventory, run, hosts }, options)}`,
    ];
  });
};

/** The rest of a rollback is for its own command. */
const rollbackAgain = (left: readonly Standing[]): string =>
  left.some(({ isRollback }) => isRollback)
    ? ' The rest of the rollback is done by its own command again.'
    : '';

/**
 * What is left goes on by the rules of its run: the same sizes, budget and bakes. A canary that was confirmed has shown
 * what there is to show; those that were not go first again. A run whose journal does not tell its rules gets the usual ones.
 */
const rolloutOfRest = (
  { state: { started, waves } }: ReadRun,
  fleet: Fleet,
  { chosen, options }: { readonly chosen: readonly Standing[]; readonly options: ResumeOptions },
): Rollout => {
  const rollout = started?.rollout ?? null;
  const left = new Set(chosen.map(({ host }) => host));
  const canaries = waves.filter(({ kind }) => kind === 'canary').flatMap(({ hosts }) => hosts);
  return rolloutOf(fleet, options.rollout, {
    // A journal of before there was a rule does not have it.
    base: { ...DEFAULT_RULES, ...rollout?.rules },
    earlier: rollout === null ? null : canaries.filter((host) => left.has(host)),
  });
};

const livingRuns = async (runs: readonly ReadRun[]): Promise<ReadonlyMap<string, number>> => {
  const alive = new Map<string, number>();
  for (const { run, folder, state } of runs) {
    // One that has told its end may still be writing its report.
    const pid = state.exitCode === null ? await holderOf(folder) : null;
    if (pid !== null) alive.set(run, pid);
  }
  return alive;
};

const underWay = (run: string, pid: number): UsageError =>
  new UsageError(
    `run ${run} is still under way (process ${pid} on this machine): wait for its end, or press Ctrl-C there`,
  );

const named = (name: string, runs: readonly ReadRun[], alive: ReadonlyMap<string, number>): ReadRun => {
  const run = runs.find((each) => each.run === name);
  if (run === undefined) throw new UsageError(`there is no run ${JSON.stringify(printable(name, 80))}`);
  const pid = alive.get(name);
  if (pid !== undefined) throw underWay(name, pid);
  const command = run.state.started?.command;
  if (command === 'plan' || command === 'verify') {
    throw new UsageError(`run ${name} was a ${command}, which changes nothing: there is nothing to resume`);
  }
  return run;
};

const newest = (runs: readonly ReadRun[], alive: ReadonlyMap<string, number>): ReadRun | null => {
  const found = newestUnfinished(runs, alive);
  if (found !== null) return runs.find(({ run }) => run === found.run) ?? null;
  const [first] = alive;
  if (first !== undefined && newestUnfinished(runs, new Set()) !== null) throw underWay(...first);
  return null;
};

/** A host that may be in the middle of something: that is for it to say. */
const isToBeAsked = ({ open, begun, result }: Standing): boolean =>
  open !== null || (begun && result === null);

const nothingLeft = (run: ReadRun, standings: readonly Standing[]): string => {
  const missed = standings.filter((standing) => !isAtGoal(standing));
  const { goal, again } = goalOf(run);
  const rest =
    missed.length === 0
      ? `all ${goal}`
      : `${namesOf(missed)} did not get there, and the run said why: remove the cause, then ${again}`;
  return `Nothing to resume: every host of run ${run.run} came to its verdict; ${rest}.`;
};

/** What a run's hosts are when they are there, and the command that brings them. */
const goalOf = ({ state }: ReadRun): { readonly goal: string; readonly again: string } =>
  state.started?.command === 'rollback'
    ? { goal: 'are rolled back', again: 'roll back again' }
    : { goal: 'are as declared', again: 'apply' };

const namesOf = (standings: readonly { readonly host: string }[]): string =>
  namesText(standings.map(({ host }) => host));

/** The chosen hosts as they are declared now, and whether that is what the run had. */
const fleetOf = async (
  run: ReadRun,
  chosen: readonly Standing[],
  { options, surroundings }: { readonly options: ResumeOptions; readonly surroundings: Surroundings },
): Promise<{ readonly fleet: Fleet; readonly changed: boolean }> => {
  const { started, hosts } = run.state;
  const strangers = options.hosts.filter((host) => !hosts.has(host));
  if (strangers.length > 0) throw new UsageError(`run ${run.run} has no host ${strangers.join(', ')}`);
  const inventory = options.inventory ?? started?.inventory ?? null;
  const of = { ...options, inventory };
  const whole = await loadFleet({ ...of, hosts: [], limit: undefined }, surroundings, new Set(hosts.keys()));
  if (hasErrors(whole.diagnostics)) return { fleet: whole, changed: true };
  if (options.hosts.length === 0 && options.limit === undefined) noneForgotten(run, chosen, whole);
  const names = new Set(chosen.map(({ host }) => host));
  const fleet = await loadFleet(of, surroundings, names);
  return { fleet, changed: started !== null && declaredVersion(whole.settings) !== started.version };
};

const rollbacksAmong = (
  chosen: readonly Standing[],
  runs: readonly ReadRun[],
): ReadonlyMap<string, string | null> =>
  new Map(
    chosen
      .filter(({ isRollback }) => isRollback)
      .map(({ host, run }) => [host, familyOf(run, runs)[0]?.state.started?.undoes ?? null]),
  );

const isConfirmed = (standing: Standing): boolean =>
  isAtGoal(standing) && standing.result?.verdict === 'confirmed';

/**
 * The hosts, by the run that has confirmed them.
 * @throws UsageError where the inventory has lost one: nobody could put it back
 */
const partsOf = async (
  confirmed: readonly Standing[],
  { known, inventory, paths }: Fleet,
  { options, surroundings }: { readonly options: ResumeOptions; readonly surroundings: Surroundings },
): Promise<readonly RunPart[]> => {
  if (confirmed.length === 0) return [];
  const lost = confirmed.filter(({ host }) => !known.has(host));
  if (lost.length > 0) {
    throw new UsageError(
      `${namesOf(lost)}, confirmed earlier in this rollout, ${lost.length === 1 ? 'is' : 'are'} not in ${inventory} any more and could not be rolled back with the others, should more fail than may: put back what is missing there, or resume with --on-failure stop`,
    );
  }
  const all = await loadFleet(
    { ...options, inventory: paths, hosts: [], limit: undefined },
    surroundings,
    new Set(confirmed.map(({ host }) => host)),
  );
  return [...new Set(confirmed.map(({ by }) => by))].map((run) => {
    const names = confirmed.filter(({ by }) => by === run).map(({ host }) => host);
    return { run, fleet: partOf(all, names) };
  });
};

/** Who was in the middle and cannot be asked must not go unnoticed behind the good ends of the others. */
const noneForgotten = ({ run }: ReadRun, chosen: readonly Standing[], fleet: Fleet): void => {
  const missing = chosen.filter((standing) => isToBeAsked(standing) && !fleet.known.has(standing.host));
  if (missing.length === 0) return;
  throw new UsageError(
    `run ${run} was cut off on ${namesOf(missing)}, which ${fleet.inventory} does not have any more: put it back there; or, at its console, as root: ${RECOVER_COMMAND}, and resume the others with --limit`,
  );
};

const earlierOf = (
  chosen: readonly Standing[],
  {
    run,
    runs,
    alive,
    thenApply,
  }: {
    readonly run: ReadRun;
    readonly runs: readonly ReadRun[];
    readonly alive: ReadonlyMap<string, number>;
    readonly thenApply: boolean;
  },
): ((settings: Settings) => Earlier) => {
  const standings = new Map(chosen.map((standing) => [standing.host, standing]));
  const dead = new Map(
    runs.filter((each) => !alive.has(each.run)).map((each) => [each.run, each.state.started?.leaseS ?? null]),
  );
  return ({ host }) => {
    const standing = standings.get(host);
    const open = standing?.open ?? null;
    return {
      run: open?.run ?? run.run,
      tx: open?.tx ?? null,
      changes: open?.changes ?? [],
      dead,
      thenApply: thenApply && (standing === undefined || !isOver(standing)),
    };
  };
};

const summaryOf = (
  of: ReadRun,
  standings: readonly Standing[],
  {
    chosen,
    fleet,
    changed,
  }: { readonly chosen: readonly Standing[]; readonly fleet: Fleet; readonly changed: boolean },
): readonly string[] => {
  const { run, state } = of;
  const present = new Set(fleet.settings.map(({ host }) => host));
  const mine = chosen.filter(({ host }) => present.has(host));
  const asked = mine.filter(isToBeAsked);
  const rest = mine.filter((standing) => !isToBeAsked(standing));
  const atGoal = standings.filter(isAtGoal).length;
  const by = state.started === null ? '' : ` of ${printable(state.started.operator)}`;
  return [
    `Run ${run}${by}: ${atGoal} of ${standings.length} hosts ${goalOf(of).goal} and left alone.`,
    ...(asked.length === 0 ? [] : [`In the middle, and asked what became of them: ${namesOf(asked)}.`]),
    ...(rest.length === 0 ? [] : [`Not started, put back or not reached: ${namesOf(rest)}.`]),
    ...(changed ? [`${fleet.inventory} is not what it was for that run: what it says now holds.`] : []),
  ];
};
