// Which picture suits this run and this output.
import type { Paint } from './paint.ts';
import { LISTR_HOSTS_MAX, listrView } from './listr-view.ts';
import { plainView } from './plain-view.ts';
import type { View } from './view.ts';

/** Rows for a few hosts on a terminal that can move its cursor; lines for everything else. */
export const chooseView = (options: {
  readonly hosts: readonly string[];
  readonly paint: Paint;
  /** stdout is a terminal, it is ours to draw on (no --json), and TERM is not `dumb`. */
  readonly canDraw: boolean;
  readonly terminal: () => { readonly lines: number; readonly columns: number };
  /** Writes one line where progress goes. */
  readonly write: (line: string) => void;
}): View =>
  options.canDraw && options.hosts.length <= LISTR_HOSTS_MAX
    ? listrView(options)
    : plainView(options.write, options);
