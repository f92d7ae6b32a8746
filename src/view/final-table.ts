// What a run came to: a row for each host, and under it what failed and what to do.
import type { HostResult, Verdict } from '../core/verdict.ts';
import type { Paint } from './paint.ts';
import { changesText, isGood, nextStep, paintVerdict, secondsText, shown } from './words.ts';
import { wrapText } from './wrap-text.ts';

/** No line is longer, whatever the terminal: tables are pasted into tickets. */
export const TABLE_WIDTH = 80;
const HOST_WIDTH_MAX = 28;
const VERDICT_WIDTH = 11;
const TIME_WIDTH = 7;
const INDENT = '       ';
/** Findings told under one host; the rest are counted. All of them are in the journal and in --json. */
const FINDINGS_SHOWN_MAX = 12;

/** What stands under the table. */
export interface TableFoot {
  readonly run: string;
  /** The journal's path, `null` when there is none. */
  readonly journal: string | null;
}

/** The table's lines; each at most {@link TABLE_WIDTH} characters without its colours. */
export const finalTable = (
  results: readonly HostResult[],
  paint: Paint,
  foot: TableFoot,
): readonly string[] => {
  const hostWidth = Math.min(
    HOST_WIDTH_MAX,
    Math.max(4, ...results.map((result) => shown(result.host).length)),
  );
  const head = `${'HOST'.padEnd(hostWidth)}  ${'VERDICT'.padEnd(VERDICT_WIDTH)}  ${'TIME'.padStart(TIME_WIDTH)}  CHANGED`;
  return [
    paint.bold(head),
    ...results.flatMap((result) => rowLines(result, hostWidth, paint)),
    '',
    ...footLines(results, foot, paint),
  ];
};

const rowLines = (result: HostResult, hostWidth: number, paint: Paint): readonly string[] => {
  const host = shown(result.host);
  const verdict = paintVerdict(result.verdict, paint, result.verdict.padEnd(VERDICT_WIDTH));
  const time = secondsText(result.durationMs).padStart(TIME_WIDTH);
  const column = hostWidth + VERDICT_WIDTH + TIME_WIDTH + 6;
  const changed = wrapText(shown(changesText(result)), TABLE_WIDTH - column);
  const lines: string[] = [];
  // A name that does not fit has a line of its own: it is never cut, because it is what one searches for.
  if (host.length > hostWidth) lines.push(...wrapText(host, TABLE_WIDTH));
  const cell = host.length > hostWidth ? '' : host;
  for (const [index, part] of changed.entries()) {
    lines.push(
      index === 0
        ? `${cell.padEnd(hostWidth)}  ${verdict}  ${paint.dim(time)}  ${part}`
        : ' '.repeat(column) + part,
    );
  }
  return [...lines, ...detailLines(result, paint)];
};

const detailLines = (result: HostResult, paint: Paint): readonly string[] => {
  const lines: string[] = [];
  if (result.failure !== null) {
    lines.push(...indented(`${result.failure.step}: ${shown(result.failure.message)}`));
  }
  for (const finding of result.findings.slice(0, FINDINGS_SHOWN_MAX)) {
    const mark = finding.severity === 'breach' ? '' : 'warning: ';
    lines.push(...indented(`${mark}${shown(finding.message)} [${finding.rule}]`));
  }
  const more = result.findings.length - FINDINGS_SHOWN_MAX;
  if (more > 0) lines.push(...indented(`and ${more} more findings: see --json or the journal`));
  const next = nextStep(result);
  if (next !== '' && !isGood(result.verdict)) {
    // The lines are ours, and a command among them must not be broken.
    lines.push(...indented(next).map((line) => paint.bold(line)));
  }
  return lines;
};

const indented = (text: string): readonly string[] =>
  wrapText(text, TABLE_WIDTH - INDENT.length).map((line) => INDENT + line);

const footLines = (results: readonly HostResult[], foot: TableFoot, paint: Paint): readonly string[] => {
  const counts = new Map<Verdict, number>();
  for (const { verdict } of results) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const parts = [...counts].map(([verdict, count]) => `${count} ${verdict}`);
  const hosts = `${results.length} ${results.length === 1 ? 'host' : 'hosts'}`;
  const lines = [...wrapText(`${hosts}: ${parts.join(', ')}`, TABLE_WIDTH)];
  // A path is on a line of its own and never broken, so that it can be copied.
  if (foot.journal === null) lines.push(paint.dim(`run ${foot.run}`));
  else lines.push(paint.dim(`run ${foot.run}, journal:`), paint.dim(`  ${foot.journal}`));
  return lines;
};
