// Who gets in with what: by the model of each host's files, and by the logins that were tried.
import { TOLD_ANSWERS, type LoginRow } from '../core/login-table.ts';
import { checkGroups, keyOnlyGroups, loginGroups } from '../core/report-groups.ts';
import type { Report } from '../core/report.ts';
import { html, type Html } from './html.ts';
import { hostNames, joined, section, type HostId } from './page-parts.ts';
import { ANSWER_WORDS, exemptText, hostsText, isOpen, sudoText, waysText } from './report-words.ts';
import { shown } from './words.ts';

/** Accounts named in one cell; the rest are counted. */
const USERS_SHOWN_MAX = 8;

export const loginsSection = (report: Report, idOf: HostId): Html | null => {
  const model = loginGroups(report.hosts);
  const tried = checkGroups(report.hosts);
  if (model.length === 0 && tried.length === 0) return null;
  const unknown = report.hosts.filter(({ logins }) => logins === null).length;
  return section(
    'logins',
    'Who gets in',
    '',
    html` ${
      model.length === 0
        ? null
        : html`<h3>By the model of each host's files</h3>
            <p class="lead">
              As the run left the hosts: changed where it was confirmed, as before where not. Accounts that
              stand alike are one row.${unknown === 0 ? '' : ` Of ${hostsText(unknown)} nothing is known.`}
            </p>
            ${modelTable(model, idOf)} ${keyOnlyLines(report, idOf)}`
    }
    ${
      tried.length === 0
        ? null
        : html`<h3>By logins that were tried</h3>
            <p class="lead">
              Real logins with real sshd, PAM, Duo's module and sudo: rehearsed through the candidate files,
              and live over new connections.
            </p>
            ${triedTable(tried, idOf)}`
    }`,
  );
};

/** They are no persona of the model: what they meet is the inventory's own word. */
const keyOnlyLines = ({ hosts }: Report, idOf: HostId): readonly Html[] =>
  keyOnlyGroups(hosts).map(
    ({ user, hosts: on }) =>
      html`<div class="line">
        <span class="chip on-idle">exempt, by key alone as listed</span>
        <b>${shown(user)}</b>${hostNames(on, idOf)}
      </div>`,
  );

const modelTable = (groups: ReturnType<typeof loginGroups>, idOf: HostId): Html =>
  html` <div class="wide">
    <table class="stack">
      <thead>
        <tr>
          <th scope="col">Who</th>
          <th scope="col">Exempt from Duo</th>
          <th scope="col">SSH login</th>
          <th scope="col">sudo</th>
          <th scope="col">Where</th>
        </tr>
      </thead>
      <tbody>
        ${groups.map(
          ({ row, users, hosts }) =>
            html`<tr>
              <th scope="row">
                ${row.who}${row.address === '' ? '' : ` from ${shown(row.address)}`}
                <div class="names">${usersText(users)}</div>
              </th>
              <td data-is="Exempt">${exemptText(row.exempt)}</td>
              <td data-is="SSH">${sshCell(row)}</td>
              <td data-is="sudo">
                ${byAnswer(TOLD_ANSWERS.map((answer) => [ANSWER_WORDS[answer], html`${sudoText(row.sudo[answer])}`, sudoText(row.sudo[answer])]))}
              </td>
              <td>${hostNames(hosts, idOf)}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;

const usersText = (users: readonly string[]): string => {
  if (users.length === 0) return 'no such account yet';
  const more = users.length - USERS_SHOWN_MAX;
  return `${users
    .slice(0, USERS_SHOWN_MAX)
    .map((user) => shown(user))
    .join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};

const sshCell = (row: LoginRow | Omit<LoginRow, 'user'>): Html =>
  byAnswer(
    TOLD_ANSWERS.map((answer) => {
      const ways = row.ssh[answer];
      const text = waysText(ways);
      return [ANSWER_WORDS[answer], isOpen(ways) ? html`<b class="bad">${text}</b>` : html`${text}`, text];
    }),
  );

/** One text where Duo's answer makes no difference. */
const byAnswer = (ways: readonly (readonly [when: string, what: Html, text: string])[]): Html => {
  const [first] = ways;
  if (first !== undefined && ways.every(([, , text]) => text === first[2])) return first[1];
  return html`${ways.map(([when, what]) => html`<div><span class="idle">${when}:</span> ${what}</div>`)}`;
};

const triedTable = (groups: ReturnType<typeof checkGroups>, idOf: HostId): Html =>
  html` <table class="stack">
    <thead>
      <tr>
        <th scope="col">Login</th>
        <th scope="col">Must</th>
        <th scope="col">As it must</th>
        <th scope="col">Duo's module said</th>
        <th scope="col">Otherwise</th>
      </tr>
    </thead>
    <tbody>
      ${groups.map(
        ({ phase, title, must, right, wrong, approved, bypassed }) =>
          html`<tr>
            <th scope="row">
              ${shown(title)} <span class="idle">${phase === 'canary' ? 'live' : 'rehearsed'}</span>
            </th>
            <td>${must === 'get-in' ? 'get in' : 'be refused'}</td>
            <td data-is="As it must">${right.length === 0 ? 'nowhere' : `on ${hostsText(right.length)}`}</td>
            <td data-is="Duo's module said">
              ${joined([
                ...(approved === 0 ? [] : [html`approved on ${approved}`]),
                ...(bypassed === 0 ? [] : [html`let through (bypass) on ${bypassed}`]),
              ])}
            </td>
            <td>
              ${
                wrong.length === 0
                  ? null
                  : html`<span class="chip on-bad"
                        >${wrong[0]?.result ?? ''} on ${hostsText(wrong.length)}</span
                      >${hostNames(
                        wrong.map(({ host }) => host),
                        idOf,
                      )}`
              }
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
