// Journals of runs that never were: as many hosts as wanted, all verdicts, with or without waves.
import { summarize, type StepId } from '../../src/core/change.ts';
import type { Phase, RecordedEvent, RunEvent } from '../../src/core/event.ts';
import type { FailureReport } from '../../src/core/failure.ts';
import {
  exitCodeOf,
  isGoal,
  type HostResult,
  type LoginCheck,
  type Verdict,
} from '../../src/core/verdict.ts';
import type { Rollout } from '../../src/core/wave.ts';
import { makeExhibits, type Exhibits } from '../../src/engine/exhibits.ts';
import { canaryChecks, changesOf, findingsOf, nameAt, REHEARSED, tableOf } from './run-journal-host.ts';

export interface JournalOrder {
  readonly hosts: number;
  readonly run?: string;
  readonly waves?: boolean;
  /** Verdict of the host at this place; by default one host of each kind that fails, and more of them in a large fleet. */
  readonly verdictAt?: (at: number) => Verdict;
  /** Put into every name, message, note and line of the journal. */
  readonly said?: string;
  /** The run that it finishes. */
  readonly resumes?: string;
}

const START = Date.UTC(2026, 10, 28, 22, 0, 4);
const FORKS = 20;

/** The events of one run, in their order. */
export const runJournal = (order: JournalOrder): readonly RecordedEvent[] => {
  const { run = '20261128-220004-ab12', verdictAt = usualVerdict, said = '' } = order;
  const names = Array.from({ length: order.hosts }, (_, at) => `${nameAt(at)}${said}`);
  const waves = order.waves === true ? wavesOf(names) : [names];
  const { ofPlan: show } = makeExhibits();
  const results = new Map<string, HostResult>();
  const recorded: { readonly at: number; readonly event: RunEvent }[] = [];
  const say = (at: number, event: RunEvent): void => void recorded.push({ at, event });
  say(START, {
    type: 'run-started',
    run,
    command: order.resumes === undefined ? 'apply' : 'resume',
    operator: `ann@bastion${said}`,
    hosts: names,
    version: '5f0c',
    inventory: `/srv/fleet/inventory.yml${said}`,
    leaseS: 60,
    reason: `CHG-20417, Duo for the web tier${said}`,
    ...(order.resumes === undefined ? {} : { resumes: order.resumes }),
    ...(order.waves === true ? { rollout: rolloutOf(waves) } : {}),
  });
  let now = START + 12;
  let place = 0;
  waves.forEach((wave, index) => {
    if (order.waves === true) say(now, { type: 'wave-started', wave: index + 1 });
    const lanes = Array.from({ length: FORKS }, () => now);
    for (const host of wave) {
      const lane = lanes.indexOf(Math.min(...lanes));
      const verdict = verdictAt(place);
      const result = walk({ host, verdict, place, said, from: lanes[lane] ?? now, say, show });
      results.set(host, result.result);
      lanes[lane] = result.until;
      place += 1;
    }
    now = Math.max(...lanes) + 40;
    if (order.waves !== true) return;
    if (index === 0) {
      say(now, { type: 'bake-started', wave: 1, hosts: wave, bakeS: 30 });
      now += 30_000;
      say(now, { type: 'bake-ended', wave: 1, decision: 'confirm', why: `all as they were${said}` });
    }
    say(now, { type: 'wave-ended', wave: index + 1 });
    if (index + 1 < waves.length) {
      const failures = [...results.values()].filter(({ verdict }) => !isGoal(verdict)).length;
      say(now, {
        type: 'gate',
        wave: index + 1,
        decision: 'go-on',
        why: `within the budget${said}`,
        failures,
      });
    }
  });
  const verdicts = [...results.values()].map(({ verdict }) => verdict);
  say(now + 5, { type: 'run-ended', exitCode: exitCodeOf(verdicts, false) });
  return recorded
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, event }, seq): RecordedEvent => ({ ...event, seq, at }));
};

const FAILING: Readonly<Record<number, Verdict>> = {
  2: 'rolled-back',
  7: 'refused',
  11: 'unreachable',
  19: 'stranded',
  23: 'skipped',
};
const usualVerdict = (at: number): Verdict => FAILING[at % 47] ?? (at % 5 === 4 ? 'unchanged' : 'confirmed');

const wavesOf = (names: readonly string[]): readonly (readonly string[])[] => {
  const rest = names.slice(1);
  const tenth = Math.max(1, Math.ceil(rest.length / 10));
  return [names.slice(0, 1), rest.slice(0, tenth), rest.slice(tenth)].filter((wave) => wave.length > 0);
};

const rolloutOf = (waves: readonly (readonly string[])[]): Rollout => ({
  rules: {
    canary: { kind: 'hosts', count: 1 },
    serial: [
      { kind: 'percent', percent: 10 },
      { kind: 'percent', percent: 100 },
    ],
    maxFailures: { kind: 'percent', percent: 20 },
    bakeS: 30,
    bakeWaveS: 0,
    onFailure: 'stop',
  },
  waves: waves.map((hosts, at) => ({
    kind: at === 0 ? 'canary' : 'serial',
    hosts,
    bakeS: at === 0 ? 30 : 0,
  })),
  failuresMax: Math.ceil(waves.flat().length / 5),
});

/** The phases that a host goes through, and how long each takes, in milliseconds. */
const WAY: readonly (readonly [phase: Phase, ms: number])[] = [
  ['connect', 240],
  ['observe', 420],
  ['assess', 8],
  ['preflight', 310],
  ['claim', 90],
  ['download', 2_100],
  ['snapshot', 140],
  ['arm', 60],
  ['stage', 220],
  ['rehearse', 2_600],
  ['activate', 4_900],
  ['validate', 180],
  ['canary', 900],
  ['confirm', 130],
];
const STEPS: readonly StepId[] = [
  'sshd-settings',
  'packages',
  'pam-duo-conf',
  'sudoers',
  'pam-sudo',
  'pam-sshd',
];

/** Where the way of a host with this verdict ends, and in what. */
const endOf = (verdict: Verdict, host: string, said: string): readonly [Phase, FailureReport | null] => {
  switch (verdict) {
    case 'unreachable':
      return [
        'connect',
        { step: 'connect', reason: 'link', message: `${host}: connect ETIMEDOUT 192.0.2.7:22${said}` },
      ];
    case 'refused':
      return ['assess', null];
    case 'rolled-back':
      return [
        'canary',
        {
          step: 'canary',
          reason: 'locked',
          message: `${host}: the login "automation by key, and sudo -n true" was refused, and it must get in; ${host} has put itself back${said}`,
        },
      ];
    case 'stranded':
      return [
        'confirm',
        {
          step: 'confirm',
          reason: 'link',
          message: `${host}: the connection was lost while it was confirmed${said}`,
        },
      ];
    case 'unchanged':
    case 'compliant':
    case 'drifted':
      return ['assess', null];
    case 'planned':
      return ['preflight', null];
    case 'confirmed':
    case 'skipped':
      return ['confirm', null];
    default:
      return verdict satisfies never;
  }
};

interface Walk {
  readonly host: string;
  readonly verdict: Verdict;
  readonly place: number;
  readonly said: string;
  readonly from: number;
  readonly say: (at: number, event: RunEvent) => void;
  readonly show: Exhibits['ofPlan'];
}

const walk = ({
  host,
  verdict,
  place,
  said,
  from,
  say,
  show,
}: Walk): { result: HostResult; until: number } => {
  let at = from;
  const changes = verdict === 'unchanged' || verdict === 'compliant' ? [] : changesOf(place, said);
  const findings = findingsOf(verdict, place, said);
  const [end, failure] = endOf(verdict, host, said);
  const checks: LoginCheck[] = [];
  const ended = (): HostResult => ({
    host,
    verdict,
    changes: verdict === 'confirmed' || verdict === 'stranded' ? changes.map(summarize) : [],
    findings: verdict === 'unreachable' || verdict === 'skipped' ? [] : findings,
    checks,
    failure,
    durationMs: verdict === 'skipped' ? 0 : at - from,
  });
  if (verdict === 'skipped') {
    say(at, { type: 'host-ended', result: ended() });
    return { result: ended(), until: at };
  }
  say(at, { type: 'host-started', host });
  for (const [phase, ms] of WAY) {
    say(at, { type: 'task-started', host, task: phase });
    if (phase === 'claim') say(at, { type: 'claimed', host, tx: `tx-${place}` });
    if (phase === 'activate') {
      STEPS.forEach((step, index) => {
        say(at + 10 + index * 700, { type: 'task-started', host, task: step });
        say(at + 600 + index * 700, { type: 'task-ended', host, task: step, note: `${step}${said}` });
      });
    }
    at += Math.round(ms * (0.7 + ((place * 37 + ms) % 60) / 100));
    if (phase === 'assess') {
      const plan = { host, changes, findings, digest: `d${place % 3}` };
      const logins = { now: tableOf(false, place, said), after: tableOf(true, place, said) };
      say(at, { type: 'planned', host, digest: plan.digest, findings, ...show(plan, logins) });
    }
    if (phase === 'rehearse') checks.push(...REHEARSED);
    if (phase === 'canary') checks.push(...canaryChecks(verdict, place));
    if (phase === end) {
      if (failure === null) say(at, { type: 'task-ended', host, task: phase, note: said });
      else say(at, { type: 'task-failed', host, task: phase, failure });
      break;
    }
    say(at, { type: 'task-ended', host, task: phase, note: phase === 'rehearse' ? `12 logins${said}` : '' });
  }
  if (verdict === 'rolled-back') {
    say(at, { type: 'task-started', host, task: 'revert' });
    at += 3_100;
    say(at, { type: 'task-ended', host, task: 'revert', note: 'as it was before' });
  }
  say(at, { type: 'host-ended', result: ended() });
  return { result: ended(), until: at };
};
