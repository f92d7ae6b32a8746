// From a run's name to its document: the run, and what is written of it.
import type { Remote } from '../core/remote.ts';
import { makeHarmless } from '../core/scrub.ts';
import type { ExitCode } from '../core/verdict.ts';
import { hostsText } from '../core/wave.ts';
import { shellCommand } from '../remote/shell-quote.ts';
import { jsonDocument } from '../view/json-document.ts';
import { namesText } from '../view/wave-words.ts';
import { carryRun, type CarriedRun, type Prepared, type Rim, type Transport } from './carry-run.ts';
import type { Ending } from './ending.ts';
import type { Fleet } from './load-fleet.ts';
import { wayWords } from './next-command.ts';
import { forksWithin } from './open-files.ts';
import type { Options } from './options.ts';
import { planFileOf, refuseOverwriting } from './plan-files.ts';
import { openReportFile, type ReportFile } from './report-file.ts';
import { runId } from './run-id.ts';
import { UsageError, type Surroundings } from './surroundings.ts';
import { reportFileText } from './tell-report.ts';
import { undo } from './undo.ts';

/** A run from its id to its report; everything that can be wrong before it is known by now. */
export const carry = async (
  prepared: Omit<Prepared, 'run' | 'scrub' | 'transport'>,
  { surroundings, wire }: Rim,
): Promise<Ending> => {
  const { fleet, secrets } = prepared;
  const { forks, notice } = forksWithin(surroundings.openFilesMax, {
    forks: prepared.options.forks,
    hosts: fleet.settings.length,
  });
  if (notice !== '') await surroundings.stderr.write(`${notice}\n`);
  const options = { ...prepared.options, forks };
  const run = runId(surroundings.nowMs(), surroundings.randomBytes(2));
  if (options.out !== null) await refuseOverwriting(options.out);
  if (options.report !== null && fleet.paths.split(',').includes(options.report)) {
    throw new UsageError(`--report ${options.report} is the inventory, and it is not overwritten`);
  }
  const report = await opened('report', options.report, run);
  const out = await opened('out', options.out, run).catch(async (thrown: unknown) => {
    await report?.discard();
    throw thrown;
  });
  const transport = sharedTransport();
  const ready = { ...prepared, options, run, scrub: makeHarmless(secrets.values), transport };
  const rim = { surroundings, wire };
  try {
    const carried = await carryRun(ready, rim);
    const undone = await undo(carried, ready, rim);
    return await deliver({ carried, ...undone }, ready, { report, out, surroundings });
  } finally {
    transport.close();
    await report?.discard();
    await out?.discard();
  }
};

const sharedTransport = (): Transport => {
  let remote: Remote | null = null;
  return { of: (make) => (remote ??= make()), close: () => remote?.close?.() };
};

const opened = async (
  flag: 'report' | 'out',
  path: string | null,
  run: string,
): Promise<ReportFile | null> => (path === null ? null : openReportFile(path, { run, flag }));

/** A run, and the rollbacks that it ended in. */
interface Carried {
  readonly carried: CarriedRun;
  readonly rollbacks: readonly CarriedRun[];
  readonly isWhole: boolean;
}

/** Somebody must act, was interrupted, a goal is not met: as for the hosts of one run. */
const worstOf = (codes: readonly ExitCode[]): ExitCode =>
  ([3, 130, 2, 1] as const).find((code) => codes.includes(code)) ?? 0;

/** The documents that were asked for. */
const deliver = async (
  { carried, rollbacks, isWhole }: Carried,
  { options, fleet, scrub }: Prepared,
  {
    report,
    out,
    surroundings,
  }: {
    readonly report: ReportFile | null;
    readonly out: ReportFile | null;
    readonly surroundings: Surroundings;
  },
): Promise<Ending> => {
  const { run, command, outcome } = carried;
  const outcomes = [outcome, ...rollbacks.map((each) => each.outcome)];
  const code = worstOf(outcomes.map(({ exitCode }) => exitCode));
  const documents = rollbacks.map((each) => jsonDocument(each.run, each.command, each.outcome));
  const whole = jsonDocument(run, command, { ...outcome, exitCode: code }, documents);
  const document = `${JSON.stringify(scrub(whole))}\n`;
  if (options.json) await surroundings.stdout.write(document);
  const told =
    report === null ||
    (await writeFileTold(report, {
      text: await reportFileText({ path: options.report ?? '', run, document }, surroundings),
      what: 'report',
      surroundings,
    }));
  const isPlanned = out === null || (await writePlan(out, { carried, options, fleet, surroundings }));
  // Whoever asked for a report and did not get it must not read "all is well" from the exit code.
  const exitCode = (told && isPlanned && isWhole) || code !== 0 ? code : 1;
  return { exitCode, endNow: outcomes.some(({ abandoned }) => abandoned) };
};

/** Whether the plan could be written. */
const writePlan = async (
  out: ReportFile,
  of: {
    readonly carried: CarriedRun;
    readonly options: Options;
    readonly fleet: Fleet;
    readonly surroundings: Surroundings;
  },
): Promise<boolean> => {
  const { surroundings, options } = of;
  const { text, planned, left } = planFileOf(of.carried, of.fleet, surroundings);
  if (planned === 0) {
    await surroundings.stderr.write('No plan was written: no host could be planned.\n');
    return false;
  }
  const isWritten = await writeFileTold(out, { text, what: 'plan', surroundings });
  if (!isWritten) return false;
  const without = left.length === 0 ? '' : ` Not in it, since they could not be planned: ${namesText(left)}.`;
  await surroundings.stderr.write(
    `The plan of ${hostsText(planned)} is written.${without} This carries it out:\n  ${shellCommand(['duo-fleet', 'apply', options.out ?? '', ...wayWords(options)])}\n`,
  );
  return true;
};

/** Whether it could be written. */
export const writeFileTold = async (
  file: ReportFile,
  {
    text,
    what,
    surroundings: { stderr },
  }: { readonly text: string; readonly what: 'report' | 'plan'; readonly surroundings: Surroundings },
): Promise<boolean> => {
  try {
    await file.write(text);
    return true;
  } catch (thrown) {
    await stderr.write(`duo-fleet: the ${what} was not written: ${String(thrown)}\n`);
    return false;
  }
};
