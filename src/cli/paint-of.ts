// Whether an output gets colours.
import { paintFor, type Paint } from '../view/paint.ts';
import type { Output, Surroundings } from './surroundings.ts';

/**
 * Colours for a terminal, unless NO_COLOR is set to anything but nothing (https://no-color.org); a dumb terminal would
 * print their codes as they are.
 */
export const paintOf = (out: Output, { env }: Surroundings): Paint =>
  paintFor(out.isTty && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb');
