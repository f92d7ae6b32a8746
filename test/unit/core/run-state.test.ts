import { describe, expect, test } from 'vitest';
import type { RecordedEvent, RunEvent } from '../../../src/core/event.ts';
import { foldRun } from '../../../src/core/run-state.ts';
import type { HostResult } from '../../../src/core/verdict.ts';

const record = (events: readonly RunEvent[]): readonly RecordedEvent[] =>
  events.map((event, seq) => ({ ...event, seq, at: 1_000 + seq }));

const result = (host: string, verdict: HostResult['verdict']): HostResult => ({
  host,
  verdict,
  changes: [],
  findings: [],
  checks: [],
  failure: null,
  durationMs: 5,
});

const started: RunEvent = {
  type: 'run-started',
  run: 'r1',
  command: 'apply',
  operator: 'ann@bastion',
  hosts: ['web1', 'web2'],
  version: 'v',
};

describe('the state of a run is what its journal says', () => {
  test('hosts wait until they start, and end with their result', () => {
    const state = foldRun(
      record([
        started,
        { type: 'host-started', host: 'web1' },
        { type: 'host-ended', result: result('web1', 'confirmed') },
        { type: 'run-ended', exitCode: 0 },
      ]),
    );
    expect(state.started).toMatchObject({ run: 'r1', operator: 'ann@bastion', at: 1_000 });
    expect(state.hosts.get('web1')).toMatchObject({ stage: 'ended', result: { verdict: 'confirmed' } });
    expect(state.hosts.get('web2')).toMatchObject({ stage: 'waiting', result: null });
    expect(state.exitCode).toBe(0);
  });

  test('a journal that breaks off shows which host was in which row of which transaction', () => {
    const state = foldRun(
      record([
        started,
        { type: 'host-started', host: 'web1' },
        { type: 'task-started', host: 'web1', task: 'connect' },
        { type: 'task-ended', host: 'web1', task: 'connect', note: '' },
        { type: 'claimed', host: 'web1', tx: 'tx-1' },
        { type: 'task-started', host: 'web1', task: 'activate' },
        { type: 'task-started', host: 'web1', task: 'packages' },
      ]),
    );
    expect(state.hosts.get('web1')).toMatchObject({
      stage: 'running',
      tx: 'tx-1',
      open: ['activate', 'packages'],
    });
    expect(state.exitCode).toBeNull();
  });

  test('a failed row is no longer open, and an interruption is remembered', () => {
    const failure = { step: 'connect', reason: 'link', message: 'gone' } as const;
    const state = foldRun(
      record([
        started,
        { type: 'task-started', host: 'web1', task: 'connect' },
        { type: 'task-failed', host: 'web1', task: 'connect', failure },
        { type: 'interrupted', signal: 'SIGINT' },
      ]),
    );
    expect(state.hosts.get('web1')?.open).toEqual([]);
    expect(state.interrupted).toBe('SIGINT');
  });

  test('without its first line a journal still tells of the hosts it names', () => {
    const state = foldRun(record([{ type: 'claimed', host: 'web9', tx: 'tx-9' }]));
    expect(state.started).toBeNull();
    expect(state.hosts.get('web9')?.tx).toBe('tx-9');
  });
});
