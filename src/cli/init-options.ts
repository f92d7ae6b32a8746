// What `init` is asked.
import { resolve } from 'node:path';
import { flagReader, type RawOptions } from './flag-reader.ts';
import type { Surroundings } from './surroundings.ts';

export interface InitOptions {
  /** Absolute. */
  readonly path: string;
}

/** @throws UsageError naming all that is wrong */
export const readInitOptions = (raw: RawOptions, surroundings: Surroundings): InitOptions => {
  flagReader('init', raw, surroundings).end();
  const file = typeof raw['file'] === 'string' ? raw['file'] : 'inventory.yml';
  return { path: resolve(surroundings.cwd, file) };
};
