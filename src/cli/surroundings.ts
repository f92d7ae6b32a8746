// Everything that enters from outside: argv, environment, time, randomness, terminal, signals. main.ts makes the real one.

/** Somewhere text goes. Writing never throws and never rejects: a terminal may be gone while hosts are still at work. */
export interface Output {
  readonly isTty: boolean;
  readonly size: () => { readonly lines: number; readonly columns: number };
  /** Resolves when the text was handed over, or when there is nobody left to hand it to. */
  readonly write: (text: string) => Promise<void>;
}

/** One question on the terminal, printable. */
export interface TerminalQuestion {
  /** What is said before it. */
  readonly lines: readonly string[];
  readonly prompt: string;
  /** Whether what is typed may be seen. */
  readonly echo: boolean;
  /** A run is under way, and may be drawing on the terminal. */
  readonly isMidRun: boolean;
}

/** Signals that end a run in good order. */
export const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type StopSignal = (typeof STOP_SIGNALS)[number];

/** The outside of one invocation. */
export interface Surroundings {
  /** Without the interpreter and the script. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly home: string;
  /** Name of the account that runs this; `null` where it has none (a bare uid in a container). */
  readonly account: string | null;
  /** `user@hostname`: who runs this, for the journal and for the hosts' own records. */
  readonly operator: string;
  readonly version: string;
  /** Of this process. */
  readonly pid: number;
  /** How many files this process may have open; infinite where nobody says. */
  readonly openFilesMax: number;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Asks on the terminal; `null` when there is none to ask on; `'interrupted'` on Ctrl-C; '' at its end or when the signal comes. */
  readonly ask: ((question: string, signal?: AbortSignal) => Promise<string>) | null;
  /** Asks one thing on the terminal, also while a run is shown on it; `null` when there is none. */
  readonly prompt: ((question: TerminalQuestion) => Promise<string | null>) | null;
  /** All of stdin; no more than so many bytes of it. */
  readonly readInput: (bytesMax: number) => Promise<string>;
  /** Calls `handler` for each stop signal until the returned function is called. */
  readonly onSignal: (handler: (signal: StopSignal) => void) => () => void;
  /** Ends the process now; for the third Ctrl-C only. */
  readonly exitNow: (code: number) => void;
}

/** The operator's mistake outside of the inventory: told on stderr, exit code 2, nothing was touched. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
