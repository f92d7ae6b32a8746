// The compliance page: what this run shows of the Essential Eight's multi-factor authentication, and what it does not.
import {
  complianceOf,
  duoLogin,
  ESSENTIAL_EIGHT,
  EVIDENCE_LEVELS,
  NOT_ABOUT_HOSTS,
  type Evidence,
  type EvidenceLevel,
} from '../core/compliance.ts';
import type { Report, ReportHost } from '../core/report.ts';
import { html, type Html } from './html.ts';
import { hostNames, section, type HostId, type Hue } from './page-parts.ts';
import { hostsText, LEVEL_WORDS, timeText } from './report-words.ts';
import { shown } from './words.ts';

const HUES: Readonly<Record<EvidenceLevel, Hue>> = {
  contradicted: 'bad',
  'not-shown': 'idle',
  partly: 'info',
  shown: 'good',
};
const SIGNS: Readonly<Record<EvidenceLevel, string>> = {
  contradicted: '\u2717',
  'not-shown': '\u2013',
  partly: '\u25d0',
  shown: '\u2713',
};

const levelChip = (level: EvidenceLevel, count: number): Html =>
  html`<span class="chip on-${HUES[level]}"
    >${SIGNS[level]} ${LEVEL_WORDS[level]} on ${hostsText(count)}</span
  > `;

export const evidenceSection = (report: Report, idOf: HostId): Html =>
  section(
    'evidence',
    'Evidence for multi-factor authentication',
    `${ESSENTIAL_EIGHT} (Australian Signals Directorate), multi-factor authentication, with the control of the Information Security Manual for each row. This is evidence, host by host; whether a requirement is met is for an assessor to say.`,
    html` ${complianceOf(report).map(
        ({ requirement, hosts }) =>
          html` <div class="group">
            <h3><code>${requirement.control}</code> ${requirement.text}</h3>
            <p>
              ${EVIDENCE_LEVELS.map((level) => {
                const count = hosts.filter(({ evidence }) => evidence.level === level).length;
                return count === 0 ? null : levelChip(level, count);
              })}
            </p>
            <p class="lead">${requirement.remark}</p>
            ${alike(hosts).map((group) => evidenceGroup(group, idOf))}
          </div>`,
      )}
      <div class="group">
        <h3>Not looked at</h3>
        <ul class="plain">
          ${NOT_ABOUT_HOSTS.map((text) => html`<li>${text}</li>`)}
        </ul>
      </div>
      ${loginsTable(report, idOf)}`,
  );

interface Alike {
  readonly evidence: Evidence;
  readonly hosts: readonly ReportHost[];
}

/** Hosts of which the same is shown and the same is not; when, and by which line, is in the table of logins. */
const alike = (
  hosts: readonly { readonly host: ReportHost; readonly evidence: Evidence }[],
): readonly Alike[] => {
  const groups = new Map<string, { readonly evidence: Evidence; readonly hosts: ReportHost[] }>();
  for (const { host, evidence } of hosts) {
    const key = JSON.stringify([evidence.level, evidence.shown, evidence.missing]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { evidence, hosts: [host] });
    else group.hosts.push(host);
  }
  return [...groups.values()].toSorted(
    (a, b) => EVIDENCE_LEVELS.indexOf(a.evidence.level) - EVIDENCE_LEVELS.indexOf(b.evidence.level),
  );
};

/** What tells this group from the others, as far as a line goes. */
const gist = ({ level, shown: seen, missing }: Evidence): string =>
  (level === 'contradicted' || seen.length === 0 ? missing[0] : seen.at(-1)) ?? '';

const evidenceGroup = ({ evidence, hosts }: Alike, idOf: HostId): Html =>
  html` <details class="block">
    <summary>
      ${levelChip(evidence.level, hosts.length)}<span class="idle">${shown(gist(evidence))}</span>
    </summary>
    ${
      evidence.shown.length === 0
        ? null
        : html`<h4>Shown</h4>
            <ul class="plain">
              ${evidence.shown.map((text) => html`<li>${shown(text)}</li>`)}
            </ul>`
    }
    ${
      evidence.missing.length === 0
        ? null
        : html`<h4>${evidence.level === 'contradicted' ? 'Against it, or not shown' : 'Not shown'}</h4>
            <ul class="plain">
              ${evidence.missing.map((text) => html`<li>${shown(text)}</li>`)}
            </ul>`
    }
    ${hostNames(hosts, idOf)}
  </details>`;

/** Every host's login that met Duo: when, and in the module's own words. */
const loginsTable = ({ hosts }: Report, idOf: HostId): Html => {
  const logins = hosts.flatMap((host) => {
    const login = duoLogin(host);
    return login === null ? [] : [{ host, ...login }];
  });
  if (logins.length === 0) {
    return html`<div class="group">
      <h3>Logins that met Duo</h3>
      <p>
        None in this run, on a host as it is now: that Duo is asked rests on the model. With
        <code>canary_user</code>, or <code>--as USER</code>, a run shows one.
      </p>
    </div>`;
  }
  const open = logins.length <= 12 ? ' open' : '';
  return html`
<div class="group"><h3>Logins that met Duo</h3>
<p class="lead">The best of each host that is as it was to be, with what Duo's module wrote to the host's own log. "Skipped" means that Duo was asked and answered that this account needs no second factor: nobody approved anything.</p>
<details${open}><summary>${hostsText(logins.length)}</summary>
<table class="stack"><thead><tr><th scope="col">Host</th><th scope="col">When</th><th scope="col">Login</th><th scope="col">Second factor</th><th scope="col">The module's line</th></tr></thead><tbody>
${logins.map(
  ({ host, check, at }) =>
    html`<tr>
      <th scope="row"><a href="#${idOf(host)}">${shown(host.host)}</a></th>
      <td>${timeText(at)}</td>
      <td>${shown(check.title)}, ${check.phase === 'canary' ? 'live' : 'rehearsed'}</td>
      <td data-is="Second factor">${check.duo?.how === 'approved' ? 'approved' : 'bypassed'}</td>
      <td><code>${shown(check.duo?.line ?? '')}</code></td>
    </tr>`,
)}
</tbody></table></details></div>`;
};
