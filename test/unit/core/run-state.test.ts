import { describe, expect, test } from 'vitest';
import type { RecordedEvent, RunEvent } from '../../../src/core/event.ts';
import { foldRun } from '../../../src/core/run-state.ts';
import type { HostResult } from '../../../src/core/verdict.ts';
import type { Rollout } from '../../../src/core/wave.ts';

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

  test('each wave knows when it began and ended, what came of its bake, and what the gate said', () => {
    const rollout: Rollout = {
      rules: {
        canary: { kind: 'hosts', count: 1 },
        serial: [{ kind: 'percent', percent: 100 }],
        maxFailures: { kind: 'hosts', count: 0 },
        bakeS: 600,
        bakeWaveS: 0,
        onFailure: 'stop',
      },
      waves: [
        { kind: 'canary', hosts: ['web1'], bakeS: 600 },
        { kind: 'serial', hosts: ['web2'], bakeS: 0 },
      ],
      failuresMax: 0,
    };
    const state = foldRun(
      record([
        { ...started, rollout, reason: 'CHG-1' },
        { type: 'wave-started', wave: 1 },
        { type: 'bake-started', wave: 1, hosts: ['web1'], bakeS: 600 },
        { type: 'bake-ended', wave: 1, decision: 'revert', why: 'web1 drifted' },
        { type: 'gate', wave: 1, decision: 'halt', why: 'web1 failed', failures: 1 },
        { type: 'wave-ended', wave: 1 },
      ]),
    );
    expect(state.started).toMatchObject({ rollout, reason: 'CHG-1' });
    expect(state.waves).toEqual([
      {
        kind: 'canary',
        hosts: ['web1'],
        bakeS: 600,
        wave: 1,
        startedAt: 1_001,
        endedAt: 1_005,
        bake: { hosts: ['web1'], startedAt: 1_002, endedAt: 1_003, decision: 'revert', why: 'web1 drifted' },
        gate: { decision: 'halt', why: 'web1 failed', failures: 1, at: 1_004 },
      },
      expect.objectContaining({ wave: 2, startedAt: null, endedAt: null, bake: null, gate: null }),
    ]);
  });

  test('a journal from before there were waves has none', () => {
    const state = foldRun(record([started]));
    expect(state.started).toMatchObject({ rollout: null, reason: null });
    expect(state.waves).toEqual([]);
  });
});
