// A report as JUnit's XML: a suite for each wave, a case for each host, as Jenkins and GitLab show it.
import type { Report, ReportHost } from '../core/report.ts';
import { isAsItMust } from '../core/verdict.ts';
import { shown, whyNot } from './words.ts';

/**
 * The document. A host that is not as it was to be is a failure, one that needs a person or never came to a verdict an error, one
 * that was not started is skipped. There is no standard; the names are those that Jenkins' and GitLab's readers take
 * (github.com/testmoapp/junitxml).
 */
export const reportJunit = (report: Report): string => {
  const suites = suitesOf(report);
  const command = report.started?.command ?? 'run';
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="${xml(`duo-fleet ${command} ${report.run}`)}" ${counts(report.hosts)}>`,
    ...suites.flatMap(({ name, group, hosts }) => [
      `  <testsuite name="${xml(name)}" ${counts(hosts)}${timestamp(report)}>`,
      '    <properties>',
      ...properties(report).map(([key, value]) => `      <property name="${key}" value="${xml(value)}"/>`),
      '    </properties>',
      ...hosts.flatMap((host) => caseLines(host, `duo-fleet.${command}.${group}`)),
      '  </testsuite>',
    ]),
    '</testsuites>',
  ];
  return `${lines.join('\n')}\n`;
};

interface Suite {
  readonly name: string;
  /** Part of a class's name, so without a dot. */
  readonly group: string;
  readonly hosts: readonly ReportHost[];
}

const suitesOf = ({ hosts, waves, run }: Report): readonly Suite[] => {
  if (waves.length === 0) return [{ name: run, group: 'hosts', hosts }];
  const others = hosts.filter(({ wave }) => wave === null);
  return [
    ...waves.map(({ wave, kind }) => ({
      name: `wave ${wave} of ${waves.length}${kind === 'canary' ? ' (canary)' : ''}`,
      group: `wave-${wave}`,
      hosts: hosts.filter((host) => host.wave === wave),
    })),
    ...(others.length === 0 ? [] : [{ name: 'in no wave', group: 'hosts', hosts: others }]),
  ];
};

const properties = ({ run, started, state }: Report): readonly (readonly [string, string])[] => [
  ['run', run],
  ['state', state],
  ...(started === null
    ? []
    : ([
        ['operator', started.operator],
        ['inventory', started.inventory ?? ''],
        ...(started.reason === null ? [] : [['reason', started.reason] as const]),
        ...(started.resumes === null ? [] : [['resumes', started.resumes] as const]),
        ...(started.undoes === null ? [] : [['undoes', started.undoes] as const]),
        ...(started.approved === null ? [] : [['plan', started.approved.run] as const]),
      ] as const)),
];

const timestamp = ({ startedAt }: Report): string =>
  startedAt === null ? '' : ` timestamp="${new Date(startedAt).toISOString().slice(0, 19)}"`;

type Kind = 'passed' | 'failure' | 'error' | 'skipped';

const kindOf = ({ result }: ReportHost): Kind => {
  switch (result?.verdict) {
    case 'confirmed':
    case 'unchanged':
    case 'compliant':
    case 'planned':
      return 'passed';
    case 'skipped':
      return 'skipped';
    case 'stranded':
    case undefined:
      return 'error';
    case 'refused':
    case 'unreachable':
    case 'rolled-back':
    case 'drifted':
      return 'failure';
    default:
      return 'error';
  }
};

const counts = (hosts: readonly ReportHost[]): string => {
  const count = (kind: Kind): number => hosts.filter((host) => kindOf(host) === kind).length;
  const ms = hosts.reduce((sum, { result }) => sum + (result?.durationMs ?? 0), 0);
  return `tests="${hosts.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}" time="${seconds(ms)}"`;
};

const caseLines = (host: ReportHost, className: string): readonly string[] => {
  const { result } = host;
  const open = `    <testcase classname="${xml(className)}" name="${xml(host.host)}" time="${seconds(result?.durationMs ?? 0)}"`;
  const inside = [...outcomeLines(host), ...outputLines(host)];
  return inside.length === 0 ? [`${open}/>`] : [`${open}>`, ...inside, '    </testcase>'];
};

const outcomeLines = (host: ReportHost): readonly string[] => {
  const kind = kindOf(host);
  if (kind === 'passed') return [];
  const { result } = host;
  const message =
    result === null
      ? 'the run has no verdict of it; duo-fleet resume asks the host'
      : whyNot(result) || (kind === 'skipped' ? 'was not started' : result.verdict);
  if (kind === 'skipped') return [`      <skipped message="${xml(message)}"/>`];
  const type = result === null ? 'no-verdict' : result.verdict;
  const where = result?.failure == null ? '' : `${result.failure.step} (${result.failure.reason}): `;
  return [
    `      <${kind} type="${type}" message="${xml(message)}">${xml(`${type}: ${where}${message}`)}</${kind}>`,
  ];
};

const outputLines = ({ result, findings }: ReportHost): readonly string[] => {
  const lines = [
    ...(result?.changes ?? []).map(({ step, target }) => `changed: ${target} [${step}]`),
    ...findings.map(({ severity, message, rule }) => `${severity}: ${message} [${rule}]`),
    ...(result?.checks ?? []).map(
      (check) =>
        `login (${check.phase}): ${check.title}: ${check.result}${isAsItMust(check) ? '' : `, and it must ${check.must}`}`,
    ),
  ];
  return lines.length === 0
    ? []
    : [`      <system-out>${lines.map((line) => xml(line)).join('\n')}</system-out>`];
};

const seconds = (ms: number): string => (Math.max(0, ms) / 1000).toFixed(3);

/** What XML 1.0 (production 2, Char) does not allow even as a reference; `shown` has replaced most of it already. */
const ILLEGAL = /[^\u0009\u000a\u000d\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

const xml = (text: string): string =>
  shown(text)
    .replaceAll(ILLEGAL, '')
    .replaceAll(/[&<>"']/g, (sign) => ENTITIES[sign] ?? sign);
