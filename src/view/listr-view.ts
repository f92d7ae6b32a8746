// A few hosts on a terminal: Listr2's default renderer, as a picture of our events and nothing more.
import { Listr, ListrDefaultRendererLogLevels, figures, type ListrTask, type ListrTaskWrapper } from 'listr2';
import type { DefaultRenderer, SimpleRenderer } from 'listr2';
import { STEP_IDS } from '../core/change.ts';
import { PHASES, type RecordedEvent, type TaskId } from '../core/event.ts';
import type { HostResult } from '../core/verdict.ts';
import type { Rollout } from '../core/wave.ts';
import type { Paint } from './paint.ts';
import type { View } from './view.ts';
import { isWaveTrouble, waveEventText } from './wave-words.ts';
import { isGood, paintVerdict, secondsText, shown, whyNot } from './words.ts';

/** Listr2 9.0.5 redraws the whole tree on every event: 50 hosts with 8 rows took over 45 s of drawing (measured). */
export const LISTR_HOSTS_MAX = 8;
/** Lines that the picture needs besides hosts and rows: the notice, and the line that the cursor stands on. */
const SPARE_LINES = 4;
/** What Listr puts before a row's words: indentation, icon, blanks; and what it keeps free at the end. */
const INDENT_WIDTH = 8;

/** Every row a host can have, in the order in which they are drawn: the steps stand inside `activate`. */
const ROW_ORDER: readonly TaskId[] = PHASES.flatMap((phase) =>
  phase === 'activate' ? [phase, ...STEP_IDS] : [phase],
);

type Wrapper = ListrTaskWrapper<object, typeof DefaultRenderer, typeof SimpleRenderer>;

/** One row. Listr awaits `done`, which our events settle; '' as title hides it. */
class Row {
  readonly done: Promise<void>;
  state: 'waiting' | 'running' | 'ended' | 'failed' = 'waiting';
  title = '';
  startedAtMs = 0;
  #wrapper: Wrapper | null = null;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;

  constructor() {
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // A row may fail before Listr awaits it, and Node ends a process over a rejection that nobody looks at.
    this.done.catch(() => undefined);
  }
  attach(wrapper: Wrapper): Promise<void> {
    this.#wrapper = wrapper;
    this.draw(this.title !== '');
    return this.done;
  }
  draw(visible: boolean): void {
    const title = visible ? this.title : '';
    if (this.#wrapper !== null && (this.#wrapper.title ?? '') !== title) this.#wrapper.title = title;
  }
  end(): void {
    if (this.state !== 'failed') this.state = 'ended';
    this.#resolve();
  }
  fail(message: string): void {
    this.state = 'failed';
    this.title = message;
    this.#reject(new Error(message));
  }
}

/** One host's rows; `verdict` is the last one, which shows itself only when no other row tells why the host failed. */
interface HostRows {
  readonly head: Row;
  readonly rows: ReadonlyMap<TaskId, Row>;
  readonly note: Row;
  readonly verdict: Row;
  /** Rows in the order in which they began. */
  readonly begun: Row[];
}

/** Makes the view for a run of at most {@link LISTR_HOSTS_MAX} hosts; it takes the terminal until it is closed. */
export const listrView = (options: {
  readonly hosts: readonly string[];
  readonly paint: Paint;
  /** The terminal's size, asked anew at every event. */
  readonly terminal: () => { readonly lines: number; readonly columns: number };
  /** `silent` in tests. */
  readonly renderer?: 'default' | 'silent';
}): View => {
  const { paint } = options;
  const hosts = new Map<string, HostRows>(options.hosts.map((host) => [host, newHostRows()]));
  const notice = new Row();
  const running = listrOf(hosts, notice, options.renderer ?? 'default')
    .run()
    .catch(() => undefined);

  const redraw = (): void => {
    // A picture taller than the terminal cannot be redrawn in place, so older rows make room for newer ones.
    const budget = rowsForEach([...hosts.values()], options.terminal());
    const visible = new Set<Row>([notice].filter(hasTitle));
    for (const { head, rows, note, verdict, begun } of hosts.values()) {
      for (const row of [head, note, verdict].filter(hasTitle)) visible.add(row);
      for (const row of begun.slice(-budget)) visible.add(row);
      for (const row of rows.values())
        if (row.state === 'failed' || row.state === 'running') visible.add(row);
    }
    // Every change of a title is drawn at once, so rows go before others come: no frame is taller than the last.
    const all = [notice, ...[...hosts.values()].flatMap(rowsOf)];
    for (const row of all) if (!visible.has(row)) row.draw(false);
    for (const row of all) if (visible.has(row)) row.draw(true);
  };

  let rollout: Rollout | null = null;
  let isHalted = false;
  return {
    show: (event) => {
      if (event.type === 'run-started') rollout = event.rollout ?? null;
      if ('wave' in event) {
        const text = waveEventText(event, rollout);
        if (text !== '') notice.title = isWaveTrouble(event) ? paint.warn(text) : text;
        isHalted ||= isWaveTrouble(event);
      } else if (event.type === 'interrupted') {
        notice.title = paint.warn(
          `${event.signal}: no new host is started; those under way are brought to their end`,
        );
      } else showHostEvent(event, hosts, paint);
      redraw();
    },
    say: (text) => {
      notice.title = paint.warn(text);
      redraw();
    },
    close: async () => {
      if (isHalted) notice.fail(notice.title);
      for (const row of [notice, ...[...hosts.values()].flatMap(rowsOf)]) row.end();
      await running;
    },
  };
};

const hasTitle = (row: Row): boolean => row.title !== '';

const rowsOf = ({ head, rows, note, verdict }: HostRows): readonly Row[] => [
  head,
  ...rows.values(),
  note,
  verdict,
];

/** How many ordinary rows each running host may show: what is left when heads, notes and failures have their lines. */
const rowsForEach = (
  hosts: readonly HostRows[],
  terminal: { readonly lines: number; readonly columns: number },
): number => {
  const fixed = hosts.flatMap(({ head, rows, note, verdict }) => [
    head,
    note,
    verdict,
    ...[...rows.values()].filter((row) => row.state === 'failed'),
  ]);
  const taken = fixed
    .filter((row) => row.title !== '')
    .map((row) => Math.ceil((row.title.length + INDENT_WIDTH) / terminal.columns))
    .reduce((sum, lines) => sum + lines, SPARE_LINES);
  // A host that failed shows its rows even when it has ended; one that went well collapses into its head.
  const open = hosts.filter(
    ({ head, verdict }) => head.state !== 'ended' || verdict.state === 'failed',
  ).length;
  return Math.max(1, Math.floor((terminal.lines - taken) / Math.max(1, open)));
};

const newHostRows = (): HostRows => ({
  head: new Row(),
  rows: new Map(ROW_ORDER.map((task) => [task, new Row()])),
  note: new Row(),
  verdict: new Row(),
  begun: [],
});

const listrOf = (
  hosts: ReadonlyMap<string, HostRows>,
  notice: Row,
  renderer: 'default' | 'silent',
): Listr => {
  const taskOf = (row: Row): ListrTask => ({ task: (_, wrapper) => row.attach(wrapper) });
  return new Listr(
    [
      ...[...hosts].map(([host, { head, rows, note, verdict }]): ListrTask => ({
        title: shown(host),
        task: (_, wrapper) => {
          head.title ||= shown(host);
          void head.attach(wrapper);
          // Rows run side by side: which of them is under way is for our events to say, not for Listr's order.
          return wrapper.newListr([...rows.values(), note, verdict].map(taskOf), {
            concurrent: true,
            exitOnError: false,
          });
        },
      })),
      taskOf(notice),
    ],
    {
      concurrent: true,
      exitOnError: false,
      // Its own handler ends the process at once, in the middle of a transaction.
      registerSignalListeners: false,
      renderer,
      rendererOptions: {
        formatOutput: 'wrap',
        icon: { [ListrDefaultRendererLogLevels.COMPLETED_WITH_FAILED_SUBTASKS]: figures.cross },
      },
    },
  );
};

const showHostEvent = (
  event: Exclude<RecordedEvent, { readonly type: 'interrupted' } | { readonly wave: number }>,
  hosts: ReadonlyMap<string, HostRows>,
  paint: Paint,
): void => {
  switch (event.type) {
    case 'task-started':
      begin(hosts.get(event.host), event.task, event.at);
      return;
    case 'task-ended': {
      const row = hosts.get(event.host)?.rows.get(event.task);
      if (row === undefined || row.state === 'failed') return;
      row.title =
        `${event.task}  ${paint.dim(secondsText(event.at - row.startedAtMs))}  ${shown(event.note)}`.trimEnd();
      row.end();
      return;
    }
    case 'task-failed': {
      const rows = hosts.get(event.host);
      begin(rows, event.task, event.at);
      const why = shown(event.failure.message);
      // A step inside `activate` fails first and says why; the row around it need not say it again.
      const known = [...(rows?.rows.values() ?? [])].some(
        (row) => row.state === 'failed' && row.title.endsWith(why),
      );
      rows?.rows.get(event.task)?.fail(known ? event.task : `${event.task}: ${why}`);
      return;
    }
    case 'noted': {
      const note = hosts.get(event.host)?.note;
      if (note === undefined) return;
      note.title = paint.warn(`note: ${shown(event.note)}`);
      note.end();
      return;
    }
    case 'host-ended':
      endHost(hosts.get(event.result.host), event.result, paint);
      return;
    case 'run-started':
    case 'run-ended':
    case 'host-started':
    case 'planned':
    case 'judged':
    case 'claimed':
    case 'settled':
      return;
    default:
      event satisfies never;
  }
};

const begin = (host: HostRows | undefined, task: TaskId, atMs: number): void => {
  const row = host?.rows.get(task);
  if (host === undefined || row === undefined || row.state !== 'waiting') return;
  row.state = 'running';
  row.title = task;
  row.startedAtMs = atMs;
  host.begun.push(row);
};

const endHost = (host: HostRows | undefined, result: HostResult, paint: Paint): void => {
  if (host === undefined) return;
  host.head.title = `${shown(result.host)}  ${paintVerdict(result.verdict, paint)}  ${paint.dim(secondsText(result.durationMs))}`;
  const good = isGood(result.verdict);
  const why = shown(whyNot(result));
  let told = [...host.rows.values()].some((row) => row.state === 'failed');
  for (const [task, row] of host.rows) {
    // A row that nobody ended did not succeed: its host was given up.
    if (row.state === 'running' && !good) {
      row.fail(told ? `${task}: not ended` : `${task}: ${why}`);
      told = true;
    } else row.end();
  }
  host.note.end();
  if (good) host.verdict.end();
  // The failing row tells why; without one (never started, refused by a finding) this row does.
  else host.verdict.fail(told ? '' : why);
  host.head.end();
};
