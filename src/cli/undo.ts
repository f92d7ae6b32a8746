// --on-failure rollback-run: a run in which more failed than may puts back what it has confirmed, as runs of `rollback`.
import { JournalError } from '../engine/journal.ts';
import { hostsText } from '../core/wave.ts';
import { shellCommand } from '../remote/shell-quote.ts';
import { namesText } from '../view/wave-words.ts';
import { wrapText } from '../view/wrap-text.ts';
import { carryRun, isToBeUndone, type CarriedRun, type Prepared, type Rim } from './carry-run.ts';
import { partOf, type Fleet } from './load-fleet.ts';
import { wayWords } from './next-command.ts';
import type { Options } from './options.ts';
import { rollbackRollout } from './rollout-options.ts';
import { runId } from './run-id.ts';
import { UsageError } from './surroundings.ts';

/** As wide as the table at the end. */
const WIDTH = 80;

/** Hosts that one run has confirmed. */
interface Part {
  readonly run: string;
  readonly fleet: Fleet;
}

/**
 * Rolls back what a run has confirmed, and the run that it finishes, where it failed and was asked to; says so before.
 * Never throws for what keeps a rollback from beginning: then it says which hosts are left, and how they are put back.
 * @returns the rollbacks that were carried out, and whether all were
 */
export const undo = async (
  carried: CarriedRun,
  prepared: Prepared,
  rim: Rim,
): Promise<{ readonly rollbacks: readonly CarriedRun[]; readonly isWhole: boolean }> => {
  if (!isToBeUndone(prepared.rollout, carried.outcome)) return { rollbacks: [], isWhole: true };
  const { surroundings } = rim;
  const out = prepared.options.json ? surroundings.stderr : surroundings.stdout;
  const parts = partsOf(carried, prepared);
  if (parts.length === 0) {
    await out.write('\nNothing is rolled back: no host was confirmed.\n');
    return { rollbacks: [], isWhole: true };
  }
  const rollbacks: CarriedRun[] = [];
  for (const [at, part] of parts.entries()) {
    const hosts = part.fleet.settings.map(({ host }) => host);
    const why = `More hosts failed than may: what run ${part.run} has confirmed is rolled back now, ${hostsText(hosts.length)}: ${namesText(hosts)}.`;
    await out.write(`\n${wrapText(why, WIDTH).join('\n')}\n`);
    try {
      rollbacks.push(await carryRun(rollbackOf(part, prepared, rim), rim));
    } catch (thrown) {
      if (!(thrown instanceof JournalError) && !(thrown instanceof UsageError)) throw thrown;
      const left = parts.slice(at).map((each) => `  ${rollbackCommand(each, prepared.options)}\n`);
      await surroundings.stderr.write(
        `duo-fleet: ${thrown.message}\nNothing was rolled back of this, and the hosts stay confirmed. This puts them back:\n${left.join('')}`,
      );
      return { rollbacks, isWhole: false };
    }
  }
  return { rollbacks, isWhole: true };
};

const partsOf = ({ run, outcome }: CarriedRun, { fleet, resumption }: Prepared): readonly Part[] => {
  const confirmed = outcome.results.filter(({ verdict }) => verdict === 'confirmed').map(({ host }) => host);
  const before = resumption?.before ?? null;
  return [
    ...(confirmed.length === 0 ? [] : [{ run, fleet: partOf(fleet, confirmed) }]),
    ...(resumption === null || before === null ? [] : [{ run: resumption.resumes, fleet: before }]),
  ];
};

/** Nobody is asked and no login of a person is tried; the operator has agreed to it with the run. */
const rollbackOf = ({ run, fleet }: Part, prepared: Prepared, { surroundings }: Rim): Prepared => {
  const { options } = prepared;
  return {
    ...prepared,
    command: 'rollback',
    run: runId(surroundings.nowMs(), surroundings.randomBytes(2)),
    fleet,
    options: {
      ...options,
      as: null,
      reason: options.reason === '' ? `run ${run} failed` : options.reason,
      rollout: { ...options.rollout, confirmWaves: false },
    },
    resumption: null,
    approved: null,
    wish: { run, discardEdits: false },
    rollout: rollbackRollout(fleet),
  };
};

const rollbackCommand = ({ run, fleet }: Part, options: Options): string =>
  shellCommand([
    'duo-fleet',
    'rollback',
    ...fleet.paths.split(',').flatMap((path) => ['-i', path]),
    '--run',
    run,
    '--host',
    fleet.settings.map(({ host }) => host).join(','),
    ...wayWords(options),
  ]);
