// Where runs are kept.
import { isAbsolute, join } from 'node:path';
import type { Surroundings } from './surroundings.ts';

/** `${XDG_STATE_HOME:-~/.local/state}/duo-fleet/runs`; a relative XDG_STATE_HOME counts as unset (XDG base directory specification). */
export const runsFolder = ({ env, home }: Surroundings): string => {
  const state = env['XDG_STATE_HOME'];
  const base = state !== undefined && isAbsolute(state) ? state : join(home, '.local', 'state');
  return join(base, 'duo-fleet', 'runs');
};
