// A run wave by wave: who may start, what the gates say, and the bake of each wave.
import pLimit, { type LimitFunction } from 'p-limit';
import type { RunEvent } from '../core/event.ts';
import type { Verdict } from '../core/verdict.ts';
import { judgeGate, type GateDecision, type Outcome, type Rollout, type Wave } from '../core/wave.ts';
import { WaveBake, type BakeSeat, type WaveBakeOrder } from './wave-bake.ts';

/** What a run in waves needs. */
export interface RolloutOrder {
  readonly rollout: Rollout;
  /** Hosts at a time, in all waves alike. */
  readonly forks: number;
  /** Brings one host to its verdict. Never throws. */
  readonly runHost: (host: string, bake: BakeSeat | null) => Promise<Verdict>;
  /** Resolves when the event is durable: before that nothing is done on the strength of it. */
  readonly record: (event: RunEvent) => Promise<void>;
  /** For what nobody acts upon: never rejects. */
  readonly tell: (event: RunEvent) => Promise<void>;
  readonly sleep: WaveBakeOrder['sleep'];
  /** Asked between two waves: '' to go on, else why not. `null`: nobody is asked. */
  readonly mayGoOn: ((next: number, gate: GateDecision) => Promise<string>) | null;
}

/** Lives as long as its run. */
export class RolloutRun {
  readonly #order: RolloutOrder;
  readonly #limit: LimitFunction;
  /** Of the hosts that have started and come to their end. */
  readonly #outcomes = new Map<string, Outcome>();
  #waiting: number;
  #wave = 1;
  #bake: WaveBake | null = null;
  #isHalted = false;

  constructor(order: RolloutOrder) {
    this.#order = order;
    this.#limit = pLimit(order.forks);
    this.#waiting = order.rollout.waves.reduce((sum, { hosts }) => sum + hosts.length, 0);
  }

  /** Resolves when every host that was started has come to its end. */
  async run(): Promise<void> {
    const { waves } = this.#order.rollout;
    for (const [index, wave] of waves.entries()) {
      if (this.#isHalted) return;
      this.#wave = index + 1;
      await this.#runWave(wave);
      if (!this.#isHalted && index + 1 < waves.length) await this.#between();
    }
  }

  /** No new host starts, those under way go on to their end, and those in a bake are put back. */
  halt(why: string): void {
    this.#halt({ ...judgeGate(this.#outcomes, this.#order.rollout.failuresMax), decision: 'halt', why });
  }

  async #runWave(wave: Wave): Promise<void> {
    const { record, tell, sleep } = this.#order;
    const number = this.#wave;
    if (!(await this.#durable({ type: 'wave-started', wave: number }))) return;
    const { hosts, bakeS } = wave;
    const turn: BakeSeat['turn'] = (work) => this.#limit(work);
    this.#bake = bakeS === 0 ? null : new WaveBake({ wave: number, hosts, bakeS, sleep, turn, record });
    await Promise.all(hosts.map((host) => this.#runHost(host, this.#bake)));
    this.#bake = null;
    await tell({ type: 'wave-ended', wave: number });
  }

  /** In its turn; one that waits in a bake makes room for the next. */
  async #runHost(host: string, bake: WaveBake | null): Promise<void> {
    let ending = Promise.resolve();
    await this.#limit(async () => {
      if (this.#isHalted) return;
      this.#waiting -= 1;
      const arrived = new Promise<void>((arrive) => {
        // Judged while it still has its place: else the next one would have started by then.
        ending = this.#toItsEnd(host, bake, bake?.seat(host, arrive) ?? null);
      });
      await Promise.race([ending, arrived]);
    });
    await ending;
  }

  async #toItsEnd(host: string, bake: WaveBake | null, seat: BakeSeat | null): Promise<void> {
    this.#outcomes.set(host, await this.#order.runHost(host, seat));
    const gate = judgeGate(this.#outcomes, this.#order.rollout.failuresMax);
    // Before the host leaves its bake, so that the others hear of the budget and not of a lost host.
    if (gate.decision === 'halt') this.#halt(gate);
    bake?.leave(host);
  }

  async #between(): Promise<void> {
    const gate = judgeGate(this.#outcomes, this.#order.rollout.failuresMax);
    const why = (await this.#order.mayGoOn?.(this.#wave + 1, gate)) ?? '';
    if (why !== '') this.halt(why);
    else if (!this.#isHalted) await this.#durable({ type: 'gate', wave: this.#wave, ...gate });
  }

  #halt(gate: GateDecision): void {
    if (this.#isHalted) return;
    this.#isHalted = true;
    // The last host to fail halts nothing any more.
    if (this.#waiting === 0 && this.#bake === null) return;
    void this.#order.tell({ type: 'gate', wave: this.#wave, ...gate });
    this.#bake?.stop(gate.why);
  }

  async #durable(event: RunEvent): Promise<boolean> {
    try {
      await this.#order.record(event);
      return true;
    } catch {
      // The run has been told by then why it goes no further.
      this.#isHalted = true;
      return false;
    }
  }
}
