// The outside of an invocation, in a test's hands.
import type { Output, StopSignal, Surroundings } from '../../src/cli/surroundings.ts';

/** Surroundings with what was written to them, and a way to send signals. */
export interface TestSurroundings extends Surroundings {
  readonly written: { stdout: string; stderr: string };
  readonly send: (signal: StopSignal) => void;
  readonly exits: number[];
  /** Moves the clock. */
  readonly pass: (ms: number) => void;
}

/** No terminal, an empty environment, a clock that stands still. */
export const testSurroundings = (overrides: Partial<Surroundings> = {}): TestSurroundings => {
  const written = { stdout: '', stderr: '' };
  const handlers = new Set<(signal: StopSignal) => void>();
  const exits: number[] = [];
  let nowMs = Date.UTC(2026, 10, 22, 5, 47, 35);
  const output = (name: 'stdout' | 'stderr'): Output => ({
    isTty: false,
    size: () => ({ lines: 24, columns: 80 }),
    write: async (text) => {
      written[name] += text;
    },
  });
  return {
    argv: [],
    env: {},
    cwd: '/',
    home: '/nonexistent',
    account: 'ann',
    operator: 'ann@bastion',
    version: '1.2.3',
    // No process has this number (pid_max is at most 4194304, proc_sys_kernel(5)).
    pid: 4_194_305,
    openFilesMax: Number.POSITIVE_INFINITY,
    nowMs: () => nowMs,
    randomBytes: (count) => new Uint8Array(count).fill(0xab),
    stdout: output('stdout'),
    stderr: output('stderr'),
    ask: null,
    prompt: null,
    readInput: async () => '',
    onSignal: (handler) => {
      handlers.add(handler);
      return () => void handlers.delete(handler);
    },
    exitNow: (code) => void exits.push(code),
    ...overrides,
    written,
    exits,
    send: (signal) => {
      for (const handler of handlers) handler(signal);
    },
    pass: (ms) => {
      nowMs += ms;
    },
  };
};
