// A run over hosts whose engine is a function, with a journal in memory.
import { EventEmitter, once } from 'node:events';
import { interruptsOf, SAME_KEY_MS } from '../../src/cli/interrupts.ts';
import type { RunHost, RunOrder } from '../../src/cli/run.ts';
import type { RecordedEvent, RunEvent } from '../../src/core/event.ts';
import type { Settings } from '../../src/core/settings.ts';
import type { HostResult, Verdict } from '../../src/core/verdict.ts';
import type { Rollout } from '../../src/core/wave.ts';
import { JournalError, type Journal } from '../../src/engine/journal.ts';
import { testSurroundings } from './surroundings.ts';

/** How a host may have ended. */
export const resultOf = (host: string, verdict: Verdict = 'confirmed'): HostResult => ({
  host,
  verdict,
  changes: [],
  findings: [],
  checks: [],
  failure: null,
  durationMs: 1,
});

/** A journal in memory; from event number `fullAt` on the disk is full. */
const memoryJournal = (fullAt = Infinity) => {
  const events: RecordedEvent[] = [];
  const journal: Journal = {
    path: '/j',
    append: async (event: RunEvent) => {
      if (events.length >= fullAt) throw new JournalError('/j', new Error('ENOSPC: no space left on device'));
      const recorded = { ...event, seq: events.length, at: 0 };
      events.push(recorded);
      return recorded;
    },
    close: async () => undefined,
  };
  return { journal, events };
};

/** A run that is about to be made; `rollout` is none unless it is given. */
export const runScene = (
  names: readonly string[],
  runHost: RunHost,
  options: {
    readonly forks?: number;
    readonly fullAt?: number;
    readonly rollout?: Rollout;
    readonly askBetween?: RunOrder['askBetween'];
  } = {},
) => {
  const outside = testSurroundings();
  const { journal, events } = memoryJournal(options.fullAt);
  const said: string[] = [];
  const shown: RecordedEvent[] = [];
  const order: RunOrder = {
    run: 'r1',
    command: 'apply',
    operator: 'ann@bastion',
    version: 'v',
    inventory: '/inventory.yml',
    resumes: null,
    undoes: null,
    approved: null,
    hosts: names.map((host) => ({ host }) as unknown as Settings),
    forks: options.forks ?? 20,
    leaseS: 60,
    runHost,
    journal,
    view: {
      show: (event) => void shown.push(event),
      say: (text) => void said.push(text),
      close: async () => undefined,
    },
    interrupts: interruptsOf(outside),
    nowMs: outside.nowMs,
    rollout: options.rollout ?? null,
    reason: '',
    sleep: () => new Promise((resolve) => setImmediate(resolve)),
    askBetween: options.askBetween ?? null,
  };
  const press = (): void => {
    outside.pass(SAME_KEY_MS + 1);
    outside.send('SIGINT');
  };
  return { order, events, said, shown, outside, press, types: () => events.map(({ type }) => type) };
};

/** A door that opens from outside. */
export const door = () => {
  const hinge = new EventEmitter();
  const opened = once(hinge, 'open');
  return { open: () => void hinge.emit('open'), opened };
};
