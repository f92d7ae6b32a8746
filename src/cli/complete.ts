// `complete`, which completions ask at each Tab: quick, silent, and without a look at any host or secret.
import { readdir } from 'node:fs/promises';
import { answerLines, namesIn, wantedAt, type Candidate, type Wanted } from './completion-candidates.ts';
import { findInventories, readInventories } from './inventory-files.ts';
import { readPlanFile } from './plan-files.ts';
import { runsFolder } from './runs-folder.ts';
import type { Surroundings } from './surroundings.ts';

/** Told to the script in place of candidates: the shell completes files. */
const FILES = ':files\n';
const RUNS_MAX = 50;

/**
 * Prints what fits behind `complete -- WORD...`, whose last word is under the cursor.
 * Never throws, and says nothing about what is wrong: it would be written into the line that somebody is typing.
 */
export const complete = async (surroundings: Surroundings): Promise<void> => {
  try {
    const wanted = wantedAt(surroundings.argv.slice(2));
    await surroundings.stdout.write(await answerTo(wanted, surroundings));
  } catch {
    // An inventory with a mistake in it; the command itself will tell.
  }
};

const answerTo = async (wanted: Wanted, surroundings: Surroundings): Promise<string> => {
  switch (wanted.kind) {
    case 'nothing':
      return '';
    case 'file':
      return FILES;
    case 'listed':
      return answerLines(wanted.candidates, wanted);
    case 'run':
      return answerLines(await runs(surroundings), wanted);
    case 'host':
    case 'group':
    case 'pattern': {
      const plan = await readPlanFile(wanted, surroundings);
      const paths = await findInventories(plan?.inventory ?? wanted.inventory, surroundings);
      const { inventory } = await readInventories(paths, surroundings.cwd);
      return answerLines(namesIn(inventory, wanted.kind), wanted);
    }
    default:
      return wanted.kind satisfies never;
  }
};

/** The newest first. */
const runs = async (surroundings: Surroundings): Promise<readonly Candidate[]> =>
  (await readdir(runsFolder(surroundings)))
    .filter((name) => /^\d{8}-\d{6}-[0-9a-f]{4}$/.test(name))
    .toSorted()
    .toReversed()
    .slice(0, RUNS_MAX)
    .map((value) => ({ value, text: '' }));
