// Every host's own entry.
import { BY_URGENCY, byUrgency, isThere } from '../core/report-groups.ts';
import type { Report, ReportHost } from '../core/report.ts';
import { isAsItMust } from '../core/verdict.ts';
import { html, type Html } from './html.ts';
import { section, verdictChip, type HostId } from './page-parts.ts';
import { hostsText, spanText, timeText, verdictText } from './report-words.ts';
import { changesText, shown, whyNot } from './words.ts';

/** Runs of this size have their hosts in one list; in larger ones each verdict has its own, the good ones folded. */
const LIST_HOSTS_MAX = 30;

export const hostsSection = (report: Report, idOf: HostId): Html => {
  const hosts = byUrgency(report.hosts);
  return section(
    'hosts',
    'Hosts',
    'Each host for itself. Changes and diffs are above, told once for all that have them.',
    hosts.length <= LIST_HOSTS_MAX
      ? hosts.map((host) => entry(host, idOf))
      : BY_URGENCY.flatMap((verdict) => {
          const some = hosts.filter(({ result }) => (result?.verdict ?? null) === verdict);
          const [first] = some;
          if (first === undefined) return [];
          const open = isThere(first) ? '' : ' open';
          return [
            html`<details class="block" ${open}>
              <summary>${verdictChip(verdict)} ${hostsText(some.length)}</summary>
              ${some.map((host) => entry(host, idOf))}
            </details>`,
          ];
        }),
  );
};

const entry = (host: ReportHost, idOf: HostId): Html => {
  const { result, wave, startedAt, endedAt, notes, findings, changes } = host;
  const verdict = result?.verdict ?? null;
  const why = result === null ? lastTask(host) : whyNot(result) || changesText(result);
  const checks = result?.checks ?? [];
  const wrong = checks.filter((check) => !isAsItMust(check));
  return html` <details
    class="host"
    id="${idOf(host)}"
    data-host="${shown(host.host)}"
    data-verdict="${verdictText(verdict)}"
  >
    <summary>
      ${verdictChip(verdict)} <b>${shown(host.host)}</b>
      <span class="num took">${result === null ? '' : spanText(result.durationMs)}</span>
      <span class="why">${shown(why)}</span>
    </summary>
    <div>
      <p class="names">
        ${wave === null ? '' : `wave ${wave}, `}${timeText(startedAt)} to ${timeText(endedAt)}
      </p>
      ${result?.failure == null ? null : html`<p>${result.failure.step} (${result.failure.reason}): ${shown(result.failure.message)}</p>`}
      ${list(
        'Findings',
        findings.map(
          ({ severity, message, rule }) => html`${severity}: ${shown(message)} <code>${rule}</code>`,
        ),
      )}
      ${list(
        verdict === 'confirmed' ? 'Changed' : 'Planned',
        changes.map(({ target, step }) => html`${shown(target)} <code>${step}</code>`),
      )}
      ${checks.length === 0 ? null : html`<p>${checks.length} logins tried, ${wrong.length === 0 ? 'all ended as they must' : `${wrong.length} ended otherwise`}.</p>`}
      ${list(
        'Otherwise than they must',
        wrong.map(
          ({ title, phase, result: came }) =>
            html`${shown(title)} (${phase === 'canary' ? 'live' : 'rehearsed'}): ${came}`,
        ),
      )}
      ${list(
        'Told meanwhile',
        notes.map((note) => html`${shown(note)}`),
      )}
    </div>
  </details>`;
};

const lastTask = ({ tasks, startedAt }: ReportHost): string => {
  const last = tasks.at(-1);
  if (last === undefined) return startedAt === null ? 'was not begun' : 'was begun';
  return `came as far as ${last.task}`;
};

const list = (title: string, items: readonly Html[]): Html | null =>
  items.length === 0
    ? null
    : html`<p>${title}:</p>
        <ul class="plain">
          ${items.map((item) => html`<li>${item}</li>`)}
        </ul>`;
