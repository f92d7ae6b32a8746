// Runs a program of this machine for the lab: words in, exit code and output out.
import { spawn } from 'node:child_process';

/** What a finished program said. `code` is 128 + the signal's number, or -1 when it is unknown, for one that was killed. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it; `timeoutMs` is 120 s unless told, and what outlives it is killed. */
export interface ProcessOptions {
  readonly input?: string | Uint8Array;
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 120_000;
/** More output than this is cut: a lab command that says more has gone wrong. */
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Runs `argv` without a shell and resolves with whatever it said, also when it failed; rejects only when it cannot be started. */
export function runProcess(argv: readonly string[], options: ProcessOptions = {}): Promise<Finished> {
  const [program, ...args] = argv;
  if (program === undefined) throw new Error('runProcess: no program was named');
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A group of its own, so that a program which outlives its time takes its children with it.
      detached: true,
    });
    const stdout = boundedText();
    const stderr = boundedText();
    child.stdout.on('data', stdout.push);
    child.stderr.on('data', stderr.push);
    const timer = setTimeout(() => killGroup(child.pid), options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? -1, stdout: stdout.text(), stderr: stderr.text() });
    });
    // A program that does not read its input closes the pipe; that is its own business.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}

/** Runs `argv` and throws, with what it said, when it does not succeed; resolves with its standard output. */
export async function mustRun(argv: readonly string[], options: ProcessOptions = {}): Promise<string> {
  const done = await runProcess(argv, options);
  if (done.code !== 0) {
    throw new Error(
      `lab: \`${argv.join(' ')}\` ended with ${done.code}: ${done.stderr.trim() || done.stdout.trim()}`,
    );
  }
  return done.stdout;
}

/** Resolves when `condition` holds, looked at every few milliseconds; rejects with `what` after `limitMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = 30_000,
): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`lab: waited ${limitMs} ms in vain for ${what}`);
    await new Promise((resume) => setTimeout(resume, POLL_MS));
  }
}

const POLL_MS = 20;

function boundedText(): { push: (chunk: Buffer) => void; text: () => string } {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return {
    push: (chunk) => {
      if (bytes < OUTPUT_BYTES_MAX) chunks.push(chunk.subarray(0, OUTPUT_BYTES_MAX - bytes));
      bytes += chunk.length;
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in the meantime.
  }
}
