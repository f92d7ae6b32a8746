// How a transaction ends on the fake host: what templates/guard.sh does to put back and to clear up, told again in memory.
import { GUARD_EXIT } from '../../src/core/remote.ts';
import type { FakeHost, FakeTransaction, FakeUnit } from './fake-host.ts';
import { keptOf } from './fake-host-kept.ts';
import { act, ENDS, isOfFile, manifestOf, reload, sameFile, type Say } from './fake-host-units.ts';

/** Puts back what was, and gives the paths that somebody else had changed meanwhile. */
export const restoreFiles = async (
  host: FakeHost,
  transaction: FakeTransaction,
  unit: FakeUnit | null,
  say: Say,
): Promise<readonly string[]> => {
  const foreign: string[] = [];
  for (const { kind, n, path } of manifestOf(transaction).toReversed()) {
    const before = transaction.snapshot.get(n);
    if (!isOfFile(kind) || before === undefined) continue;
    await act(host, unit, `restore ${path}`, () => {
      const now = host.files.get(path) ?? null;
      if (sameFile(now, before)) return;
      const ours = transaction.received.get(`new/${n}`) ?? transaction.copies.get(n)?.text ?? null;
      if (now !== null && now.text !== ours && kind !== 'along') {
        foreign.push(path);
        say(`${path} was changed by somebody else meanwhile: left as it is`);
      } else if (before === null) host.files.delete(path);
      else host.files.set(path, before);
    });
  }
  return foreign;
};

const restorePackages = (host: FakeHost, transaction: FakeTransaction): void => {
  host.packages.clear();
  for (const [name, version] of transaction.packagesBefore) host.packages.set(name, version);
};

export const beginRevert = (transaction: FakeTransaction): string => {
  if (['claimed', 'armed', 'staged'].includes(transaction.state)) transaction.state = 'aborting';
  if (['activating', 'activated'].includes(transaction.state)) transaction.state = 'reverting';
  return transaction.state;
};

export const cleanUp = async (host: FakeHost, tx: string, say: Say): Promise<void> => {
  if (host.disk.active !== tx) return;
  await act(host, null, 'clean up', () => {
    say(`ended: ${host.disk.ended.get(tx) ?? ''}`);
    host.disk.armed = null;
    host.disk.staged.clear();
    const transaction = host.disk.transactions.get(tx);
    if (transaction?.state === 'confirmed') host.disk.kept.set(tx, keptOf(host, transaction));
    host.disk.active = null;
    host.disk.transactions.delete(tx);
  });
};

export const revertBody = async (
  host: FakeHost,
  transaction: FakeTransaction,
  unit: FakeUnit,
  say: Say,
): Promise<number> => {
  for (const name of ['prepare', 'activate']) {
    const writer = host.memory.units.get(`${name} ${transaction.tx}`);
    if (writer !== undefined && host.duties.fencesWriters) writer.stopped = true;
  }
  switch (beginRevert(transaction)) {
    case 'confirmed':
      say('fenced: this transaction is confirmed');
      await cleanUp(host, transaction.tx, say);
      return GUARD_EXIT.fenced;
    case 'aborting':
      host.disk.ended.set(transaction.tx, ENDS['aborted'] ?? '');
      transaction.state = 'aborted';
      break;
    case 'reverting': {
      say('#mark task-started revert');
      if (!host.duties.recordsLast) host.disk.ended.set(transaction.tx, ENDS['reverted'] ?? '');
      const foreign = await restoreFiles(host, transaction, unit, say);
      // Also where the files are back already: what put them there may have been stopped before it could reload.
      const service = manifestOf(transaction).find(({ kind }) => kind === 'reload');
      if (service !== undefined && host.duties.reloadsAfterRestore) await reload(host, unit, service.path);
      if (transaction.packagesStarted) {
        await act(host, unit, 'restore packages', () => restorePackages(host, transaction));
      }
      if (foreign.length > 0) {
        say(`left as they are, since somebody else changed them meanwhile: ${foreign.join(' ')} `);
      }
      host.disk.ended.set(transaction.tx, ENDS[foreign.length > 0 ? 'foreign' : 'reverted'] ?? '');
      transaction.state = 'reverted';
      say('#mark task-ended revert');
      break;
    }
    default:
      break;
  }
  await cleanUp(host, transaction.tx, say);
  return GUARD_EXIT.ok;
};
