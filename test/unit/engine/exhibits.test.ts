import { describe, expect, test } from 'vitest';
import type { Change } from '../../../src/core/change.ts';
import type { LoginTable } from '../../../src/core/login-table.ts';
import { makeExhibits } from '../../../src/engine/exhibits.ts';

const change = (after: string): Change => ({
  kind: 'file',
  step: 'sudoers',
  target: '/etc/sudoers.d/x',
  why: ['is missing'],
  content: new TextEncoder().encode(after),
  mode: 0o440,
  secret: false,
  shown: { before: null, after },
});
const plan = (host: string, ...changes: readonly Change[]) => ({ host, changes, findings: [], digest: 'd' });
const TABLE: LoginTable = { kind: 'logins', rows: [], keyOnly: [] };

describe('what plans show', () => {
  test('is told once, however many hosts have it in common', () => {
    const { ofPlan: show } = makeExhibits();
    const first = show(plan('web1', change('a\n')), { now: TABLE, after: TABLE });
    const second = show(plan('web2', change('a\n')), { now: TABLE, after: TABLE });
    expect(Object.keys(first.exhibits ?? {})).toHaveLength(2);
    expect(second.exhibits).toBeUndefined();
    expect(second.changes).toEqual(first.changes);
    expect(second.logins).toEqual(first.logins);
  });

  test('is told of each host that differs', () => {
    const { ofPlan: show } = makeExhibits();
    const first = show(plan('web1', change('a\n')), null);
    const second = show(plan('web2', change('b\n')), null);
    expect(second.changes[0]?.diff).not.toBe(first.changes[0]?.diff);
    expect(Object.keys(second.exhibits ?? {})).toEqual([second.changes[0]?.diff]);
  });

  test('never holds what a change must not show', () => {
    const { ofPlan: show } = makeExhibits();
    const secret = { ...change('skey = [secret]\n'), content: new TextEncoder().encode('hunter2') };
    expect(JSON.stringify(show(plan('web1', secret), null))).not.toContain('hunter2');
  });
});
