// A run as a report tells it: the fold of its journal, whole, damaged or cut off.
import type { EarlierEnd, Exhibit, PlannedChange, RecordedEvent, TaskId } from './event.ts';
import type { Finding } from './finding.ts';
import type { LoginTable } from './login-table.ts';
import { foldRun, hostOf, type RunState } from './run-state.ts';
import type { HostResult, Verdict } from './verdict.ts';

/** One row of a host's way. Times are milliseconds since the epoch, controller's clock. */
export interface ReportTask {
  readonly task: TaskId;
  readonly startedAt: number;
  /** `null`: the journal has no end of it. */
  readonly endedAt: number | null;
  readonly end: 'ok' | 'failed' | 'open';
  readonly note: string;
}

/** One host's way. */
export interface ReportHost {
  readonly host: string;
  /** Counted from 1; `null` where there are no waves. */
  readonly wave: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly tasks: readonly ReportTask[];
  /** What the operator was told meanwhile. */
  readonly notes: readonly string[];
  /** What was planned; what was done of it, the verdict says. */
  readonly changes: readonly PlannedChange[];
  /** The verdict's, or, without one, the plan's. */
  readonly findings: readonly Finding[];
  /** Who gets in, by the model, on the host in the state that the verdict says; `null`: it is not known. */
  readonly logins: LoginTable | null;
  /** What became of an earlier run's transaction. */
  readonly settled: EarlierEnd | null;
  /** `null`: it never came to a verdict. */
  readonly result: HostResult | null;
}

/** A line of the journal that is lost. */
export interface LostLine {
  readonly line: number;
  readonly what: string;
}

/** What a report says beside its journal: what the folder of runs knows. */
export interface ReportContext {
  /** The run's name; its journal may have lost its first line. */
  readonly run: string;
  readonly damage: readonly LostLine[];
  /** Its process lives. */
  readonly isAlive: boolean;
  /** Later runs that finish this one. */
  readonly resumedBy: readonly string[];
  /** Later runs that roll this one back, on some of its hosts or on all. */
  readonly undoneBy: readonly string[];
}

/** A run, told. */
export interface Report extends ReportContext {
  readonly state: 'ended' | 'under-way' | 'cut-off';
  readonly started: RunState['started'];
  /** Of the first and the last event; `null`: there is none. */
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly interrupted: string | null;
  readonly exitCode: RunState['exitCode'];
  readonly waves: RunState['waves'];
  /** In the run's order. */
  readonly hosts: readonly ReportHost[];
  /** What the changes' diffs are names of. */
  readonly exhibits: ReadonlyMap<string, Exhibit>;
}

/** Folds a journal's events, in their order. */
export const foldReport = (events: readonly RecordedEvent[], context: ReportContext): Report => {
  const { started, hosts, waves, interrupted, exitCode } = foldRun(events);
  const exhibits = new Map<string, Exhibit>();
  const ways = new Map<string, Way>();
  for (const event of events) {
    const host = hostOf(event);
    if (host === null) continue;
    const way = ways.get(host) ?? newWay();
    ways.set(host, way);
    advance(way, event);
    if (event.type !== 'planned' && event.type !== 'judged') continue;
    for (const [name, exhibit] of Object.entries(event.exhibits ?? {})) exhibits.set(name, exhibit);
  }
  const waveOf = new Map(waves.flatMap(({ wave, hosts: names }) => names.map((host) => [host, wave])));
  return {
    ...context,
    state: exitCode !== null ? 'ended' : context.isAlive ? 'under-way' : 'cut-off',
    started,
    startedAt: events[0]?.at ?? null,
    endedAt: events.at(-1)?.at ?? null,
    interrupted,
    exitCode,
    waves,
    hosts: [...hosts.values()].map(({ host, result, changes }) => {
      const { planned, logins, ...way } = ways.get(host) ?? newWay();
      return {
        host,
        wave: waveOf.get(host) ?? null,
        ...way,
        changes,
        findings: result?.findings ?? planned,
        logins: tableOf(logins, result?.verdict ?? null, exhibits),
        result,
      };
    }),
    exhibits,
  };
};

interface Way {
  startedAt: number | null;
  endedAt: number | null;
  tasks: ReportTask[];
  notes: string[];
  settled: EarlierEnd | null;
  planned: readonly Finding[];
  logins: { readonly now: string; readonly after: string } | null;
}

const newWay = (): Way => ({
  startedAt: null,
  endedAt: null,
  tasks: [],
  notes: [],
  settled: null,
  planned: [],
  logins: null,
});

const advance = (way: Way, event: RecordedEvent): void => {
  const { at } = event;
  switch (event.type) {
    case 'host-started':
      way.startedAt = at;
      return;
    case 'task-started':
      way.startedAt ??= at;
      way.tasks.push({ task: event.task, startedAt: at, endedAt: null, end: 'open', note: '' });
      return;
    case 'task-ended':
      endTask(way, event.task, { endedAt: at, end: 'ok', note: event.note });
      return;
    case 'task-failed':
      endTask(way, event.task, { endedAt: at, end: 'failed', note: event.failure.message });
      return;
    case 'planned':
      way.planned = event.findings;
      way.logins = event.logins ?? null;
      return;
    case 'judged':
      way.logins = event.logins;
      return;
    case 'settled':
      way.settled = event.how;
      return;
    case 'noted':
      way.notes.push(event.note);
      return;
    case 'host-ended':
      way.endedAt = at;
      return;
    case 'claimed':
    case 'run-started':
    case 'wave-started':
    case 'bake-started':
    case 'bake-ended':
    case 'wave-ended':
    case 'gate':
    case 'interrupted':
    case 'run-ended':
      return;
    default:
      event satisfies never;
  }
};

const endTask = (way: Way, task: TaskId, end: Pick<ReportTask, 'endedAt' | 'end' | 'note'>): void => {
  const index = way.tasks.findLastIndex((row) => row.task === task && row.end === 'open');
  const begun = way.tasks[index];
  // The row's beginning is in a line that was lost.
  if (begun === undefined) way.tasks.push({ task, startedAt: end.endedAt ?? 0, ...end });
  else way.tasks[index] = { ...begun, ...end };
};

/** As the verdict leaves the host: changed, as it was, or, without a verdict that anybody saw, not known. */
const tableOf = (
  logins: Way['logins'],
  verdict: Verdict | null,
  exhibits: ReadonlyMap<string, Exhibit>,
): LoginTable | null => {
  if (logins === null || verdict === null || verdict === 'stranded') return null;
  const isAfter = verdict === 'confirmed' || verdict === 'unchanged' || verdict === 'compliant';
  const exhibit = exhibits.get(isAfter ? logins.after : logins.now);
  return exhibit?.kind === 'logins' ? exhibit : null;
};
