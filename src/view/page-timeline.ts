// The run over time: its waves, how many hosts were at work, and, of a small run, what each of them did when.
import { STEP_IDS } from '../core/change.ts';
import type { TaskId } from '../core/event.ts';
import { isThere } from '../core/report-groups.ts';
import type { Report, ReportHost, ReportTask } from '../core/report.ts';
import { html, type Html } from './html.ts';
import { section, signOf } from './page-parts.ts';
import { clockText, hostsText, spanText, verdictText } from './report-words.ts';
import { shown } from './words.ts';

/** Hosts that have a line each; of more, the matrix has their times. */
const HOST_LINES_MAX = 40;
const WIDTH = 1000;
/** Points of the curve of hosts at work. */
const POINTS = 125;

interface Row {
  readonly title: string;
  readonly detail: string;
  readonly hosts: readonly ReportHost[];
  readonly from: number | null;
  readonly to: number | null;
  readonly bake: { readonly from: number; readonly to: number } | null;
}

interface Scale {
  readonly from: number;
  readonly to: number;
  readonly x: (at: number) => number;
}

export const timelineSection = (report: Report): Html | null => {
  const { startedAt, endedAt, hosts, waves } = report;
  if (startedAt === null || endedAt === null || !hosts.some((host) => host.startedAt !== null)) return null;
  const span = Math.max(1, endedAt - startedAt);
  const scale: Scale = {
    from: startedAt,
    to: endedAt,
    x: (at) => Math.min(WIDTH, Math.max(0, ((at - startedAt) / span) * WIDTH)),
  };
  const rows = rowsOf(report, endedAt);
  const curves = rows.map((row) => curveOf(row.hosts, scale));
  const most = Math.max(1, ...curves.flat());
  const isDetailed = hosts.length <= HOST_LINES_MAX;
  return section(
    'timeline',
    waves.length === 0 ? 'Over time' : 'Waves',
    `Hosts at work at each moment; a red stroke is a host that did not get there.${waves.some(({ bake }) => bake !== null) ? ' Shaded: the bake, in which hosts are live and watched before they are confirmed.' : ''}`,
    html` <table class="time">
        <tbody>
          ${rows.map(
            (row, at) =>
              html` <tr class="wave">
                  <th scope="row">${row.title}<small>${row.detail}</small></th>
                  <td>${area(row, { curve: curves[at] ?? [], most, scale })}</td>
                  <td class="num">
                    ${row.from === null ? 'not begun' : spanText((row.to ?? endedAt) - row.from)}
                  </td>
                </tr>
                ${isDetailed ? row.hosts.map((host) => hostLine(host, scale)) : null}`,
          )}
        </tbody>
      </table>
      <div class="axis">
        <span>${clockText(startedAt)}</span><span>${clockText(startedAt + span / 2)}</span
        ><span>${clockText(endedAt)} UTC</span>
      </div>
      ${isDetailed ? legend : null}`,
  );
};

const rowsOf = ({ hosts, waves }: Report, endedAt: number): readonly Row[] => {
  if (waves.length === 0) {
    const begun = hosts.flatMap(({ startedAt }) => startedAt ?? []);
    return [
      {
        title: 'All hosts',
        detail: hostsText(hosts.length),
        hosts,
        from: begun.length === 0 ? null : begun.reduce((a, b) => Math.min(a, b)),
        to: endedAt,
        bake: null,
      },
    ];
  }
  return waves.map(({ wave, kind, hosts: names, startedAt, endedAt: over, bake, gate }) => ({
    title: `Wave ${wave}${kind === 'canary' ? ', canary' : ''}`,
    detail: `${hostsText(names.length)}${gate === null ? '' : `; ${gate.decision === 'halt' ? 'halted' : 'went on'}: ${shown(gate.why)}`}`,
    hosts: hosts.filter((host) => host.wave === wave),
    from: startedAt,
    to: over,
    bake: bake === null ? null : { from: bake.startedAt, to: bake.endedAt ?? endedAt },
  }));
};

/** How many of these hosts are at work at each of the curve's points. */
const curveOf = (hosts: readonly ReportHost[], { from, to }: Scale): readonly number[] => {
  const step = (to - from) / (POINTS - 1);
  const counts = Array.from({ length: POINTS }, () => 0);
  for (const { startedAt, endedAt } of hosts) {
    if (startedAt === null) continue;
    const first = Math.floor((startedAt - from) / Math.max(1, step));
    // Not at the moment of its end, in which another host may begin.
    const last = Math.max(first, Math.ceil(((endedAt ?? to) - from) / Math.max(1, step)) - 1);
    for (let at = Math.max(0, first); at <= Math.min(POINTS - 1, last); at += 1) {
      counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  return counts;
};

const HEIGHT = 34;

const area = (
  row: Row,
  { curve, most, scale }: { readonly curve: readonly number[]; readonly most: number; readonly scale: Scale },
): Html => {
  const top = (count: number): string => (HEIGHT - (count / most) * (HEIGHT - 4)).toFixed(1);
  const points = curve.map((count, at) => `${((at / (POINTS - 1)) * WIDTH).toFixed(1)},${top(count)}`);
  const failed = row.hosts.filter(
    (host) => host.endedAt !== null && host.startedAt !== null && !isThere(host),
  );
  const label = `${row.title}: ${row.from === null ? 'not begun' : `from ${clockText(row.from)} to ${clockText(row.to)}`}, ${failed.length} did not get there`;
  return html`<svg
    class="area"
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    preserveAspectRatio="none"
    role="img"
    aria-label="${label}"
  >
    <polygon class="f-info most" points="0,${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}" />
    ${row.bake === null ? null : rect('f-warn most', row.bake, scale, HEIGHT)}
    ${failed.map(({ endedAt }) => html`<rect class="f-bad" x="${scale.x(endedAt ?? 0).toFixed(1)}" y="0" width="3" height="${HEIGHT}" />`)}
  </svg>`;
};

const rect = (
  classes: string,
  { from, to }: { readonly from: number; readonly to: number },
  scale: Scale,
  height: number,
): Html => {
  const x = scale.x(from);
  return html`<rect
    class="${classes}"
    x="${x.toFixed(1)}"
    y="0"
    width="${Math.max(1.5, scale.x(to) - x).toFixed(1)}"
    height="${height}"
  />`;
};

/** Kinds of phases, each with a colour of its own. */
const KINDS = [
  {
    name: 'looked at',
    classes: 'f-idle half',
    phases: ['connect', 'settle', 'observe', 'assess', 'preflight'],
  },
  {
    name: 'prepared and rehearsed',
    classes: 'f-info most',
    phases: ['claim', 'download', 'snapshot', 'arm', 'stage', 'rehearse'],
  },
  { name: 'activated', classes: 'f-warn most', phases: ['activate'] },
  { name: 'tried and confirmed', classes: 'f-good most', phases: ['validate', 'canary', 'bake', 'confirm'] },
  { name: 'put back, or failed', classes: 'f-bad', phases: ['revert'] },
] as const satisfies readonly { readonly phases: readonly TaskId[]; readonly [key: string]: unknown }[];

const CLASSES: ReadonlyMap<TaskId, string> = new Map(
  KINDS.flatMap(({ phases, classes }) => phases.map((phase) => [phase, classes] as const)),
);

const legend = html`<ul class="legend">
  ${KINDS.map(
    ({ name, classes }) =>
      html`<li>
        <svg viewBox="0 0 12 10" aria-hidden="true"><rect class="${classes}" width="12" height="10" /></svg
        >${name}
      </li>`,
  )}
</ul>`;

const isStep = ({ task }: ReportTask): boolean => STEP_IDS.some((step) => step === task);

const hostLine = (host: ReportHost, scale: Scale): Html => {
  const verdict = host.result?.verdict ?? null;
  const tasks = host.tasks.filter((task) => !isStep(task));
  const took = host.startedAt === null ? '' : spanText((host.endedAt ?? scale.to) - host.startedAt);
  return html`<tr class="host">
    <th scope="row">${signOf(verdict)} ${shown(host.host)}</th>
    <td>
      <svg
        class="bar"
        viewBox="0 0 ${WIDTH} 12"
        preserveAspectRatio="none"
        role="img"
        aria-label="${verdictText(verdict)} ${took === '' ? 'not begun' : `after ${took}`}"
      >
        ${tasks.map(({ task, startedAt, endedAt, end }) =>
          rect(
            end === 'failed' ? 'f-bad' : (CLASSES.get(task) ?? 'f-idle'),
            { from: startedAt, to: endedAt ?? host.endedAt ?? scale.to },
            scale,
            12,
          ),
        )}
      </svg>
    </td>
    <td class="num">${took}</td>
  </tr>`;
};
