// What a picture of many hosts needs to know of them, kept up to date event by event: no event costs more than one host.
import { PHASES, type Phase, type RecordedEvent, type TaskId } from '../core/event.ts';
import type { HostResult, Verdict } from '../core/verdict.ts';
import type { Rollout } from '../core/wave.ts';
import { isWaveTrouble, waveEventText } from './wave-words.ts';
import { isGood, whyNot } from './words.ts';

/** Failures that are remembered for the picture; the final table has all of them. */
const MISSED_MAX = 50;
/** The last ends, by which the time that is left is guessed. */
const ENDS_MAX = 50;

/** A host that is under way. */
export interface HostAtWork {
  readonly host: string;
  readonly sinceMs: number;
  /** Rows begun and not ended, the innermost last. */
  readonly open: readonly TaskId[];
}

/** A host that did not get where it should. */
export interface MissedHost {
  readonly host: string;
  readonly verdict: Verdict;
  readonly why: string;
}

/** Where a run stands. Times are milliseconds since the epoch. */
export interface FleetTally {
  readonly hosts: number;
  readonly startedMs: number | null;
  readonly atWork: ReadonlyMap<string, HostAtWork>;
  readonly verdicts: ReadonlyMap<Verdict, number>;
  readonly ended: number;
  /** The newest last. */
  readonly missed: readonly MissedHost[];
  /** When the last hosts ended, the newest last. */
  readonly endsMs: readonly number[];
  /** The wave that is under way, or what its gate said last; '' in a run without waves. */
  readonly wave: string;
  /** What the operator was told last. */
  readonly notice: string;
}

/** A tally and the way to go on with it. */
export interface FleetTallyKeeper {
  readonly tally: () => FleetTally;
  readonly show: (event: RecordedEvent) => void;
  readonly say: (text: string) => void;
}

/** Begins with hosts of which none has started. */
export const keepTally = (hosts: readonly string[]): FleetTallyKeeper => {
  const atWork = new Map<string, HostAtWork>();
  const verdicts = new Map<Verdict, number>();
  const over = new Set<string>();
  const missed: MissedHost[] = [];
  const endsMs: number[] = [];
  let startedMs: number | null = null;
  let notice = '';
  let wave = '';
  let rollout: Rollout | null = null;

  const rows = (host: string, at: number, change: (open: readonly TaskId[]) => readonly TaskId[]): void => {
    if (over.has(host)) return;
    const known = atWork.get(host) ?? { host, sinceMs: at, open: [] };
    atWork.set(host, { ...known, open: change(known.open) });
  };
  const end = (result: HostResult, at: number): void => {
    if (over.has(result.host)) return;
    over.add(result.host);
    atWork.delete(result.host);
    verdicts.set(result.verdict, (verdicts.get(result.verdict) ?? 0) + 1);
    kept(endsMs, at, ENDS_MAX);
    // Those that never started say nothing about any host.
    if (isGood(result.verdict) || result.verdict === 'skipped') return;
    kept(missed, { host: result.host, verdict: result.verdict, why: whyNot(result) }, MISSED_MAX);
  };

  return {
    tally: () => ({
      hosts: hosts.length,
      startedMs,
      atWork,
      verdicts,
      ended: over.size,
      missed,
      endsMs,
      wave,
      notice,
    }),
    say: (text) => {
      notice = text;
    },
    show: (event) => {
      startedMs ??= event.at;
      switch (event.type) {
        case 'host-started':
          rows(event.host, event.at, (open) => open);
          return;
        case 'task-started':
          rows(event.host, event.at, (open) => [...open, event.task]);
          return;
        case 'task-ended':
        case 'task-failed':
          rows(event.host, event.at, (open) => open.filter((task) => task !== event.task));
          return;
        case 'host-ended':
          end(event.result, event.at);
          return;
        case 'interrupted':
          notice = `${event.signal}: no new host is started; those under way are brought to their end`;
          return;
        case 'noted':
          notice = `${event.host}: ${event.note}`;
          return;
        case 'run-started':
          rollout = event.rollout ?? null;
          return;
        case 'wave-started':
        case 'bake-started':
        case 'bake-ended':
        case 'wave-ended':
        case 'gate':
          wave = waveEventText(event, rollout) || wave;
          // A halt stays to be read when hosts have said something since.
          if (isWaveTrouble(event)) notice = wave;
          return;
        case 'run-ended':
        case 'planned':
        case 'judged':
        case 'claimed':
        case 'settled':
          return;
        default:
          event satisfies never;
      }
    },
  };
};

const kept = <T>(list: T[], item: T, most: number): void => {
  list.push(item);
  if (list.length > most) list.shift();
};

/** The phase that a host is in: the steps are parts of `activate`. `null` between two rows. */
export const phaseOf = ({ open }: HostAtWork): Phase | null => {
  const task = open.at(-1);
  if (task === undefined) return null;
  return PHASES.find((phase) => phase === task) ?? 'activate';
};
