// The product as a user runs it, in the bastion's network of a lab fleet; and what a host was before and after.
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { LabVariables } from './lab-inventory.ts';
import type { LabFleet, LabHost } from './lab.ts';
import type { Finished } from './lab-process.ts';

/** As it is installed; `npm run build` makes it. */
export const BUILT_PROGRAM: readonly string[] = ['node', 'dist/main.js'];
/** scripts/test has just built it; without that, what was built may be old. Compiling costs more than most commands. */
const PROGRAM =
  process.env['DUO_FLEET_TEST_RUN'] === undefined
    ? ['node', '--import', 'tsx', 'src/main.ts']
    : BUILT_PROGRAM;
const RUN_TIMEOUT_MS = 240_000;

/** The JSON contract as far as tests look into it. */
export interface JsonDocument {
  readonly run: string;
  readonly command: string;
  readonly exitCode: number;
  readonly hosts: readonly {
    readonly host: string;
    readonly verdict: string;
    readonly changes: readonly { readonly step: string; readonly kind: string; readonly target: string }[];
    readonly findings: readonly {
      readonly rule: string;
      readonly persona: string;
      readonly message: string;
    }[];
    readonly failure: { readonly step: string; readonly reason: string; readonly message: string } | null;
    readonly checks: readonly {
      readonly phase: string;
      readonly title: string;
      readonly must: 'get-in' | 'be-refused';
      readonly result: 'in' | 'refused' | 'unproven';
      readonly durationMs: number;
    }[];
    readonly durationMs: number;
    readonly wave: number | null;
  }[];
  readonly waves: readonly {
    readonly wave: number;
    readonly kind: 'canary' | 'serial';
    readonly hosts: readonly string[];
    readonly bake: { readonly decision: string | null; readonly why: string } | null;
    readonly gate: { readonly decision: string; readonly why: string; readonly failures: number } | null;
  }[];
  readonly rollbacks: readonly JsonDocument[];
}

/** One run that has ended. */
export interface ProductRun extends Finished {
  readonly json: JsonDocument;
  /** Verdict by host. */
  readonly verdicts: Readonly<Record<string, string>>;
}

/** A run that is under way. */
export interface UnderWay {
  /** `kill -9` of the program and whatever it started; nothing where it has just ended by itself, which `ended` tells. */
  readonly kill: () => void;
  /** One Ctrl-C. */
  readonly interrupt: () => void;
  /** Its exit code; -1 when it was killed. */
  readonly ended: Promise<number>;
  /** Resolves with true when its journal has a line with `text`, with false when it ended without one. */
  readonly reached: (text: string) => Promise<boolean>;
  /** What its journal says so far. */
  readonly journal: () => Promise<string>;
  /** What it has said when it ended; `json` is null where it did not get as far as that. */
  readonly result: Promise<Finished & { readonly json: JsonDocument | null }>;
}

/** duo-fleet on one lab fleet, with a state folder of its own. */
export interface Product {
  readonly stateFolder: string;
  /** Writes an inventory of the whole fleet with these variables on top, and returns its path. */
  readonly inventory: (variables?: LabVariables) => Promise<string>;
  /** `duo-fleet WORDS --json`, waited for. */
  readonly run: (words: readonly string[], env?: Readonly<Record<string, string>>) => Promise<ProductRun>;
  /** The same as plain text. */
  readonly text: (words: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Finished>;
  /** `duo-fleet WORDS --json`, started and left alone. Not two at a time: its journal is the one that is new. */
  readonly start: (words: readonly string[]) => Promise<UnderWay>;
  /** The same; resolves when its journal has a line with `text`, and rejects when it ends before. */
  readonly startUntil: (words: readonly string[], text: string) => Promise<UnderWay>;
  /** The run that began last, and the text of a run's journal. */
  readonly newest: () => Promise<string>;
  readonly journal: (run: string) => Promise<string>;
  /** Everything that the runs wrote on this side. */
  readonly journals: () => Promise<string>;
  readonly remove: () => Promise<void>;
}

/** The product for a fleet. */
export async function productFor(fleet: LabFleet, program = PROGRAM): Promise<Product> {
  const folder = await mkdtemp(join(tmpdir(), 'duo-fleet-product-'));
  const stateFolder = join(folder, 'state');
  let inventories = 0;
  const argv = (words: readonly string[]) => [
    ...program,
    ...words,
    '--known-hosts',
    fleet.knownHostsFile,
    ...(words[0] === 'apply' || words[0] === 'rollback' ? ['--yes'] : []),
  ];
  // A host's end is its own here, and waits for nobody; waves have tests of their own, whose flags win over these.
  const alike = { DUO_FLEET_CANARY: '0', DUO_FLEET_MAX_FAILURES: '100%' };
  const env = (more: Readonly<Record<string, string>> = {}) => ({
    XDG_STATE_HOME: stateFolder,
    ...alike,
    ...more,
  });
  const journals = journalsIn(join(stateFolder, 'duo-fleet', 'runs'));
  const start = async (words: readonly string[]): Promise<UnderWay> => {
    const before = await journals.runs();
    const child = spawnIn(fleet, [...argv(words), '--json'], env());
    return underWay(child, async () => {
      const ours = (await journals.runs()).find((run) => !before.includes(run));
      return ours === undefined ? '' : journals.of(ours);
    });
  };
  return {
    stateFolder,
    inventory: async (variables) => {
      inventories += 1;
      const path = join(folder, `inventory-${inventories}.yml`);
      await writeFile(path, await fleet.inventory(variables), { mode: 0o600 });
      return path;
    },
    run: async (words, more) => {
      const done = await fleet.run([...argv(words), '--json'], { env: env(more), timeoutMs: RUN_TIMEOUT_MS });
      const json = parseDocument(done);
      return {
        ...done,
        json,
        verdicts: Object.fromEntries(json.hosts.map((host) => [host.host, host.verdict])),
      };
    },
    text: (words, more) => fleet.run(argv(words), { env: env(more), timeoutMs: RUN_TIMEOUT_MS }),
    start,
    startUntil: async (words, text) => {
      const started = await start(words);
      if (await started.reached(text)) return started;
      throw new Error(`the run ended before its journal said ${text}`);
    },
    newest: async () => (await journals.runs()).toSorted().at(-1) ?? '',
    journal: journals.of,
    journals: async () => (await Promise.all((await journals.runs()).map(journals.of))).join(''),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

const journalsIn = (folder: string) => ({
  runs: (): Promise<string[]> => readdir(folder).catch(() => []),
  of: (run: string): Promise<string> => readFile(join(folder, run, 'events.jsonl'), 'utf8').catch(() => ''),
});

type Started = ChildProcessByStdio<null, Readable, Readable>;

function spawnIn(fleet: LabFleet, words: readonly string[], env: Readonly<Record<string, string>>): Started {
  return spawn('ip', ['netns', 'exec', fleet.bastion, ...words], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
}

const underWay = (child: Started, journal: () => Promise<string>): UnderWay => {
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
  const said = [child.stdout, child.stderr].map(async (stream) => {
    const chunks = await stream.toArray();
    return Buffer.concat(chunks as Buffer[]).toString('utf8');
  });
  const isOver = ended.then(() => true);
  return {
    ended,
    kill: () => killGroup(child.pid ?? 0),
    interrupt: () => process.kill(-(child.pid ?? 0), 'SIGINT'),
    journal,
    reached: async (text) => {
      for (let over = false; ;) {
        // Looked at once more after its end: what it wrote last counts, too.
        if ((await journal()).includes(text)) return true;
        if (over) return false;
        const pause = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), JOURNAL_POLL_MS));
        over = await Promise.race([isOver, pause]);
      }
    },
    result: Promise.all([ended, ...said]).then(([code, stdout = '', stderr = '']) => ({
      code,
      stdout,
      stderr,
      json: code === -1 ? null : parsed(stdout),
    })),
  };
};

const killGroup = (leader: number): void => {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};

const JOURNAL_POLL_MS = 20;

const parsed = (text: string): JsonDocument | null => {
  try {
    return JSON.parse(text) as JsonDocument;
  } catch {
    return null;
  }
};

const parseDocument = (done: Finished): JsonDocument => {
  const json = parsed(done.stdout);
  if (json !== null) return json;
  throw new Error(
    `no JSON document (exit code ${done.code}): ${done.stdout.slice(0, 2_000)}\n${done.stderr.slice(-4_000)}`,
  );
};

/**
 * What a host is: every file under /etc with content, mode and owner, the state of pam-auth-update, and the list of
 * packages with versions. Two equal texts are two equal hosts. Logs, and the product's own folder, are not in it.
 */
export async function hostState(host: LabHost): Promise<string> {
  const done = await host.shell(
    `find /etc /var/lib/pam ! -type d -printf '%p %m %U %G %y %l\\n' | sort
     find /etc /var/lib/pam -type f -exec sha256sum {} + | sort -k2
     find /etc -mindepth 1 -type d -printf '%p %m %U %G\\n' | sort
     dpkg-query -W -f '\${db:Status-Abbrev} \${Package} \${Version}\\n'
     dpkg-query -W -f '\${Conffiles}\\n' | cut -d ' ' -f 2
     apt-mark showauto | sort`,
  );
  if (done.code !== 0) throw new Error(`the state of ${host.name} cannot be read: ${done.stderr}`);
  return done.stdout;
}

/** Waits, at most `limitS` by the host's own clock, for its guard to have ended every transaction; says whether it has. */
export async function guardEnded(host: LabHost, limitS: number): Promise<boolean> {
  const active = '/var/lib/duo-fleet/active';
  const done = await host.shell(
    `n=0; while [ -e ${active} ] || [ -L ${active} ]; do n=$((n + 1)); [ $n -lt ${limitS * 5} ] || exit 1; sleep 0.2; done`,
    { timeoutMs: (limitS + 30) * 1000 },
  );
  return done.code === 0;
}

/** Files and folders anywhere but in /proc, /sys, /run, /dev and the logs, with the time of their last change. */
export async function hostWrites(host: LabHost): Promise<string> {
  const done = await host.shell(
    `find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /var/log -o -path /tmp \\) -prune -o -printf '%p %C@ %m\\n' | sort`,
  );
  return done.stdout;
}

/** Automation's login by key with `sudo -n`, by OpenSSH as anybody would. */
export async function automationGetsIn(fleet: LabFleet, host: LabHost): Promise<boolean> {
  const done = await sshAs(fleet, host, 'automation', { command: 'sudo -n id -u' });
  return done.code === 0 && done.stdout.trim() === '0';
}

/** A login as people do it: OpenSSH from the bastion, by key, by password or by both; `from` another address of the bastion's. */
export function sshAs(
  fleet: LabFleet,
  host: LabHost,
  user: string,
  how: {
    readonly password?: string;
    readonly methods?: string;
    readonly command?: string;
    readonly from?: string;
    /** The account whose key is shown; its own. */
    readonly keyOf?: string;
  },
): Promise<Finished> {
  const methods = how.methods ?? (how.password === undefined ? 'publickey' : 'password,keyboard-interactive');
  const options = [
    `UserKnownHostsFile=${fleet.knownHostsFile}`,
    'NumberOfPasswordPrompts=1',
    'ConnectTimeout=5',
    `PreferredAuthentications=${methods}`,
  ].flatMap((option) => ['-o', option]);
  const ssh = [
    'ssh',
    '-F',
    'none',
    '-tt',
    ...options,
    ...(how.from === undefined ? [] : ['-b', how.from]),
    '-i',
    fleet.userKeyFile(how.keyOf ?? user),
    `${user}@${host.address}`,
    how.command ?? 'id -un',
  ];
  const password = how.password === undefined ? [] : ['sshpass', '-p', how.password];
  return fleet.run([...password, ...ssh], { timeoutMs: 60_000 });
}
