// Many hosts on a terminal: a renderer of our own on Listr2's interface, since its default one redraws the whole tree on
// every event. It draws a picture of a fixed height in one place, a few times a second at most.
import { isUnicodeSupported, Listr, type ListrRenderer, type ListrTask } from 'listr2';
import { deferred } from '../core/deferred.ts';
import { fleetPicture, lastPicture, type Canvas } from './fleet-picture.ts';
import { keepTally } from './fleet-tally.ts';
import type { Paint } from './paint.ts';
import type { View } from './view.ts';

/** Between two pictures. Faster than anybody reads, and a second of processor time lasts for hours. */
const DRAW_EVERY_MS = 200;
/** Without an event, a picture is drawn only for its clock. */
const CLOCK_EVERY_MS = 1_000;

const UP = (lines: number): string => (lines === 0 ? '\r' : `\u001b[${lines}A\r`);
const CLEAR_LINE_END = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** Draws over what it drew last. */
interface Screen {
  readonly draw: (lines: readonly string[]) => void;
}

/**
 * Makes the view for a run of many hosts; it takes the terminal until it is closed, and leaves the counts on it.
 * @param options.write writes text as it is, escape sequences too
 */
export const fleetView = (options: {
  readonly hosts: readonly string[];
  readonly paint: Paint;
  /** The terminal's size, asked anew for every picture. */
  readonly terminal: () => { readonly lines: number; readonly columns: number };
  readonly writeRaw: (text: string) => void;
  readonly nowMs: () => number;
}): View => {
  const { hosts, paint, nowMs } = options;
  const keeper = keepTally(hosts);
  const screen = screenOf(options.writeRaw, options.terminal);
  const canvas = (): Canvas => ({ ...options.terminal(), unicode: isUnicodeSupported(), paint });
  let changed = true;
  let drawnMs = Number.NEGATIVE_INFINITY;
  const draw = (): void => {
    const now = nowMs();
    if (!changed && now - drawnMs < CLOCK_EVERY_MS) return;
    changed = false;
    drawnMs = now;
    screen.draw(fleetPicture(keeper.tally(), now, canvas()));
  };

  const ends = new Map(hosts.map((host) => [host, deferred<void>()]));
  const running = new Listr(
    [...ends].map(([host, end]): ListrTask => ({ title: host, task: () => end.promise })),
    {
      concurrent: true,
      exitOnError: false,
      // Its own handler ends the process at once, in the middle of a transaction.
      registerSignalListeners: false,
      renderer: timedRenderer(draw),
    },
  )
    .run()
    .catch(() => undefined);

  return {
    show: (event) => {
      keeper.show(event);
      changed = true;
      if (event.type === 'host-ended') ends.get(event.result.host)?.resolve();
    },
    say: (text) => {
      keeper.say(text);
      changed = true;
    },
    close: async () => {
      for (const end of ends.values()) end.resolve();
      await running;
      screen.draw(lastPicture(keeper.tally(), nowMs(), canvas()));
    },
  };
};

/** A renderer class as Listr2 takes it: begun with its tasks, ended with them; in between a timer draws. */
const timedRenderer = (draw: () => void): typeof ListrRenderer => {
  class FleetRenderer implements ListrRenderer {
    // Whether there is a terminal to draw on was decided before; Listr looks at process.stdout only.
    static nonTTY = true;
    static rendererOptions: never;
    static rendererTaskOptions: never;
    #timer: NodeJS.Timeout | null = null;

    render(): void {
      draw();
      this.#timer = setInterval(draw, DRAW_EVERY_MS);
    }
    end(): void {
      if (this.#timer !== null) clearInterval(this.#timer);
    }
  }
  return FleetRenderer;
};

/** Counts the lines of the last picture as the terminal shows them now: one that was made narrower has wrapped them. */
const screenOf = (
  writeRaw: (text: string) => void,
  terminal: () => { readonly lines: number; readonly columns: number },
): Screen => {
  let widths: readonly number[] = [];
  return {
    draw: (lines) => {
      const { columns, lines: rows } = terminal();
      const taken = widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
      // What has scrolled out of the window cannot be drawn over.
      const up = Math.min(taken, rows - 1);
      const text = lines.map((line) => `${line}${CLEAR_LINE_END}\n`).join('');
      writeRaw(`${UP(up)}${text}${CLEAR_BELOW}`);
      widths = lines.map(visibleWidth);
    },
  };
};

// oxlint-disable-next-line no-control-regex
const COLOUR = /\u001b\[[0-9;]*m/g;
const visibleWidth = (line: string): number => line.replaceAll(COLOUR, '').length;
