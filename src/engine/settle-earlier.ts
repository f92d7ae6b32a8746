// What an earlier run left on a host is brought to its end before anything else: the host says what became of it, and while
// its lease still runs we wait, since a controller that lives would go on to renew it.
import type { ChangeSummary } from '../core/change.ts';
import type { EarlierEnd } from '../core/event.ts';
import { asFailure, Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import {
  GUARD_EXIT,
  GUARD_HOME,
  RECOVER_COMMAND,
  type GuardReply,
  type HostSession,
} from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import { readRecord } from '../core/transaction.ts';
import { busyMessage, ownerOf } from './ask.ts';
import { DEADLINES } from './deadlines.ts';
import type { Rows } from './rows.ts';
import type { Ending, TransactDeps } from './transact-deps.ts';

/** What an earlier run left on a host, by its journal. */
export interface Earlier {
  readonly run: string;
  /** The transaction whose end nobody saw; `null`: none that the journal knows of. */
  readonly tx: string | null;
  /** What that transaction was to change. */
  readonly changes: readonly ChangeSummary[];
  /** Runs whose controllers are known to be dead, each with its lease in seconds (`null`: not known): what they left is waited for. */
  readonly dead: ReadonlyMap<string, number | null>;
  /** Whether the host is brought to what is declared, once nothing is left. */
  readonly thenApply: boolean;
}

/** The one session to a host, made anew where it broke. */
export interface Lifeline {
  readonly connect: () => Promise<HostSession>;
  readonly close: () => void;
}

/** Makes the lifeline of one host; nothing is connected to yet. */
export const makeLifeline = (settings: Settings, deps: TransactDeps): Lifeline => {
  let session = null as HostSession | null;
  const close = (): void => {
    session?.close();
    session = null;
  };
  return {
    connect: async () => {
      close();
      // Kept at once: it is to be closed even when the row's end cannot be written.
      session = await deps.remote.connect(settings, { deadlineMs: DEADLINES.connectMs });
      return session;
    },
    close,
  };
};

/** One host whose earlier transaction is to be settled. */
export interface EarlierPlace {
  readonly settings: Settings;
  readonly deps: TransactDeps;
  readonly rows: Rows;
  readonly line: Lifeline;
  readonly earlier: Earlier;
  readonly tx: string;
}

/** Either the host's way ends here, or it goes on over this session. */
export type Settlement =
  | { readonly kind: 'ended'; readonly ending: Ending }
  | { readonly kind: 'on'; readonly session: HostSession };

/**
 * Brings one earlier transaction to its end and reads it from the host's own record.
 * `stranded` where nobody could ask the host, or where it cannot put everything back; `refused` with `busy` where somebody renews the
 * lease after all. A confirmed one is the host's verdict.
 * @param session where one is open already
 */
export const settleEarlier = async (
  place: EarlierPlace,
  session: HostSession | null,
): Promise<Settlement> => {
  const { rows, deps, settings, tx, earlier } = place;
  try {
    const first = session ?? (await rows.run('connect', () => reach(place)));
    const [how, last] = await rows.run(
      'settle',
      () => untilEnd(place, first),
      ([how]) => `run ${earlier.run}: ${IN_WORDS[how]}`,
    );
    await deps.emit({ type: 'settled', host: settings.host, tx, how });
    const ending = endingOf(place, how);
    return ending === null ? { kind: 'on', session: last } : { kind: 'ended', ending };
  } catch (thrown) {
    const failure = asFailure(thrown);
    const isBusy = failure.reason === 'busy';
    return {
      kind: 'ended',
      ending: {
        ...nothing,
        verdict: isBusy ? 'refused' : 'stranded',
        failure: {
          step: rows.failedAt(),
          reason: failure.reason,
          message: isBusy ? failure.message : strandedMessage(place, failure),
        },
      },
    };
  }
};

const IN_WORDS: Readonly<Record<EarlierEnd, string>> = {
  confirmed: 'was confirmed',
  aborted: 'had changed nothing live',
  reverted: 'was put back',
  foreign: 'was put back, but for files that somebody else changed',
  gone: 'nothing of it is left',
};

const nothing = { changes: [], findings: [], checks: [] } as const;

const leaseMsOf = ({ earlier }: EarlierPlace): number =>
  (earlier.dead.get(earlier.run) ?? LEASE_S_MAX) * 1000;
/** A journal that does not say how long its lease is: the longest that can be asked for (cli/options.ts). */
const LEASE_S_MAX = 600;

/** Whoever cannot log in now may be able to when the host has put itself back, which takes a lease. */
const reach = async (place: EarlierPlace): Promise<HostSession> => {
  const { deps, line } = place;
  const untilMs = deps.nowMs() + leaseMsOf(place);
  for (;;) {
    try {
      return await line.connect();
    } catch (thrown) {
      if (deps.nowMs() >= untilMs) throw thrown;
      // Refused logins are counted (faillock, fail2ban, PerSourcePenalties): only one more, at the end.
      const isRefused = asFailure(thrown).reason === 'auth';
      await deps.sleep(isRefused ? untilMs - deps.nowMs() : DEADLINES.pollMs);
    }
  }
};

const untilEnd = async (
  place: EarlierPlace,
  first: HostSession,
): Promise<readonly [how: EarlierEnd, session: HostSession]> => {
  const { deps, settings, tx } = place;
  const untilMs = deps.nowMs() + leaseMsOf(place) + DEADLINES.settleMs;
  let session = first;
  let told = false;
  for (;;) {
    const isLastLook = deps.nowMs() >= untilMs;
    let failure: Failure | null = null;
    try {
      const reply = await recover(session, tx);
      const how = endOf(reply);
      if (how !== null) return [how, session];
      failure = notEnded(settings.host, reply);
      if (!told) await deps.emit({ type: 'noted', host: settings.host, note: waiting(place) });
      told = true;
    } catch (thrown) {
      failure = asFailure(thrown);
      if (failure.reason !== 'link' && failure.reason !== 'timeout') throw failure;
      // A host that boots, or whose connection broke, is asked again over a new one.
      if (!isLastLook) session = await reach(place);
    }
    if (isLastLook) throw failure;
    await deps.sleep(DEADLINES.pollMs);
  }
};

/** Settles a transaction that nobody watches over any more, and says how one ended that has; touches no living one. */
const recover = (session: HostSession, tx: string): Promise<GuardReply> =>
  session.guard({ operation: 'recover', tx, args: [], files: {}, deadlineMs: DEADLINES.claimMs });

const endOf = ({ code, lines }: GuardReply): EarlierEnd | null => {
  if (code === GUARD_EXIT.absent) return 'gone';
  if (code === GUARD_EXIT.busy) return null;
  const record = readRecord(lines);
  if (record?.kind === 'ended') return record.how;
  return record?.state === 'gone' ? 'gone' : null;
};

/** Why it has not come to its end when our patience has. */
const notEnded = (host: string, { code, lines }: GuardReply): Failure => {
  const [, , state] = lines.find((line) => line.startsWith('busy '))?.split(' ') ?? [];
  // It is on its way back and does not arrive: that needs a person, however alive it is.
  const isReverting = state === 'reverting' || state === 'aborting';
  return code === GUARD_EXIT.busy && !isReverting
    ? new Failure('busy', busyMessage(host, ownerOf(lines)))
    : new Failure('exit', `${host} does not come to an end: ${printable(lines.slice(-3).join(' '), 300)}`);
};

const waiting = (place: EarlierPlace): string =>
  `the lease of run ${place.earlier.run} has not lapsed yet: the host puts itself back then, which is waited for (${Math.ceil(leaseMsOf(place) / 1000)} s, and what the putting back takes)`;

const failed = (verdict: Ending['verdict'], message: string): Ending => ({
  ...nothing,
  verdict,
  failure: { step: 'settle', reason: 'exit', message },
});

const endingOf = ({ earlier, settings, tx }: EarlierPlace, how: EarlierEnd): Ending | null => {
  const cutOff = `run ${earlier.run} was cut off on ${settings.host}`;
  switch (how) {
    case 'confirmed':
      return { ...nothing, verdict: 'confirmed', changes: earlier.changes, failure: null };
    case 'foreign':
      return failed(
        'stranded',
        `${cutOff}, and it was put back, but for files that somebody else changed meanwhile: they were left as they are; compare them with ${GUARD_HOME}/kept/${tx} on the host, where ${RECOVER_COMMAND} names them; then resume again`,
      );
    case 'reverted':
      return earlier.thenApply ? null : failed('rolled-back', `${cutOff}: it is back to what it was`);
    case 'aborted':
    case 'gone':
      return earlier.thenApply ? null : failed('refused', `${cutOff} before anything live was changed`);
    default:
      return how satisfies never;
  }
};

const strandedMessage = ({ settings: { host }, earlier }: EarlierPlace, { message }: Failure): string =>
  `${message}. Run ${earlier.run} was cut off on ${host}, and nobody could see what became of it: it puts itself back when the lease lapses. At its console, as root: ${RECOVER_COMMAND}. When it can be reached, resume again`;
