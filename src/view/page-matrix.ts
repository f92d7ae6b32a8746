// The matrix of hosts and phases, with the seconds that each took.
import { phasesOf, type PhaseMatrix } from '../core/report-phases.ts';
import { BY_URGENCY, isThere } from '../core/report-groups.ts';
import type { Report, ReportTask } from '../core/report.ts';
import { html, type Html } from './html.ts';
import { section, verdictChip, type HostId } from './page-parts.ts';
import { hostsText, verdictText } from './report-words.ts';
import { shown } from './words.ts';

/** Runs of this size have all their hosts in one table; in larger ones each verdict has its own, the good ones folded. */
const TABLE_HOSTS_MAX = 30;

export const matrixSection = (report: Report, idOf: HostId): Html | null => {
  const { phases, rows } = phasesOf(report);
  if (phases.length === 0) return null;
  return section(
    'matrix',
    'Hosts and phases',
    'Seconds that each phase took. \u2717 it failed; \u2026 the journal has no end of it; empty: the host did not come there. The steps from sshd-settings to pam-sshd are parts of activate.',
    rows.length <= TABLE_HOSTS_MAX
      ? table({ phases, rows }, idOf)
      : BY_URGENCY.flatMap((verdict) => {
          const some = report.hosts.filter(({ result }) => (result?.verdict ?? null) === verdict);
          const [first] = some;
          if (first === undefined) return [];
          const open = isThere(first) ? '' : ' open';
          // Only the phases that any of these came to.
          const matrix = phasesOf({ hosts: some });
          return [
            html`<details class="block" ${open}>
              <summary>${verdictChip(verdict)} ${hostsText(some.length)}</summary>
              ${table(matrix, idOf)}
            </details>`,
          ];
        }),
  );
};

const table = ({ phases, rows }: PhaseMatrix, idOf: HostId): Html =>
  html` <div class="wide" tabindex="0" role="region" aria-label="Hosts and phases">
    <table class="matrix">
      <thead>
        <tr>
          <th class="flat" scope="col">Host</th>
          <th class="flat v" scope="col">Verdict</th>
          ${phases.map((phase) => html`<th scope="col">${phase}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(({ host, cells }) => {
          const verdict = host.result?.verdict ?? null;
          return html`<tr data-host="${shown(host.host)}" data-verdict="${verdictText(verdict)}">
            <th scope="row"><a href="#${idOf(host)}">${shown(host.host)}</a></th>
            <td class="v">${verdictChip(verdict)}</td>
            ${cells.map(cell)}
          </tr> `;
        })}
      </tbody>
    </table>
  </div>`;

const cell = (task: ReportTask | null): Html => {
  if (task === null) return html`<td></td>`;
  const { end, startedAt, endedAt } = task;
  const took = endedAt === null ? '' : ((endedAt - startedAt) / 1000).toFixed(1);
  switch (end) {
    case 'ok':
      return html`<td>${took}</td>`;
    case 'failed':
      return html`<td class="x">✗ ${took}</td>`;
    case 'open':
      return html`<td class="o">…</td>`;
    default:
      return end satisfies never;
  }
};
