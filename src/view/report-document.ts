// A report for programs: the document of --json with what the journal knows beside it. Fields are never renamed or taken away.
import { complianceOf, ESSENTIAL_EIGHT } from '../core/compliance.ts';
import type { Report, ReportHost } from '../core/report.ts';
import { jsonDocument } from './json-document.ts';
import { shown } from './words.ts';

/**
 * The document. `hosts` has the hosts that came to a verdict, as in --json; `unfinished` the others, which only a run that was cut off or is under
 * way has. Times are ISO 8601, UTC. `exhibits` has what `diff` and `logins` of hosts are names of.
 */
export const reportDocument = (report: Report): object => {
  const { started, hosts, exitCode } = report;
  const results = hosts.flatMap(({ result }) => result ?? []);
  const document = jsonDocument(report.run, started?.command ?? 'apply', {
    exitCode: exitCode ?? 1,
    results,
    waves: report.waves,
  });
  const told = new Map(document.hosts.map((one) => [one.host, one]));
  return {
    run: report.run,
    command: started?.command ?? null,
    exitCode,
    state: report.state,
    startedAt: isoTime(report.startedAt),
    endedAt: isoTime(report.endedAt),
    operator: started === null ? null : shown(started.operator),
    inventory: started?.inventory ?? null,
    reason: started?.reason == null ? null : shown(started.reason),
    resumes: started?.resumes ?? null,
    undoes: started?.undoes ?? null,
    plan: started?.approved?.run ?? null,
    resumedBy: report.resumedBy,
    undoneBy: report.undoneBy,
    interrupted: report.interrupted,
    damage: report.damage,
    waves: document.waves,
    hosts: hosts.flatMap((host) => {
      const one = told.get(host.host);
      return one === undefined ? [] : [{ ...one, ...wayOf(host) }];
    }),
    unfinished: hosts
      .filter(({ result }) => result === null)
      .map((host) => ({ host: host.host, ...wayOf(host) })),
    exhibits: Object.fromEntries(report.exhibits),
    compliance: complianceDocument(report),
  };
};

/** `2026-11-22T05:47:35.123Z`. */
const isoTime = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString());

const wayOf = ({ wave, startedAt, endedAt, tasks, notes, changes, logins, settled }: ReportHost) => ({
  wave,
  startedAt: isoTime(startedAt),
  endedAt: isoTime(endedAt),
  tasks: tasks.map(({ task, startedAt: began, endedAt: over, end, note }) => ({
    task,
    startedAt: isoTime(began),
    endedAt: isoTime(over),
    end,
    note: shown(note),
  })),
  notes: notes.map((note) => shown(note)),
  planned: changes.map(({ step, kind, target, why, diff = null }) => ({
    step,
    kind,
    target: shown(target),
    why: why.map((one) => shown(one)),
    diff,
  })),
  logins: logins?.rows ?? null,
  keyOnly: logins?.keyOnly.map((user) => shown(user)) ?? null,
  settled,
});

const complianceDocument = (report: Report) => ({
  model: ESSENTIAL_EIGHT,
  requirements: complianceOf(report).map(({ requirement: { control, text, remark }, hosts }) => ({
    control,
    text,
    remark,
    hosts: hosts.map(({ host: { host }, evidence }) => ({
      host,
      level: evidence.level,
      shown: evidence.shown.map((one) => shown(one)),
      missing: evidence.missing.map((one) => shown(one)),
      at: isoTime(evidence.at),
      line: shown(evidence.line),
    })),
  })),
});
