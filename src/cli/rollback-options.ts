// What `rollback` is asked.
import type { RollbackWish } from '../steps/plan-rollback.ts';
import { flagReader, type RawOptions } from './flag-reader.ts';
import { readOptions, type Options } from './options.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** What the operator asked of a rollback, with defaults. */
export interface RollbackOptions extends Options, RollbackWish {}

/** @throws UsageError naming all that is wrong */
export const readRollbackOptions = (raw: RawOptions, surroundings: Surroundings): RollbackOptions => {
  const options = readOptions('rollback', raw, surroundings);
  const reader = flagReader('rollback', raw, surroundings);
  const run = reader.check(() => runName(reader.text('run')), null);
  const discardEdits = reader.flag('discard-edits');
  reader.end();
  return { ...options, run, discardEdits };
};

/** A run's name as run-id.ts makes it: it is asked for on hosts, where no other word must arrive. */
const runName = (text: string | null): string | null => {
  if (text === null || /^\d{8}-\d{6}-[0-9a-f]{4}$/.test(text)) return text;
  throw new UsageError('--run takes the name of a run, such as 20261122-054735-ab12');
};
