// Runs hosts through the engine, wave by wave or all alike: signals, journal, view, verdicts.
import pLimit from 'p-limit';
import type { ApprovedPlans } from '../core/approved-plan.ts';
import type { Command, Emit, RecordedEvent, RunEvent, TaskId } from '../core/event.ts';
import { asFailure } from '../core/failure.ts';
import { RECOVER_COMMAND } from '../core/remote.ts';
import { foldRun, type WaveState } from '../core/run-state.ts';
import type { Settings } from '../core/settings.ts';
import { exitCodeOf, type ExitCode, type HostResult, type Verdict } from '../core/verdict.ts';
import type { Rollout } from '../core/wave.ts';
import type { Journal } from '../engine/journal.ts';
import { RolloutRun, type RolloutOrder } from '../engine/rollout.ts';
import type { BakeSeat } from '../engine/wave-bake.ts';
import type { View } from '../view/view.ts';
import type { AskBetween } from './confirm-run.ts';
import type { Interrupts } from './interrupts.ts';

/**
 * Brings one host to its verdict. It emits `host-started`, its rows, `planned`, `claimed` (before it touches the host) and
 * `noted`; `host-ended` is emitted here, once for every host, also for those that never started.
 */
export type RunHost = (settings: Settings, emit: Emit, bake: BakeSeat | null) => Promise<HostResult>;

/** One run. */
export interface RunOrder {
  readonly run: string;
  readonly command: Command;
  readonly operator: string;
  readonly version: string;
  /** Absolute path. */
  readonly inventory: string;
  /** The run that this one finishes. */
  readonly resumes: string | null;
  readonly hosts: readonly Settings[];
  /** The plan that is carried out; `null`: whatever the inventory asks for. */
  readonly approved: ApprovedPlans | null;
  /** `null`: all alike, and none stops the others, since nothing is changed. */
  readonly rollout: Rollout | null;
  /** The run that this one rolls back; `null`: each host's newest, or it is no rollback. */
  readonly undoes: string | null;
  /** Why, in the operator's words; '' where nobody said. */
  readonly reason: string;
  readonly forks: number;
  readonly leaseS: number;
  readonly runHost: RunHost;
  readonly journal: Journal;
  readonly view: View;
  readonly interrupts: Interrupts;
  readonly nowMs: () => number;
  /** Ends early when the signal comes; never rejects. */
  readonly sleep: RolloutOrder['sleep'];
  /** Asks between two waves; `null`: nobody is asked. */
  readonly askBetween: AskBetween | null;
}

/** What a run came to. */
export interface RunOutcome {
  readonly exitCode: ExitCode;
  /** One for each host, in the order of the run's hosts. */
  readonly results: readonly HostResult[];
  /** In their order; empty where there are none. */
  readonly waves: readonly WaveState[];
  /** It went to its end by itself: nobody interrupted it, and its journal was kept. */
  readonly undisturbed: boolean;
  /** Hosts were left in the middle of something: the process must be ended, their connections hold it open. */
  readonly abandoned: boolean;
  /** Why the journal could not be kept to the end, or ''. */
  readonly journalProblem: string;
}

/**
 * Runs all hosts. A host's throw becomes its result; only a journal that does not take the run's first event is thrown,
 * and then nothing was touched.
 * @throws JournalError
 */
export const runFleet = async (order: RunOrder): Promise<RunOutcome> => {
  const run = new FleetRun(order);
  await run.record({
    type: 'run-started',
    run: order.run,
    command: order.command,
    operator: order.operator,
    hosts: order.hosts.map(({ host }) => host),
    version: order.version,
    inventory: order.inventory,
    leaseS: order.leaseS,
    ...(order.resumes === null ? {} : { resumes: order.resumes }),
    ...(order.undoes === null ? {} : { undoes: order.undoes }),
    ...(order.reason === '' ? {} : { reason: order.reason }),
    ...(order.approved === null ? {} : { approved: recordOf(order.approved, order.hosts) }),
    ...(order.rollout === null ? {} : { rollout: order.rollout }),
  });
  const unsubscribe = order.interrupts.listen({
    stop: (signal) => run.stop(signal),
    insist: () => run.insist(),
    abandon: () => run.abandon(),
  });
  try {
    await Promise.race([run.all(), run.abandoned]);
    return await run.finish();
  } finally {
    unsubscribe();
  }
};

/** Of this run's hosts, without what is only for people. */
const recordOf = ({ run, hosts: plans }: ApprovedPlans, hosts: readonly Settings[]) => ({
  run,
  hosts: Object.fromEntries(
    hosts.flatMap(({ host }): readonly (readonly [string, readonly [string, string]])[] => {
      const plan = plans.get(host);
      return plan === undefined ? [] : [[host, [plan.digest, plan.declared]]];
    }),
  ),
});

/** How far a host under way is. */
interface Underway {
  claimed: boolean;
  task: TaskId;
  readonly sinceMs: number;
}

/** A run's changing state; lives from the first event to the last. */
class FleetRun {
  readonly abandoned: Promise<void>;
  readonly #order: RunOrder;
  readonly #results = new Map<string, HostResult>();
  readonly #underway = new Map<string, Underway>();
  readonly #rollout: RolloutRun | null;
  readonly #stopping = new AbortController();
  /** What the waves' states are folded from. */
  readonly #story: RecordedEvent[] = [];
  #stopped: { readonly why: string } | null = null;
  #signal: string | null = null;
  #journalProblem = '';
  #isAbandoned = false;
  #abandon: () => void = () => undefined;

  constructor(order: RunOrder) {
    this.#order = order;
    this.#rollout = order.rollout === null ? null : this.#inWaves(order.rollout);
    this.abandoned = new Promise((resolve) => {
      this.#abandon = resolve;
    });
  }

  #inWaves(rollout: Rollout): RolloutRun {
    const { hosts, forks, sleep, askBetween } = this.#order;
    const byName = new Map(hosts.map((settings) => [settings.host, settings]));
    return new RolloutRun({
      rollout,
      forks,
      sleep,
      record: (event) => this.record(event),
      tell: (event) => this.#recordOrShow(event),
      runHost: async (host, bake) => {
        const settings = byName.get(host);
        return settings === undefined ? 'skipped' : this.#host(settings, bake);
      },
      mayGoOn:
        askBetween === null
          ? null
          : async (next, gate) => {
              const answer = await askBetween({ rollout, next, gate }, this.#stopping.signal);
              if (answer === 'interrupted') this.stop('SIGINT');
              return answer === 'yes' ? '' : `${this.#order.operator} said no`;
            },
    });
  }

  /** Every host to its end. */
  async all(): Promise<void> {
    const { hosts, forks } = this.#order;
    if (this.#rollout !== null) return this.#rollout.run();
    const limit = pLimit(forks);
    await Promise.all(hosts.map((settings) => limit(() => this.#host(settings, null))));
  }

  /** Journal first, then the picture. Rejects when the journal does, which stops the run. */
  async record(event: RunEvent): Promise<void> {
    let recorded: RecordedEvent;
    try {
      recorded = await this.#order.journal.append(event);
    } catch (thrown) {
      this.#journalProblem ||= thrown instanceof Error ? thrown.message : String(thrown);
      this.#stopped ??= { why: 'the journal could not be written' };
      this.#rollout?.halt('the journal could not be written');
      throw thrown;
    }
    this.#show(recorded);
  }

  /** For events that nobody acts upon any more: shown even when the journal is broken. */
  async #recordOrShow(event: RunEvent): Promise<void> {
    try {
      await this.record(event);
    } catch {
      this.#show({ ...event, seq: -1, at: this.#order.nowMs() });
    }
  }

  #show(event: RecordedEvent): void {
    if (event.type === 'run-started' || 'wave' in event) this.#story.push(event);
    try {
      this.#order.view.show(event);
    } catch {
      // A picture that fails to be drawn is no reason to leave a host half-way.
    }
  }

  async #host(settings: Settings, bake: BakeSeat | null): Promise<Verdict> {
    const { host } = settings;
    if (this.#stopped !== null) return this.#end(skipped(host));
    const underway: Underway = { claimed: false, task: 'connect', sinceMs: this.#order.nowMs() };
    this.#underway.set(host, underway);
    const emit: Emit = async (event) => {
      if (event.type === 'task-started') underway.task = event.task;
      await this.record(event);
      // Only now may the engine act: one whose claim could not be written down has touched nothing.
      if (event.type === 'claimed') underway.claimed = true;
    };
    let result: HostResult;
    try {
      result = await this.#order.runHost(settings, emit, bake);
    } catch (thrown) {
      result = this.#thrown(host, underway, thrown);
    }
    this.#underway.delete(host);
    return this.#end(result);
  }

  async #end(result: HostResult): Promise<Verdict> {
    // After a second Ctrl-C the verdicts have been told; a late one must not contradict them.
    if (this.#results.has(result.host)) return result.verdict;
    this.#results.set(result.host, result);
    await this.#recordOrShow({ type: 'host-ended', result });
    return result.verdict;
  }

  /** The engine never throws; should it, a host that was claimed counts as touched. */
  #thrown(host: string, { claimed, task, sinceMs }: Underway, thrown: unknown): HostResult {
    const failure = asFailure(thrown);
    const state = claimed
      ? `${host} was in the middle of its transaction and puts itself back within ${this.#order.leaseS} s; look at it with duo-fleet verify --host ${host}, or at its console, as root: ${RECOVER_COMMAND}`
      : `nothing was touched on ${host}`;
    return {
      host,
      verdict: claimed ? 'stranded' : 'refused',
      changes: [],
      findings: [],
      checks: [],
      failure: { step: task, reason: failure.reason, message: `${failure.message}; ${state}` },
      durationMs: Math.round(this.#order.nowMs() - sinceMs),
    };
  }

  /** No new host starts; those under way are brought to their end. */
  stop(signal: string): void {
    if (this.#signal !== null) return;
    this.#signal = signal;
    this.#stopped ??= { why: signal };
    void this.#recordOrShow({ type: 'interrupted', signal });
    this.#rollout?.halt(signal);
    this.#stopping.abort();
  }

  /** What the next Ctrl-C would do. */
  insist(): void {
    const held = [...this.#underway].filter(([, { claimed }]) => claimed).map(([host]) => host);
    this.#order.view.say(
      held.length === 0
        ? 'No longer waiting: no host was in the middle of a transaction.'
        : `No longer waiting: ${held.join(', ')} in the middle of a transaction; each puts itself back when its lease ends, within ${this.#order.leaseS} s.`,
    );
  }

  /** Stops waiting. The hosts' own leases do the rest. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#abandon();
  }

  async finish(): Promise<RunOutcome> {
    for (const { host } of this.#order.hosts) {
      const underway = this.#underway.get(host);
      if (underway !== undefined && !this.#results.has(host)) await this.#end(this.#left(host, underway));
      else if (!this.#results.has(host)) await this.#end(skipped(host));
    }
    const results = this.#order.hosts.map(({ host }) => this.#results.get(host) ?? skipped(host));
    const exitCode = exitCodeOf(
      results.map(({ verdict }) => verdict),
      this.#signal !== null,
    );
    await this.#recordOrShow({ type: 'run-ended', exitCode });
    const { waves } = foldRun(this.#story);
    return {
      exitCode,
      results,
      waves,
      undisturbed: this.#signal === null && this.#journalProblem === '',
      abandoned: this.#isAbandoned,
      journalProblem: this.#journalProblem,
    };
  }

  #left(host: string, { claimed, task, sinceMs }: Underway): HostResult {
    if (!claimed) return skipped(host);
    return {
      host,
      verdict: 'stranded',
      changes: [],
      findings: [],
      checks: [],
      failure: {
        step: task,
        reason: 'timeout',
        message: `not waited for (interrupted twice): ${host} was in the middle of its transaction and puts itself back when its lease ends, within ${this.#order.leaseS} s; then look: duo-fleet verify --host ${host}; where it cannot be reached, at its console, as root: ${RECOVER_COMMAND}`,
      },
      durationMs: Math.round(this.#order.nowMs() - sinceMs),
    };
  }
}

const skipped = (host: string): HostResult => ({
  host,
  verdict: 'skipped',
  changes: [],
  findings: [],
  checks: [],
  failure: null,
  durationMs: 0,
});
