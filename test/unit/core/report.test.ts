import { describe, expect, test } from 'vitest';
import type { RecordedEvent } from '../../../src/core/event.ts';
import { foldReport, type Report } from '../../../src/core/report.ts';
import {
  changeGroups,
  checkGroups,
  failureGroups,
  findingGroups,
  loginGroups,
  verdictCounts,
} from '../../../src/core/report-groups.ts';
import { phasesOf } from '../../../src/core/report-phases.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import { runJournal, type JournalOrder } from '../../support/run-journal.ts';

const CONTEXT = { run: 'r', damage: [], isAlive: false, resumedBy: [], undoneBy: [] };
const fold = (events: readonly RecordedEvent[], more: Partial<typeof CONTEXT> = {}): Report =>
  foldReport(events, { ...CONTEXT, ...more });
const reportOf = (order: JournalOrder): Report => fold(runJournal(order));
const only = (verdict: Verdict, hosts = 1): Report => reportOf({ hosts, verdictAt: () => verdict });

/** With what a member of Duo's groups gets in on the one host of a run. */
const member = (verdict: Verdict) =>
  only(verdict).hosts[0]?.logins?.rows.find(({ who }) => who === 'server-access member')?.ssh.allow[0]
    ?.proofs;

describe('a run, told', () => {
  test('has every host with its verdict, its way and its wave, in the run’s order', () => {
    const events = runJournal({ hosts: 12, waves: true });
    const report = fold(events);
    const [first] = events;
    expect(report.state).toBe('ended');
    expect(report.hosts.map(({ host }) => host)).toEqual(first?.type === 'run-started' ? first.hosts : null);
    expect(report.hosts.map(({ wave }) => wave)).toEqual([1, 2, 2, ...Array.from({ length: 9 }, () => 3)]);
    const web = report.hosts[0];
    expect(web?.tasks.map(({ task }) => task)).toContain('pam-sshd');
    expect(
      web?.tasks.every(
        ({ end, startedAt, endedAt }) => end === 'ok' && endedAt !== null && endedAt >= startedAt,
      ),
    ).toBe(true);
    expect(report.started?.reason).toBe('CHG-20417, Duo for the web tier');
  });

  test('wherever its journal ends, is told as cut off, and no host is told better than it was', () => {
    const events = runJournal({
      hosts: 5,
      waves: true,
      verdictAt: (at) => (at === 2 ? 'rolled-back' : 'confirmed'),
    });
    for (let length = 0; length < events.length; length += 1) {
      const report = fold(events.slice(0, length));
      expect(report.state).toBe('cut-off');
      const ended = new Set(
        events.slice(0, length).flatMap((event) => (event.type === 'host-ended' ? [event.result.host] : [])),
      );
      for (const { host, result, logins, tasks } of report.hosts) {
        expect(result === null).toBe(!ended.has(host));
        if (result === null) expect(logins).toBeNull();
        if (result === null) expect(tasks.filter(({ end }) => end === 'open').length).toBeLessThanOrEqual(2);
      }
    }
  });

  test('is under way while its process lives', () => {
    const events = runJournal({ hosts: 3 }).slice(0, 40);
    expect(fold(events, { isAlive: true }).state).toBe('under-way');
  });

  test('of which any one line is lost keeps what the others say', () => {
    const events = runJournal({ hosts: 3 });
    for (let lost = 0; lost < events.length; lost += 1) {
      const report = fold(events.filter((_event, at) => at !== lost));
      expect(report.hosts).toHaveLength(3);
      const before = events[lost];
      if (before?.type !== 'host-ended')
        expect(report.hosts.every(({ result }) => result !== null)).toBe(true);
      if (before?.type === 'planned') {
        expect(changeGroups(report).some(({ isLost }) => isLost)).toBe(before.exhibits !== undefined);
      }
    }
  });

  test('says who gets in on the host as the verdict leaves it', () => {
    expect(member('confirmed')).toEqual(['key', 'duo']);
    expect(member('unchanged')).toEqual(['key', 'duo']);
    expect(member('rolled-back')).toEqual(['key']);
    expect(member('refused')).toEqual(['key']);
    expect(member('stranded')).toBeUndefined();
    expect(member('unreachable')).toBeUndefined();
  });
});

describe('many hosts', () => {
  const report = reportOf({ hosts: 500 });

  test('that did not get there are a handful of reasons, the most urgent first', () => {
    const groups = failureGroups(report.hosts);
    expect(groups.map(({ verdict, hosts }) => [verdict, hosts.length])).toEqual([
      ['stranded', 11],
      ['rolled-back', 11],
      ['refused', 6],
      ['refused', 5],
      ['unreachable', 11],
      ['skipped', 11],
    ]);
    expect(groups[1]?.failure?.message).toMatch(/^HOST: .*; HOST has put itself back$/);
    expect(verdictCounts(report.hosts).map(({ verdict }) => verdict)).toEqual([
      'stranded',
      'rolled-back',
      'refused',
      'unreachable',
      'skipped',
      'confirmed',
      'unchanged',
    ]);
  });

  test('a reason that only one host has is told in its own words', () => {
    const one = reportOf({ hosts: 3 });
    expect(failureGroups(one.hosts)[0]?.failure?.message).toContain('db001.example.com has put itself back');
  });

  test('a host’s name within a longer one is not taken for it', () => {
    const events = runJournal({ hosts: 2, verdictAt: () => 'unreachable' }).map((event): RecordedEvent => {
      if (event.type !== 'host-ended') return event;
      const failure = {
        step: 'connect',
        reason: 'link',
        message: 'no way to web001.example.com.au or app001.example.com-2',
      } as const;
      return { ...event, result: { ...event.result, failure } };
    });
    expect(failureGroups(fold(events).hosts).map(({ failure }) => failure?.message)).toEqual([
      'no way to web001.example.com.au or app001.example.com-2',
    ]);
  });

  test('share their changes, and what was made is told from what was only planned', () => {
    const pam = changeGroups(report).filter(({ change }) => change.target === '/etc/duo/pam_duo.conf');
    expect(pam.map(({ made, notMade, notKnown }) => [made.length, notMade.length, notKnown.length])).toEqual([
      [356, 22, 11],
    ]);
  });

  test('share their findings and their doors', () => {
    expect(findingGroups(report.hosts).map(({ finding }) => finding.severity)).toEqual([
      'breach',
      'breach',
      'warning',
    ]);
    const sudo = loginGroups(report.hosts).filter(({ row }) => row.who === 'sudo member');
    expect(sudo.map(({ users }) => users)).toEqual([['bob'], ['bob']]);
    expect(loginGroups(report.hosts).length).toBeLessThan(12);
  });

  test('of logins that were tried, those that went wrong come first, with their hosts', () => {
    const [first] = checkGroups(report.hosts);
    expect(first?.title).toBe('automation by key, and sudo -n true');
    expect(first?.wrong).toHaveLength(11);
    expect(checkGroups(report.hosts).find(({ title }) => title === 'canary by key and Duo')).toMatchObject({
      approved: 1,
      bypassed: 377,
    });
  });

  test('have a matrix with only those phases that somebody came to', () => {
    expect(phasesOf(only('unreachable')).phases).toEqual(['connect']);
    expect(phasesOf(only('skipped')).phases).toEqual([]);
    const { phases, rows } = phasesOf(only('rolled-back'));
    expect(phases.slice(-2)).toEqual(['canary', 'revert']);
    expect(rows[0]?.cells.map((cell) => cell?.end)).toEqual([
      ...phases.slice(0, -2).map(() => 'ok'),
      'failed',
      'ok',
    ]);
  });
});
