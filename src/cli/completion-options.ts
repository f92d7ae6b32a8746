// What `completion` is asked.
import { basename } from 'node:path';
import { flagReader, type RawOptions } from './flag-reader.ts';
import { SHELLS, type Shell } from './flags.ts';
import type { Surroundings } from './surroundings.ts';

export interface CompletionOptions {
  readonly shell: Shell;
}

/** @throws UsageError naming all that is wrong */
export const readCompletionOptions = (raw: RawOptions, surroundings: Surroundings): CompletionOptions => {
  const reader = flagReader('completion', raw, surroundings);
  const given = typeof raw['shell'] === 'string' ? raw['shell'] : basename(surroundings.env['SHELL'] ?? '');
  const shell = SHELLS.find((one) => one === given);
  if (shell === undefined) {
    const which = given === '' ? '' : `, not ${JSON.stringify(given)}`;
    reader.problem(`completion takes one of ${SHELLS.join(', ')}${which}`);
  }
  reader.end();
  return { shell: shell ?? 'bash' };
};
