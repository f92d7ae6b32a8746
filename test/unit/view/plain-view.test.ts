import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/core/event.ts';
import type { HostResult } from '../../../src/core/verdict.ts';
import { DEFAULT_RULES } from '../../../src/core/wave.ts';
import { PLAIN_PAINT } from '../../../src/view/paint.ts';
import { plainView } from '../../../src/view/plain-view.ts';

const lines = (events: readonly (RunEvent & { readonly at: number })[]): readonly string[] => {
  const written: string[] = [];
  const view = plainView((line) => written.push(line), { hosts: ['web1', 'database'], paint: PLAIN_PAINT });
  for (const [seq, event] of events.entries()) view.show({ ...event, seq });
  return written;
};

const failure = { step: 'canary', reason: 'locked', message: 'did not get in' } as const;

describe('plain lines', () => {
  test('one for each row that ended, with host, row, outcome, time and words in stable columns', () => {
    expect(
      lines([
        { type: 'task-started', host: 'web1', task: 'rehearse', at: 1_000 },
        { type: 'task-ended', host: 'web1', task: 'rehearse', note: '7 logins', at: 1_840 },
        { type: 'task-started', host: 'database', task: 'canary', at: 2_000 },
        { type: 'task-failed', host: 'database', task: 'canary', failure, at: 4_000 },
        { type: 'noted', host: 'web1', note: 'clock is off', at: 4_000 },
      ]),
    ).toEqual([
      'web1      rehearse        ok        0.8s  7 logins',
      'database  canary          FAILED    2.0s  did not get in',
      'web1      note            note            clock is off',
    ]);
  });

  test('one for each wave that begins, for its bake and for its gate', () => {
    const waves = [
      { kind: 'canary', hosts: ['web1'], bakeS: 600 },
      { kind: 'serial', hosts: ['database'], bakeS: 0 },
    ] as const;
    const started = {
      type: 'run-started',
      run: 'r',
      command: 'apply',
      operator: 'o',
      hosts: [],
      version: 'v',
    } as const;
    const events: readonly RunEvent[] = [
      { ...started, rollout: { rules: DEFAULT_RULES, waves, failuresMax: 0 } },
      { type: 'wave-started', wave: 1 },
      { type: 'bake-started', wave: 1, hosts: ['web1'], bakeS: 600 },
      { type: 'bake-ended', wave: 1, decision: 'confirm', why: 'all is well' },
      { type: 'wave-ended', wave: 1 },
      { type: 'gate', wave: 1, decision: 'go-on', why: 'no host failed', failures: 0 },
      { type: 'wave-started', wave: 2 },
      { type: 'gate', wave: 2, decision: 'halt', why: '1 host failed, and none may', failures: 1 },
      { type: 'bake-ended', wave: 2, decision: 'revert', why: 'drift\u001b[2J' },
    ];
    expect(lines(events.map((event) => ({ ...event, at: 0 })))).toEqual([
      'wave 1 of 2 (canary): 1 host: web1; watched for 10 min before being confirmed',
      'wave 1 of 2 (canary): web1: live, and watched for 10 min',
      'wave 1 of 2 (canary): all is well; confirmed now',
      'wave 1 of 2 (canary) has ended: no host failed',
      'wave 2 of 2: 1 host: database',
      'halted in wave 2 of 2: 1 host failed, and none may',
      expect.stringMatching(/^wave 2 of 2: put back unconfirmed: drift[^\u001b]*$/),
    ]);
  });

  test('a verdict says why, also when only a finding does', () => {
    const result = { changes: [], findings: [], checks: [], failure: null, durationMs: 2_500 } as const;
    const finding = { rule: 'r', persona: 'host', severity: 'breach', message: 'no such group' } as const;
    expect(
      lines([
        { type: 'host-ended', result: { ...result, host: 'web1', verdict: 'confirmed' }, at: 1 },
        { type: 'host-ended', result: { ...result, host: 'web1', verdict: 'rolled-back', failure }, at: 1 },
        {
          type: 'host-ended',
          result: { ...result, host: 'web1', verdict: 'refused', findings: [finding] },
          at: 1,
        },
      ]),
    ).toEqual([
      'web1      verdict         confirmed  2.5s',
      'web1      verdict         rolled-back  2.5s  did not get in',
      'web1      verdict         refused  2.5s  no such group',
    ]);
  });

  test('a reason is told once: neither the row around a failed one nor the verdict says it again', () => {
    const result: HostResult = {
      host: 'web1',
      verdict: 'rolled-back',
      changes: [],
      findings: [],
      checks: [],
      failure: { ...failure, message: 'did not get in. web1 is back to what it was' },
      durationMs: 2_500,
    };
    expect(
      lines([
        { type: 'task-failed', host: 'web1', task: 'packages', failure, at: 1 },
        { type: 'task-failed', host: 'web1', task: 'activate', failure, at: 1 },
        { type: 'task-failed', host: 'database', task: 'activate', failure, at: 1 },
        { type: 'host-ended', result, at: 1 },
      ]),
    ).toEqual([
      'web1      packages        FAILED    0.0s  did not get in',
      'web1      activate        FAILED    0.0s  as above',
      'database  activate        FAILED    0.0s  did not get in',
      'web1      verdict         rolled-back  2.5s  web1 is back to what it was',
    ]);
  });

  test('what only the journal needs makes no line', () => {
    expect(
      lines([
        { type: 'host-started', host: 'web1', at: 1 },
        { type: 'claimed', host: 'web1', tx: 't', at: 1 },
        { type: 'planned', host: 'web1', digest: 'd', changes: [], findings: [], at: 1 },
        { type: 'run-ended', exitCode: 0, at: 1 },
      ]),
    ).toEqual([]);
  });

  test('rows of two hosts that run at the same time keep their own times', () => {
    expect(
      lines([
        { type: 'task-started', host: 'web1', task: 'connect', at: 0 },
        { type: 'task-started', host: 'database', task: 'connect', at: 1_000 },
        { type: 'task-ended', host: 'web1', task: 'connect', note: '', at: 3_000 },
        { type: 'task-ended', host: 'database', task: 'connect', note: '', at: 3_000 },
      ]),
    ).toEqual(['web1      connect         ok        3.0s', 'database  connect         ok        2.0s']);
  });
});
