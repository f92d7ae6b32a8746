// What hosts of a report have in common, so that five hundred of them are read as a handful.
import type { Exhibit } from './event.ts';
import type { FailureReport } from './failure.ts';
import type { Finding } from './finding.ts';
import type { LoginRow } from './login-table.ts';
import { STEP_IDS, type ChangeSummary } from './change.ts';
import type { Report, ReportHost } from './report.ts';
import { isAsItMust, isGoal, type LoginCheck, type Verdict } from './verdict.ts';

/** Verdicts by how much they want somebody's attention; `null`, without one, comes first. */
export const BY_URGENCY: readonly (Verdict | null)[] = [
  'stranded',
  null,
  'rolled-back',
  'refused',
  'unreachable',
  'drifted',
  'skipped',
  'confirmed',
  'planned',
  'compliant',
  'unchanged',
];

/** Hosts, the most urgent first, else in their order. */
export const byUrgency = (hosts: readonly ReportHost[]): readonly ReportHost[] =>
  hosts.toSorted((a, b) => urgencyOf(a) - urgencyOf(b));

const urgencyOf = ({ result }: ReportHost): number => BY_URGENCY.indexOf(result?.verdict ?? null);

/** How many hosts came to which verdict, the most urgent first. */
export const verdictCounts = (
  hosts: readonly ReportHost[],
): readonly { readonly verdict: Verdict | null; readonly count: number }[] =>
  BY_URGENCY.flatMap((verdict) => {
    const count = hosts.filter(({ result }) => (result?.verdict ?? null) === verdict).length;
    return count === 0 ? [] : [{ verdict, count }];
  });

/** Whether a host is as it was to be; one without a verdict is not. */
export const isThere = ({ result }: ReportHost): boolean => result !== null && isGoal(result.verdict);

/** Hosts that did not get there for the same reason. */
export interface FailureGroup {
  readonly verdict: Verdict | null;
  readonly failure: FailureReport | null;
  /** The breaches that stopped them, where no failure did. */
  readonly breaches: readonly Finding[];
  readonly hosts: readonly ReportHost[];
}

/** Who is not as it was to be, the most urgent first; hosts whose messages differ in their own names only are one group. */
export const failureGroups = (hosts: readonly ReportHost[]): readonly FailureGroup[] =>
  grouped(
    byUrgency(hosts).filter((host) => !isThere(host)),
    (one) => {
      const { verdict, failure, breaches } = reasonsOf(one);
      return {
        verdict,
        failure: failure === null ? null : nameless(failure, one.host),
        breaches: breaches.map((finding) => nameless(finding, one.host)),
      };
    },
  ).map(({ key, members }) => {
    const [only] = members;
    return { ...(members.length === 1 && only !== undefined ? reasonsOf(only) : key), hosts: members };
  });

/** Why one host is not there, in its own words. */
const reasonsOf = ({ result, findings }: ReportHost): Omit<FailureGroup, 'hosts'> => ({
  verdict: result?.verdict ?? null,
  failure: result?.failure ?? null,
  breaches: findings.filter(({ severity }) => severity === 'breach'),
});

/** Where a host's own name stands in what is said of many. */
export const ANY_HOST = 'HOST';

const nameless = <T extends { readonly message: string }>(said: T, host: string): T => ({
  ...said,
  message: withoutName(said.message, host),
});

/** A name within a longer one stays. */
const withoutName = (text: string, host: string): string =>
  text.includes(host)
    ? text.replaceAll(
        new RegExp(
          `(?<![\\w.-])${host.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)}(?![\\w-]|\\.\\w)`,
          'g',
        ),
        ANY_HOST,
      )
    : text;

/** One finding of many hosts. */
export interface FindingGroup {
  readonly finding: Finding;
  readonly hosts: readonly ReportHost[];
}

/** Findings, breaches first, then those of the most hosts. */
export const findingGroups = (hosts: readonly ReportHost[]): readonly FindingGroup[] =>
  grouped(
    hosts.flatMap((host) => host.findings.map((finding) => ({ host, finding }))),
    ({ host, finding }) => nameless(finding, host.host),
  )
    .map(({ key, members }) => ({ finding: key, hosts: [...new Set(members.map(({ host }) => host))] }))
    .toSorted(
      (a, b) =>
        Number(b.finding.severity === 'breach') - Number(a.finding.severity === 'breach') ||
        b.hosts.length - a.hosts.length,
    );

/** The same change of many hosts. */
export interface ChangeGroup {
  readonly change: ChangeSummary;
  /** `null` where kind and target say all, or where the line that held it is lost. */
  readonly exhibit: Exhibit | null;
  /** A line that held it is lost. */
  readonly isLost: boolean;
  /** Where it was done and kept. */
  readonly made: readonly ReportHost[];
  /** Where it was planned, and is not there: refused, put back, only looked at. */
  readonly notMade: readonly ReportHost[];
  /** Where nobody saw how it ended. */
  readonly notKnown: readonly ReportHost[];
}

/** Changes in the order in which they are done, each as often as it differs. */
export const changeGroups = ({ hosts, exhibits }: Report): readonly ChangeGroup[] =>
  grouped(
    hosts.flatMap((host) => host.changes.map((change) => ({ host, change }))),
    ({ change: { step, kind, target, diff = null } }) => ({ step, kind, target, diff }),
  )
    .map(({ key, members }) => ({
      change: { ...key, why: [...new Set(members.flatMap(({ change }) => change.why))] },
      exhibit: key.diff === null ? null : (exhibits.get(key.diff) ?? null),
      isLost: key.diff !== null && !exhibits.has(key.diff),
      ...byOutcome(members.map(({ host }) => host)),
    }))
    .toSorted((a, b) => STEP_IDS.indexOf(a.change.step) - STEP_IDS.indexOf(b.change.step));

const isOpen = ({ result }: ReportHost): boolean => result === null || result.verdict === 'stranded';
const isMade = ({ result }: ReportHost): boolean => result?.verdict === 'confirmed';

const byOutcome = (hosts: readonly ReportHost[]): Pick<ChangeGroup, 'made' | 'notMade' | 'notKnown'> => ({
  made: hosts.filter(isMade),
  notMade: hosts.filter((host) => !isMade(host) && !isOpen(host)),
  notKnown: hosts.filter(isOpen),
});

/** Personas of many hosts that stand alike. */
export interface LoginGroup {
  readonly row: Omit<LoginRow, 'user'>;
  /** Names of their accounts; none where hosts have no account of the kind yet. */
  readonly users: readonly string[];
  readonly hosts: readonly ReportHost[];
}

/** Who gets in, in the order of the personas; those that stand alike are one row, whatever their accounts are called. */
export const loginGroups = (hosts: readonly ReportHost[]): readonly LoginGroup[] =>
  grouped(
    hosts.flatMap((host) => (host.logins?.rows ?? []).map((row) => ({ host, row }))),
    ({ row: { user: _user, ...row } }) => row,
  )
    .map(({ key, members }) => ({
      row: key,
      users: [...new Set(members.map(({ row }) => row.user))].filter((user) => user !== '').toSorted(),
      hosts: [...new Set(members.map(({ host }) => host))],
    }))
    .toSorted((a, b) => WHO.indexOf(a.row.who) - WHO.indexOf(b.row.who));

/** Accounts that log in by key alone because the inventory says so, each with its hosts. */
export const keyOnlyGroups = (
  hosts: readonly ReportHost[],
): readonly { readonly user: string; readonly hosts: readonly ReportHost[] }[] =>
  grouped(
    hosts.flatMap((host) => (host.logins?.keyOnly ?? []).map((user) => ({ host, user }))),
    ({ user }) => user,
  ).map(({ key, members }) => ({ user: key, hosts: members.map(({ host }) => host) }));

const WHO: readonly string[] = [
  'sudo member',
  'server-access member',
  'local user',
  'root',
  'automation',
  'break-glass',
];

/** The same login, tried on many hosts. */
export interface CheckGroup {
  readonly phase: LoginCheck['phase'];
  readonly title: string;
  readonly must: LoginCheck['must'];
  /** Where it ended as it must, and how many of those Duo's module showed. */
  readonly right: readonly ReportHost[];
  readonly approved: number;
  readonly bypassed: number;
  readonly wrong: readonly { readonly host: ReportHost; readonly result: LoginCheck['result'] }[];
}

/** The logins that were tried, those that went wrong somewhere first. */
export const checkGroups = (hosts: readonly ReportHost[]): readonly CheckGroup[] =>
  grouped(
    hosts.flatMap((host) => (host.result?.checks ?? []).map((check) => ({ host, check }))),
    ({ check: { phase, title, must } }) => ({ phase, title, must }),
  )
    .map(({ key, members }) => ({
      ...key,
      right: members.filter(({ check }) => isAsItMust(check)).map(({ host }) => host),
      approved: members.filter(({ check }) => check.duo?.how === 'approved').length,
      bypassed: members.filter(({ check }) => check.duo?.how === 'bypassed').length,
      wrong: members
        .filter(({ check }) => !isAsItMust(check))
        .map(({ host, check: { result } }) => ({ host, result })),
    }))
    .toSorted(
      (a, b) =>
        Number(b.wrong.length > 0) - Number(a.wrong.length > 0) || phaseOrder(a.phase) - phaseOrder(b.phase),
    );

const phaseOrder = (phase: LoginCheck['phase']): number => (phase === 'canary' ? 0 : 1);

/** Members under the same key, in the order in which keys first come; keys are told apart by what they hold. */
const grouped = <T, K>(
  all: readonly T[],
  keyOf: (one: T) => K,
): readonly { readonly key: K; readonly members: readonly T[] }[] => {
  const groups = new Map<string, { readonly key: K; readonly members: T[] }>();
  for (const one of all) {
    const key = keyOf(one);
    const text = JSON.stringify(key);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, { key, members: [one] });
    else group.members.push(one);
  }
  return [...groups.values()];
};
