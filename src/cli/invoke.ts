// One invocation from argv to exit code.
import { dirname } from 'node:path';
import { setTimeout as sleepMs } from 'node:timers/promises';
import type { Command } from '../core/event.ts';
import { jumpsText } from '../core/jump-host.ts';
import type { HostResult } from '../core/verdict.ts';
import type { Plan } from '../core/plan.ts';
import { makeHarmless, makeScrub, type Scrub } from '../core/scrub.ts';
import type { Settings } from '../core/settings.ts';
import { DEFAULT_RULES, type Rollout } from '../core/wave.ts';
import { createJournal, JournalError, type Journal } from '../engine/journal.ts';
import type { Earlier } from '../engine/settle-earlier.ts';
import { chooseView } from '../view/choose-view.ts';
import { finalTable } from '../view/final-table.ts';
import { jsonDocument } from '../view/json-document.ts';
import type { Paint } from '../view/paint.ts';
import { shellCommand } from '../remote/shell-quote.ts';
import type { RollbackWish } from '../steps/plan-rollback.ts';
import { planDiff } from '../view/plan-diff.ts';
import type { Again } from '../view/words.ts';
import { COMPLETION_SCRIPTS } from './completion-scripts.ts';
import { askBetween, confirmed, goOn, rollbackConfirmed, type Answer } from './confirm-run.ts';
import { declaredVersion } from './declared-version.ts';
import type { Ending } from './ending.ts';
import { explainFolder } from './explain-folder.ts';
import { explainHost } from './explain-host.ts';
import { interruptsOf } from './interrupts.ts';
import { listRuns } from './list-runs.ts';
import { loadFleet, type Fleet } from './load-fleet.ts';
import { makeRemote, type RemoteOf } from './make-remote.ts';
import type { Options } from './options.ts';
import { paintOf } from './paint-of.ts';
import { parseArgv } from './parse-argv.ts';
import { forksWithin } from './open-files.ts';
import { openReportFile, type ReportFile } from './report-file.ts';
import type { ResumeOptions } from './resume-options.ts';
import type { RollbackOptions } from './rollback-options.ts';
import { findResumption, type Resumption } from './resumption.ts';
import { rolloutOf } from './rollout-options.ts';
import { holdRun } from './run-holder.ts';
import { runsFolder } from './runs-folder.ts';
import { manageSecret } from './manage-secret.ts';
import { runFleet, type RunHost, type RunOutcome } from './run.ts';
import { runId } from './run-id.ts';
import { readyFleet, readySecrets, type OpenedSecrets } from './open-secrets.ts';
import { UsageError, type Output, type Surroundings } from './surroundings.ts';
import { foldedFormat, reportFileText, tellReport } from './tell-report.ts';
import { writeInventory } from './write-inventory.ts';

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
  /** What is rolled back, by the command of that name. */
  readonly rollback: RollbackWish | null;
  /** Called with what has to be ended when the run has. */
  readonly atEnd: (end: () => void) => void;
  /** For the operator, before the run begins: a key that has expired. */
  readonly say: (text: string) => void;
}

/** Makes the engine. @throws UsageError where something that all hosts need cannot be had */
export type Wire = (order: WireOrder, surroundings: Surroundings) => Promise<RunHost>;

/** Does what argv says. Never throws for the operator's mistakes. */
export const invoke = async (
  surroundings: Surroundings,
  wire: Wire,
  remoteOf: RemoteOf = makeRemote,
): Promise<Ending> => {
  try {
    const invocation = await parseArgv(surroundings);
    if (invocation.kind === 'text') {
      await surroundings.stdout.write(invocation.text);
      return { exitCode: 0, endNow: false };
    }
    if (invocation.kind === 'explain') {
      const { options } = invocation;
      return options.kind === 'folder'
        ? await explainFolder(options, surroundings)
        : await explainHost(options, surroundings, remoteOf);
    }
    if (invocation.kind === 'completion') {
      await surroundings.stdout.write(COMPLETION_SCRIPTS[invocation.options.shell]);
      return { exitCode: 0, endNow: false };
    }
    if (invocation.kind === 'init') return await writeInventory(invocation.options.path, surroundings);
    if (invocation.kind === 'rollback') return await rollback(invocation.options, { surroundings, wire });
    if (invocation.kind === 'runs') return await listRuns(invocation.options, surroundings);
    if (invocation.kind === 'report') return await tellReport(invocation.options, surroundings);
    if (invocation.kind === 'secret') {
      return await manageSecret(invocation.options, surroundings);
    }
    if (invocation.kind === 'resume') return await resume(invocation.options, { surroundings, wire });
    return await carryOut(invocation.command, invocation.options, { surroundings, wire });
  } catch (thrown) {
    // A journal that does not open, too, comes before anything was touched.
    if (!(thrown instanceof UsageError) && !(thrown instanceof JournalError)) throw thrown;
    const lines = thrown.message.split('\n').map((line) => `duo-fleet: ${line}\n`);
    await surroundings.stderr.write(`${lines.join('')}Nothing was touched.\n`);
    return { exitCode: 2, endNow: false };
  }
};

interface Rim {
  readonly surroundings: Surroundings;
  readonly wire: Wire;
}

const carryOut = async (
  command: Exclude<Command, 'resume' | 'rollback'>,
  options: Options,
  { surroundings, wire }: Rim,
): Promise<Ending> => {
  if (options.check) {
    await surroundings.stderr.write(
      '--check: as duo-fleet plan does, this shows what would change and touches nothing.\n',
    );
  }
  const fleet = await loadFleet(options, surroundings);
  await readyFleet(fleet, surroundings);
  const carried = { command, options, fleet, resumption: null, wish: null };
  if (command !== 'apply') {
    const secrets = await readySecrets(fleet, surroundings);
    return carry({ ...carried, secrets, rollout: null }, { surroundings, wire });
  }
  const rollout = rolloutOf(fleet, options.rollout, { base: DEFAULT_RULES, earlier: null });
  askBetween(options.rollout.confirmWaves, surroundings);
  const answer = await confirmed(fleet, rollout, { options, surroundings });
  if (answer !== 'yes') return untouched(answer, surroundings);
  const secrets = await readySecrets(fleet, surroundings);
  return carry({ ...carried, secrets, rollout }, { surroundings, wire });
};

/** Of Duo nothing is asked and nothing written: a rollback must go while its keys, or whoever holds them, are away. */
const NOT_FOR_ROLLBACK = ['duo_skey', 'canary_passcode'] as const;

const rollback = async (options: RollbackOptions, { surroundings, wire }: Rim): Promise<Ending> => {
  const fleet = await loadFleet(options, surroundings);
  await readyFleet(fleet, surroundings);
  const answer = await rollbackConfirmed(fleet, options, surroundings);
  if (answer !== 'yes') return untouched(answer, surroundings);
  const secrets = await readySecrets(fleet, surroundings, NOT_FOR_ROLLBACK);
  const prepared = {
    command: 'rollback',
    options,
    fleet,
    secrets,
    resumption: null,
    wish: options,
    rollout: null,
  } as const;
  return carry(prepared, { surroundings, wire });
};

const untouched = async (answer: Answer, { stderr }: Surroundings): Promise<Ending> => {
  await stderr.write('Nothing was touched.\n');
  return { exitCode: answer === 'interrupted' ? 130 : 1, endNow: false };
};

const resume = async (options: ResumeOptions, { surroundings, wire }: Rim): Promise<Ending> => {
  const resumption = await findResumption(options, surroundings);
  if (typeof resumption === 'string') return nothingToResume(resumption, options, surroundings);
  const { fleet, rollout, summary } = resumption;
  askBetween(options.rollout.confirmWaves, surroundings);
  await readyFleet(fleet, surroundings);
  const text = summary.map((line) => `${line}\n`).join('');
  // Asking a host what became of it, and letting it put itself back, is no change that anybody has to agree to.
  if (options.yes || options.onlySettle) await surroundings.stderr.write(text);
  else {
    const answer = await goOn('resume', text, { yes: false, surroundings });
    if (answer !== 'yes') return untouched(answer, surroundings);
  }
  const secrets = await readySecrets(fleet, surroundings);
  // What is to be typed next names the inventory that the run had, which need not be the one that is found from here.
  const own = { ...options, inventory: fleet.inventory };
  const prepared = {
    command: 'resume',
    options: own,
    fleet,
    secrets,
    resumption,
    wish: null,
    rollout,
  } as const;
  return carry(prepared, { surroundings, wire });
};

const nothingToResume = async (
  why: string,
  options: Options,
  surroundings: Surroundings,
): Promise<Ending> => {
  await (options.json ? surroundings.stderr : surroundings.stdout).write(`${why}\n`);
  const document = `${JSON.stringify(jsonDocument('', 'resume', { exitCode: 0, results: [], waves: [] }))}\n`;
  if (options.json) await surroundings.stdout.write(document);
  // A page and JUnit's XML tell of a run, and there was none.
  const report =
    options.report === null || foldedFormat(options.report) !== null
      ? null
      : await openReportFile(options.report, { run: 'none', flag: 'report' });
  const told = report === null || (await writeReport(report, document, surroundings));
  return { exitCode: told ? 0 : 1, endNow: false };
};

/** A run from its id to its report; everything that can be wrong before it is known by now. */
const carry = async (
  prepared: Omit<Prepared, 'run' | 'report' | 'scrub'>,
  { surroundings, wire }: Rim,
): Promise<Ending> => {
  const { fleet, secrets } = prepared;
  const { forks, notice } = forksWithin(surroundings.openFilesMax, {
    forks: prepared.options.forks,
    hosts: fleet.settings.length,
  });
  if (notice !== '') await surroundings.stderr.write(`${notice}\n`);
  const options = { ...prepared.options, forks };
  const id = runId(surroundings.nowMs(), surroundings.randomBytes(2));
  const report =
    options.report === null ? null : await openReportFile(options.report, { run: id, flag: 'report' });
  const scrub = makeHarmless(secrets.values);
  try {
    return await runAndTell({ ...prepared, options, run: id, report, scrub }, { surroundings, wire });
  } finally {
    await report?.discard();
  }
};

interface Prepared {
  readonly command: Command;
  readonly options: Options;
  readonly run: string;
  readonly fleet: Fleet;
  readonly secrets: OpenedSecrets;
  readonly report: ReportFile | null;
  readonly scrub: Scrub;
  readonly resumption: Resumption | null;
  readonly wish: RollbackWish | null;
  /** `null`: all hosts alike. */
  readonly rollout: Rollout | null;
}

const runAndTell = async (prepared: Prepared, rim: Rim): Promise<Ending> => {
  const ends: (() => void)[] = [];
  try {
    return await runAndTellThen(prepared, rim, (end) => void ends.push(end));
  } finally {
    for (const end of ends) end();
  }
};

const runAndTellThen = async (
  prepared: Prepared,
  { surroundings, wire }: Rim,
  atEnd: WireOrder['atEnd'],
): Promise<Ending> => {
  const { command, options, run, fleet, secrets, report, scrub, resumption, rollout } = prepared;
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
      rollback: prepared.wish,
      atEnd,
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
      again: againOf(options, prepared.wish),
      journal: journal.path,
      waves: scrub(outcome.waves),
    }),
    ...asAdvice(command, options, outcome.results, firstHost(fleet, rollout)),
  ];
  await out.write(`${lines.join('\n')}\n`);
  if (outcome.journalProblem !== '') await surroundings.stderr.write(journalAdvice(outcome));
  const document = `${JSON.stringify(scrub(jsonDocument(run, command, outcome)))}\n`;
  if (options.json) await surroundings.stdout.write(document);
  const told =
    report === null ||
    (await writeReport(
      report,
      await reportFileText({ path: options.report ?? '', run, document }, surroundings),
      surroundings,
    ));
  // Whoever asked for a report and did not get it must not read "all is well" from the exit code.
  const exitCode = told || outcome.exitCode !== 0 ? outcome.exitCode : 1;
  return { exitCode, endNow: outcome.abandoned };
};

/** The first host that is started. */
const firstHost = ({ settings }: Fleet, rollout: Rollout | null): string | undefined =>
  rollout?.waves[0]?.hosts[0] ?? settings[0]?.host;

/** The same inventory and way as were named; an inventory that was found in its usual place is found again. Whose push is approved, too. */
const againOf =
  ({ inventory, as, probe, jumps, sshConfig }: Options, wish: RollbackWish | null): Again =>
  (command, host) =>
    // One host of a resumed run is brought there as any other.
    shellCommand([
      'duo-fleet',
      command === 'resume' ? 'apply' : command,
      ...(inventory === null ? [] : [inventory]),
      '--host',
      host,
      ...(wish?.run != null && command === 'rollback' ? ['--run', wish.run] : []),
      ...(jumps === null ? [] : ['--jump', jumpsText(jumps)]),
      ...(sshConfig === 'usual' ? [] : ['--ssh-config', sshConfig === 'none' ? 'none' : sshConfig.file]),
      ...(probe && command === 'verify' ? ['--probe'] : []),
      ...(as === null || command === 'plan' || (command === 'verify' && !probe) ? [] : ['--as', as]),
    ]);

/** On a host that needs no change apply tries no login: whoever gave --as must not take that for a push that was approved. */
const asAdvice = (
  command: Command,
  { as, inventory }: Options,
  results: readonly HostResult[],
  first: string | undefined,
): readonly string[] => {
  const isUntried =
    command === 'apply' && results.some(({ host, verdict }) => host === first && verdict === 'unchanged');
  if (as === null || first === undefined || !isUntried) return [];
  const named = inventory === null ? [] : [inventory];
  return [
    '',
    `--as ${as}: no login was tried, since ${first}, the run's first host, needed`,
    'no change. This tries it:',
    `  ${shellCommand(['duo-fleet', 'verify', ...named, '--host', first, '--probe', '--as', as])}`,
  ];
};

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
      hosts: fleet.settings,
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

const writeReport = async (
  report: ReportFile,
  document: string,
  { stderr }: Surroundings,
): Promise<boolean> => {
  try {
    await report.write(document);
    return true;
  } catch (thrown) {
    await stderr.write(`duo-fleet: the report was not written: ${String(thrown)}\n`);
    return false;
  }
};
