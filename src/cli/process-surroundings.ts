// The real outside: this process, its terminal, its clock.
import { randomBytes } from 'node:crypto';
import { closeSync, readFileSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { createInterface } from 'node:readline';
import { isatty } from 'node:tty';
import { readOpenFilesMax } from './open-files.ts';
import { promptOnTerminal } from './terminal-prompt.ts';
import { STOP_SIGNALS, type Output, type StopSignal, type Surroundings } from './surroundings.ts';

const DEFAULT_LINES = 24;
const DEFAULT_COLUMNS = 80;

/** Takes hold of the process. Call once. */
export const processSurroundings = (): Surroundings => {
  leaveDeadTerminal();
  const stdout = outputOf(process.stdout);
  const stderr = outputOf(process.stderr);
  return {
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    home: process.env['HOME'] || homedir(),
    account: accountName(),
    operator: `${accountName() ?? `uid${process.getuid?.() ?? ''}`}@${hostname()}`,
    version: packageVersion(),
    pid: process.pid,
    openFilesMax: readOpenFilesMax(),
    nowMs: Date.now,
    randomBytes: (count) => randomBytes(count),
    stdout,
    stderr,
    ask: process.stdin.isTTY && process.stderr.isTTY ? askOnTerminal : null,
    prompt: process.stdin.isTTY && process.stderr.isTTY ? promptOnTerminal : null,
    readInput,
    onSignal: listenToSignals,
    // eslint-disable-next-line unicorn/no-process-exit -- the third Ctrl-C, and hosts that nobody waits for
    exitNow: (code) => process.exit(code),
  };
};

/**
 * At its end Node gives the terminal its modes back, and aborts (exit code 134) where there is no terminal any more (node.cc,
 * ResetStdio, up to 24): descriptors that are closed it leaves alone.
 */
const leaveDeadTerminal = (): void => {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  process.on('exit', () => {
    for (const fd of terminals.filter((each) => !isatty(each))) {
      try {
        closeSync(fd);
      } catch {
        // Closed already.
      }
    }
  });
};

/** An account without an entry in passwd (containers) makes userInfo throw. */
const accountName = (): string | null => {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
};

/** One level up from here in the sources and in the build alike: src/cli and dist/cli. */
const packageVersion = (): string => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
};

const outputOf = (stream: NodeJS.WriteStream): Output => {
  // Without a listener, a terminal that is gone (EIO, EPIPE) ends the process in the middle of a transaction.
  stream.on('error', () => undefined);
  return {
    isTty: stream.isTTY,
    size: () => ({ lines: stream.rows || DEFAULT_LINES, columns: stream.columns || DEFAULT_COLUMNS }),
    write: (text) =>
      new Promise((resolve) => {
        if (stream.destroyed) resolve();
        else stream.write(text, () => resolve());
      }),
  };
};

const askOnTerminal = (question: string, signal?: AbortSignal): Promise<string> =>
  new Promise((resolve) => {
    const reader = createInterface({ input: process.stdin, output: process.stderr });
    // readline takes Ctrl-C for itself; without these two the promise would never settle.
    reader.on('SIGINT', () => {
      process.stderr.write('\n');
      resolve('interrupted');
      reader.close();
    });
    reader.on('close', () => resolve(''));
    // A terminal that is gone (EIO) has said nothing.
    reader.on('error', () => reader.close());
    signal?.addEventListener('abort', () => reader.close(), { once: true });
    reader.question(question, (answer) => {
      resolve(answer);
      reader.close();
    });
  });

const readInput = async (bytesMax: number): Promise<string> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    size += (chunk as Buffer).length;
    // One byte more tells a text that is too long from one that just fits.
    if (size > bytesMax) break;
  }
  return Buffer.concat(chunks)
    .subarray(0, bytesMax + 1)
    .toString('utf8');
};

const listenToSignals = (handler: (signal: StopSignal) => void): (() => void) => {
  const listeners = STOP_SIGNALS.map((signal) => ({ signal, listener: () => handler(signal) }));
  for (const { signal, listener } of listeners) process.on(signal, listener);
  return () => {
    for (const { signal, listener } of listeners) process.off(signal, listener);
  };
};
