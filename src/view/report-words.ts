// What reports call things, in every form that they come in.
import type { LoginRow, LoginWay, SudoWay, ToldAnswer } from '../core/login-table.ts';
import type { Report } from '../core/report.ts';
import type { EvidenceLevel } from '../core/compliance.ts';
import type { Verdict } from '../core/verdict.ts';
import { proofsText } from './explain-tables.ts';
import { shown } from './words.ts';

/** What is said of a host that never came to a verdict. */
export const NO_VERDICT = 'no verdict';

export const verdictText = (verdict: Verdict | null): string => verdict ?? NO_VERDICT;

/** `2026-11-22 05:47:35 UTC`; `-` where it is not known. */
export const timeText = (at: number | null): string =>
  at === null ? '-' : `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** `05:47:35`. */
export const clockText = (at: number | null): string =>
  at === null ? '-' : new Date(at).toISOString().slice(11, 19);

/** `4.1 s`, `3 min 05 s`, `2 h 10 min`. */
export const spanText = (ms: number): string => {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 90) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
};

/** What must be known of the whole report before anything of it is read. */
export const warningsOf = (report: Report): readonly string[] => {
  const { state, damage, resumedBy, undoneBy, started, hosts, interrupted } = report;
  const open = hosts.filter(({ result }) => result === null).length;
  const others = open === 1 ? '1 host has' : `${open} hosts have`;
  const later =
    resumedBy.length === 0
      ? `To finish it: duo-fleet resume ${report.run}`
      : `It was taken up by run ${resumedBy.map((run) => shown(run)).join(', ')}: see its report.`;
  return [
    ...(state === 'cut-off'
      ? [`This run was cut off: its journal has no end, and ${others} no verdict in it. ${later}`]
      : []),
    ...(state === 'under-way' ? [`This run is still under way: ${others} no verdict yet.`] : []),
    ...(state === 'ended' && resumedBy.length > 0
      ? [`What this run left was taken up by run ${resumedBy.map((run) => shown(run)).join(', ')}.`]
      : []),
    ...(undoneBy.length === 0
      ? []
      : [
          `Hosts of this run were rolled back afterwards, by run ${undoneBy.map((run) => shown(run)).join(', ')}: see its report for which.`,
        ]),
    ...(damage.length === 0
      ? []
      : [
          `The journal is damaged at ${damage.length === 1 ? 'line' : 'lines'} ${linesText(damage)}: what is left of it is told, and events that stood there are not.`,
        ]),
    ...(interrupted === null
      ? []
      : [`The run was interrupted (${shown(interrupted)}); hosts that were not started are skipped.`]),
    ...(started?.resumes == null
      ? []
      : [
          `This run finishes run ${shown(started.resumes)}. Hosts that were as declared after that one are in its report: duo-fleet report ${shown(started.resumes)}`,
        ]),
  ];
};

/** What a run has to do with others: what is said before their names, and the names. */
export const relationsOf = (started: Report['started']): readonly (readonly [what: string, run: string])[] =>
  [
    ['finishes run', started?.resumes ?? null] as const,
    ['undoes run', started?.undoes ?? null] as const,
    ['carries out the plan of run', started?.approved?.run ?? null] as const,
  ].flatMap(([what, run]) => (run === null ? [] : [[what, shown(run)] as const]));

/** Lines named one by one; the rest are counted. */
const LINES_NAMED_MAX = 10;

const linesText = (damage: Report['damage']): string => {
  const named = damage.slice(0, LINES_NAMED_MAX).map(({ line, what }) => `${line} (${what})`);
  const more = damage.length - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};

/** What an exit code says, in a sentence. */
export const exitText = ({ exitCode, state }: Report): string => {
  switch (exitCode) {
    case 0:
      return 'Every host is as it was to be.';
    case 1:
      return 'Every host is safe; not every one is as it was to be.';
    case 3:
      return 'At least one host needs a person.';
    case 130:
      return 'The run was interrupted; hosts under way reached their verdicts first.';
    case 2:
      return 'Nothing was touched.';
    case null:
      return state === 'under-way' ? 'It is not over yet.' : 'It never came to its end.';
    default:
      return exitCode satisfies never;
  }
};

/** Why somebody does not meet Duo, for an auditor. */
export const exemptText = (exempt: LoginRow['exempt']): string => {
  switch (exempt) {
    case null:
      return 'no';
    case 'automation':
      return 'yes: runs unattended, by key alone';
    case 'break-glass':
      return 'yes: declared to get in while Duo is away, by password, from its own addresses';
    case 'key-only':
      return 'yes: listed in key_only_users or key_only_groups';
    case 'no-member':
      return "not asked: in none of Duo's groups";
    default:
      return exempt satisfies never;
  }
};

/** `key and Duo`; `refused` where there is no way. */
export const waysText = (ways: readonly LoginWay[]): string =>
  ways.length === 0
    ? 'refused'
    : ways.map(({ proofs, sure }) => `${proofsText(proofs)}${sure ? '' : ' (not sure)'}`).join(' or ');

export const sudoText = (way: SudoWay): string => {
  switch (way.kind) {
    case 'not-allowed':
      return 'nothing allowed';
    case 'asks-nothing':
      return `asks nothing: ${shown(way.entry)}`;
    case 'asks':
      return waysText(way.ways);
    case 'unknown':
      return `not known: ${shown(way.why)}`;
    default:
      return way satisfies never;
  }
};

/** Whether something is an open door: nothing to show, or Duo's word alone, which whoever knows the name can ask for. */
export const isOpen = (ways: readonly LoginWay[]): boolean =>
  ways.some(({ proofs }) => !proofs.includes('key') && !proofs.includes('password'));

export const ANSWER_WORDS: Readonly<Record<ToldAnswer, string>> = {
  allow: 'Duo approves',
  deny: 'Duo denies',
  unreachable: 'Duo is away',
};

export const LEVEL_WORDS: Readonly<Record<EvidenceLevel, string>> = {
  contradicted: 'contradicted',
  'not-shown': 'not shown',
  partly: 'shown in part',
  shown: 'shown',
};

/** `412 hosts`. */
export const hostsText = (count: number): string => `${count} ${count === 1 ? 'host' : 'hosts'}`;
