// The fake host's guard: templates/guard.sh's operations, lease and watcher, told again in memory.
import { GUARD_EXIT } from '../../src/core/remote.ts';
import { sshdSettings, type FakeHost, type FakeTransaction } from './fake-host.ts';
import {
  act,
  activate,
  advance,
  checkLive,
  ENDS,
  GuardExit,
  inUnit,
  prepare,
  type Say,
} from './fake-host-units.ts';
import { tellKept } from './fake-host-kept.ts';
import { beginRevert, cleanUp, restoreFiles, revertBody } from './fake-host-revert.ts';

/** How often the watcher looks, and how long it waits after a revert that could not finish. */
const WATCH_MS = 500;
const RETRY_MS = 10_000;

const stateOf = (host: FakeHost, tx: string): string => host.disk.transactions.get(tx)?.state ?? 'gone';

const status = (host: FakeHost, tx: string, say: Say): number => {
  const end = host.disk.ended.get(tx);
  say(end === undefined ? `state ${stateOf(host, tx)}` : `ended ${end}`);
  return GUARD_EXIT.ok;
};

const claim = async (
  host: FakeHost,
  transaction: FakeTransaction,
  args: readonly string[],
  say: Say,
): Promise<number> => {
  const [nonce = '', leaseS = '', run = '', operator = '', reason = ''] = args;
  const { disk, memory } = host;
  // An id is good for one claim.
  if (transaction.state !== 'gone' || disk.ended.has(transaction.tx)) {
    if (transaction.state === 'gone') disk.transactions.delete(transaction.tx);
    say(`fenced: ${transaction.tx} was claimed before`);
    return GUARD_EXIT.fenced;
  }
  transaction.nonce = nonce;
  transaction.owner = [
    `run=${run}`,
    `operator=${operator}`,
    `since=${Math.floor(host.time.nowMs() / 1000)}`,
    ...(reason === '' ? [] : [`reason=${reason}`]),
  ];
  transaction.state = 'claimed';
  // The link is made in one act, which exactly one caller can do; whoever comes second looks at what is in the way.
  while (disk.active !== transaction.tx) {
    const other = disk.active;
    if (other !== null && memory.watcher === other) {
      say(`busy ${other} ${stateOf(host, other)}`);
      for (const line of disk.transactions.get(other)?.owner ?? []) say(line);
      disk.transactions.delete(transaction.tx);
      return GUARD_EXIT.busy;
    }
    if (other !== null) {
      say(`settling ${other}, which an earlier run left ${stateOf(host, other)}`);
      if (disk.transactions.has(other)) await revert(host, other, say);
      else disk.active = null;
    }
    await act(host, null, 'claim', () => {
      if (disk.active !== null) return;
      disk.active = transaction.tx;
      disk.guard = true;
      memory.leaseUntilMs = host.duties.armsUnheard
        ? host.time.nowMs() + Number(leaseS) * 1000
        : Number.POSITIVE_INFINITY;
      memory.watcher = transaction.tx;
    }).catch((thrown: unknown) => {
      // `give_up` of the script: nothing but our own folder was written.
      if (thrown instanceof GuardExit) disk.transactions.delete(transaction.tx);
      throw thrown;
    });
  }
  void watch(host, transaction.tx, memory.boots);
  say(`claimed ${transaction.tx}`);
  return GUARD_EXIT.ok;
};

const watch = async (host: FakeHost, tx: string, boots: number): Promise<void> => {
  const alive = (): boolean => host.memory.boots === boots && host.memory.powered;
  while (alive() && !['confirmed', 'aborted', 'reverted', 'gone'].includes(stateOf(host, tx))) {
    if (host.duties.firesWhenLapsed && host.time.nowMs() > host.memory.leaseUntilMs) {
      await revertUnit(host, tx, () => undefined);
      if (stateOf(host, tx) === 'reverting') await host.time.sleep(RETRY_MS);
    }
    await host.time.sleep(WATCH_MS);
  }
  if (alive() && host.memory.watcher === tx) host.memory.watcher = null;
};

const confirm = async (host: FakeHost, tx: string, nonce: string, say: Say): Promise<number> => {
  const { fencesConfirm, comparesNonce } = host.duties;
  const end = host.disk.ended.get(tx);
  if (end !== undefined && fencesConfirm) {
    status(host, tx, say);
    return end.startsWith('confirmed') ? GUARD_EXIT.ok : GUARD_EXIT.fenced;
  }
  const transaction = host.disk.transactions.get(tx);
  if (fencesConfirm && (transaction === undefined || (comparesNonce && transaction.nonce !== nonce))) {
    say('fenced: this is not the confirmation of the transaction that holds the host');
    return GUARD_EXIT.fenced;
  }
  await act(host, null, 'confirm', () => {
    if (fencesConfirm && transaction !== undefined) advance(transaction, 'activated', 'confirmed');
    host.disk.ended.set(tx, ENDS['confirmed'] ?? '');
  });
  await cleanUp(host, tx, say);
  return status(host, tx, say);
};

const revertUnit = async (host: FakeHost, tx: string, say: Say): Promise<number> => {
  const transaction = host.disk.transactions.get(tx);
  if (transaction === undefined) return GUARD_EXIT.ok;
  return inUnit(host, `revert ${tx}`, say, (unit, tell) => revertBody(host, transaction, unit, tell));
};

const revert = async (host: FakeHost, tx: string, say: Say): Promise<number> => {
  const isOver = !host.disk.transactions.has(tx);
  const code = await revertUnit(host, tx, say);
  status(host, tx, say);
  if (isOver && host.disk.ended.get(tx)?.startsWith('confirmed') === true) return GUARD_EXIT.fenced;
  return code;
};

/** The lease's own channel: one word in, its lines out. */
export const leaseWord = async (
  host: FakeHost,
  tx: string,
  word: 'revert' | number,
  say: Say,
): Promise<void> => {
  if (word === 'revert') {
    say(`done ${await revert(host, tx, say)}`);
    return;
  }
  const state = stateOf(host, tx);
  if (!['claimed', 'armed', 'staged', 'activating', 'activated'].includes(state)) say(`fenced ${state}`);
  else {
    host.memory.leaseUntilMs = host.time.nowMs() + word * 1000;
    say('ok');
  }
};

/** Whether a rehearsal may run: only while the files are staged. */
export const mayRehearse = (host: FakeHost, tx: string): boolean => stateOf(host, tx) === 'staged';

/** One call of the guard, as the root channel makes it; `say` hears every line, marks too. */
export const runGuard = async (
  host: FakeHost,
  call: {
    readonly operation: string;
    readonly tx: string;
    readonly args: readonly string[];
    readonly files: Readonly<Record<string, Uint8Array>>;
  },
  say: Say,
): Promise<number> => {
  const { operation, tx, args } = call;
  const received = Object.entries(call.files).map(
    ([name, bytes]) => [name, new TextDecoder().decode(bytes)] as const,
  );
  const earlier = host.disk.transactions.get(tx);
  for (const [name, text] of received) earlier?.received.set(name, text);
  if (received.length > 0 && earlier === undefined) {
    host.disk.transactions.set(tx, {
      tx,
      received: new Map(received),
      state: 'gone',
      nonce: '',
      owner: [],
      snapshot: new Map(),
      copies: new Map(),
      packagesBefore: new Map(),
      packagesStarted: false,
    });
  }
  const transaction = host.disk.transactions.get(tx);
  const absent = (): number => {
    say('there is no guard on this host');
    return GUARD_EXIT.absent;
  };
  if (transaction === undefined && !host.disk.guard) return absent();
  try {
    switch (operation) {
      case 'confirm':
        return await confirm(host, tx, args[0] ?? '', say);
      case 'status':
        return status(host, tx, say);
      case 'kept':
        tellKept(host, args[0], say);
        return GUARD_EXIT.ok;
      case 'abort':
      case 'revert':
        return await revert(host, tx, say);
      case 'recover':
        // Where the folder is gone, so is the lock that the watcher held in it.
        if (transaction === undefined || host.memory.watcher !== tx) return await revert(host, tx, say);
        say(`busy ${tx} ${stateOf(host, tx)}`);
        for (const line of transaction.owner) say(line);
        return GUARD_EXIT.busy;
      case 'claim':
      case 'prepare':
      case 'activate':
      case 'validate':
        break;
      default:
        return GUARD_EXIT.usage;
    }
    // A claim that was refused took its folder with it: there is no script to be run.
    if (transaction === undefined) return absent();
    if (operation === 'claim') return await claim(host, transaction, args, say);
    if (operation === 'validate') {
      checkLive(host, transaction);
      return GUARD_EXIT.ok;
    }
    const body = operation === 'prepare' ? prepare : activate;
    return await inUnit(host, `${operation} ${tx}`, say, (unit, tell) => body(host, transaction, unit, tell));
  } catch (thrown) {
    if (!(thrown instanceof GuardExit)) throw thrown;
    say(thrown.message);
    return thrown.code;
  }
};

/** The power goes: every process dies, what is in memory is gone, the disk stays as it is. */
export const powerOff = (host: FakeHost): void => {
  host.memory.powered = false;
  host.memory.watcher = null;
  host.memory.leaseUntilMs = 0;
  for (const unit of host.memory.units.values()) unit.stopped = true;
  host.memory.units.clear();
};

/** The host boots: an armed transaction's files are put back before sshd takes a login, its packages after. */
export const boot = async (host: FakeHost): Promise<void> => {
  host.memory.powered = true;
  host.memory.boots += 1;
  const armed = host.duties.restoresAtBoot ? host.disk.armed : null;
  const transaction = host.disk.transactions.get(armed ?? '');
  if (transaction !== undefined && beginRevert(transaction) === 'reverting') {
    await restoreFiles(host, transaction, null, () => undefined);
  }
  host.memory.sshd = sshdSettings(host);
  if (transaction !== undefined) await revert(host, transaction.tx, () => undefined);
};
