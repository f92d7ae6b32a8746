// From a run's name to its document: the run, and what is written of it.
import { makeHarmless } from '../core/scrub.ts';
import { jsonDocument } from '../view/json-document.ts';
import { carryRun, type CarriedRun, type Prepared, type Rim } from './carry-run.ts';
import type { Ending } from './ending.ts';
import { forksWithin } from './open-files.ts';
import { openReportFile, type ReportFile } from './report-file.ts';
import { runId } from './run-id.ts';
import type { Surroundings } from './surroundings.ts';
import { reportFileText } from './tell-report.ts';

/** A run from its id to its report; everything that can be wrong before it is known by now. */
export const carry = async (
  prepared: Omit<Prepared, 'run' | 'scrub'>,
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
  const report =
    options.report === null ? null : await openReportFile(options.report, { run, flag: 'report' });
  const ready = { ...prepared, options, run, scrub: makeHarmless(secrets.values) };
  try {
    const carried = await carryRun(ready, { surroundings, wire });
    return await deliver(carried, ready, { report, surroundings });
  } finally {
    await report?.discard();
  }
};

/** The document, where it was asked for. */
const deliver = async (
  { run, command, outcome }: CarriedRun,
  { options, scrub }: Prepared,
  { report, surroundings }: { readonly report: ReportFile | null; readonly surroundings: Surroundings },
): Promise<Ending> => {
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

/** Whether it could be written. */
export const writeReport = async (
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
