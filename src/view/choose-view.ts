// Which picture suits this run and this output.
import type { Paint } from './paint.ts';
import { fleetView } from './fleet-view.ts';
import { LISTR_HOSTS_MAX, listrView } from './listr-view.ts';
import { plainView } from './plain-view.ts';
import type { View } from './view.ts';

/** On a terminal that can move its cursor rows for a few hosts, a picture for many; lines for everything else. */
export const chooseView = (options: {
  readonly hosts: readonly string[];
  readonly paint: Paint;
  /** stdout is a terminal, it is ours to draw on (no --json), and TERM is not `dumb`. */
  readonly canDraw: boolean;
  readonly terminal: () => { readonly lines: number; readonly columns: number };
  /** Writes text as it is where progress goes. */
  readonly writeRaw: (text: string) => void;
  /** Milliseconds since the epoch. */
  readonly nowMs: () => number;
}): View => {
  if (!options.canDraw) return plainView((line) => options.writeRaw(`${line}\n`), options);
  return options.hosts.length <= LISTR_HOSTS_MAX ? listrView(options) : fleetView(options);
};
