// --on-failure rollback-run: a run in which more failed than may puts back what it has confirmed, as runs of `rollback`.
import { JournalError } from '../engine/journal.ts';
import { hostsText } from '../core/wave.ts';
import { namesText } from '../view/wave-words.ts';
import { wrapText } from '../view/wrap-text.ts';
import { carryRun, isToBeUndone, type CarriedRun, type Prepared, type Rim } from './carry-run.ts';
import { partOf } from './load-fleet.ts';
import { rollbackCommand } from './next-command.ts';
import type { Options } from './options.ts';
import type { RunPart } from './resumption.ts';
import { rollbackRollout } from './rollout-options.ts';
import { runId } from './run-id.ts';
import { UsageError } from './surroundings.ts';

/** As wide as the table at the end. */
const WIDTH = 80;

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
  const { surroundings } = rim;
  if (!isToBeUndone(prepared.rollout, carried.outcome)) {
    const parts = isCutShort(carried, prepared) ? partsOf(carried, prepared) : [];
    // Who reads "rollback-run" must not believe that it was done.
    if (parts.length > 0) await surroundings.stderr.write(leftText(parts, prepared.options));
    return { rollbacks: [], isWhole: true };
  }
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
      await surroundings.stderr.write(
        `duo-fleet: ${thrown.message}\n${leftText(parts.slice(at), prepared.options)}`,
      );
      return { rollbacks, isWhole: false };
    }
    const left = parts.slice(at + 1);
    // Whoever interrupts one rollback, once or twice, does not want the next one to begin.
    if (left.length > 0 && rollbacks.at(-1)?.outcome.undisturbed === false) {
      await surroundings.stderr.write(leftText(left, prepared.options));
      return { rollbacks, isWhole: false };
    }
  }
  return { rollbacks, isWhole: true };
};

/** It was to put back what it confirms, should it fail, and did not come to its end. */
const isCutShort = ({ outcome }: CarriedRun, { rollout }: Prepared): boolean =>
  rollout?.rules.onFailure === 'rollback-run' && !outcome.undisturbed;

const leftText = (parts: readonly RunPart[], options: Options): string => {
  const commands = parts.map(({ run, fleet: { paths, settings } }) => {
    const hosts = settings.map(({ host }) => host);
    return `  ${rollbackCommand({ inventory: paths, run, hosts }, options)}\n`;
  });
  return `Nothing was rolled back of what follows, and the hosts stay confirmed. This would put them back:\n${commands.join('')}`;
};

/** What each run has confirmed, in this one and before it. */
const partsOf = (
  { run, outcome, plans }: CarriedRun,
  { fleet, resumption }: Prepared,
): readonly RunPart[] => {
  const settings = new Map(fleet.settings.map((each) => [each.host, each]));
  const parts = new Map<string, string[]>();
  for (const { host, verdict } of outcome.results) {
    const own = settings.get(host);
    if (verdict !== 'confirmed' || own === undefined) continue;
    const earlier = resumption?.earlier(own) ?? null;
    // What was not planned here was confirmed before this run came, which has only asked for it: it keeps no snapshot there.
    const by = earlier === null || earlier.tx === null || plans.has(host) ? run : earlier.run;
    if (by === run || resumption?.family.has(by) === true) parts.set(by, [...(parts.get(by) ?? []), host]);
  }
  return [
    ...[...parts].map(([by, hosts]) => ({ run: by, fleet: partOf(fleet, hosts) })),
    ...(resumption?.before ?? []),
  ];
};

/** Nobody is asked and no login of a person is tried; the operator has agreed to it with the run. */
const rollbackOf = ({ run, fleet }: RunPart, prepared: Prepared, { surroundings }: Rim): Prepared => {
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
