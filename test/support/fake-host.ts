// A host in memory that keeps the guard's promises: the states, words and exit statuses of templates/guard.sh, in
// virtual time. What runs on it goes on when a connection is cut, can be stopped between any two actions, and dies
// with the power. It is no model of PAM or apt: files are texts, packages are versions.
import { createHash } from 'node:crypto';
import type { Facts, FileFacts } from '../../src/core/facts.ts';
import type { PreflightFacts } from '../../src/core/preflight.ts';
import type { LoginAttempt, LoginOutcome, ObserveRequest } from '../../src/core/remote.ts';
import { reveal } from '../../src/core/secret.ts';
import { ALL_DUTIES, type GuardDuties } from './fake-host-duties.ts';
import type { VirtualTime } from './fake-host-time.ts';

export interface FakeFile {
  readonly text: string;
  readonly mode: number;
}

/** What a boot, a revert and a checker care about: the live files and packages. */
export interface LiveState {
  readonly files: ReadonlyMap<string, FakeFile>;
  readonly packages: ReadonlyMap<string, string>;
}

/** One transaction's folder on the host. */
export interface FakeTransaction {
  readonly tx: string;
  /** The `in/` folder. */
  readonly received: Map<string, string>;
  state: string;
  nonce: string;
  owner: readonly string[];
  /** By number in the manifest; `null` was absent. */
  readonly snapshot: Map<string, FakeFile | null>;
  /** A rollback's copies out of the snapshot that it goes by, by number in the manifest. */
  readonly copies: Map<string, FakeFile>;
  packagesBefore: ReadonlyMap<string, string>;
  packagesStarted: boolean;
}

/** What is kept of a transaction that was confirmed. */
export interface FakeKept {
  readonly tx: string;
  readonly owner: readonly string[];
  readonly undoes: string | null;
  readonly entries: readonly {
    readonly step: string;
    readonly n: string;
    readonly path: string;
    readonly was: FakeFile | null;
    readonly after: FakeFile | null;
  }[];
  readonly reloads: readonly string[];
  /** `null`: it had nothing to do with packages. */
  readonly packages: Readonly<Record<'was' | 'after', ReadonlyMap<string, string>>> | null;
}

/** A transient unit: it outlives whoever watches it. */
export interface FakeUnit {
  readonly lines: string[];
  readonly watchers: Set<(line: string) => void>;
  stopped: boolean;
  /** Exit status; 1 when it was stopped before its end. */
  done: Promise<number>;
}

/** Thrown inside a unit that was stopped or whose host lost its power. */
export class Stopped extends Error {}

export interface FakeHost {
  readonly name: string;
  readonly time: VirtualTime;
  readonly files: Map<string, FakeFile>;
  readonly packages: Map<string, string>;
  /** /var/lib/duo-fleet: what survives a power loss. */
  readonly disk: {
    readonly transactions: Map<string, FakeTransaction>;
    readonly ended: Map<string, string>;
    /** The oldest first. */
    readonly kept: Map<string, FakeKept>;
    active: string | null;
    guard: boolean;
    /** The transaction that the boot units put back. */
    armed: string | null;
    /** Files of a transaction that wait beside the live ones. */
    staged: Map<string, FakeFile>;
  };
  /** What a power loss takes away. */
  readonly memory: {
    boots: number;
    powered: boolean;
    leaseUntilMs: number;
    watcher: string | null;
    readonly units: Map<string, FakeUnit>;
    /** The settings that sshd has read: at its start, and when it was reloaded. */
    sshd: string;
  };
  /** What its guard does; a bug is one that it does not. */
  duties: GuardDuties;
  /** How long one action of a unit takes; a test may make an operation slow. */
  slowMs: number;
  /** How long a login takes, a nested one too. */
  loginMs: number;
  /** Called before each action that changes something, with its number and name. */
  onAction: (number: number, action: string) => void;
  actions: number;
  /** What a nested login ends in, and one over a new connection. */
  rehearsal: (attempt: LoginAttempt) => LoginOutcome;
  login: (attempt: LoginAttempt) => LoginOutcome;
  /** What Duo's module writes to the log when somebody meets Duo and gets in. */
  duoSays: (user: string) => string;
  /** The log of logins. */
  readonly log: string[];
  /** What the host sees of Duo. */
  duo: PreflightFacts;
  /** Whether the automation account gets in over a new connection. */
  letsIn: () => boolean;
  /** A sentence makes a namespace impossible, as in a container. */
  noNamespace: string | null;
  /** A sentence makes the action of this name fail: `put /etc/pam.d/sshd`. */
  readonly broken: Map<string, string>;
}

/** The password of the account breakglass on every fake host. */
export const BREAK_GLASS_PASSWORD = 'break-glass-password-that-nobody-may-see';
export const BREAK_GLASS = 'breakglass';

const getsIn = ({ user, factors }: LoginAttempt): boolean =>
  user === BREAK_GLASS
    ? factors.some((factor) => factor.kind === 'password' && reveal(factor.password) === BREAK_GLASS_PASSWORD)
    : factors[0]?.kind === 'publickey';

const asPeopleDo = (attempt: LoginAttempt): LoginOutcome =>
  getsIn(attempt)
    ? { kind: 'in', exitCode: attempt.command === null ? null : 0, output: '', prompts: [] }
    : { kind: 'refused', prompts: ['Password: '] };

/** One login on the host, with its line in the log where somebody meets Duo. */
export const logIn = (
  host: FakeHost,
  attempt: LoginAttempt,
  decide: (attempt: LoginAttempt) => LoginOutcome,
): LoginOutcome => {
  const outcome = decide(attempt);
  const meetsDuo = attempt.factors[0]?.kind === 'publickey' && attempt.factors.length > 1;
  if (meetsDuo && outcome.kind === 'in') host.log.push(host.duoSays(attempt.user));
  return outcome;
};

/** Duo with all well: one address, trusted, the keys accepted. */
export const DUO_WELL: PreflightFacts = {
  target: { name: 'api-00000000.duosecurity.com', port: 443, isProxy: false },
  unproven: null,
  addresses: [{ address: '192.0.2.53', kind: 'trusted' }],
  addressesLeft: 0,
  cafile: 'unused',
  clock: null,
  keys: { kind: 'accepted' },
  enrolment: {},
};

/** A host that is up, with these live files and packages. */
export const fakeHost = (name: string, time: VirtualTime, live: LiveState): FakeHost => ({
  name,
  time,
  files: new Map(live.files),
  packages: new Map(live.packages),
  disk: {
    transactions: new Map(),
    ended: new Map(),
    kept: new Map(),
    active: null,
    guard: false,
    armed: null,
    staged: new Map(),
  },
  memory: {
    boots: 0,
    powered: true,
    leaseUntilMs: 0,
    watcher: null,
    units: new Map(),
    sshd: sshdSettings(live),
  },
  duties: ALL_DUTIES,
  slowMs: 1_000,
  loginMs: 400,
  onAction: () => undefined,
  actions: 0,
  rehearsal: asPeopleDo,
  login: asPeopleDo,
  duoSays: (user) => `sshd[1]: Successful Duo login for '${user}' from UNKNOWN`,
  log: [],
  duo: DUO_WELL,
  letsIn: () => true,
  noNamespace: null,
  broken: new Map(),
});

/** What sshd reads when it starts or is reloaded: its stacks are PAM's to read, at each login. */
export const sshdSettings = ({ files }: Pick<LiveState, 'files'>): string =>
  [...files]
    .filter(([path]) => path.startsWith('/etc/ssh/'))
    .map(([path, { text }]) => `${path}\n${text}`)
    .toSorted()
    .join('');

/** A copy of what is live. */
export const liveState = (host: FakeHost): LiveState => ({
  files: new Map(host.files),
  packages: new Map(host.packages),
});

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The guard's word for a file's content, mode and owner. */
export const fingerprint = (file: FakeFile | null): string =>
  file === null ? 'absent' : `${digestOf(file.text)}:${file.mode.toString(8)}:0:0`;

const fileFacts = (file: FakeFile | undefined): FileFacts =>
  file === undefined
    ? { kind: 'absent' }
    : {
        kind: 'file',
        mode: file.mode,
        owner: 'root',
        group: 'root',
        sha256: digestOf(file.text),
        text: file.text,
      };

const ownerValue = (owner: readonly string[], key: string): string =>
  owner.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1) ?? '';

const pendingOf = (host: FakeHost): Facts['pending'] => {
  const { active } = host.disk;
  if (active === null) return null;
  const transaction = host.disk.transactions.get(active);
  const owner = transaction?.owner ?? [];
  return {
    tx: active,
    run: ownerValue(owner, 'run'),
    operator: ownerValue(owner, 'operator'),
    sinceS: Number(ownerValue(owner, 'since')),
    alive: host.memory.watcher !== null,
    state: transaction?.state ?? 'gone',
  };
};

/** The host's files where a staged transaction's candidates lie over them. */
export const candidateFiles = (host: FakeHost, tx: string): ReadonlyMap<string, FakeFile> => {
  const files = new Map(host.files);
  for (const line of (host.disk.transactions.get(tx)?.received.get('manifest') ?? '').split('\n')) {
    const [kind = '', n = '', , , path = ''] = line.split(' ');
    const staged = host.disk.staged.get(n);
    if (kind === 'absent') files.delete(path);
    else if (path !== '' && staged !== undefined) files.set(path, staged);
  }
  return files;
};

/** What one look at the host reads, or at other files in their place; accounts are the same on every fake host. */
export const factsOf = (
  host: FakeHost,
  request: ObserveRequest,
  files: ReadonlyMap<string, FakeFile> = host.files,
): Facts => ({
  os: { id: 'debian', idLike: [], versionId: '12', codename: 'bookworm', prettyName: 'Debian GNU/Linux 12' },
  architecture: 'amd64',
  epochS: Math.floor(host.time.nowMs() / 1000),
  systemd: { running: true, version: 252 },
  packages: Object.fromEntries(
    [...host.packages].map(([name, version]) => [name, { status: 'installed', version, origins: [] }]),
  ),
  files: Object.fromEntries(request.files.map(({ path }) => [path, fileFacts(files.get(path))])),
  sshd: {
    version: '9.2',
    effective: {},
    error: '',
    users: {},
    unit: 'ssh',
    serviceActive: true,
    socketActive: false,
    start: { commands: [], environment: [], environmentFiles: [] },
  },
  sudo: { implementation: 'sudo', version: '1.9.13', defaults: null },
  keyLoginLog: 'not read',
  pam: { modules: null, nologin: null },
  groups: {},
  accounts: {
    dora: {
      uid: 1002,
      home: '',
      shell: '',
      groups: ['users'],
      password: 'set',
      expired: false,
      authorizedKeys: 0,
      keyLoginDaysAgo: null,
      sudo: { kind: 'unknown' },
    },
  },
  dpkgLockHolder: null,
  dpkgInterrupted: false,
  dpkgScriptsRun: true,
  space: {},
  pending: pendingOf(host),
  duoSources: {},
  moduleError: null,
});
