import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/core/event.ts';
import { foldRun } from '../../../src/core/run-state.ts';
import {
  isAtGoal,
  isOver,
  isToBeUndone,
  isUnfinished,
  newestUnfinished,
  standingsOf,
  type RunRecord,
} from '../../../src/core/standing.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import { DEFAULT_RULES, makeRollout } from '../../../src/core/wave.ts';

type Start = Extract<RunEvent, { type: 'run-started' }>;

const record = (run: string, events: readonly RunEvent[], start: Partial<Start> | null = {}): RunRecord => {
  const first: Start = {
    type: 'run-started',
    run,
    command: 'apply',
    operator: 'ann@bastion',
    hosts: ['web1'],
    version: 'v',
    inventory: '/a.yml',
    ...start,
  };
  const all = start === null ? events : [first, ...events];
  return { run, state: foldRun(all.map((event, seq) => ({ ...event, seq, at: seq }))) };
};
const begun: RunEvent = { type: 'host-started', host: 'web1' };
const claimed = (tx: string): RunEvent => ({ type: 'claimed', host: 'web1', tx });
const settled: RunEvent = { type: 'settled', host: 'web1', tx: 'tx-1', how: 'reverted' };
const ended = (verdict: Verdict): RunEvent => ({
  type: 'host-ended',
  result: { host: 'web1', verdict, changes: [], findings: [], checks: [], failure: null, durationMs: 1 },
});
const cutOff = record('1', [begun, claimed('tx-1')]);

describe('a host whose run was cut off in its transaction', () => {
  test.each<readonly [string, readonly RunEvent[], boolean]>([
    ['a later run that skipped it', [ended('skipped')], true],
    ['a later run that did not reach it', [begun, ended('unreachable')], true],
    ['a later run that found it held', [begun, ended('refused')], true],
    ['a later run that nobody could see the end of', [begun, ended('stranded')], true],
    ['a later run that asked it, and was refused by a finding', [begun, settled, ended('refused')], false],
    ['a later run that confirmed it', [begun, claimed('tx-2'), ended('confirmed')], false],
    ['a later run that found it as declared', [begun, ended('unchanged')], false],
    ['a later run that put it back', [begun, claimed('tx-2'), ended('rolled-back')], false],
  ])('is unfinished after %s: %#', (_, events, unfinished) => {
    const later = record('2', events, { command: 'resume', resumes: '1' });
    expect(standingsOf('1', [later, cutOff]).map(isUnfinished)).toEqual([unfinished]);
  });

  test('and again in a later run: the later transaction is the one to ask about', () => {
    const later = record('2', [begun, claimed('tx-2')], { command: 'resume', resumes: '1' });
    expect(standingsOf('1', [cutOff, later])).toMatchObject([{ open: { tx: 'tx-2', run: '2' } }]);
  });

  test('is done with after a rollback that was confirmed there', () => {
    const later = record('2', [begun, claimed('tx-2'), ended('confirmed')], { command: 'rollback' });
    expect(standingsOf('1', [later, cutOff])).toMatchObject([{ isRollback: true, open: null }]);
    expect(standingsOf('1', [later, cutOff]).map(isAtGoal)).toEqual([true]);
  });

  test('is not settled by its namesake in another inventory', () => {
    const other = record('2', [begun, ended('confirmed')], { inventory: '/b.yml' });
    expect(standingsOf('1', [cutOff, other]).map(isUnfinished)).toEqual([true]);
  });

  test('is settled by the run that resumed it, wherever that read its inventory', () => {
    const other = record('2', [begun, ended('confirmed')], { inventory: '/b.yml', resumes: '1' });
    expect(standingsOf('1', [cutOff, other]).map(isAtGoal)).toEqual([true]);
  });

  test('is told by its claim where the journal lost its first line', () => {
    const torn = record('1', [claimed('tx-1')], null);
    expect(newestUnfinished([torn], new Set())?.run).toBe('1');
    const resumed = record('2', [begun, ended('confirmed')], { resumes: '1' });
    expect(newestUnfinished([torn, resumed], new Set())).toBeNull();
  });
});

describe('a host that a run did not begin', () => {
  const yesterday = record('1', [begun, ended('confirmed')]);
  test.each<readonly [string, readonly RunEvent[]]>([
    ['was skipped', [ended('skipped')]],
    ['was still waiting when its controller died', []],
  ])('since it %s is left to be done, whatever an older run brought it to', (_, events) => {
    const today = record('2', events);
    expect(standingsOf('2', [yesterday, today])).toMatchObject([{ run: '2', begun: false, open: null }]);
    expect(standingsOf('2', [yesterday, today]).map(isUnfinished)).toEqual([true]);
    expect(standingsOf('2', [yesterday, today]).map(isAtGoal)).toEqual([false]);
    expect(newestUnfinished([yesterday, today], new Set())?.run).toBe('2');
    // Of yesterday's run nothing is left.
    expect(standingsOf('1', [yesterday, today]).map(isAtGoal)).toEqual([true]);
    const resumed = record('3', [begun, ended('unchanged')], { resumes: '2' });
    expect(standingsOf('2', [yesterday, today, resumed]).map(isAtGoal)).toEqual([true]);
    const skippedAgain = record('3', [ended('skipped')], { resumes: '2' });
    expect(standingsOf('2', [yesterday, today, skippedAgain]).map(isUnfinished)).toEqual([true]);
  });
});

describe('the newest unfinished run', () => {
  test('is none that only looked', () => {
    expect(newestUnfinished([record('1', [begun], { command: 'verify' })], new Set())).toBeNull();
  });

  test('is not one that is still under way, and not one whose host such a run has or is yet to begin', () => {
    const later = record('2', [begun]);
    expect(newestUnfinished([cutOff, later], new Set())?.run).toBe('2');
    expect(newestUnfinished([cutOff, later], new Set(['2']))).toBeNull();
    const yetToBegin = record('2', [], { resumes: '1' });
    expect(newestUnfinished([cutOff, yetToBegin], new Set(['2']))).toBeNull();
    expect(newestUnfinished([cutOff, yetToBegin], new Set())?.run).toBe('2');
    const elsewhere = record('2', [begun], { inventory: '/b.yml' });
    expect(newestUnfinished([cutOff, elsewhere], new Set(['2']))?.run).toBe('1');
  });
});

const rollback = (events: readonly RunEvent[]): readonly boolean[] =>
  standingsOf('1', [record('1', events, { command: 'rollback' })]).map(isUnfinished);

describe('a rollback', () => {
  test('that was cut off in the middle of a host is there to be settled', () => {
    expect(rollback([begun, claimed('tx-1')])).toEqual([true]);
    expect(rollback([begun])).toEqual([true]);
    expect(rollback([begun, claimed('tx-1'), ended('stranded')])).toEqual([true]);
  });

  test('that has not begun with a host is nothing for resume, which would apply', () => {
    expect(rollback([])).toEqual([false]);
    expect(rollback([ended('skipped')])).toEqual([false]);
    expect(rollback([begun, ended('refused')])).toEqual([false]);
  });
});

describe('the rest of a rollback that resume has settled', () => {
  test('is that of a rollback still: a second resume applies nothing there', () => {
    const rollback = record('1', [begun, claimed('tx-1')], { command: 'rollback' });
    const first = record('2', [begun, ended('stranded')], { command: 'resume', resumes: '1' });
    expect(standingsOf('2', [rollback, first])).toMatchObject([{ run: '2', open: { tx: 'tx-1' } }]);
    expect(standingsOf('2', [rollback, first]).map(isOver)).toEqual([true]);
  });
});

const on = (host: string, ...events: readonly RunEvent[]): readonly RunEvent[] =>
  events.map((event) =>
    event.type === 'host-ended'
      ? { ...event, result: { ...event.result, host } }
      : ({ ...event, host } as RunEvent),
  );
const undoneOf = (run: string, records: readonly RunRecord[], alive?: ReadonlySet<string>) =>
  standingsOf(run, records, alive).flatMap(({ host, toUndo }) => (toUndo === null ? [] : [[host, toUndo]]));

describe('hosts of a run that failed and was to undo itself', () => {
  const rollout = makeRollout(['web1', 'web2', 'web3'], ['web1'], {
    ...DEFAULT_RULES,
    onFailure: 'rollback-run',
  });
  const start = { hosts: ['web1', 'web2', 'web3'], rollout };
  const done = on('web1', begun, claimed('tx-1'), ended('confirmed'));
  const failed = on('web2', begun, ended('unreachable'));
  const middle = on('web3', begun, claimed('tx-3'));
  test('are to be undone also where only a later run has seen that they were confirmed', () => {
    const run = record('1', [...done, ...failed, ...middle], start);
    const later = record('2', on('web3', begun, settled, ended('confirmed')), {
      command: 'resume',
      resumes: '1',
      hosts: ['web3'],
    });
    expect(undoneOf('1', [run, later])).toEqual([
      ['web1', '1'],
      ['web3', '1'],
    ]);
    expect(newestUnfinished([run, later], new Set())?.run).toBe('2');
  });

  test('and what it did not see the end of is not applied by a second resume, either', () => {
    const run = record('1', [...done, ...failed, ...middle], start);
    const later = record('2', on('web3', begun, ended('stranded')), {
      command: 'resume',
      resumes: '1',
      hosts: ['web3'],
    });
    expect(standingsOf('2', [run, later]).map(isOver)).toEqual([true]);
  });

  test('are those of the runs before it, too, and none while it is under way', () => {
    const first = record('1', done, start);
    const second = record('2', on('web2', begun, ended('refused')), {
      command: 'resume',
      resumes: '1',
      hosts: ['web2', 'web3'],
      rollout: { ...rollout, waves: rollout.waves.slice(1) },
    });
    expect(undoneOf('1', [first, second])).toEqual([['web1', '1']]);
    expect(undoneOf('1', [first, second], new Set(['2']))).toEqual([]);
    expect(undoneOf('1', [first])).toEqual([]);
  });

  test.each<readonly [string, readonly RunEvent[], boolean]>([
    ['did it', on('web1', begun, claimed('tx-9'), ended('confirmed')), false],
    ['had nothing to do', on('web1', begun, ended('unchanged')), false],
    ['failed', on('web1', begun, claimed('tx-9'), ended('rolled-back')), true],
    ['was killed over it', on('web1', begun, claimed('tx-9')), true],
    ['did not begin', on('web1', ended('skipped')), true],
  ])('are so after a rollback that %s: %#', (_, events, expected) => {
    const run = record('1', [...done, ...failed], start);
    const rollback = record('2', events, { command: 'rollback', undoes: '1' });
    expect(standingsOf('1', [run, rollback]).map(isToBeUndone)).toEqual([expected, false, false]);
    const resumed = record('3', on('web1', begun, settled, ended('rolled-back')), {
      command: 'resume',
      resumes: '2',
    });
    const isCutOff = events.length === 2 && events[1]?.type === 'claimed';
    if (isCutOff) expect(undoneOf('1', [run, rollback, resumed])).toEqual([['web1', '1']]);
  });

  test('are not where a later apply has taken them: that is what somebody wants now', () => {
    const run = record('1', [...done, ...failed], start);
    const later = record('2', on('web1', begun, ended('unchanged')));
    expect(undoneOf('1', [run, later])).toEqual([]);
  });
});
