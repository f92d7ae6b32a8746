// A report for a terminal, a ticket or a mail: what happened, what did not, who gets in, and what of it is evidence.
import { deedOf } from '../core/change-diff.ts';
import {
  complianceOf,
  duoLogin,
  ESSENTIAL_EIGHT,
  EVIDENCE_LEVELS,
  NOT_ABOUT_HOSTS,
} from '../core/compliance.ts';
import { TOLD_ANSWERS } from '../core/login-table.ts';
import type { Report, ReportHost } from '../core/report.ts';
import {
  changeGroups,
  checkGroups,
  failureGroups,
  findingGroups,
  keyOnlyGroups,
  loginGroups,
  verdictCounts,
  type ChangeGroup,
} from '../core/report-groups.ts';
import { phasesOf } from '../core/report-phases.ts';
import type { Paint } from './paint.ts';
import { insteadOfLines } from './plan-diff.ts';
import {
  ANSWER_WORDS,
  clockText,
  exemptText,
  exitText,
  hostsText,
  LEVEL_WORDS,
  spanText,
  sudoText,
  timeText,
  verdictText,
  warningsOf,
  waysText,
  relationsOf,
} from './report-words.ts';
import { textTable } from './text-table.ts';
import { nextStep, shown, toneOf, type Again } from './words.ts';
import { wrapText } from './wrap-text.ts';

/** Names of hosts in one sentence; the rest are counted, and all of them are in the other forms. */
const HOSTS_NAMED_MAX = 8;

export interface ReportStyle {
  readonly paint: Paint;
  readonly width: number;
  readonly again: Again;
}

/** The report's lines, none longer than `width` but for commands and lines of files. */
export const reportText = (report: Report, style: ReportStyle): readonly string[] => [
  ...headLines(report, style),
  ...section('NOT AS IT WAS TO BE', failureLines(report, style), style),
  ...section('WAVES', waveLines(report, style), style),
  ...section('HOSTS AND PHASES', matrixLines(report, style), style),
  ...section(
    'CHANGES',
    changeGroups(report).flatMap((group) => changeLines(group, style)),
    style,
  ),
  ...section('FINDINGS', findingLines(report, style), style),
  ...section("WHO GETS IN, BY THE MODEL OF EACH HOST'S FILES", loginLines(report, style), style),
  ...section('LOGINS THAT WERE TRIED', checkLines(report, style), style),
  ...section('EVIDENCE FOR MULTI-FACTOR AUTHENTICATION', evidenceLines(report, style), style),
];

const section = (title: string, lines: readonly string[], { paint }: ReportStyle): readonly string[] =>
  lines.length === 0 ? [] : ['', paint.bold(title), '', ...lines];

const headLines = (report: Report, { paint, width }: ReportStyle): readonly string[] => {
  const { started, startedAt, endedAt, hosts, exitCode } = report;
  const facts = [
    ['by', started === null ? 'not known' : shown(started.operator)],
    ['from', timeText(startedAt)],
    ['to', timeText(endedAt)],
    ['inventory', shown(started?.inventory ?? 'not known')],
    ...(started?.reason == null ? [] : [['reason', shown(started.reason)]]),
    ...relationsOf(started).map(([what, other]) => ['', `${what} ${other}`]),
    ['exit code', `${exitCode ?? 'none'}: ${exitText(report)}`],
  ];
  const counts = verdictCounts(hosts).map(({ verdict, count }) => `${count} ${verdictText(verdict)}`);
  return [
    ...warningsOf(report).flatMap((text) => wrapText(text, width).map((line) => paint.warn(line))),
    ...(warningsOf(report).length === 0 ? [] : ['']),
    paint.bold(`duo-fleet ${started?.command ?? ''} ${shown(report.run)}`),
    ...facts.flatMap(([name = '', text = '']) => hanging(`  ${name.padEnd(10)} `, text, width)),
    '',
    ...wrapText(`${hostsText(hosts.length)}: ${counts.join(', ')}`, width),
  ];
};

/** A text behind a title, its further lines below the first one. */
const hanging = (title: string, text: string, width: number): readonly string[] =>
  wrapText(text, width - title.length).map(
    (line, at) => (at === 0 ? title : ' '.repeat(title.length)) + line,
  );

const namesText = (hosts: readonly ReportHost[]): string => {
  const more = hosts.length - HOSTS_NAMED_MAX;
  const names = hosts.slice(0, HOSTS_NAMED_MAX).map(({ host }) => shown(host));
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};

const failureLines = (report: Report, { paint, width, again }: ReportStyle): readonly string[] =>
  failureGroups(report.hosts).flatMap(({ verdict, failure, breaches, hosts }) => {
    const first = hosts[0]?.result ?? null;
    const step = first === null ? null : nextStep(first, report.started?.command ?? 'apply', again);
    const tone = verdict === null ? 'bad' : toneOf(verdict);
    return [
      paint[tone](`${verdictText(verdict)}, ${hostsText(hosts.length)}`),
      ...hanging('  ', namesText(hosts), width),
      ...(failure === null ? [] : hanging('  ', `${failure.step}: ${shown(failure.message)}`, width)),
      ...breaches.flatMap(({ message, rule }) => hanging('  ', `${shown(message)} [${rule}]`, width)),
      ...(step === null
        ? []
        : [...hanging('  ', step.words, width), ...step.commands.map((command) => `    ${shown(command)}`)]),
      '',
    ];
  });

const waveLines = ({ waves }: Report, { width }: ReportStyle): readonly string[] =>
  waves.flatMap(({ wave, kind, hosts, startedAt, endedAt, bake, gate }) => {
    const took = startedAt === null || endedAt === null ? '' : `, ${spanText(endedAt - startedAt)}`;
    return [
      ...hanging(
        `${String(wave).padStart(3)}  `,
        `${kind === 'canary' ? 'canary, ' : ''}${hostsText(hosts.length)}: ${clockText(startedAt)} to ${clockText(endedAt)}${took}`,
        width,
      ),
      ...(bake === null
        ? []
        : hanging(
            '     ',
            `baked from ${clockText(bake.startedAt)} to ${clockText(bake.endedAt)}: ${bake.decision ?? 'no end'}${bake.why === '' ? '' : `, ${shown(bake.why)}`}`,
            width,
          )),
      ...(gate === null ? [] : hanging('     ', `gate: ${gate.decision}, ${shown(gate.why)}`, width)),
    ];
  });

const SIGNS = { ok: '+', failed: 'X', open: '?', none: '.' } as const;

/** A sign for each phase, hosts that went the same way in one row. */
const matrixLines = (report: Report, { width }: ReportStyle): readonly string[] => {
  const { phases, rows } = phasesOf(report);
  if (phases.length === 0) return [];
  const groups = new Map<string, { readonly verdict: string; readonly hosts: ReportHost[] }>();
  for (const { host, cells } of rows) {
    const key = cells.map((cell) => SIGNS[cell?.end ?? 'none']).join(' ');
    const verdict = verdictText(host.result?.verdict ?? null);
    const group = groups.get(`${key} ${verdict}`) ?? { verdict, hosts: [] };
    group.hosts.push(host);
    groups.set(`${key} ${verdict}`, group);
  }
  return [
    ...wrapText(phases.map((phase, at) => `${at + 1} ${phase}`).join(', '), width),
    '+ went well, X failed, ? has no end, . was not reached',
    '',
    ...[...groups].flatMap(([key, { verdict, hosts }]) =>
      hanging(`${key.slice(0, phases.length * 2 - 1)}  ${verdict.padEnd(12)}`, namesText(hosts), width),
    ),
  ];
};

const changeLines = (
  { change, exhibit, isLost, made, notMade, notKnown }: ChangeGroup,
  { paint, width }: ReportStyle,
): readonly string[] => {
  const diff = exhibit === null || exhibit.kind === 'logins' ? null : exhibit;
  const lines: string[] = [
    ...hanging(
      '',
      `[${change.step}] ${deedOf(change, diff)}: ${change.why.map((why) => shown(why)).join('; ')}`,
      width,
    ),
    ...(
      [
        ['  made on ', made],
        ['  planned, and not made, on ', notMade],
        ['  not known whether made on ', notKnown],
      ] as const
    ).flatMap(([title, on]) =>
      on.length === 0 ? [] : hanging(title, namesText(on), width).map((line) => paint.dim(line)),
    ),
  ];
  if (isLost) lines.push('  (what it changes stood in a line of the journal that is lost)');
  if (diff?.kind !== 'file') return lines;
  if (diff.text.kind !== 'lines') return [...lines, `  ${insteadOfLines(diff.text)}`];
  for (const { head, lines: hunk } of diff.text.hunks) {
    lines.push(paint.dim(`  ${head}`), ...hunk.map((line) => diffLine(line, paint)));
  }
  return [...lines, ...(diff.text.linesCut > 0 ? [`  and ${diff.text.linesCut} more lines`] : []), ''];
};

const diffLine = (line: string, paint: Paint): string => {
  if (line.startsWith('+')) return paint.good(`  ${line}`);
  return line.startsWith('-') ? paint.bad(`  ${line}`) : `  ${line}`;
};

const findingLines = ({ hosts }: Report, { paint, width }: ReportStyle): readonly string[] =>
  findingGroups(hosts).flatMap(({ finding, hosts: on }) => [
    ...hanging('', `${finding.severity}: ${shown(finding.message)} [${finding.rule}]`, width).map((line) =>
      finding.severity === 'breach' ? paint.bad(line) : paint.warn(line),
    ),
    ...hanging('  on ', namesText(on), width),
  ]);

const loginLines = ({ hosts }: Report, style: ReportStyle): readonly string[] => {
  const groups = loginGroups(hosts);
  if (groups.length === 0) return [];
  const listed = keyOnlyGroups(hosts).flatMap(({ user, hosts: on }) =>
    hanging('Exempt, by key alone as listed: ', `${shown(user)} on ${namesText(on)}`, style.width),
  );
  const table = textTable(
    ['WHO', 'EXEMPT', 'SSH', 'SUDO', 'HOSTS'],
    groups.map(({ row, users, hosts: on }) => [
      {
        text: `${row.who}${users.length === 0 ? ' (to come)' : `: ${users.map((user) => shown(user)).join(', ')}`}${row.address === '' ? '' : ` from ${shown(row.address)}`}`,
      },
      { text: exemptText(row.exempt) },
      { text: told(TOLD_ANSWERS.map((answer) => [ANSWER_WORDS[answer], waysText(row.ssh[answer])])) },
      { text: told(TOLD_ANSWERS.map((answer) => [ANSWER_WORDS[answer], sudoText(row.sudo[answer])])) },
      { text: String(on.length) },
    ]),
    style,
  );
  return [...table, ...(listed.length === 0 ? [] : ['', ...listed])];
};

/** One text where Duo's answer makes no difference. */
const told = (ways: readonly (readonly [when: string, what: string])[]): string =>
  new Set(ways.map(([, what]) => what)).size === 1
    ? (ways[0]?.[1] ?? '')
    : ways.map(([when, what]) => `${when}: ${what}`).join('\n');

const checkLines = ({ hosts }: Report, style: ReportStyle): readonly string[] => {
  const groups = checkGroups(hosts);
  if (groups.length === 0) return [];
  return textTable(
    ['WHERE', 'LOGIN', 'MUST', 'DID', 'OTHERWISE ON'],
    groups.map(({ phase, title, must, right, wrong, approved, bypassed }) => [
      { text: phase === 'canary' ? 'live' : 'rehearsed' },
      { text: shown(title) },
      { text: must === 'get-in' ? 'get in' : 'be refused' },
      {
        text: `${right.length}${approved > 0 ? `\nDuo approved ${approved}` : ''}${bypassed > 0 ? `\nDuo bypassed ${bypassed}` : ''}`,
      },
      { text: wrong.length === 0 ? '' : namesText(wrong.map(({ host }) => host)), tone: 'bad' },
    ]),
    style,
  );
};

const evidenceLines = (report: Report, { width }: ReportStyle): readonly string[] => [
  ...wrapText(`${ESSENTIAL_EIGHT}. Whether a requirement is met is for an assessor to say.`, width),
  '',
  ...loginEvidence(report).flatMap((line) => hanging('', line, width)),
  ...complianceOf(report).flatMap(({ requirement, hosts }) => {
    const counts = EVIDENCE_LEVELS.flatMap((level) => {
      const on = hosts.filter(({ evidence }) => evidence.level === level);
      return on.length === 0 ? [] : [`${LEVEL_WORDS[level]} on ${on.length}`];
    });
    return [
      ...hanging(`${requirement.control}  `, requirement.text, width),
      ...hanging('          ', counts.join(', '), width),
      ...hanging('          ', requirement.remark, width),
      '',
    ];
  }),
  ...NOT_ABOUT_HOSTS.flatMap((text) => hanging('Not looked at: ', text, width)),
];

/** The logins that met Duo, the first few. */
const loginEvidence = ({ hosts }: Report): readonly string[] => {
  const logins = hosts.flatMap((host) => {
    const login = duoLogin(host);
    return login === null ? [] : [{ host: host.host, ...login }];
  });
  const more = logins.length - HOSTS_NAMED_MAX;
  if (logins.length === 0)
    return ['No login of this run shows that Duo is asked on a host as it is now.', ''];
  return [
    'Duo was asked by these logins, as its module wrote to the host\u2019s own log:',
    ...logins
      .slice(0, HOSTS_NAMED_MAX)
      .map(({ host, check, at }) => `- ${shown(host)}, ${timeText(at)}: ${shown(check.duo?.line ?? '')}`),
    ...(more > 0 ? [`- and ${more} more: see --format html or json`] : []),
    '',
  ];
};
