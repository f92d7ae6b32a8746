// The top of a report's page: what the run was, what it came to, and what wants somebody's attention.
import type { Report } from '../core/report.ts';
import { failureGroups, verdictCounts } from '../core/report-groups.ts';
import { html, type Html } from './html.ts';
import { hostNames, hueOf, section, signOf, verdictChip, type HostId } from './page-parts.ts';
import {
  exitText,
  hostsText,
  relationsOf,
  spanText,
  timeText,
  verdictText,
  warningsOf,
} from './report-words.ts';
import { nextStep, shown, type Again } from './words.ts';

/** Title, facts, and what must be known before anything is read. */
export const pageHead = (report: Report): Html => {
  const { started, run } = report;
  const command = started?.command ?? 'a run';
  return html` <header class="head">
    <h1>duo-fleet ${command} <span>${shown(run)}</span></h1>
    ${started?.reason == null ? null : html`<p class="lead">${shown(started.reason)}</p>`}
    ${warningsOf(report).map(
      (text) => html`<p class="alert${report.state === 'cut-off' ? ' bad' : ''}" role="note">${text}</p>`,
    )}
  </header>`;
};

const upperFirst = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

export const summarySection = (report: Report): Html => {
  const { started, startedAt, endedAt, hosts, exitCode } = report;
  const counts = verdictCounts(hosts);
  const facts: readonly (readonly [string, string])[] = [
    ['Started by', started === null ? 'not known' : shown(started.operator)],
    ['From', timeText(startedAt)],
    [
      report.state === 'ended' ? 'To' : 'Last heard of',
      `${timeText(endedAt)}${startedAt === null || endedAt === null ? '' : ` (${spanText(endedAt - startedAt)})`}`,
    ],
    ['Inventory', shown(started?.inventory ?? 'not known')],
    ...relationsOf(started).map(([what, other]) => [upperFirst(what), other] as const),
  ];
  return section(
    'summary',
    `${hostsText(hosts.length)}: ${exitText(report)}`,
    '',
    html` <ul class="tiles">
        ${counts.map(
          ({ verdict, count }) =>
            html`<li class="on-${hueOf(verdict)}">
              <b>${count}</b>${signOf(verdict)} ${verdictText(verdict)}
            </li>`,
        )}
      </ul>
      ${shareBar(counts, hosts.length)}
      <dl class="facts">
        ${facts.map(
          ([name, text]) =>
            html`<div>
              <dt>${name}</dt>
              <dd>${text}</dd>
            </div>`,
        )}
        <div>
          <dt>Exit code</dt>
          <dd>${exitCode ?? 'none'}</dd>
        </div>
      </dl>`,
  );
};

const BAR = 1000;

const shareBar = (counts: ReturnType<typeof verdictCounts>, total: number): Html => {
  let x = 0;
  return html`<svg class="share" viewBox="0 0 ${BAR} 10" preserveAspectRatio="none" aria-hidden="true">
    ${counts.map(({ verdict, count }) => {
      const width = (count / total) * BAR;
      const from = x;
      x += width;
      return html`<rect
        class="f-${hueOf(verdict)}"
        x="${from.toFixed(1)}"
        y="0"
        width="${Math.max(1, width - 2).toFixed(1)}"
        height="10"
      />`;
    })}
  </svg>`;
};

/** Who is not as it was to be, together where the reason is the same. */
export const attentionSection = (
  report: Report,
  { again, idOf }: { readonly again: Again; readonly idOf: HostId },
): Html | null => {
  const groups = failureGroups(report.hosts);
  if (groups.length === 0) return null;
  return section(
    'attention',
    'Not as it was to be',
    'Hosts that did not get there for the same reason are told together, the most urgent first.',
    groups.map(({ verdict, failure, breaches, hosts }) => {
      const first = hosts[0]?.result ?? null;
      const step = first === null ? null : nextStep(first, report.started?.command ?? 'apply', again);
      return html` <div class="group">
        <h3>
          ${verdictChip(verdict)}
          ${hostsText(hosts.length)}${failure === null ? null : html` <span class="idle">at ${failure.step} (${failure.reason})</span>`}
        </h3>
        ${failure === null ? null : html`<p>${shown(failure.message)}</p>`}
        ${breaches.map(({ message, rule }) => html`<p>${shown(message)} <code>${rule}</code></p>`)}
        ${verdict === null ? html`<p>${lastWords(report, hosts.length)}</p>` : null}
        ${
          step === null
            ? null
            : html`<p>${shown(step.words)}</p>
                ${step.commands.map((command) => html`<code class="command">${shown(command)}</code>`)}`
        }
        ${step !== null && hosts.length > 1 ? html`<p class="names">and so for each of them</p>` : null}
        ${hostNames(hosts, idOf)}
      </div>`;
    }),
  );
};

const lastWords = ({ state }: Report, count: number): string => {
  const it = count === 1 ? 'it' : 'them';
  return state === 'under-way'
    ? `The run has not come to a verdict of ${it} yet.`
    : `The run ended before there was a verdict of ${it}. What became of a host only the host itself knows; each puts itself back when it hears nothing for the length of its lease.`;
};
