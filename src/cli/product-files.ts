// The product's own files that are sent to hosts: templates and the guard.
import { readdirSync, readFileSync } from 'node:fs';
import type { Templates } from '../steps/render.ts';

/** Two levels up from here in the sources and in the build alike. */
const FOLDER = new URL('../../templates/', import.meta.url);

/** Template texts by their name without `.hbs`. */
export const readTemplates = (): Templates =>
  Object.fromEntries(
    readdirSync(FOLDER)
      .filter((name) => name.endsWith('.hbs'))
      .map((name) => [name.slice(0, -'.hbs'.length), readFileSync(new URL(name, FOLDER), 'utf8')]),
  );

/** The guard of one host, as it is sent. */
export const readGuardScript = (): Uint8Array => readFileSync(new URL('guard.sh', FOLDER));
