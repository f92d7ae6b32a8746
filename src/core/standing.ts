// Where every host stands after all runs that one controller has journals of: what is left for `resume` to do.
import type { ChangeSummary } from './change.ts';
import type { Command } from './event.ts';
import type { HostState, RunState } from './run-state.ts';
import type { HostResult } from './verdict.ts';
import { undoesItself } from './wave.ts';

/** One run as its journal tells it. */
export interface RunRecord {
  /** The name of the run's folder; the journal itself may have lost its first line. */
  readonly run: string;
  readonly state: RunState;
}

/** A transaction of which no journal knows the end. */
export interface OpenTransaction {
  readonly tx: string;
  readonly run: string;
  /** What it was to change. */
  readonly changes: readonly ChangeSummary[];
}

/** Where one host stands. */
export interface Standing {
  readonly host: string;
  /** The run that dealt with it last. */
  readonly run: string;
  /** That run was a rollback, or the rest of one: where it was cut off the host is settled, and brought no further. */
  readonly isRollback: boolean;
  /** That run, or one that it finishes or is finished by, failed and was to roll back all: what it did not begin is nobody's any more. */
  readonly isUndone: boolean;
  /** That run began with it, and may have claimed it where its journal has lost lines. */
  readonly begun: boolean;
  readonly result: HostResult | null;
  /** Only the host knows what became of it. */
  readonly open: OpenTransaction | null;
  /** Whose transaction it was that brought it there, where `run` has only seen how that had ended. */
  readonly by: string;
  /** The run that has confirmed it and was to put it back, which is not done yet; `null`: there is none. */
  readonly toUndo: string | null;
}

/** Run names. */
type Runs = Pick<ReadonlySet<string>, 'has'>;
const NONE: Runs = new Set();

/** Whether this command takes hosts through transactions; a journal without its first line tells by its claims. */
const isChanging = ({ state }: RunRecord): boolean =>
  state.started === null
    ? [...state.hosts.values()].some(({ tx }) => tx !== null)
    : CHANGING.includes(state.started.command);
const CHANGING: readonly Command[] = ['apply', 'rollback', 'resume'];

/**
 * Where the hosts of one run stand, in the run's order, after it and all later runs over the same inventory: what a later
 * one brought to an end is no longer open. A run that resumes another one speaks of that one's inventory, wherever it read
 * its own. A host that the run does not have is none of its matter.
 * @param alive runs that are still under way: what they have not begun yet is theirs all the same
 */
export const standingsOf = (
  run: string,
  records: readonly RunRecord[],
  alive: Runs = NONE,
): readonly Standing[] => {
  const changing = inOrder(records).filter(isChanging);
  const wanted = changing.find((record) => record.run === run);
  if (wanted === undefined) return [];
  const inventory = inventoryOf(wanted, records);
  const undone = undoneFamilies(changing, records, alive);
  const standings = new Map<string, Standing>();
  for (const record of changing) {
    if (inventoryOf(record, records) !== inventory) continue;
    const root = rootOf(record, records);
    const kind = {
      isRollback: root.state.started?.command === 'rollback',
      isUndone: undone.has(root.run),
    };
    for (const state of record.state.hosts.values()) {
      standings.set(
        state.host,
        advance(standings.get(state.host) ?? null, state, {
          run: record.run,
          kind,
          wanted: run,
          alive,
        }),
      );
    }
  }
  return [...wanted.state.hosts.keys()].flatMap((host) => standings.get(host) ?? []);
};

/** Runs are named by their time. */
const inOrder = (records: readonly RunRecord[]): readonly RunRecord[] =>
  records.toSorted((a, b) => (a.run < b.run ? -1 : 1));

/** The run that a run finishes in the end; itself where it finishes none. */
const rootOf = (record: RunRecord, records: readonly RunRecord[]): RunRecord => {
  let now = record;
  // Each step leads to an older run, so that a damaged journal cannot lead round in a circle.
  for (;;) {
    const resumes = now.state.started?.resumes ?? null;
    const older = records.find(({ run }) => run === resumes && run < now.run);
    if (older === undefined) return now;
    now = older;
  }
};

/** Without a word about its inventory, a run is only about itself. */
const inventoryOf = (record: RunRecord, records: readonly RunRecord[]): string => {
  const root = rootOf(record, records);
  return root.state.started?.inventory ?? `run ${root.run}`;
};

/** A run and all that finish it, or that it finishes: what is undone is undone of all of them. */
export const familyOf = (run: string, records: readonly RunRecord[]): readonly RunRecord[] => {
  const record = records.find((each) => each.run === run);
  if (record === undefined) return [];
  const root = rootOf(record, records);
  return inOrder(records).filter((each) => rootOf(each, records) === root);
};

/** Roots of the families in which a run came to put back what all had confirmed; one of the living does that itself. */
const undoneFamilies = (
  changing: readonly RunRecord[],
  records: readonly RunRecord[],
  alive: Runs,
): ReadonlySet<string> => {
  const undone = changing.filter(({ state }) => isUndone(state)).map((each) => rootOf(each, records).run);
  const living = changing.filter(({ run }) => alive.has(run)).map((each) => rootOf(each, records).run);
  return new Set(undone.filter((run) => !living.includes(run)));
};

const advance = (
  before: Standing | null,
  state: HostState,
  {
    run,
    kind,
    wanted,
    alive,
  }: {
    readonly run: string;
    readonly kind: Pick<Standing, 'isRollback' | 'isUndone'>;
    readonly wanted: string;
    readonly alive: Runs;
  },
): Standing => {
  const { host, result } = state;
  const isNews = alive.has(run)
    ? result?.verdict !== 'skipped'
    : state.stage !== 'waiting' && result?.verdict !== 'skipped';
  if (before !== null && !isNews) {
    // Not begun, it is as an older run left it; but what that one brought it to is not what this one was to.
    const isOwn = run >= wanted && before.run < wanted;
    const { open, toUndo } = before;
    return isOwn ? { host, run, ...kind, begun: false, result, open, by: run, toUndo } : before;
  }
  const open = openIn(state, run) ?? (hasLooked(state) ? null : (before?.open ?? null));
  const by = state.tx === null ? (before?.open?.run ?? run) : run;
  const toUndo = toUndoAfter(before, result, { by, kind });
  return { host, run, ...kind, begun: state.stage !== 'waiting', result, open, by, toUndo };
};

/** A rollback that did not get there leaves the host to be undone as it was. */
const toUndoAfter = (
  before: Standing | null,
  result: HostResult | null,
  { by, kind }: { readonly by: string; readonly kind: Pick<Standing, 'isRollback' | 'isUndone'> },
): string | null => {
  const isThere = result?.verdict === 'confirmed' || result?.verdict === 'unchanged';
  if (kind.isRollback) return isThere ? null : (before?.toUndo ?? null);
  return kind.isUndone && result?.verdict === 'confirmed' ? by : null;
};

/** Whether a run came to put back what it had confirmed; whether it did is for later runs to say. */
const isUndone = ({ started, hosts, interrupted }: RunState): boolean =>
  interrupted === null &&
  undoesItself(
    started?.rollout ?? null,
    new Map(
      [...hosts.values()].flatMap(({ host, result }) => (result === null ? [] : [[host, result.verdict]])),
    ),
  );

/** Whether a host is still as a run left it that was to put it back. */
export const isToBeUndone = ({ toUndo }: Standing): boolean => toUndo !== null;

const openIn = ({ tx, result, changes }: HostState, run: string): OpenTransaction | null =>
  tx !== null && (result === null || result.verdict === 'stranded') ? { tx, run, changes } : null;

/** Whether this run came so far that nothing of an earlier one can be left on the host. */
const hasLooked = ({ tx, settled, result }: HostState): boolean =>
  // A claim comes after whatever an earlier run left was put back.
  tx !== null ||
  settled ||
  result?.verdict === 'confirmed' ||
  result?.verdict === 'unchanged' ||
  result?.verdict === 'rolled-back';

/**
 * Whether a host has not come to a verdict that somebody could see: what makes a run one to be resumed. What a rollback has not
 * begun is none of it: nothing but the rollback itself, again, would bring that further.
 */
export const isUnfinished = (standing: Standing): boolean => {
  const { open, result, begun } = standing;
  if (open !== null || isToBeUndone(standing)) return true;
  return isOver(standing)
    ? begun && (result === null || result.verdict === 'stranded')
    : result === null || result.verdict === 'skipped' || result.verdict === 'stranded';
};

/** Whether its run goes no further: where it was cut off the host is settled, and nothing is applied there. */
export const isOver = ({ isRollback, isUndone: undone }: Standing): boolean => isRollback || undone;

/** Whether nothing is left to do for a host. */
export const isAtGoal = ({ open, result }: Standing): boolean =>
  open === null && (result?.verdict === 'confirmed' || result?.verdict === 'unchanged');

/** The newest run, not one of the living, with an unfinished host that none of the living has; `null`: there is none. */
export const newestUnfinished = (records: readonly RunRecord[], alive: Runs): RunRecord | null =>
  inOrder(records)
    .filter(isChanging)
    .toReversed()
    .find(
      ({ run }) =>
        !alive.has(run) &&
        standingsOf(run, records, alive).some(
          (standing) => !alive.has(standing.run) && isUnfinished(standing),
        ),
    ) ?? null;
