// Pieces that every part of a report's page is made of.
import type { ReportHost } from '../core/report.ts';
import type { Verdict } from '../core/verdict.ts';
import { html, type Html } from './html.ts';
import { verdictText } from './report-words.ts';
import { shown } from './words.ts';

/** Colour of a verdict: reached, reached without a change, safe but not reached, not begun, or needing a person. */
export type Hue = 'good' | 'warn' | 'bad' | 'info' | 'idle';

export const hueOf = (verdict: Verdict | null): Hue => {
  switch (verdict) {
    case 'confirmed':
    case 'compliant':
      return 'good';
    case 'unchanged':
    case 'planned':
      return 'info';
    case 'rolled-back':
    case 'refused':
    case 'unreachable':
    case 'drifted':
      return 'warn';
    case 'skipped':
      return 'idle';
    case 'stranded':
    case null:
      return 'bad';
    default:
      return verdict satisfies never;
  }
};

/** A sign for each verdict, so that none is told by its colour alone. */
const SIGNS: Readonly<Record<Verdict | 'none', string>> = {
  confirmed: '\u2713',
  compliant: '\u2713',
  unchanged: '=',
  planned: '\u25cb',
  'rolled-back': '\u21ba',
  refused: '\u2298',
  unreachable: '\u2205',
  drifted: '\u2260',
  skipped: '\u2013',
  stranded: '!',
  none: '?',
};

export const signOf = (verdict: Verdict | null): string => SIGNS[verdict ?? 'none'];

export const verdictChip = (verdict: Verdict | null): Html =>
  html`<span class="chip on-${hueOf(verdict)}">${signOf(verdict)} ${verdictText(verdict)}</span>`;

export const section = (id: string, title: string, lead: string, body: Html | readonly Html[]): Html =>
  html` <section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    ${lead === '' ? null : html`<p class="lead">${lead}</p>`} ${body}
  </section>`;

/** Names in one line, the rest behind a click. */
const NAMES_SHOWN_MAX = 6;

/** Each name leads to the host's own entry. */
export const hostNames = (hosts: readonly ReportHost[], idOf: HostId): Html => {
  const link = (host: ReportHost): Html => html`<a href="#${idOf(host)}">${shown(host.host)}</a>`;
  if (hosts.length <= NAMES_SHOWN_MAX) return html`<p class="names">${joined(hosts.map(link))}</p>`;
  return html`<details class="names">
    <summary>${hosts.length} hosts</summary>
    ${joined(hosts.map((host) => html`${shown(host.host)}`))}
  </details>`;
};

/** With commas between them. */
export const joined = (parts: readonly Html[]): Html =>
  html`${parts.map((part, at) => (at === 0 ? part : html`, ${part}`))}`;

/** Where a host's own entry is on the page. A name may be anything, so the place counts. */
export type HostId = (host: ReportHost) => string;
