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
  });
  expect(document).toEqual({
    run: '20261122-054735-ab12',
    command: 'apply',
    exitCode: 1,
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
      },
      {
        host: 'h2',
        verdict: 'refused',
        changes: [],
        findings: [{ rule: 'group-unresolved', severity: 'breach', persona: 'host', message: 'no group' }],
        checks: [],
        failure: { step: 'connect', reason: 'link', message: expect.not.stringContaining('\u001b') },
        durationMs: 7,
      },
    ],
  });
});
