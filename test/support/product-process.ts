// The product as a process in a person's hands: in a terminal of its own or without one, with keys, signals and limits.
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shellCommand } from '../../src/remote/shell-quote.ts';
import { until } from './lab-process.ts';
import type { LabFleet, LabHost } from './lab.ts';

const END_LIMIT_MS = 240_000;
const HOLD_LIMIT_MS = 120_000;
const INTERRUPT_KEY = '\u0003';

/** How it is started. */
export interface ProcessPlace {
  readonly stateFolder: string;
  /** `terminal`: script(1) gives it one. */
  readonly on: 'terminal' | 'pipes';
  /** Words of a shell before it: `ulimit -n 64`. */
  readonly before?: string;
}

/** A run that is under way. */
export interface ProductProcess {
  /** All that it has written so far. */
  readonly said: () => string;
  readonly type: (keys: string) => void;
  readonly pressInterrupt: () => void;
  /** The window is closed: script(1) dies, and with it the terminal; the person's shell passes the hangup on to its jobs. */
  readonly closeTerminal: () => Promise<void>;
  /** Of the program itself. */
  readonly pid: () => Promise<number>;
  readonly signal: (name: NodeJS.Signals) => Promise<void>;
  /** The program's exit code. */
  readonly ended: () => Promise<number>;
}

/** Starts `duo-fleet WORDS` in the bastion's network of a fleet. */
export async function startProcess(
  fleet: LabFleet,
  words: readonly string[],
  { stateFolder, on, before = ':' }: ProcessPlace,
): Promise<ProductProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'duo-fleet-process-'));
  const codeFile = join(folder, 'code');
  const pidFile = join(folder, 'pid');
  const program = shellCommand([
    'node',
    '--import',
    'tsx',
    'src/main.ts',
    ...words,
    '--known-hosts',
    fleet.knownHostsFile,
  ]);
  // The shell outlives the terminal and the keys, so that somebody is there to write down the exit code; the program itself
  // has the signals as every program has them.
  const script = `trap : HUP INT TERM; stty rows 40 cols 120 2>/dev/null; ${before}; sh -c 'echo $$ >${pidFile}; exec ${program.replaceAll("'", String.raw`'\''`)}'; echo $? >${codeFile}.new; mv ${codeFile}.new ${codeFile}`;
  const shell = on === 'terminal' ? ['script', '-q', '-c', script, '/dev/null'] : ['sh', '-c', script];
  const child: ChildProcess = spawn('ip', ['netns', 'exec', fleet.bastion, ...shell], {
    env: { ...process.env, XDG_STATE_HOME: stateFolder, SHELL: '/bin/sh', TERM: 'xterm' },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
  }
  const pid = async (): Promise<number> => Number(await readFile(pidFile, 'utf8'));
  const signal = async (name: NodeJS.Signals): Promise<void> => void process.kill(await pid(), name);
  const type = (keys: string): void => void child.stdin?.write(keys);
  return {
    said: () => text,
    type,
    pressInterrupt: () => type(INTERRUPT_KEY),
    closeTerminal: async () => {
      child.kill('SIGKILL');
      await signal('SIGHUP');
    },
    pid,
    signal,
    ended: async () => {
      await until('the run to end', async () => (await textIn(codeFile)) !== '', END_LIMIT_MS);
      const found = Number(await textIn(codeFile));
      await rm(folder, { recursive: true });
      return found;
    },
  };
}

const textIn = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/** What holds a host between its activation and the look at what became live, until it is let go. */
const HELD = `#!/bin/sh
if grep -qs activating /var/lib/duo-fleet/active/state; then
  true >/run/held
  until [ -e /run/go ]; do sleep 0.1; done
fi
exec /usr/sbin/visudo.real "$@"
`;

/** From now on an activation on this host stops with the new files live, and waits. */
export async function hold(host: LabHost): Promise<void> {
  await host.shell(
    'mv /usr/sbin/visudo /usr/sbin/visudo.real && cat >/usr/sbin/visudo && chmod 755 /usr/sbin/visudo',
    {
      input: HELD,
    },
  );
}

/** Resolves when an activation waits. */
export const isHeld = (host: LabHost): Promise<void> =>
  until(
    `${host.name} to be in the middle of its activation`,
    async () => (await host.shell('test -e /run/held')).code === 0,
    HOLD_LIMIT_MS,
  );

export const letGo = async (host: LabHost): Promise<void> => void (await host.shell('true >/run/go'));
