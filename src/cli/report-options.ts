// What `runs` and `report` are asked.
import { extname } from 'node:path';
import { flagReader, oneText, wholeNumber, type RawOptions } from './flag-reader.ts';
import { REPORT_FORMATS, RUNS_COUNT, type ReportFormat } from './flags.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

export interface RunsOptions {
  readonly count: number;
  readonly json: boolean;
}

export interface ReportOptions {
  /** `null`: the newest. */
  readonly run: string | null;
  readonly format: ReportFormat;
  /** Absolute path; `null`: standard output. */
  readonly output: string | null;
}

/** @throws UsageError naming all that is wrong */
export const readRunsOptions = (raw: RawOptions, surroundings: Surroundings): RunsOptions => {
  const reader = flagReader('runs', raw, surroundings);
  const options: RunsOptions = {
    count: reader.check(() => wholeNumber('count', reader.given('count'), RUNS_COUNT), RUNS_COUNT.default),
    json: reader.flag('json'),
  };
  reader.end();
  return options;
};

/** @throws UsageError naming all that is wrong */
export const readReportOptions = (raw: RawOptions, surroundings: Surroundings): ReportOptions => {
  const reader = flagReader('report', raw, surroundings);
  const output = reader.path('output');
  const format = reader.check(() => reportFormat(reader.given('format')), null);
  reader.end();
  return {
    run: typeof raw['run'] === 'string' ? raw['run'] : null,
    format: format ?? (output === null ? null : formatOf(output)) ?? 'text',
    output,
  };
};

/** The form that a file's name asks for by its ending; `null`: none of them. */
export const formatOf = (path: string): ReportFormat | null => ENDINGS[extname(path).toLowerCase()] ?? null;

const ENDINGS: Readonly<Record<string, ReportFormat>> = {
  '.html': 'html',
  '.htm': 'html',
  '.xml': 'junit',
  '.json': 'json',
  '.txt': 'text',
};

const reportFormat = (value: unknown): ReportFormat | null => {
  const text = oneText('format', value);
  if (text === null) return null;
  const found = REPORT_FORMATS.find((one) => one === text);
  if (found !== undefined) return found;
  throw new UsageError(`--format takes one of ${REPORT_FORMATS.join(', ')}, not ${JSON.stringify(text)}`);
};
