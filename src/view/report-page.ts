// A report as one page that needs nothing else: for auditors and managers, in a browser or on paper.
import { createHash } from 'node:crypto';
import type { Report, ReportHost } from '../core/report.ts';
import { BY_URGENCY } from '../core/report-groups.ts';
import { html, verbatim, type Html } from './html.ts';
import { changesSection, findingsSection } from './page-changes.ts';
import { evidenceSection } from './page-evidence.ts';
import { hostsSection } from './page-hosts.ts';
import { loginsSection } from './page-logins.ts';
import { matrixSection } from './page-matrix.ts';
import type { HostId } from './page-parts.ts';
import { attentionSection, pageHead, summarySection } from './page-summary.ts';
import { timelineSection } from './page-timeline.ts';
import { REPORT_SCRIPT } from './report-script.ts';
import { REPORT_STYLE } from './report-style.ts';
import { verdictText } from './report-words.ts';
import { shown, type Again } from './words.ts';

/** `'sha256-...'` of a style sheet or a script, as a Content-Security-Policy names what it allows (CSP level 3, 2.3.1). */
const sourceHash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Whole, since a blank more would be another style sheet to the policy. */
const STYLE = verbatim(`<style>${REPORT_STYLE}</style>`);
const SCRIPT = verbatim(`<script>${REPORT_SCRIPT}</script>`);

/** Nothing is loaded, sent or run but what stands in the page itself, word for word. */
const POLICY = [
  "default-src 'none'",
  `style-src ${sourceHash(REPORT_STYLE)}`,
  `script-src ${sourceHash(REPORT_SCRIPT)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** The page. Whatever came from a host, a journal or an operator is escaped and harmless. */
export const reportPage = (report: Report, again: Again): string => {
  const ids = new Map(report.hosts.map((host, at) => [host, `host-${at + 1}`]));
  const idOf: HostId = (host: ReportHost) => ids.get(host) ?? '';
  const sections: readonly (readonly [id: string, title: string, body: Html | null])[] = [
    ['summary', 'Summary', summarySection(report)],
    ['attention', 'Attention', attentionSection(report, { again, idOf })],
    ['timeline', report.waves.length === 0 ? 'Time' : 'Waves', timelineSection(report)],
    ['matrix', 'Phases', matrixSection(report, idOf)],
    ['changes', 'Changes', changesSection(report, idOf)],
    ['findings', 'Findings', findingsSection(report, idOf)],
    ['logins', 'Who gets in', loginsSection(report, idOf)],
    ['evidence', 'Evidence', evidenceSection(report, idOf)],
    ['hosts', 'Hosts', hostsSection(report, idOf)],
  ];
  const there = sections.filter(([, , body]) => body !== null);
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="referrer" content="no-referrer" />
        <title>duo-fleet ${report.started?.command ?? 'run'} ${shown(report.run)}</title>
        ${STYLE}
      </head>
      <body>
        ${pageHead(report)}
        <nav aria-label="Parts of this report">
          <div>${there.map(([id, title]) => html`<a href="#${id}">${title}</a>`)} ${filter(report)}</div>
        </nav>
        <main>${there.map(([, , body]) => body)}</main>
        <footer>
          Made by duo-fleet from the journal of run ${shown(report.run)}. Times are UTC, by the controller's
          clock.
        </footer>
        ${SCRIPT}
      </body>
    </html> `.text;
};

/** Hidden until the script, which it is for, has run. */
const filter = ({ hosts }: Report): Html => {
  const met = new Set(hosts.map(({ result }) => result?.verdict ?? null));
  return html`<div class="filter" role="search" hidden>
    <input type="search" placeholder="Filter hosts" aria-label="Filter hosts by name" /><select
      aria-label="Filter hosts by verdict"
    >
      <option value="">every verdict</option>
      ${BY_URGENCY.filter((verdict) => met.has(verdict)).map(
        (verdict) => html`<option>${verdictText(verdict)}</option>`,
      )}
    </select>
  </div>`;
};
