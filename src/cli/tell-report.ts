// `report`: a run told from its journal, on the screen or in a file.
import { join } from 'node:path';
import { printable } from '../core/printable.ts';
import { foldReport, type Report } from '../core/report.ts';
import {
  readJournal,
  laterRunsOf,
  runNames,
  type LaterRuns,
  type ReadJournal,
} from '../engine/run-folders.ts';
import { shellCommand } from '../remote/shell-quote.ts';
import { reportDocument } from '../view/report-document.ts';
import { reportJunit } from '../view/report-junit.ts';
import { reportPage } from '../view/report-page.ts';
import { reportText } from '../view/report-text.ts';
import { PLAIN_PAINT, type Paint } from '../view/paint.ts';
import type { Again } from '../view/words.ts';
import type { Ending } from './ending.ts';
import type { ReportFormat } from './flags.ts';
import { paintOf } from './paint-of.ts';
import { openReportFile } from './report-file.ts';
import { formatOf, type ReportOptions } from './report-options.ts';
import { holderOf } from './run-holder.ts';
import { runsFolder } from './runs-folder.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** Columns of a report in a file, and the most that one on a terminal has. */
const FILE_WIDTH = 100;
const WIDTH_MAX = 140;

/** Tells one run. Reads only, but for the file that is asked for. @throws UsageError where there is no such run */
export const tellReport = async (options: ReportOptions, surroundings: Surroundings): Promise<Ending> => {
  const { stdout, stderr } = surroundings;
  const report = await findReport(options.run, surroundings);
  const text = renderReport(report, options.format, {
    paint: options.output === null ? paintOf(stdout, surroundings) : PLAIN_PAINT,
    width: options.output === null ? Math.min(WIDTH_MAX, stdout.size().columns) : FILE_WIDTH,
  });
  if (options.output === null) {
    await stdout.write(text);
    return { exitCode: 0, endNow: false };
  }
  const file = await openReportFile(options.output, { run: report.run, flag: 'output' });
  try {
    await file.write(text);
  } catch (thrown) {
    throw new UsageError(
      `--output ${options.output}: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    );
  } finally {
    await file.discard();
  }
  await stderr.write(`Report of run ${printable(report.run)}: ${options.output}\n`);
  return { exitCode: 0, endNow: false };
};

const findReport = async (named: string | null, surroundings: Surroundings): Promise<Report> => {
  const folder = runsFolder(surroundings);
  const names = await runNames(folder);
  if (named !== null && !names.includes(named)) {
    throw new UsageError(
      `there is no run ${JSON.stringify(printable(named, 80))} in ${folder}; duo-fleet runs lists them`,
    );
  }
  for (const run of named === null ? names : [named]) {
    const journal = await readJournal(folder, run).catch((thrown: unknown) => {
      throw new UsageError(`the journal of run ${printable(run)} cannot be read: ${String(thrown)}`);
    });
    if (journal !== null) return reportOf(run, journal, await laterRunsOf(folder, run, names));
  }
  throw new UsageError(
    named === null ? `there is no run yet in ${folder}` : `run ${printable(named)} has no journal`,
  );
};

/** A run of which the journal was read. */
export const reportOf = async (
  run: string,
  { folder, events, damage }: ReadJournal,
  later: LaterRuns,
): Promise<Report> => {
  const hasEnd = events.at(-1)?.type === 'run-ended';
  return foldReport(events, {
    run,
    damage,
    isAlive: !hasEnd && (await holderOf(folder)) !== null,
    ...later,
  });
};

/** A report in one of its forms, with a line end at its end. */
export const renderReport = (
  report: Report,
  format: ReportFormat,
  style: { readonly paint: Paint; readonly width: number } = { paint: PLAIN_PAINT, width: FILE_WIDTH },
): string => {
  switch (format) {
    case 'text':
      return `${reportText(report, { ...style, again: againOf(report) }).join('\n')}\n`;
    case 'json':
      return `${JSON.stringify(reportDocument(report))}\n`;
    case 'junit':
      return reportJunit(report);
    case 'html':
      return reportPage(report, againOf(report));
    default:
      return format satisfies never;
  }
};

/** The command that does something about a host of the run, over the inventory that the run had. */
const againOf =
  ({ started }: Report): Again =>
  (command, host) =>
    shellCommand([
      'duo-fleet',
      // What a rollback went back to is no part of its journal, and another one than that must not be proposed.
      command === 'resume' ? 'apply' : command === 'rollback' ? 'verify' : command,
      ...(started?.inventory == null ? [] : [started.inventory]),
      '--host',
      host,
    ]);

/** The form that --report gives a file with this name, where that is not the document of --json. */
export const foldedFormat = (path: string): 'html' | 'junit' | null => {
  const format = formatOf(path);
  return format === 'html' || format === 'junit' ? format : null;
};

/** What --report FILE gets: by its ending a page or JUnit's XML, folded from the journal, else the document of --json. */
export const reportFileText = async (
  { path, run, document }: { readonly path: string; readonly run: string; readonly document: string },
  surroundings: Surroundings,
): Promise<string> => {
  const format = foldedFormat(path);
  if (format === null) return document;
  const runs = runsFolder(surroundings);
  const journal = await readJournal(runs, run);
  const folder = join(runs, run);
  const later = await laterRunsOf(runs, run, await runNames(runs));
  return renderReport(await reportOf(run, journal ?? { folder, events: [], damage: [] }, later), format);
};
