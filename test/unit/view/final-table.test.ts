import { describe, expect, test } from 'vitest';
import type { HostResult, Verdict } from '../../../src/core/verdict.ts';
import { finalTable, type TableRun } from '../../../src/view/final-table.ts';
import { paintFor, PLAIN_PAINT } from '../../../src/view/paint.ts';

const FOOT: TableRun = {
  run: '20261122-054735-ab12',
  command: 'apply',
  again: (command, name) => `duo-fleet ${command} site.yml --host ${name}`,
  journal: '/home/ann/.local/state/duo-fleet/runs/r/events.jsonl',
  waves: [],
  isUndone: false,
};

const host = (name: string, verdict: Verdict, rest: Partial<HostResult> = {}): HostResult => ({
  host: name,
  verdict,
  changes: [],
  findings: [],
  checks: [],
  failure: null,
  durationMs: 4_120,
  ...rest,
});

const table = (...results: readonly HostResult[]): string =>
  finalTable(results, PLAIN_PAINT, FOOT).join('\n');

const finding = (severity: 'warning' | 'breach', message: string) => ({
  rule: 'r',
  persona: 'host',
  severity,
  message,
});

describe('the table at the end of a run', () => {
  test('shows verdict, time and what changed', () => {
    const changes = [
      { step: 'packages', kind: 'packages', target: 'duo-unix', why: [] },
      { step: 'pam-sshd', kind: 'file', target: '/etc/pam.d/sshd', why: [] },
      { step: 'pam-sshd', kind: 'file', target: '/var/lib/x', why: [] },
    ] as const;
    expect(table(host('web1', 'confirmed', { changes }))).toMatch(
      /web1 +confirmed +4\.1s {2}packages, pam-sshd\n/,
    );
  });

  test('says what failed and what to do, under the host', () => {
    const failure = { step: 'canary', reason: 'locked', message: 'automation did not get in' } as const;
    const text = table(host('web1', 'rolled-back', { failure }));
    expect(text).toContain('       canary: automation did not get in\n');
    expect(text).toContain('         duo-fleet apply site.yml --host web1\n');
  });

  test('whoever only looked is told to look again, not to change anything', () => {
    const lines = finalTable([host('web1', 'refused')], PLAIN_PAINT, { ...FOOT, command: 'verify' });
    expect(lines).toContain('         duo-fleet verify site.yml --host web1');
    expect(lines.join('\n')).not.toContain('apply');
  });

  test('where another run holds the host there is nothing to remove but to wait', () => {
    const failure = { step: 'observe', reason: 'busy', message: 'held by ann' } as const;
    const text = table(host('web1', 'refused', { failure }));
    expect(text).toContain('When that run has ended:');
    expect(text).not.toContain('Remove the cause');
  });

  test('hosts that were skipped are told of once, not each', () => {
    const text = table(host('web1', 'skipped'), host('web2', 'skipped'));
    expect(text.match(/duo-fleet resume 20261122-054735-ab12/g)).toHaveLength(1);
    expect(text).not.toContain('--host');
    const looked = finalTable([host('web1', 'skipped')], PLAIN_PAINT, { ...FOOT, command: 'verify' });
    expect(looked.join('\n')).toContain('the same command again');
    expect(looked.join('\n')).not.toContain('resume');
  });

  test('a run that was halted says in which wave, why, and whom its bake put back', () => {
    const wave = { kind: 'serial', hosts: ['web1'], bakeS: 0, startedAt: 1, endedAt: 2, bake: null } as const;
    const gate = { decision: 'go-on', why: 'no host failed', failures: 0, at: 3 } as const;
    const bake = { hosts: ['web2'], startedAt: 4, endedAt: 5, decision: 'revert', why: 'drift' } as const;
    const waves: TableRun['waves'] = [
      { ...wave, kind: 'canary', wave: 1, gate },
      {
        ...wave,
        wave: 2,
        bake,
        gate: { ...gate, decision: 'halt', why: '1 host failed, and none may: web2 rolled-back' },
      },
      { ...wave, wave: 3, gate: null, startedAt: null, endedAt: null },
    ];
    const text = finalTable([host('web1', 'skipped')], PLAIN_PAINT, { ...FOOT, waves }).join('\n');
    expect(text).toContain(
      'Halted in wave 2 of 3: 1 host failed, and none may: web2 rolled-back. Its bake\nput back web2.\n',
    );
    expect(table(host('web1', 'confirmed'))).not.toContain('Halted');
  });

  test('a stranded host comes with the command for its console', () => {
    expect(table(host('web1', 'stranded'))).toContain('sh /var/lib/duo-fleet/guard.sh recover');
  });

  test('no line is longer than 80 characters, and no word of a message is lost', () => {
    const message = `${'word '.repeat(60)}/a/${'very-long-path/'.repeat(12)}end`;
    const name = 'a-host-with-a-name-that-is-far-too-long-for-any-column.example.com';
    const verdicts: readonly Verdict[] = [
      'confirmed',
      'refused',
      'stranded',
      'drifted',
      'planned',
      'skipped',
    ];
    const lines = finalTable(
      verdicts.map((verdict) =>
        host(name, verdict, {
          failure: { step: 'connect', reason: 'link', message },
          findings: [{ rule: 'drift-r', persona: 'root', severity: 'breach', message }],
        }),
      ),
      PLAIN_PAINT,
      FOOT,
    );
    const prose = lines.filter((line) => !line.startsWith('         '));
    expect(Math.max(...prose.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines).toContain(`         ${FOOT.again('plan', name)}`);
    expect(lines.join('').replaceAll(' ', '')).toContain(message.replaceAll(' ', ''));
  });

  test('a host cannot paint the terminal with its words', () => {
    const failure = {
      step: 'observe',
      reason: 'exit',
      message: '\u001b[2Jall is well\u001b[0m\r\n\u009b31m',
    } as const;
    expect(table(host('web1', 'refused', { failure }))).not.toMatch(
      /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/,
    );
  });

  test('what stopped the host comes before what it is warned of', () => {
    const findings = (['warning', 'breach'] as const).map((severity) => ({
      rule: 'r',
      persona: 'host',
      severity,
      message: `a ${severity}`,
    }));
    const text = table(host('web1', 'refused', { findings }));
    expect(text.indexOf('a breach [r]')).toBeGreaterThan(-1);
    expect(text.indexOf('a breach [r]')).toBeLessThan(text.indexOf('warning: a warning [r]'));
  });

  test('a rule that the message names already is not named again', () => {
    const message = 'canary got in by failsafe [canary-failsafe]';
    const findings = [{ rule: 'canary-failsafe', persona: 'canary', severity: 'breach', message }] as const;
    expect(table(host('web1', 'drifted', { findings })).match(/\[canary-failsafe\]/g)).toHaveLength(1);
  });

  test('what no file of the host causes is nothing that apply would mend', () => {
    const findings = [
      { rule: 'duo-unreachable', persona: 'host', severity: 'breach', message: 'Duo is away' },
    ] as const;
    const lines = finalTable([host('web1', 'drifted', { findings })], PLAIN_PAINT, {
      ...FOOT,
      command: 'verify',
    });
    expect(lines.join('\n')).not.toMatch(/duo-fleet (?:apply|plan)|not as declared/);
    expect(lines).toContain('         duo-fleet verify site.yml --host web1');
  });

  test('many findings are counted, not poured out', () => {
    const findings = Array.from({ length: 40 }, (_, index) => ({
      rule: `rule-${index}`,
      persona: 'host',
      severity: 'warning' as const,
      message: 'm',
    }));
    const text = table(host('web1', 'compliant', { findings }));
    expect(text).toContain('and 28 more findings');
    expect(text).not.toContain('rule-12');
  });

  test('a warning that several hosts share is told once, with their names; what only two have, and breaches, stay theirs', () => {
    const shared = [finding('warning', 'an old kernel'), finding('breach', 'a door')];
    const text = table(
      host('a', 'refused', { findings: [...shared, finding('warning', 'of two')] }),
      host('b', 'refused', { findings: [...shared, finding('warning', 'of two')] }),
      host('c', 'refused', { findings: shared }),
    );
    expect(text.split('an old kernel')).toHaveLength(2);
    expect(text).toContain('3 hosts (a, b, c):\n       warning: an old kernel [r]\n');
    expect(text.split('a door')).toHaveLength(4);
    expect(text.split('of two')).toHaveLength(3);
  });

  test('counts the verdicts and names run and journal', () => {
    const text = table(host('a', 'confirmed'), host('b', 'confirmed'), host('c', 'refused'));
    expect(text).toContain('3 hosts: 2 confirmed, 1 refused');
    expect(text).toContain(FOOT.run);
    expect(text).toContain(FOOT.journal);
  });

  test('colour changes how it looks and not what it says', () => {
    const results = [host('web1', 'rolled-back'), host('web2', 'confirmed')];
    const painted = finalTable(results, paintFor(true), FOOT).join('\n');
    expect(painted).toContain('\u001b[');
    expect(painted.replaceAll(/\u001b\[\d+m/g, '')).toBe(table(...results));
  });
});
