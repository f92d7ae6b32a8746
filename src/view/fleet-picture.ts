// Many hosts as a picture of a fixed height: how far the run is, how many hosts are where, who is slow, who failed.
import { PHASES, type Phase } from '../core/event.ts';
import type { Verdict } from '../core/verdict.ts';
import { phaseOf, type FleetTally, type HostAtWork, type MissedHost } from './fleet-tally.ts';
import type { Paint } from './paint.ts';
import { paintVerdict, shown } from './words.ts';

/** No taller than this, however tall the terminal is: what scrolled by before it stays in sight. */
export const PICTURE_LINES_MAX = 20;
/** Lines that verdicts may take, and phases. */
const COUNT_LINES_MAX = 2;
const GAP = 2;
const DOTS = '...';
const BAR_WIDTH_MAX = 40;
const HOST_WIDTH_MAX = 28;
/** As wide as the longest row name, `duo-repository`. */
const TASK_WIDTH = 14;
const VERDICT_WIDTH = 11;
/** Before so many hosts have ended, the time that is left is anybody's guess. */
const ENDS_MIN = 5;

const VERDICTS: readonly Verdict[] = [
  'confirmed',
  'unchanged',
  'compliant',
  'planned',
  'drifted',
  'rolled-back',
  'refused',
  'unreachable',
  'stranded',
  'skipped',
];

/** What a picture is drawn on. */
export interface Canvas {
  readonly lines: number;
  readonly columns: number;
  /** Block characters can be shown. */
  readonly unicode: boolean;
  readonly paint: Paint;
}

/** How tall the picture is on a terminal of so many lines; its last line is left to the cursor. */
export const pictureHeight = (lines: number): number => Math.max(1, Math.min(PICTURE_LINES_MAX, lines - 1));

/**
 * The picture's lines, always as many as {@link pictureHeight} says, none wider than the terminal less one column: a full
 * line would make some terminals begin another one.
 * @param nowMs milliseconds since the epoch
 */
export const fleetPicture = (tally: FleetTally, nowMs: number, canvas: Canvas): readonly string[] => {
  const height = pictureHeight(canvas.lines);
  const width = Math.max(1, canvas.columns - 1);
  const counts = [
    headLine(tally, nowMs, width),
    barLine(tally, width, canvas),
    ...(tally.wave === '' ? [] : [fit(tally.wave, width)]),
    ...countsLines(verdictCounts(tally), width, (name, text) => paintVerdict(name, canvas.paint, text)),
    ...countsLines(phaseCounts(tally), width, (_name, text) => canvas.paint.dim(text)),
  ].slice(0, height);
  const notice = tally.notice === '' ? [] : [canvas.paint.warn(fit(shown(tally.notice), width))];
  const room = height - counts.length - notice.length;
  const missedRoom = roomForMissed(tally, room);
  const lines = [
    ...counts,
    ...slowest(tally, nowMs, { width, room: room - missedRoom }),
    ...lastMissed(tally, { width, room: missedRoom, paint: canvas.paint }),
  ];
  const empty = Array.from<string>({ length: Math.max(0, height - lines.length - notice.length) }).fill('');
  return [...lines, ...empty, ...notice].slice(0, height);
};

/** The counts alone: what stays on the screen when the run is over. */
export const lastPicture = (tally: FleetTally, nowMs: number, canvas: Canvas): readonly string[] => [
  headLine(tally, nowMs, canvas.columns - 1),
  ...countsLines(verdictCounts(tally), canvas.columns - 1, (name, text) =>
    paintVerdict(name, canvas.paint, text),
  ),
];

/** `500 hosts: 316 done, 20 at work, 164 waiting      3:12, about 2 min left` */
const headLine = (tally: FleetTally, nowMs: number, width: number): string => {
  const { hosts, ended, atWork, startedMs } = tally;
  const waiting = Math.max(0, hosts - ended - atWork.size);
  const left = `${hosts} hosts: ${ended} done, ${atWork.size} at work, ${waiting} waiting`;
  const since = startedMs === null ? '' : clockText(nowMs - startedMs);
  const right = [since, leftText(tally, nowMs)].filter((text) => text !== '').join(', ');
  const gap = width - left.length - right.length;
  return gap < 2 ? fit(left, width) : `${left}${' '.repeat(gap)}${right}`;
};

/** `3:12`, `1:03:12`. */
const clockText = (ms: number): string => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const shownParts = parts[0] === 0 ? parts.slice(1) : parts;
  return shownParts.map((part, at) => (at === 0 ? String(part) : String(part).padStart(2, '0'))).join(':');
};

/** By how fast the last hosts ended; the last ones and not all, since waves differ in how many go side by side. */
const leftText = ({ hosts, ended, endsMs }: FleetTally, nowMs: number): string => {
  const [first] = endsMs;
  if (first === undefined || endsMs.length < ENDS_MIN || ended >= hosts) return '';
  const leftMs = ((hosts - ended) * Math.max(0, nowMs - first)) / endsMs.length;
  const minutes = Math.round(leftMs / 60_000);
  return minutes === 0 ? 'less than a minute left' : `about ${minutes} min left`;
};

const barLine = ({ hosts, ended }: FleetTally, width: number, { unicode, paint }: Canvas): string => {
  const share = hosts === 0 ? 1 : ended / hosts;
  // Rounded down: all is done only when all is done.
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`;
  const cells = Math.min(BAR_WIDTH_MAX, width - percent.length - 1);
  if (cells < 1) return fit(percent, width);
  const full = Math.floor(share * cells);
  const [done, open] = unicode ? ['\u2588', '\u2591'] : ['#', '-'];
  return `${paint.good(done.repeat(full))}${paint.dim(open.repeat(cells - full))} ${percent}`;
};

type Count<Name> = readonly [name: Name, count: number];

const verdictCounts = ({ verdicts }: FleetTally): readonly Count<Verdict>[] =>
  VERDICTS.map((verdict) => [verdict, verdicts.get(verdict) ?? 0] as const).filter(([, count]) => count > 0);

const phaseCounts = ({ atWork }: FleetTally): readonly Count<Phase>[] => {
  const counts = new Map<Phase, number>();
  for (const host of atWork.values()) {
    const phase = phaseOf(host);
    if (phase !== null) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  }
  return PHASES.map((phase) => [phase, counts.get(phase) ?? 0] as const).filter(([, count]) => count > 0);
};

/** The counts in at most {@link COUNT_LINES_MAX} lines; `...` stands for those that do not fit. */
const countsLines = <Name extends string>(
  counts: readonly Count<Name>[],
  width: number,
  paint: (name: Name, text: string) => string,
): readonly string[] => {
  const lines: string[] = [];
  let line: string[] = [];
  let used = 0;
  for (const [at, [name, count]] of counts.entries()) {
    const text = `${name} ${count}`;
    const isLastLine = lines.length === COUNT_LINES_MAX - 1;
    // On the last line room is kept for the dots, unless nothing comes after this one.
    const kept = isLastLine && at < counts.length - 1 ? GAP + DOTS.length : 0;
    if (used > 0 && used + GAP + text.length + kept > width) {
      if (isLastLine) {
        line.push(DOTS);
        break;
      }
      lines.push(line.join(' '.repeat(GAP)));
      line = [];
      used = 0;
    }
    line.push(text.length > width ? fit(text, width) : paint(name, text));
    used += (used === 0 ? 0 : GAP) + text.length;
  }
  return [...lines, line.join(' '.repeat(GAP))];
};

/** Who failed matters more than who is slow, but whoever is at work is not crowded out. */
const roomForMissed = ({ missed, atWork }: FleetTally, room: number): number => {
  if (missed.length === 0 || room < 2) return 0;
  const half = atWork.size === 0 ? room : Math.ceil(room / 2);
  return Math.min(missed.length + 1, Math.max(half, room - atWork.size - 1));
};

const slowest = (
  { atWork }: FleetTally,
  nowMs: number,
  { width, room }: { readonly width: number; readonly room: number },
): readonly string[] => {
  if (room < 2 || atWork.size === 0) return [];
  const hosts = [...atWork.values()].toSorted((a, b) => a.sinceMs - b.sinceMs).slice(0, room - 1);
  const hostWidth = widthOf(hosts);
  const title = atWork.size > hosts.length ? 'At work, those that began first:' : 'At work:';
  return [
    fit(title, width),
    ...hosts.map(({ host, sinceMs, open }: HostAtWork) =>
      fit(
        `  ${fit(shown(host), hostWidth).padEnd(hostWidth)}  ${(open.at(-1) ?? '').padEnd(TASK_WIDTH)}  ${clockText(nowMs - sinceMs)}`,
        width,
      ),
    ),
  ];
};

const lastMissed = (
  { missed, verdicts }: FleetTally,
  { width, room, paint }: { readonly width: number; readonly room: number; readonly paint: Paint },
): readonly string[] => {
  if (room < 2) return [];
  const hosts = missed.slice(-(room - 1));
  const hostWidth = widthOf(hosts);
  const all = MISSED.reduce((sum, verdict) => sum + (verdicts.get(verdict) ?? 0), 0);
  const title =
    all > hosts.length ? `Not where they should be: ${all}, the last of them:` : 'Not where they should be:';
  return [
    fit(title, width),
    ...hosts.map(({ host, verdict, why }: MissedHost) => {
      const name = `  ${fit(shown(host), hostWidth).padEnd(hostWidth)}  `;
      const word = verdict.padEnd(VERDICT_WIDTH);
      const room = width - name.length - word.length - 2;
      // Painted only where it is whole: a cut colour would run on.
      if (room < 1) return fit(`${name}${word}`, width);
      return `${name}${paintVerdict(verdict, paint, word)}  ${fit(shown(why), room)}`;
    }),
  ];
};

const MISSED: readonly Verdict[] = ['drifted', 'rolled-back', 'refused', 'unreachable', 'stranded'];

const widthOf = (hosts: readonly { readonly host: string }[]): number =>
  Math.min(HOST_WIDTH_MAX, Math.max(1, ...hosts.map(({ host }) => shown(host).length)));

/** At most `width` characters; what is cut ends in an ellipsis. */
const fit = (text: string, width: number): string => {
  if (text.length <= width) return text;
  return width < 1 ? '' : `${text.slice(0, width - 1).trimEnd()}\u2026`;
};
