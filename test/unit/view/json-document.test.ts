import { expect, test } from 'vitest';
import { jsonDocument } from '../../../src/view/json-document.ts';

test('the document has exactly the fields of the contract', () => {
  const document = jsonDocument('20261122-054735-ab12', 'apply', {
    exitCode: 1,
    results: [
      {
        host: 'h1',
        verdict: 'confirmed',
        changes: [{ step: 'pam-sshd', kind: 'file', target: '/etc/pam.d/sshd', why: ['content differs'] }],
        findings: [],
        checks: [{ phase: 'rehearse', title: 'ada\u001b[0m', must: 'get-in', result: 'in', durationMs: 3 }],
        failure: null,
        durationMs: 4120,
      },
      {
        host: 'h2',
        verdict: 'refused',
        changes: [],
        findings: [{ rule: 'group-unresolved', persona: 'host', message: 'no group', severity: 'breach' }],
        checks: [],
        failure: { step: 'connect', reason: 'link', message: 'gone\u001b[0m' },
        durationMs: 7,
      },
    ],
    waves: [
      {
        kind: 'canary',
        hosts: ['h1'],
        bakeS: 60,
        wave: 1,
        startedAt: 0,
        endedAt: 90_000,
        bake: {
          hosts: ['h1'],
          startedAt: 10_000,
          endedAt: 80_000,
          decision: 'confirm',
          why: 'well\u001b[0m',
        },
        gate: { decision: 'go-on', why: 'no host failed\u001b[0m', failures: 0, at: 90_001 },
      },
      {
        kind: 'serial',
        hosts: ['h2'],
        bakeS: 0,
        wave: 2,
        startedAt: null,
        endedAt: null,
        bake: null,
        gate: null,
      },
    ],
  });
  expect(document).toEqual({
    run: '20261122-054735-ab12',
    command: 'apply',
    exitCode: 1,
    rollbacks: [],
    hosts: [
      {
        host: 'h1',
        verdict: 'confirmed',
        changes: [{ step: 'pam-sshd', kind: 'file', target: '/etc/pam.d/sshd' }],
        findings: [],
        checks: [
          {
            phase: 'rehearse',
            title: expect.not.stringContaining('\u001b'),
            must: 'get-in',
            result: 'in',
            durationMs: 3,
          },
        ],
        failure: null,
        durationMs: 4120,
        wave: 1,
      },
      {
        host: 'h2',
        verdict: 'refused',
        changes: [],
        findings: [{ rule: 'group-unresolved', severity: 'breach', persona: 'host', message: 'no group' }],
        checks: [],
        failure: { step: 'connect', reason: 'link', message: expect.not.stringContaining('\u001b') },
        durationMs: 7,
        wave: 2,
      },
    ],
    waves: [
      {
        wave: 1,
        kind: 'canary',
        hosts: ['h1'],
        bakeS: 60,
        startedAt: '1970-01-01T00:00:00.000Z',
        endedAt: '1970-01-01T00:01:30.000Z',
        bake: { decision: 'confirm', why: expect.not.stringContaining('\u001b') },
        gate: { decision: 'go-on', why: expect.not.stringContaining('\u001b'), failures: 0 },
      },
      {
        wave: 2,
        kind: 'serial',
        hosts: ['h2'],
        bakeS: 0,
        startedAt: null,
        endedAt: null,
        bake: null,
        gate: null,
      },
    ],
  });
});
