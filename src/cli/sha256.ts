// The digest that the pure ring is given.
import { createHash } from 'node:crypto';
import type { Sha256 } from '../core/plan.ts';

/** Lower-case hex. */
export const sha256: Sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
