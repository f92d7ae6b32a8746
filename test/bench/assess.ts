// How long it takes to judge one host from its facts: npx tsx test/bench/assess.ts
// Aim: under 5 ms a host, so that 10,000 hosts are judged in under a minute on one core.
import type { Facts } from '../../src/core/facts.ts';
import { doorFindings } from '../../src/steps/door-findings.ts';
import { planHost } from '../../src/steps/plan-host.ts';
import type { StepContext } from '../../src/steps/step.ts';
import {
  accountOf,
  afterChanges,
  exampleFacts,
  exampleSettings,
  exampleTools,
} from '../support/example-host.ts';
import { platformOfExample } from '../support/judged-doors.ts';

const AIM_MS = 5;
const HOSTS_TO_WARM = 100;
const HOSTS = 300;

const settings = exampleSettings();
const tools = exampleTools();

/** A host with some accounts of each kind, as a fleet has them: PAM files alike, accounts not. */
const hostOf = (at: number): Facts => ({
  ...exampleFacts({
    accounts: {
      ...exampleFacts().accounts,
      [`bob${at}`]: accountOf({
        groups: ['sg_sudo'],
        sudo: { kind: 'some', asking: ['(ALL) ALL'], silent: [] },
      }),
      [`lars${at}`]: accountOf({ groups: ['users'] }),
      [`lena${at}`]: accountOf({ password: 'locked', authorizedKeys: 2 }),
      [`dora${at}`]: accountOf({ password: 'none', groups: ['sg_serveraccess'] }),
    },
  }),
});

const contextOf = (facts: Facts): StepContext => ({
  ...tools,
  facts,
  settings,
  platform: platformOfExample(facts),
});

/** Median and 95th percentile of so many runs, in milliseconds. */
const measure = (hosts: readonly Facts[], judge: (facts: Facts) => void) => {
  const times = hosts.map((facts) => {
    // Time of this process alone: a machine with other work would tell of that.
    const start = process.cpuUsage();
    judge(facts);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000;
  });
  const sorted = times.slice(HOSTS_TO_WARM).toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { median: at(0.5), high: at(0.95) };
};

const fresh = Array.from({ length: HOSTS_TO_WARM + HOSTS }, (_none, at) => hostOf(at));
const settled = fresh.map((facts) => afterChanges(facts, planHost(facts, settings, tools).changes, settings));
const rows = [
  ['doors, first apply', fresh, (facts: Facts) => doorsOnly(facts)],
  ['doors, nothing to do', settled, (facts: Facts) => doorsOnly(facts)],
  ['whole plan, first apply', fresh, (facts: Facts) => void planHost(facts, settings, tools)],
  ['whole plan, nothing to do', settled, (facts: Facts) => void planHost(facts, settings, tools)],
] as const;

const changesOf = new Map(fresh.map((facts) => [facts, planHost(facts, settings, tools).changes]));
const doorsOnly = (facts: Facts): void => void doorFindings(contextOf(facts), changesOf.get(facts) ?? [], []);

let isMet = true;
for (const [title, hosts, judge] of rows) {
  const { median, high } = measure(hosts, judge);
  isMet &&= median < AIM_MS;
  const perMinute = Math.round(60_000 / median);
  console.log(
    `${title.padEnd(28)} ${median.toFixed(2)} ms a host (95 % under ${high.toFixed(2)} ms), ${perMinute} hosts a minute`,
  );
}
console.log(isMet ? `all under ${AIM_MS} ms` : `not all under ${AIM_MS} ms`);
process.exitCode = isMet ? 0 : 1;
