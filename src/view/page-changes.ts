// What was changed, each change once with the hosts that have it, and what was found.
import { deedOf, type ChangeDiff } from '../core/change-diff.ts';
import { changeGroups, findingGroups, type ChangeGroup } from '../core/report-groups.ts';
import type { Report } from '../core/report.ts';
import { html, type Html } from './html.ts';
import { hostNames, section, type HostId } from './page-parts.ts';
import { insteadOfLines } from './plan-diff.ts';
import { hostsText } from './report-words.ts';
import { shown } from './words.ts';

/** Diffs that are unfolded; what many hosts have in common is most often among the first. */
const DIFFS_OPEN_MAX = 12;

export const changesSection = (report: Report, idOf: HostId): Html | null => {
  const groups = changeGroups(report);
  if (groups.length === 0) return null;
  const isOfNew = report.hosts.some(({ changes }) => changes.some(({ diff }) => diff !== undefined));
  return section(
    'changes',
    'Changes',
    `Each change once, with the hosts that have it in common. Secrets are masked.${isOfNew ? '' : ' The journal of this run holds no diffs.'}`,
    groups.map((group, at) => changeEntry(group, { idOf, isOpen: at < DIFFS_OPEN_MAX })),
  );
};

const changeEntry = (
  { change, exhibit, isLost, made, notMade, notKnown }: ChangeGroup,
  { idOf, isOpen }: { readonly idOf: HostId; readonly isOpen: boolean },
): Html => {
  const diff = exhibit === null || exhibit.kind === 'logins' ? null : exhibit;
  const outcomes = [
    ['good', 'made on', made],
    ['idle', 'planned, and not made, on', notMade],
    ['bad', 'not known whether made on', notKnown],
  ] as const;
  return html` <div class="group">
    <h3>${shown(deedOf(change, diff))} <code class="idle">${change.step}</code></h3>
    <p class="names">${change.why.map((why) => shown(why)).join('; ')}</p>
    ${outcomes.map(([hue, words, hosts]) =>
      hosts.length === 0
        ? null
        : html`<div class="line">
            <span class="chip on-${hue}">${words} ${hostsText(hosts.length)}</span>${hostNames(hosts, idOf)}
          </div>`,
    )}
    ${isLost ? html`<p class="warn">What it changes stood in a line of the journal that is lost.</p>` : null}
    ${diff === null ? null : diffEntry(diff, isOpen)}
  </div>`;
};

const diffEntry = (diff: ChangeDiff, isOpen: boolean): Html | null => {
  if (diff.kind !== 'file') return null;
  const { text, isNew } = diff;
  if (text.kind !== 'lines') return html`<p class="names">${insteadOfLines(text)}</p>`;
  if (text.hunks.length === 0) return null;
  const count = text.hunks.reduce((sum, { lines }) => sum + lines.length, 0);
  const open = isOpen ? ' open' : '';
  return html`<details${open}><summary class="names">${isNew ? 'a new file' : 'diff'}, ${count} lines</summary>
<pre class="diff" tabindex="0">${text.hunks.map(
    ({ head, lines }) => html`<span class="at">${head}</span>${lines.map(diffLine)}`,
  )}${text.linesCut === 0 ? null : html`<span class="at">and ${text.linesCut} more lines</span>`}</pre></details>`;
};

/** Blocks of their own, so that no line end stands between them. */
const diffLine = (line: string): Html => {
  if (line.startsWith('+')) return html`<ins>${line}</ins>`;
  return line.startsWith('-') ? html`<del>${line}</del>` : html`<span>${line}</span>`;
};

export const findingsSection = (report: Report, idOf: HostId): Html | null => {
  const groups = findingGroups(report.hosts);
  if (groups.length === 0) return null;
  return section(
    'findings',
    'Findings',
    'A breach keeps a host from being changed; a warning is told and no more.',
    html`<table class="stack">
      <thead>
        <tr>
          <th scope="col">Severity</th>
          <th scope="col">What</th>
          <th scope="col">Whom</th>
          <th scope="col">Where</th>
        </tr>
      </thead>
      <tbody>
        ${groups.map(
          ({ finding, hosts }) =>
            html`<tr>
              <td>
                <span class="chip on-${finding.severity === 'breach' ? 'bad' : 'warn'}"
                  >${finding.severity}</span
                >
              </td>
              <td>${shown(finding.message)} <code class="idle">${finding.rule}</code></td>
              <td data-is="Whom">${shown(finding.persona)}</td>
              <td>${hostNames(hosts, idOf)}</td>
            </tr>`,
        )}
      </tbody>
    </table>`,
  );
};
