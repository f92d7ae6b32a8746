// A host as the contract's promises see it: the port, scratch files, and the few things that befall a host. Made of the
// fake host, and of a real one in the lab.
import type { Change } from '../../src/core/change.ts';
import type { Remote } from '../../src/core/remote.ts';
import type { Settings } from '../../src/core/settings.ts';
import { boot, powerOff } from './fake-host-guard.ts';
import { fakeLink } from './fake-host-link.ts';
import { settings } from './fake-host-scene.ts';
import { virtualTime } from './fake-host-time.ts';
import { fakeHost } from './fake-host.ts';
import type { LabRemote } from './lab-remote.ts';
import type { LabHost } from './lab.ts';

/** Nobody reads the files in it. */
const SCRATCH = '/etc/duo-fleet-contract';
/** A file with another content, one that is made together with its folder, one that is removed. */
export const CHANGED = `${SCRATCH}/changed`;
export const MADE = `${SCRATCH}/folder/made`;
export const REMOVED = `${SCRATCH}/removed`;
export const PATHS = [CHANGED, MADE, REMOVED];
/** Their contents before and after. */
export const OLD = ['old\n', null, 'to go\n'];
export const NEW = ['new\n', 'made\n', null];

const file = (step: Change['step'], target: string, text: string): Change => ({
  kind: 'file',
  step,
  target,
  why: [],
  content: Buffer.from(text),
  mode: 0o644,
  secret: false,
  shown: { before: null, after: null },
});
/** What every transaction of the contract does: files only, and nobody's. */
export const CHANGES: readonly Change[] = [
  file('pam-sshd', CHANGED, 'new\n'),
  file('sudoers', MADE, 'made\n'),
  { kind: 'absent', step: 'sudoers', target: REMOVED, why: [] },
];

/** On every lab host, and loads. */
export const A_MODULE = '/lib/x86_64-linux-gnu/security/pam_permit.so';

const START_MS = Date.UTC(2026, 0, 1);
const MODE = 0o644;

export interface ContractHost {
  readonly remote: Remote;
  readonly settings: Settings;
  /** Lets time pass until the work is done; only the fake's time needs it. */
  readonly within: <T>(work: Promise<T>) => Promise<T>;
  /** The content of a file, `null` where there is none. */
  readonly read: (path: string) => Promise<string | null>;
  readonly write: (path: string, text: string) => Promise<void>;
  readonly remove: (path: string) => Promise<void>;
  /** Writes a line to the log of logins as the account of this name. */
  readonly log: (line: string, account: 'root' | 'nobody') => Promise<void>;
  /** The guard's watcher dies and nobody starts it again. */
  readonly killWatcher: (tx: string) => Promise<void>;
  readonly powerOff: () => Promise<void>;
  readonly boot: () => Promise<void>;
  /** Waits, at most `limitS`, until no transaction holds the host. */
  readonly released: (limitS: number) => Promise<void>;
  /** What a transaction has left, by name; empty once it has ended. */
  readonly leftovers: () => Promise<readonly string[]>;
  /** No guard of any version is there any more. */
  readonly forgetGuard: () => Promise<void>;
}

/** The fake host, in virtual time. */
export const fakeContractHost = (): ContractHost => {
  const time = virtualTime(START_MS);
  const host = fakeHost(settings.host, time, { files: new Map(), packages: new Map() });
  host.slowMs = 10;
  return {
    remote: fakeLink(host).remote,
    settings,
    within: time.until,
    read: async (path) => host.files.get(path)?.text ?? null,
    write: async (path, text) => void host.files.set(path, { text, mode: MODE }),
    remove: async (path) => void host.files.delete(path),
    // The fake's log has only what root wrote.
    log: async (line, account) => void (account === 'root' && host.log.push(line)),
    killWatcher: async () => {
      host.memory.watcher = null;
    },
    powerOff: async () => powerOff(host),
    boot: () => time.until(boot(host)),
    released: async (limitS) => {
      const untilMs = time.nowMs() + limitS * 1000;
      while (host.disk.active !== null) {
        if (time.nowMs() > untilMs) throw new Error(`${host.disk.active} still holds the host`);
        await time.pass(100);
      }
    },
    leftovers: async () => [
      ...[...host.disk.transactions.keys()].map((tx) => `tx/${tx}`),
      ...(host.disk.armed === null ? [] : ['boot unit']),
      ...(host.disk.staged.size === 0 ? [] : ['staged files']),
      ...(host.disk.active === null ? [] : ['active']),
    ],
    forgetGuard: async () => {
      host.disk.guard = false;
      host.disk.ended.clear();
    },
  };
};

/** A lab host behind its real sshd. */
export const realContractHost = (host: LabHost, way: LabRemote): ContractHost => {
  const must = async (command: string, input = ''): Promise<string> => {
    const done = await host.shell(command, { input });
    if (done.code !== 0) throw new Error(`${host.name}: ${command}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  };
  return {
    remote: way.remote,
    settings: way.settings(host),
    within: (work) => work,
    read: async (path) => {
      const done = await host.shell(`cat ${path}`);
      return done.code === 0 ? done.stdout : null;
    },
    write: async (path, text) =>
      void (await must(`mkdir -p "$(dirname ${path})"; cat >${path}; chmod 644 ${path}`, text)),
    remove: async (path) => void (await must(`rm -f ${path}`)),
    log: async (line, account) =>
      void (await must(`exec setpriv --reuid ${account} --clear-groups logger -t sshd "$(cat)"`, line)),
    killWatcher: async (tx) =>
      void (await must(
        `systemctl kill --signal=KILL duo-fleet-guard-${tx}; systemctl stop duo-fleet-guard-${tx}`,
      )),
    powerOff: host.powerOff,
    boot: () => host.boot(),
    released: async (limitS) =>
      void (await must(
        `n=0; while [ -L /var/lib/duo-fleet/active ]; do n=$((n + 1)); [ $n -lt ${limitS * 10} ] || { cat /var/lib/duo-fleet/log; exit 1; }; sleep 0.1; done`,
      )),
    leftovers: async () => {
      const listed = await must(
        'cd /var/lib/duo-fleet 2>/dev/null || exit 0; find tx active /etc/.duo-fleet /run/duo-fleet/lease /etc/systemd/system -name "*duo-fleet*" -o -path "tx/*" -prune -o -path active -o -name lease 2>/dev/null; :',
      );
      return listed.split('\n').filter((line) => line !== '');
    },
    forgetGuard: async () => void (await must('rm -rf /var/lib/duo-fleet')),
  };
};
