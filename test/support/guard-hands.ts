// templates/guard.sh under a test's hands: one transaction after another on a lab host, called as the root channel calls it.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Facts, FileFacts } from '../../src/core/facts.ts';
import { GUARD_HOME, type GuardCall } from '../../src/core/remote.ts';
import { transactionFiles } from '../../src/core/transaction.ts';
import { guardFrame } from '../../src/remote/guard-frame.ts';
import { A_MODULE, CHANGED, CHANGES, MADE, OLD, PATHS, REMOVED } from './contract-host.ts';
import { digestOf } from './fake-host.ts';
import { REPOSITORY_ROOT } from './lab-paths.ts';
import type { LabHost } from './lab.ts';

export const LONG_LEASE_S = 120;
export const SHORT_LEASE_S = 4;

const guardScript = await readFile(join(REPOSITORY_ROOT, 'templates/guard.sh'));
/** What `observe` would say of the files as they are at the beginning. */
const facts = {
  files: Object.fromEntries(
    PATHS.map((path, index): [string, FileFacts] => {
      const text = OLD[index] ?? null;
      if (text === null) return [path, { kind: 'absent' }];
      return [
        path,
        { kind: 'file', mode: 0o644, owner: 'root', group: 'root', sha256: digestOf(text), text: null },
      ];
    }),
  ),
} as Facts;

export interface GuardAnswer {
  readonly code: number;
  /** Without marks. */
  readonly lines: readonly string[];
  readonly last: string;
}

export interface GuardHands {
  /** A test may go over to another one. */
  host: LabHost;
  /** The transaction that is asked about. */
  readonly tx: string;
  /** What each call of the guard is run by; the words end with a shell's name. */
  shell: string;
  readonly must: (command: string) => Promise<string>;
  /** A fresh transaction, with the files as they were. */
  readonly begin: () => Promise<void>;
  readonly ask: (
    operation: GuardCall['operation'],
    args?: readonly string[],
    files?: Readonly<Record<string, Uint8Array>>,
  ) => Promise<GuardAnswer>;
  readonly claim: (leaseS?: number) => Promise<GuardAnswer>;
  readonly confirm: () => Promise<GuardAnswer>;
  /** As far as this state, on the straight way. */
  readonly bringTo: (state: 'claimed' | 'staged' | 'activated', leaseS?: number) => Promise<void>;
  /** The contents of the three files. */
  readonly live: () => Promise<readonly (string | null)[]>;
  readonly record: () => Promise<string>;
  readonly released: (limitS: number) => Promise<void>;
  /** What is left of all transactions, files and processes, a line each; the last process has its time to end. */
  readonly left: () => Promise<string>;
  /** Whatever a failed promise has left must not be the next one's start. */
  readonly end: () => Promise<void>;
}

const succeed = async (asked: Promise<GuardAnswer>): Promise<void> => {
  const { code, lines } = await asked;
  if (code !== 0) throw new Error(`ended with ${code}: ${lines.join('; ')}`);
};

/** Hands on a host. */
export const guardHands = (first: LabHost): GuardHands => {
  let transactions = 0;
  let calls = 0;
  const must = async (command: string): Promise<string> => {
    const { host } = hands;
    const done = await host.shell(command);
    if (done.code !== 0) throw new Error(`${host.name}: ${command}: ${done.stdout}${done.stderr}`);
    return done.stdout;
  };
  const ask: GuardHands['ask'] = async (operation, args = [], files = {}) => {
    const frame = guardFrame({ operation, tx: hands.tx, args, files });
    calls += 1;
    const file = `/run/contract-frame-${calls}`;
    const done = await hands.host.shell(`cat >${file}; ${hands.shell} ${file} </dev/null`, {
      input: frame,
      timeoutMs: 100_000,
    });
    const lines = done.stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#mark '));
    return { code: done.code, lines, last: lines.at(-1) ?? '' };
  };
  const hands: GuardHands = {
    host: first,
    get tx() {
      return `g${transactions}`;
    },
    shell: '/bin/sh',
    must,
    begin: async () => {
      transactions += 1;
      await must(
        `mkdir -p "$(dirname ${CHANGED})" && rm -rf "$(dirname ${MADE})" && echo old >${CHANGED} && echo 'to go' >${REMOVED} && chmod 644 ${CHANGED} ${REMOVED}`,
      );
    },
    ask,
    claim: (leaseS = LONG_LEASE_S) =>
      ask('claim', [`nonce-of-${hands.tx}`, String(leaseS), 'run-1', 'ada@bastion'], {
        ...transactionFiles(CHANGES, facts, { modulePath: A_MODULE, repositoryUrl: '' }),
        'guard.sh': guardScript,
      }),
    confirm: () => ask('confirm', [`nonce-of-${hands.tx}`]),
    bringTo: async (state, leaseS) => {
      await succeed(hands.claim(leaseS));
      if (state !== 'claimed') await succeed(ask('prepare'));
      if (state === 'activated') await succeed(ask('activate'));
    },
    live: async () => {
      const contents = await Promise.all(PATHS.map((path) => hands.host.shell(`cat ${path}`)));
      return contents.map(({ code, stdout }) => (code === 0 ? stdout : null));
    },
    record: async () => (await ask('status')).last,
    released: async (limitS) =>
      void (await must(
        `n=0; while [ -L ${GUARD_HOME}/active ]; do n=$((n + 1)); [ $n -lt ${limitS * 10} ] || exit 1; sleep 0.1; done`,
      )),
    left: () =>
      must(
        `n=0; while pgrep -f "[t]x/${hands.tx}/in/guard.sh"; do n=$((n + 1)); [ $n -lt 90 ] || break; sleep 0.1; done >/dev/null; pgrep -fa "[t]x/${hands.tx}/in/guard.sh"; ls -d ${GUARD_HOME}/tx/* ${GUARD_HOME}/.[!.]* /etc/.duo-fleet /run/duo-fleet /etc/systemd/system/*duo-fleet* 2>/dev/null; :`,
      ),
    end: async () => {
      hands.shell = '/bin/sh';
      await must(
        `for n in 1 2 3 4; do for place in /usr/bin/dash /usr/sbin/visudo ${GUARD_HOME}; do umount -l "$place" 2>/dev/null; done; done; [ ! -L ${GUARD_HOME}/active ] || sh ${GUARD_HOME}/guard.sh revert; :`,
      );
    },
  };
  return hands;
};
