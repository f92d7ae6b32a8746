// The runs that one controller has journals of, newest first: for people as a table, for programs as a document.
import type { RunState } from '../core/run-state.ts';
import type { Verdict } from '../core/verdict.ts';
import type { Paint } from './paint.ts';
import { relationsOf, timeText } from './report-words.ts';
import { shown, toneOf } from './words.ts';
import { wrapText } from './wrap-text.ts';

/** One run, as far as a list tells it. */
export interface ListedRun {
  readonly run: string;
  readonly state: RunState;
  /** Of the journal's last intact event, milliseconds since the epoch; `null`: there is none. */
  readonly lastAt: number | null;
  /** Its process lives. */
  readonly isAlive: boolean;
  /** Lines of its journal that are lost. */
  readonly linesLost: number;
}

/** Three lines for each run, the first of them stable: scripts may cut it. `more`: runs that are older and not listed. */
export const runsTable = (
  runs: readonly ListedRun[],
  more: number,
  { paint, width }: { readonly paint: Paint; readonly width: number },
): readonly string[] => [
  ...runs.flatMap((run) => [
    [
      paint.bold(shown(run.run).padEnd(RUN_WIDTH)),
      run.state.started === null ? '?'.padEnd(TIME_WIDTH) : timeText(run.state.started.at),
      (run.state.started?.command ?? '?').padEnd(COMMAND_WIDTH),
      endText(run, paint),
    ].join('  '),
    ...indented(hostsText(run), width).map((line) => paint[toneOfRun(run)](line)),
    ...whoLines(run).flatMap((line) => indented(line, width).map((one) => paint.dim(one))),
  ]),
  ...(more === 0 ? [] : ['', `and ${more} older: --count shows more`]),
];

const RUN_WIDTH = 20;
const TIME_WIDTH = 23;
const COMMAND_WIDTH = 8;

const indented = (text: string, width: number): readonly string[] =>
  wrapText(text, width - 2).map((line) => `  ${line}`);

const whoLines = ({ state: { started } }: ListedRun): readonly string[] =>
  started === null
    ? []
    : [
        [shown(started.operator), ...(started.inventory === null ? [] : [shown(started.inventory)])].join(
          ', ',
        ),
        ...(started.reason === null ? [] : [`reason: ${shown(started.reason)}`]),
        ...relationsOf(started).map(([what, other]) => `${what} ${other}`),
      ];

const verdictsOf = ({ hosts }: RunState): ReadonlyMap<Verdict, number> => {
  const counts = new Map<Verdict, number>();
  for (const { result } of hosts.values()) {
    if (result !== null) counts.set(result.verdict, (counts.get(result.verdict) ?? 0) + 1);
  }
  return counts;
};

const unfinishedOf = ({ hosts }: RunState): number =>
  [...hosts.values()].filter(({ result }) => result === null).length;

const hostsText = ({ state }: ListedRun): string => {
  const open = unfinishedOf(state);
  const parts = [
    ...[...verdictsOf(state)].map(([verdict, count]) => `${count} ${verdict}`),
    ...(open === 0 ? [] : [`${open} without a verdict`]),
  ];
  return `${state.hosts.size} ${state.hosts.size === 1 ? 'host' : 'hosts'}: ${parts.join(', ')}`;
};

const toneOfRun = ({ state }: ListedRun): 'good' | 'warn' | 'bad' => {
  const tones = new Set([...verdictsOf(state).keys()].map(toneOf));
  if (tones.has('bad')) return 'bad';
  return tones.has('warn') || unfinishedOf(state) > 0 ? 'warn' : 'good';
};

const endText = ({ state, isAlive, linesLost }: ListedRun, paint: Paint): string => {
  const lost = linesLost === 0 ? '' : `, journal damaged (${linesLost})`;
  if (state.exitCode === null) return isAlive ? paint.bold(`under way${lost}`) : paint.bad(`cut off${lost}`);
  const signal = state.interrupted === null ? '' : ` by ${shown(state.interrupted)}`;
  return `exit ${state.exitCode}${signal}${lost}`;
};

/** The document of `runs --json`. Times are ISO 8601, UTC. Fields are never renamed or taken away. */
export const runsDocument = (runs: readonly ListedRun[], more: number): object => ({
  runs: runs.map(({ run, state, lastAt, isAlive, linesLost }) => ({
    run,
    startedAt: state.started === null ? null : new Date(state.started.at).toISOString(),
    lastEventAt: lastAt === null ? null : new Date(lastAt).toISOString(),
    operator: state.started === null ? null : shown(state.started.operator),
    command: state.started?.command ?? null,
    inventory: state.started?.inventory ?? null,
    reason: state.started?.reason == null ? null : shown(state.started.reason),
    resumes: state.started?.resumes ?? null,
    undoes: state.started?.undoes ?? null,
    plan: state.started?.approved?.run ?? null,
    state: state.exitCode !== null ? 'ended' : isAlive ? 'under-way' : 'cut-off',
    exitCode: state.exitCode,
    interrupted: state.interrupted,
    hosts: state.hosts.size,
    verdicts: Object.fromEntries(verdictsOf(state)),
    unfinished: unfinishedOf(state),
    linesLost,
  })),
  more,
});
