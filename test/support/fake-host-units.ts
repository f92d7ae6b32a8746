// What the fake host's guard does in units of its own: prepare and activate. templates/guard.sh's bodies, told again
// in memory. Where the two differ, the script is right and this is to be changed.
import { GUARD_EXIT } from '../../src/core/remote.ts';
import {
  digestOf,
  fingerprint,
  sshdSettings,
  Stopped,
  type FakeFile,
  type FakeHost,
  type FakeTransaction,
  type FakeUnit,
} from './fake-host.ts';

export type Say = (line: string) => void;

interface ManifestLine {
  readonly kind: string;
  readonly n: string;
  readonly mode: string;
  readonly before: string;
  readonly path: string;
}

export const ENDS: Readonly<Record<string, string>> = {
  confirmed: 'confirmed over a new login',
  aborted: 'aborted before anything live was changed',
  reverted: 'reverted to what was',
  foreign: 'foreign: back to what was, but for files that somebody else changed meanwhile',
};

export const manifestOf = (transaction: FakeTransaction): readonly ManifestLine[] =>
  (transaction.received.get('manifest') ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [kind = '', n = '', mode = '', before = '', path = ''] = line.split(' ');
      return { kind, n, mode, before, path };
    });

const wordsOf = (transaction: FakeTransaction, file: string): readonly (readonly string[])[] =>
  (transaction.received.get(file) ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '));

/** One action that changes the host. Before it the unit may be stopped or the power may go; it is never cut in two. */
export const act = async (
  host: FakeHost,
  unit: FakeUnit | null,
  action: string,
  body: () => void,
): Promise<void> => {
  const { boots } = host.memory;
  await host.time.sleep(host.slowMs);
  const alive = (): boolean => host.memory.powered && host.memory.boots === boots && unit?.stopped !== true;
  if (!alive()) throw new Stopped();
  host.actions += 1;
  host.onAction(host.actions, action);
  if (!alive()) throw new Stopped();
  const complaint = host.broken.get(action);
  if (complaint !== undefined) throw new GuardExit(GUARD_EXIT.failed, complaint);
  body();
};

/** `fail` of the script: a sentence and an exit status. */
export class GuardExit extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export const advance = (transaction: FakeTransaction, from: string, to: string): void => {
  if (transaction.state !== from) {
    throw new GuardExit(
      GUARD_EXIT.fenced,
      `fenced: the transaction is ${transaction.state} on this host, not ${from}`,
    );
  }
  transaction.state = to;
};

/** Runs a body in a unit of its own; a second caller watches the one that runs. */
export const inUnit = async (
  host: FakeHost,
  name: string,
  say: Say,
  body: (unit: FakeUnit, tell: Say) => Promise<number>,
): Promise<number> => {
  const running = host.memory.units.get(name);
  if (running !== undefined) {
    for (const line of running.lines) say(line);
    running.watchers.add(say);
    return running.done;
  }
  const unit: FakeUnit = { lines: [], watchers: new Set([say]), stopped: false, done: Promise.resolve(0) };
  const tell: Say = (line) => {
    unit.lines.push(line);
    for (const watcher of unit.watchers) watcher(line);
  };
  host.memory.units.set(name, unit);
  unit.done = body(unit, tell)
    .catch((thrown: unknown) => {
      if (thrown instanceof Stopped) tell(`${name} was stopped before its end`);
      else if (thrown instanceof GuardExit) tell(thrown.message);
      else throw thrown;
      return thrown instanceof GuardExit ? thrown.code : GUARD_EXIT.failed;
    })
    .finally(() => host.memory.units.get(name) === unit && host.memory.units.delete(name));
  return unit.done;
};

/** Takes the copies that a rollback's manifest names; afterwards nobody needs that snapshot any more. */
const fetchKept = (host: FakeHost, transaction: FakeTransaction): void => {
  const source = transaction.received.get('source')?.trim() ?? '';
  const kept = host.disk.kept.get(source);
  if (kept === undefined) {
    throw new GuardExit(
      GUARD_EXIT.failed,
      `the snapshot ${source} is not on this host any more: nothing was touched`,
    );
  }
  for (const { kind, n, mode, path } of manifestOf(transaction)) {
    if (kind !== 'back' && kind !== 'along') continue;
    const [number = '', ...print] = mode.split(':');
    const copy = kept.entries.find((entry) => entry.n === number)?.was ?? null;
    if (copy === null || fingerprint(copy) !== print.join(':')) {
      throw new GuardExit(
        GUARD_EXIT.failed,
        `the kept copy of ${path} cannot be had, or is not the one that was looked at: nothing was touched`,
      );
    }
    transaction.copies.set(n, copy);
  }
};

export const prepare = async (
  host: FakeHost,
  transaction: FakeTransaction,
  unit: FakeUnit,
  say: Say,
): Promise<number> => {
  if (transaction.state !== 'claimed') {
    throw new GuardExit(
      GUARD_EXIT.fenced,
      `fenced: the transaction is ${transaction.state} on this host, not claimed`,
    );
  }
  if (transaction.received.has('pkg/source')) {
    say('#mark task-started download');
    await act(host, unit, 'download', () => undefined);
    say('#mark task-ended download');
  }
  say('#mark task-started snapshot');
  if (transaction.received.has('source')) {
    await act(host, unit, 'fetch what is kept', () => fetchKept(host, transaction));
  }
  for (const { kind, n, before, path } of manifestOf(transaction)) {
    if (!isOfFile(kind)) continue;
    await act(host, unit, `snapshot ${path}`, () => {
      const file = host.files.get(path);
      transaction.snapshot.set(n, file ?? null);
      if ((file === undefined ? 'absent' : digestOf(file.text)) !== before) {
        throw new GuardExit(GUARD_EXIT.drifted, `${path} was changed since it was read: nothing was touched`);
      }
    });
  }
  transaction.packagesBefore = new Map(host.packages);
  say('#mark task-ended snapshot');
  say('#mark task-started arm');
  await act(host, unit, 'arm', () => {
    host.disk.armed = transaction.tx;
    advance(transaction, 'claimed', 'armed');
  });
  say('#mark task-ended arm');
  say('#mark task-started stage');
  for (const { kind, n, mode, path } of manifestOf(transaction)) {
    if (!isOfFile(kind) || kind === 'absent') continue;
    await act(host, unit, `stage ${path}`, () =>
      host.disk.staged.set(
        n,
        transaction.copies.get(n) ?? {
          text: transaction.received.get(`new/${n}`) ?? '',
          mode: Number.parseInt(mode, 8),
        },
      ),
    );
  }
  say(host.noNamespace === null ? 'rehearsal possible' : `rehearsal impossible: ${host.noNamespace}`);
  await act(host, unit, 'staged', () => advance(transaction, 'armed', 'staged'));
  say('#mark task-ended stage');
  return GUARD_EXIT.ok;
};

/** Lines of a manifest that are about a file. */
export const isOfFile = (kind: string): boolean => ['file', 'absent', 'back', 'along'].includes(kind);

export const sameFile = (a: FakeFile | null, b: FakeFile | null): boolean =>
  a?.text === b?.text && a?.mode === b?.mode;

const isUntouched = (host: FakeHost, transaction: FakeTransaction, { n, path }: ManifestLine): boolean =>
  sameFile(host.files.get(path) ?? null, transaction.snapshot.get(n) ?? null);

const refuseDrifted = (host: FakeHost, transaction: FakeTransaction): void => {
  for (const line of manifestOf(transaction)) {
    if (isOfFile(line.kind) && !isUntouched(host, transaction, line)) {
      throw new GuardExit(
        GUARD_EXIT.drifted,
        `${line.path} was changed since it was read: nothing was touched`,
      );
    }
  }
};

/** `validate` of the script: whether each file is as it was written. */
export const checkLive = (host: FakeHost, transaction: FakeTransaction): void => {
  for (const { kind, n, path } of manifestOf(transaction)) {
    const live = host.files.get(path)?.text;
    if (kind === 'file' && live !== transaction.received.get(`new/${n}`)) {
      throw new GuardExit(GUARD_EXIT.failed, `${path} is not as it was written`);
    }
    if ((kind === 'back' || kind === 'along') && live !== transaction.copies.get(n)?.text) {
      throw new GuardExit(GUARD_EXIT.failed, `${path} is not as it was`);
    }
    if (kind === 'absent' && live !== undefined) {
      throw new GuardExit(GUARD_EXIT.failed, `${path} is still there`);
    }
  }
};

/** sshd reads its settings anew. */
export const reload = (host: FakeHost, unit: FakeUnit | null, service: string): Promise<void> =>
  act(host, unit, `reload ${service}`, () => {
    host.memory.sshd = sshdSettings(host);
  });

const swapPackages = async (host: FakeHost, transaction: FakeTransaction, unit: FakeUnit): Promise<void> => {
  await act(host, unit, 'packages started', () => {
    transaction.packagesStarted = true;
  });
  for (const [name = ''] of wordsOf(transaction, 'pkg/purge')) {
    await act(host, unit, `purge ${name}`, () => host.packages.delete(name));
  }
  for (const [name = '', version = ''] of wordsOf(transaction, 'pkg/install')) {
    await act(host, unit, `install ${name}`, () => host.packages.set(name, version));
  }
};

export const activate = async (
  host: FakeHost,
  transaction: FakeTransaction,
  unit: FakeUnit,
  say: Say,
): Promise<number> => {
  await act(host, unit, 'activating', () => {
    if (transaction.state === 'staged') refuseDrifted(host, transaction);
    advance(transaction, 'staged', 'activating');
  });
  let step = '';
  for (const line of manifestOf(transaction)) {
    const { kind, n, path } = line;
    if (kind === 'step') {
      if (step !== '') say(`#mark task-ended ${step}`);
      step = n;
      say(`#mark task-started ${step}`);
    } else if (kind === 'packages') await swapPackages(host, transaction, unit);
    else if (kind === 'reload') await reload(host, unit, path);
    else {
      await act(host, unit, `put ${path}`, () => {
        if (!isUntouched(host, transaction, line)) {
          throw new GuardExit(GUARD_EXIT.failed, `${path} was changed by somebody else since it was read`);
        }
        const staged = host.disk.staged.get(n);
        if (kind === 'absent') host.files.delete(path);
        else if (staged === undefined) throw new GuardExit(GUARD_EXIT.failed, `cannot write ${path}`);
        else host.files.set(path, staged);
      });
    }
  }
  if (step !== '') say(`#mark task-ended ${step}`);
  await act(host, unit, 'validate', () => undefined);
  await act(host, unit, 'activated', () => advance(transaction, 'activating', 'activated'));
  return GUARD_EXIT.ok;
};
