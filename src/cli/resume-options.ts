// What `resume` is asked.
import { flagReader, type RawOptions } from './flag-reader.ts';
import { readOptions, type Options } from './options.ts';
import type { Surroundings } from './surroundings.ts';

/** What the operator asked of a resumed run, with defaults. */
export interface ResumeOptions extends Options {
  /** `null`: the newest one with unfinished hosts. */
  readonly run: string | null;
  /** Hosts are asked how they ended, and none is brought any further. */
  readonly onlySettle: boolean;
}

/** @throws UsageError naming all that is wrong */
export const readResumeOptions = (raw: RawOptions, surroundings: Surroundings): ResumeOptions => {
  const options = readOptions('resume', raw, surroundings);
  const reader = flagReader('resume', raw, surroundings);
  const onlySettle = reader.flag('only-settle');
  reader.end();
  return { ...options, run: typeof raw['run'] === 'string' ? raw['run'] : null, onlySettle };
};
