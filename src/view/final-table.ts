// What a run came to: a row for each host, and under it what failed and what to do.
import type { Command } from '../core/event.ts';
import type { Finding } from '../core/finding.ts';
import type { WaveState } from '../core/run-state.ts';
import { isAsItMust, type HostResult, type Verdict } from '../core/verdict.ts';
import { hostsText } from '../core/wave.ts';
import type { Paint } from './paint.ts';
import { changesText, nextStep, paintVerdict, secondsText, shown, type Again } from './words.ts';
import { haltLines, namesText } from './wave-words.ts';
import { wrapText } from './wrap-text.ts';

/** No line is longer, whatever the terminal: tables are pasted into tickets. */
export const TABLE_WIDTH = 80;
const HOST_WIDTH_MAX = 28;
const VERDICT_WIDTH = 11;
const TIME_WIDTH = 7;
const INDENT = '       ';
/** Findings told under one host; the rest are counted. All of them are in the journal and in --json. */
const FINDINGS_SHOWN_MAX = 12;
/** A warning that so many hosts have in the same words is told once for all of them. */
const SHARED_MIN = 3;

/** What the table needs to know of the run. */
export interface TableRun {
  readonly run: string;
  readonly command: Command;
  readonly again: Again;
  /** The journal's path, `null` when there is none. */
  readonly journal: string | null;
  /** Empty in a run without waves. */
  readonly waves: readonly WaveState[];
  /** What it has confirmed is rolled back now, and the rest is nobody's. */
  readonly isUndone: boolean;
}

/** The table's lines, at most {@link TABLE_WIDTH} characters wide without their colours, but for what is to be copied. */
export const finalTable = (
  results: readonly HostResult[],
  paint: Paint,
  run: TableRun,
): readonly string[] => {
  const hostWidth = Math.min(
    HOST_WIDTH_MAX,
    Math.max(4, ...results.map((result) => shown(result.host).length)),
  );
  const shared = sharedWarnings(results);
  const head = `${'HOST'.padEnd(hostWidth)}  ${'VERDICT'.padEnd(VERDICT_WIDTH)}  ${'TIME'.padStart(TIME_WIDTH)}  CHANGED`;
  return [
    paint.bold(head),
    ...results.flatMap((result) => rowLines(result, hostWidth, { run, paint, shared })),
    '',
    ...sharedLines(shared),
    ...footLines(results, run, paint),
  ];
};

interface Style {
  readonly run: TableRun;
  readonly paint: Paint;
  readonly shared: SharedWarnings;
}

/** Hosts by the words of a warning that they share. */
type SharedWarnings = ReadonlyMap<string, readonly string[]>;

const sharedWarnings = (results: readonly HostResult[]): SharedWarnings => {
  const hosts = new Map<string, string[]>();
  for (const { host, findings } of results) {
    const texts = findings.filter(({ severity }) => severity === 'warning').map(findingText);
    for (const text of new Set(texts)) {
      const names = hosts.get(text);
      if (names === undefined) hosts.set(text, [host]);
      else names.push(host);
    }
  }
  return new Map([...hosts].filter(([, names]) => names.length >= SHARED_MIN));
};

const sharedLines = (shared: SharedWarnings): readonly string[] =>
  shared.size === 0
    ? []
    : [
        ...[...shared].flatMap(([text, hosts]) => [
          ...wrapText(`${hostsText(hosts.length)} (${namesText(hosts)}):`, TABLE_WIDTH),
          ...indented(text),
        ]),
        '',
      ];

const rowLines = (result: HostResult, hostWidth: number, style: Style): readonly string[] => {
  const { paint } = style;
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
  return [...lines, ...detailLines(result, style)];
};

const detailLines = (result: HostResult, { run, paint, shared }: Style): readonly string[] => {
  const lines: string[] = [];
  if (result.failure !== null) {
    lines.push(...indented(`${result.failure.step}: ${shown(result.failure.message)}`));
  }
  // What stopped the host comes first, and is never among those that are only counted.
  const own = result.findings.filter((finding) => !shared.has(findingText(finding)));
  const found = own.toSorted((a, b) => weight(a) - weight(b));
  for (const finding of found.slice(0, FINDINGS_SHOWN_MAX)) {
    lines.push(...indented(findingText(finding)));
  }
  const more = own.length - FINDINGS_SHOWN_MAX;
  if (more > 0) lines.push(...indented(`and ${more} more findings: see --json or the journal`));
  const next = nextStep(result, run.command, run.again);
  if (next !== null) {
    lines.push(...indented(next.words));
    // A command is on a line of its own and never broken, so that it can be copied.
    lines.push(...next.commands.map((command) => paint.bold(`${INDENT}  ${command}`)));
  }
  return lines;
};

const weight = ({ severity }: Finding): number => (severity === 'breach' ? 0 : 1);

/** With its rule, which a failed login's message ends in already. */
const findingText = ({ severity, message, rule }: Finding): string => {
  const text = `${severity === 'breach' ? '' : 'warning: '}${shown(message)}`;
  return text.endsWith(`[${rule}]`) ? text : `${text} [${rule}]`;
};

const indented = (text: string): readonly string[] =>
  wrapText(text, TABLE_WIDTH - INDENT.length).map((line) => INDENT + line);

const footLines = (results: readonly HostResult[], foot: TableRun, paint: Paint): readonly string[] => {
  const counts = new Map<Verdict, number>();
  for (const { verdict } of results) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  const parts = [...counts].map(([verdict, count]) => `${count} ${verdict}`);
  const lines = [...wrapText(`${hostsText(results.length)}: ${parts.join(', ')}`, TABLE_WIDTH)];
  const logins = loginsText(results);
  if (logins !== '') lines.push(...wrapText(logins, TABLE_WIDTH));
  lines.push(...haltLines(foot.waves, TABLE_WIDTH).map((line) => paint.warn(line)));
  if (counts.has('skipped')) lines.push(...skippedLines(foot, paint));
  // A path is on a line of its own and never broken, so that it can be copied.
  if (foot.journal === null) lines.push(paint.dim(`run ${foot.run}`));
  else lines.push(paint.dim(`run ${foot.run}, journal:`), paint.dim(`  ${foot.journal}`));
  return lines;
};

const skippedLines = ({ command, run, isUndone }: TableRun, paint: Paint): readonly string[] =>
  isUndone
    ? ['Not started are those that were skipped. With the cause removed, apply again.']
    : command === 'plan' || command === 'verify'
      ? ['Not started are those that were skipped: the same command again does them.']
      : [
          'Not started are those that were skipped. With the cause removed, this does them:',
          paint.bold(`  duo-fleet resume ${run}`),
        ];

/** How many logins were tried and what came of them, '' when none was. All of them are in --json. */
const loginsText = (results: readonly HostResult[]): string => {
  const checks = results.flatMap((result) => result.checks);
  if (checks.length === 0) return '';
  const good = checks.filter(isAsItMust);
  const inside = good.filter(({ must }) => must === 'get-in').length;
  const wrong = checks.length - good.length;
  return `${checks.length} logins tried: ${inside} had to get in and did, ${good.length - inside} had to be refused and were${wrong === 0 ? '' : `, ${wrong} ended otherwise`}`;
};
