// Whether what is declared has changed since a run.
import { createHash } from 'node:crypto';
import type { Settings } from '../core/settings.ts';

/** Digest of what is declared; secrets print as `[secret]` and so do not count. */
export const declaredVersion = (settings: readonly Settings[]): string =>
  createHash('sha256').update(JSON.stringify(settings), 'utf8').digest('hex');

/** The same of one host, without the way to it, which changes nothing there. */
export const declaredOf = (settings: Settings): string =>
  createHash('sha256')
    .update(JSON.stringify({ ...settings, connection: undefined }), 'utf8')
    .digest('hex');
