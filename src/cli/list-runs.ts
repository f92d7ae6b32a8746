// `runs`: what there are journals of.
import { readNamed, runNames, type ReadRun } from '../engine/run-folders.ts';
import { runsDocument, runsTable, type ListedRun } from '../view/runs-table.ts';
import type { Ending } from './ending.ts';
import { paintOf } from './paint-of.ts';
import type { RunsOptions } from './report-options.ts';
import { holderOf } from './run-holder.ts';
import { runsFolder } from './runs-folder.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** A line that is wider is not read any more. */
const WIDTH_MAX = 140;

/** Lists the newest runs. Reads only. @throws UsageError where the journals cannot be read */
export const listRuns = async (options: RunsOptions, surroundings: Surroundings): Promise<Ending> => {
  const { stdout } = surroundings;
  const folder = runsFolder(surroundings);
  const names = await runNames(folder);
  const read = await readNamed(folder, names.slice(0, options.count)).catch((thrown: unknown) => {
    throw new UsageError(`the journals cannot be read: ${String(thrown)}`);
  });
  const runs = await Promise.all(read.map(listed));
  const more = Math.max(0, names.length - options.count);
  if (options.json) await stdout.write(`${JSON.stringify(runsDocument(runs, more))}\n`);
  else if (runs.length === 0) await stdout.write(`There is no run yet in ${folder}.\n`);
  else {
    const style = { paint: paintOf(stdout, surroundings), width: Math.min(WIDTH_MAX, stdout.size().columns) };
    await stdout.write(`${runsTable(runs, more, style).join('\n')}\n`);
  }
  return { exitCode: 0, endNow: false };
};

const listed = async ({ run, folder, state, lastAt, damage }: ReadRun): Promise<ListedRun> => ({
  run,
  state,
  lastAt,
  isAlive: state.exitCode === null && (await holderOf(folder)) !== null,
  linesLost: damage.length,
});
