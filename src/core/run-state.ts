// A run's state is a fold of its journal: nothing else remembers what became of a host.
import type { ApprovedPlans } from './approved-plan.ts';
import type { ChangeSummary } from './change.ts';
import type { Command, RecordedEvent, TaskId } from './event.ts';
import type { ExitCode, HostResult } from './verdict.ts';
import type { GateDecision, Rollout, Wave } from './wave.ts';

/** How far one host is, by the journal alone. */
export interface HostState {
  readonly host: string;
  readonly stage: 'waiting' | 'running' | 'ended';
  /** Rows begun and not ended, the innermost last. */
  readonly open: readonly TaskId[];
  /** The transaction that was claimed on it; from then on the host may have been touched. */
  readonly tx: string | null;
  /** A transaction of an earlier run was asked about, and the host knew its end. */
  readonly settled: boolean;
  /** Digest of its plan, once there is one. */
  readonly digest: string | null;
  /** What that plan changes. */
  readonly changes: readonly ChangeSummary[];
  readonly result: HostResult | null;
}

/** How far one wave is. Times are milliseconds since the epoch, controller's clock; `null`: not yet, or never. */
export interface WaveState extends Wave {
  /** Counted from 1. */
  readonly wave: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly bake: {
    readonly hosts: readonly string[];
    readonly startedAt: number;
    readonly endedAt: number | null;
    readonly decision: 'confirm' | 'revert' | null;
    readonly why: string;
  } | null;
  /** What was decided in it or after it. */
  readonly gate: (GateDecision & { readonly at: number }) | null;
}

/** A run as its journal tells it. */
export interface RunState {
  /** `null` while the journal has no intact first line. */
  readonly started: {
    readonly run: string;
    readonly command: Command;
    readonly operator: string;
    readonly version: string;
    /** `null`: a journal that does not say. */
    readonly inventory: string | null;
    readonly leaseS: number | null;
    readonly resumes: string | null;
    readonly reason: string | null;
    /** The run that it rolls back; `null`: each host's newest, or it is no rollback. */
    readonly undoes: string | null;
    /** The plan that it carries out; `null`: whatever the inventory asks for. */
    readonly approved: ApprovedPlans | null;
    /** `null` where there are no waves: a command that changes nothing, and the journals before there were any. */
    readonly rollout: Rollout | null;
    /** Milliseconds since the epoch, controller's clock. */
    readonly at: number;
  } | null;
  /** In the run's order. */
  readonly hosts: ReadonlyMap<string, HostState>;
  /** In their order; empty without a rollout. */
  readonly waves: readonly WaveState[];
  /** The signal that stopped it, if one did. */
  readonly interrupted: string | null;
  /** `null`: the run never ended; it was killed, or its machine was. */
  readonly exitCode: ExitCode | null;
}

const newHost = (host: string): HostState => ({
  host,
  stage: 'waiting',
  open: [],
  tx: null,
  settled: false,
  digest: null,
  changes: [],
  result: null,
});

/** One host's state after one event about it. */
const advanceHost = (state: HostState, event: RecordedEvent): HostState => {
  switch (event.type) {
    case 'host-started':
      return { ...state, stage: 'running' };
    case 'task-started':
      return { ...state, stage: 'running', open: [...state.open, event.task] };
    case 'task-ended':
    case 'task-failed':
      return { ...state, open: state.open.filter((task) => task !== event.task) };
    case 'planned':
      return { ...state, digest: event.digest, changes: event.changes };
    case 'claimed':
      return { ...state, tx: event.tx };
    case 'settled':
      return { ...state, settled: true };
    case 'host-ended':
      return { ...state, stage: 'ended', open: [], result: event.result };
    case 'noted':
    case 'judged':
    case 'run-started':
    case 'run-ended':
    case 'interrupted':
    case 'wave-started':
    case 'bake-started':
    case 'bake-ended':
    case 'wave-ended':
    case 'gate':
      return state;
    default:
      return event satisfies never;
  }
};

const newWave = (wave: Wave, index: number): WaveState => ({
  ...wave,
  wave: index + 1,
  startedAt: null,
  endedAt: null,
  bake: null,
  gate: null,
});

/** The waves after one event, whatever it is about. */
const advanceWaves = (waves: readonly WaveState[], event: RecordedEvent): readonly WaveState[] =>
  'wave' in event ? waves.map((wave) => (wave.wave === event.wave ? advanceWave(wave, event) : wave)) : waves;

const advanceWave = (
  state: WaveState,
  event: Extract<RecordedEvent, { readonly wave: number }>,
): WaveState => {
  const { at } = event;
  switch (event.type) {
    case 'wave-started':
      return { ...state, startedAt: at };
    case 'bake-started':
      return {
        ...state,
        bake: { hosts: event.hosts, startedAt: at, endedAt: null, decision: null, why: '' },
      };
    case 'bake-ended': {
      const { decision, why } = event;
      // A wave that is put back before its bake began, or whose beginning a damaged journal has lost.
      const begun = state.bake ?? { hosts: [], startedAt: at };
      return { ...state, bake: { ...begun, endedAt: at, decision, why } };
    }
    case 'wave-ended':
      return { ...state, endedAt: at };
    case 'gate': {
      const { decision, why, failures } = event;
      return { ...state, gate: { decision, why, failures, at } };
    }
    default:
      return event satisfies never;
  }
};

/** The host that an event is about; `null` for one about the run. */
export const hostOf = (event: RecordedEvent): string | null => {
  if (event.type === 'host-ended') return event.result.host;
  return 'host' in event ? event.host : null;
};

type RunStarted = Extract<RecordedEvent, { readonly type: 'run-started' }>;

const startedOf = (event: RunStarted): NonNullable<RunState['started']> => {
  const { run, command, operator, version, at, approved } = event;
  const {
    inventory = null,
    leaseS = null,
    resumes = null,
    undoes = null,
    reason = null,
    rollout = null,
  } = event;
  const more = { inventory, leaseS, resumes, undoes, reason, rollout };
  return {
    run,
    command,
    operator,
    version,
    at,
    ...more,
    approved: approved === undefined ? null : approvedOf(approved),
  };
};

const approvedOf = ({ run, hosts }: NonNullable<RunStarted['approved']>): ApprovedPlans => ({
  run,
  hosts: new Map(
    Object.entries(hosts).map(([host, [digest, declared]]) => [host, { digest, declared, changes: null }]),
  ),
});

/** Folds events, in their order, into the run's state. A host that `run-started` does not name is added as met. */
export const foldRun = (events: Iterable<RecordedEvent>): RunState => {
  let started: RunState['started'] = null;
  let interrupted: string | null = null;
  let exitCode: ExitCode | null = null;
  const hosts = new Map<string, HostState>();
  let waves: readonly WaveState[] = [];
  for (const event of events) {
    if (event.type === 'run-started') {
      started = startedOf(event);
      waves = started.rollout === null ? [] : started.rollout.waves.map(newWave);
      for (const host of event.hosts) if (!hosts.has(host)) hosts.set(host, newHost(host));
    } else if (event.type === 'interrupted') interrupted = event.signal;
    else if (event.type === 'run-ended') exitCode = event.exitCode;
    waves = advanceWaves(waves, event);
    const host = hostOf(event);
    if (host !== null) hosts.set(host, advanceHost(hosts.get(host) ?? newHost(host), event));
  }
  return { started, hosts, waves, interrupted, exitCode };
};
