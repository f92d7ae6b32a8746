// What a bench says at its end: medians, their spread, and the ratios that speed is promised in. Pure.

/** What is measured: a job on untouched hosts, the same job once more, and a login that does nothing. */
export type Kind = 'first' | 'unchanged' | 'login';

/** One run of one contender over all hosts. */
export interface Measurement {
  readonly contender: string;
  readonly kind: Kind;
  readonly durationMs: number;
}

/** The middle one and the extremes of some runs, in milliseconds. */
export interface Spread {
  readonly medianMs: number;
  readonly lowestMs: number;
  readonly highestMs: number;
  readonly runs: number;
}

/** One promise: `of` over `over`, both `[contender, kind]`, is at least or at most `bound`. */
export interface Aim {
  readonly of: readonly [contender: string, kind: Kind];
  readonly over: readonly [contender: string, kind: Kind];
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** What duo-fleet's speed is held against. */
export const AIMS: readonly Aim[] = [
  { of: ['ansible', 'first'], over: ['duo-fleet', 'first'], atLeast: 5 },
  { of: ['duo-fleet', 'first'], over: ['script', 'first'], atMost: 1.6 },
  { of: ['ansible', 'unchanged'], over: ['duo-fleet', 'unchanged'], atLeast: 12 },
  { of: ['duo-fleet', 'unchanged'], over: ['login', 'login'], atMost: 2 },
];

/** An aim with what came out; `ratio` is `null` when one side was not measured. */
export interface Outcome {
  readonly aim: Aim;
  readonly ratio: number | null;
  readonly met: boolean;
}

/** The spread of one contender's runs of one kind; `null` when there were none. */
export const spreadOf = (
  measurements: readonly Measurement[],
  contender: string,
  kind: Kind,
): Spread | null => {
  const sorted = measurements
    .filter((one) => one.contender === contender && one.kind === kind)
    .map((one) => one.durationMs)
    .toSorted((a, b) => a - b);
  const lowestMs = sorted[0];
  const highestMs = sorted.at(-1);
  if (lowestMs === undefined || highestMs === undefined) return null;
  const middle = (sorted.length - 1) / 2;
  const below = sorted[Math.floor(middle)] ?? lowestMs;
  const above = sorted[Math.ceil(middle)] ?? highestMs;
  return { medianMs: (below + above) / 2, lowestMs, highestMs, runs: sorted.length };
};

/** Every aim with the ratio of the medians. */
export const outcomes = (measurements: readonly Measurement[]): readonly Outcome[] =>
  AIMS.map((aim) => {
    const of = spreadOf(measurements, ...aim.of);
    const over = spreadOf(measurements, ...aim.over);
    if (of === null || over === null) return { aim, ratio: null, met: false };
    const ratio = of.medianMs / over.medianMs;
    return { aim, ratio, met: ratio >= (aim.atLeast ?? 0) && ratio <= (aim.atMost ?? Infinity) };
  });

const KINDS: readonly (readonly [kind: Kind, title: string])[] = [
  ['first', 'first apply'],
  ['unchanged', 'unchanged'],
  ['login', 'login'],
];
const NAME_COLUMNS = 14;
const CELL_COLUMNS = 24;
const RATIO_COLUMNS = 46;

const seconds = (ms: number): string => (ms / 1000).toFixed(2);

const cell = (spread: Spread | null): string =>
  spread === null
    ? '-'
    : `${seconds(spread.medianMs)} (${seconds(spread.lowestMs)}–${seconds(spread.highestMs)})`;

const sideName = ([contender, kind]: readonly [string, Kind]): string =>
  kind === 'login' ? 'bare login' : `${contender} ${kind}`;

const verdictOf = ({ aim, ratio, met }: Outcome): string => {
  const bound = aim.atLeast === undefined ? `at most ${aim.atMost}` : `at least ${aim.atLeast}`;
  if (ratio === null) return `not measured (aim: ${bound})`;
  return `${ratio.toFixed(2).padStart(6)}  ${met ? 'met' : 'MISSED'} (aim: ${bound})`;
};

const tableLine = ([first = '', ...cells]: readonly string[]): string =>
  (first.padEnd(NAME_COLUMNS) + cells.map((text) => text.padEnd(CELL_COLUMNS)).join('')).trimEnd();

/** The report as lines for people: seconds as `median (lowest–highest)`, then the ratios. */
export const benchReport = (
  measurements: readonly Measurement[],
  run: { readonly hosts: number; readonly rounds: number; readonly machine: string },
): readonly string[] => {
  const contenders = [...new Set(measurements.map((one) => one.contender))];
  const header = ['', ...KINDS.map(([, title]) => title)];
  const rows = contenders.map((name) => [
    name,
    ...KINDS.map(([kind]) => cell(spreadOf(measurements, name, kind))),
  ]);
  return [
    `${run.hosts} hosts, ${run.rounds} rounds, ${run.machine}; seconds: median (lowest–highest)`,
    '',
    ...[header, ...rows].map(tableLine),
    '',
    ...outcomes(measurements).map((outcome) => {
      const sides = `${sideName(outcome.aim.of)} / ${sideName(outcome.aim.over)}`;
      return sides.padEnd(RATIO_COLUMNS) + verdictOf(outcome);
    }),
  ];
};
