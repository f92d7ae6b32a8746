// One run: its engine, its journal, its view, and the table at its end.
import { dirname } from 'node:path';
import { setTimeout as sleepMs } from 'node:timers/promises';
import type { ApprovedPlans } from '../core/approved-plan.ts';
import type { Command } from '../core/event.ts';
import type { Plan } from '../core/plan.ts';
import { makeScrub, type Scrub } from '../core/scrub.ts';
import type { Remote } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import type { HostResult } from '../core/verdict.ts';
import { undoesItself, type Rollout } from '../core/wave.ts';
import { createJournal, JournalError, type Journal } from '../engine/journal.ts';
import type { Earlier } from '../engine/settle-earlier.ts';
import type { RollbackWish } from '../steps/plan-rollback.ts';
import { chooseView } from '../view/choose-view.ts';
import { finalTable } from '../view/final-table.ts';
import type { Paint } from '../view/paint.ts';
import { planDiff } from '../view/plan-diff.ts';
import { askBetween } from './confirm-run.ts';
import { declaredVersion } from './declared-version.ts';
import { interruptsOf } from './interrupts.ts';
import type { Fleet } from './load-fleet.ts';
import { againOf, asAdvice } from './next-command.ts';
import type { OpenedSecrets } from './open-secrets.ts';
import type { Options } from './options.ts';
import { paintOf } from './paint-of.ts';
import type { Resumption } from './resumption.ts';
import { holdRun } from './run-holder.ts';
import { runFleet, type RunHost, type RunOutcome } from './run.ts';
import { runsFolder } from './runs-folder.ts';
import type { Output, Surroundings } from './surroundings.ts';

/** What the composition root is given to make an engine for one run. */
export interface WireOrder {
  readonly command: Command;
  readonly options: Options;
  readonly run: string;
  readonly settings: readonly Settings[];
  /** The first host that is started. */
  readonly first: string | undefined;
  readonly secrets: OpenedSecrets;
  readonly onPlan: (plan: Plan) => void;
  /** What an earlier run left on a host, where that run is resumed. */
  readonly earlier: ((settings: Settings) => Earlier) | null;
  /** A plan that is carried out as it is, or not at all; `null`: whatever the inventory asks for. */
  readonly approved: ApprovedPlans | null;
  /** What is rolled back, by the command of that name. */
  readonly rollback: RollbackWish | null;
  readonly transport: Transport;
  /** For the operator, before the run begins: a key that has expired. */
  readonly say: (text: string) => void;
}

/** Makes the engine. @throws UsageError where something that all hosts need cannot be had */
export type Wire = (order: WireOrder, surroundings: Surroundings) => Promise<RunHost>;

/**
 * The transport that the runs of one invocation share: whoever was asked for a passphrase, or at a jump host, is not asked
 * again.
 */
export interface Transport {
  /** The first call makes it. */
  readonly of: (make: () => Remote) => Remote;
  readonly close: () => void;
}

/** The world, and how an engine is made in it. */
export interface Rim {
  readonly surroundings: Surroundings;
  readonly wire: Wire;
}

/** All that is decided before a run begins. */
export interface Prepared {
  readonly command: Command;
  readonly options: Options;
  readonly run: string;
  readonly fleet: Fleet;
  readonly secrets: OpenedSecrets;
  readonly scrub: Scrub;
  readonly resumption: Resumption | null;
  readonly approved: ApprovedPlans | null;
  readonly wish: RollbackWish | null;
  /** `null`: all hosts alike. */
  readonly rollout: Rollout | null;
  readonly transport: Transport;
}

/** A run that has ended. */
export interface CarriedRun {
  readonly run: string;
  readonly command: Command;
  readonly outcome: RunOutcome;
  /** By host; of those that got as far as that. */
  readonly plans: ReadonlyMap<string, Plan>;
}

/** Carries out a run and tells its end. @throws JournalError, UsageError before anything was touched */
export const carryRun = async (prepared: Prepared, { surroundings, wire }: Rim): Promise<CarriedRun> => {
  const { command, options, run, fleet, secrets, scrub, resumption, rollout } = prepared;
  // With --json, stdout is the document's alone.
  const out = options.json ? surroundings.stderr : surroundings.stdout;
  const paint = paintOf(out, surroundings);
  const plans = new Map<string, Plan>();
  const runHost = await wire(
    {
      command,
      options,
      run,
      settings: fleet.settings,
      first: firstHost(fleet, rollout),
      secrets,
      onPlan: (plan) => plans.set(plan.host, plan),
      earlier: resumption?.earlier ?? null,
      approved: prepared.approved,
      rollback: prepared.wish,
      transport: prepared.transport,
      say: (text) => void surroundings.stderr.write(`${text}\n`),
    },
    surroundings,
  );
  const journal = await createJournal(runsFolder(surroundings), run, { nowMs: surroundings.nowMs, scrub });
  await holdRun(dirname(journal.path), surroundings.pid).catch((thrown: unknown) => {
    throw new JournalError(journal.path, thrown);
  });
  const outcome = await observed({ ...prepared, runHost, journal, paint, out }, surroundings);
  await journal.close().catch(() => undefined);

  const lines = [
    '',
    ...makeScrub(secrets.values)(
      shownPlans(command, options, outcome.results).flatMap((host) => planLines(plans.get(host), paint)),
    ),
    ...finalTable(scrub(outcome.results), paint, {
      run,
      command,
      again: againOf(options, prepared.wish, resumption?.rollbacks ?? new Map()),
      journal: journal.path,
      waves: scrub(outcome.waves),
      isUndone: isToBeUndone(rollout, outcome),
    }),
    ...asAdvice(command, options, outcome.results, firstHost(fleet, rollout)),
  ];
  await out.write(`${lines.join('\n')}\n`);
  if (outcome.journalProblem !== '') await surroundings.stderr.write(journalAdvice(outcome));
  return { run, command, outcome, plans };
};

/** Whether what the run has confirmed is put back: it failed by itself, and not because somebody stopped it. */
export const isToBeUndone = (rollout: Rollout | null, { undisturbed, results }: RunOutcome): boolean =>
  undisturbed && undoesItself(rollout, new Map(results.map(({ host, verdict }) => [host, verdict])));

/** The first host that is started. */
const firstHost = ({ settings }: Fleet, rollout: Rollout | null): string | undefined =>
  rollout?.waves[0]?.hosts[0] ?? settings[0]?.host;

/** The hosts whose changes are shown: those that would be made, and those that were made and stay. */
const shownPlans = (command: Command, { diff }: Options, results: readonly HostResult[]): readonly string[] =>
  results
    .filter(
      ({ verdict }) => command === 'plan' || (diff && (verdict === 'confirmed' || verdict === 'unchanged')),
    )
    .map(({ host }) => host);

const planLines = (plan: Plan | undefined, paint: Paint): readonly string[] =>
  plan === undefined ? [] : planDiff(plan, paint);

/** The run itself, with a view that holds the terminal for exactly as long. */
const observed = async (
  prepared: Prepared & {
    readonly runHost: RunHost;
    readonly journal: Journal;
    readonly paint: Paint;
    readonly out: Output;
  },
  surroundings: Surroundings,
): Promise<RunOutcome> => {
  const { command, options, run, fleet, scrub, runHost, journal, paint, out, resumption, rollout } = prepared;
  const view = chooseView({
    hosts: fleet.settings.map(({ host }) => host),
    paint,
    // A picture that is redrawn in place would draw over a question.
    canDraw:
      out.isTty && !options.json && !options.rollout.confirmWaves && surroundings.env['TERM'] !== 'dumb',
    terminal: out.size,
    writeRaw: (text) => void out.write(text),
    nowMs: surroundings.nowMs,
  });
  try {
    return await runFleet({
      run,
      command,
      operator: surroundings.operator,
      version: declaredVersion(fleet.settings),
      inventory: fleet.paths,
      resumes: resumption?.resumes ?? null,
      undoes: prepared.wish?.run ?? null,
      hosts: fleet.settings,
      approved: prepared.approved,
      rollout,
      reason: options.reason,
      forks: options.forks,
      leaseS: options.leaseS,
      runHost,
      journal,
      // Events from the journal are scrubbed already; those that it could not take are not.
      view: { ...view, show: (event) => view.show(scrub(event)) },
      interrupts: interruptsOf(surroundings),
      nowMs: surroundings.nowMs,
      sleep: (ms, signal) => sleepMs(ms, undefined, { signal }).catch(() => undefined),
      askBetween: askBetween(options.rollout.confirmWaves, surroundings),
    });
  } finally {
    await view.close();
  }
};

const journalAdvice = ({ journalProblem }: RunOutcome): string =>
  `duo-fleet: ${journalProblem}\nNo new host was started, and those under way were brought to their end. Make room there (or set XDG_STATE_HOME), then run the same command again.\n`;
