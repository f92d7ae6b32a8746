import { afterEach, describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/core/event.ts';
import type { HostResult } from '../../../src/core/verdict.ts';
import { listrView } from '../../../src/view/listr-view.ts';
import { PLAIN_PAINT } from '../../../src/view/paint.ts';

const failure = { step: 'canary', reason: 'locked', message: 'did not get in' } as const;
const result = (host: string, rest: Partial<HostResult> = {}): HostResult => ({
  host,
  verdict: 'confirmed',
  changes: [],
  findings: [],
  checks: [],
  failure: null,
  durationMs: 1,
  ...rest,
});

const open = (hosts: readonly string[]) => {
  const view = listrView({
    hosts,
    paint: PLAIN_PAINT,
    terminal: () => ({ lines: 24, columns: 80 }),
    renderer: 'silent',
  });
  let seq = 0;
  const show = (event: RunEvent): void => view.show({ ...event, seq: (seq += 1), at: seq });
  return { view, show };
};

const rejections: unknown[] = [];
const remember = (reason: unknown): void => void rejections.push(reason);
process.on('unhandledRejection', remember);
afterEach(() => {
  rejections.length = 0;
});

describe('rows that await our events', () => {
  test('a row that fails before Listr looks at it does not end the process', async () => {
    const { view, show } = open(['web1']);
    show({ type: 'task-failed', host: 'web1', task: 'connect', failure });
    show({ type: 'host-ended', result: result('web1', { verdict: 'unreachable', failure }) });
    await new Promise((resolve) => setImmediate(resolve));
    await view.close();
    await new Promise((resolve) => setImmediate(resolve));
    expect(rejections).toEqual([]);
  });

  test('the picture closes although rows never ended, hosts never started, and events came twice', async () => {
    const { view, show } = open(['web1', 'web2', 'web3']);
    show({ type: 'host-started', host: 'web1' });
    show({ type: 'task-started', host: 'web1', task: 'activate' });
    show({ type: 'task-started', host: 'web1', task: 'activate' });
    show({ type: 'task-ended', host: 'web2', task: 'confirm', note: '' });
    show({ type: 'host-ended', result: result('web2') });
    show({ type: 'host-ended', result: result('web2') });
    show({ type: 'wave-started', wave: 1 });
    show({ type: 'gate', wave: 1, decision: 'halt', why: 'no', failures: 1 });
    show({ type: 'interrupted', signal: 'SIGINT' });
    view.say('No longer waiting');
    await expect(view.close()).resolves.toBeUndefined();
  });

  test('a host that it was not told of is left out', async () => {
    const { view, show } = open(['web1']);
    show({ type: 'task-started', host: 'stranger', task: 'connect' });
    show({ type: 'host-ended', result: result('stranger') });
    await expect(view.close()).resolves.toBeUndefined();
  });

  test('it does not listen to signals: whoever runs hosts does', async () => {
    const before = process.listenerCount('SIGINT');
    const { view } = open(['web1']);
    await new Promise((resolve) => setImmediate(resolve));
    expect(process.listenerCount('SIGINT')).toBe(before);
    await view.close();
  });
});
