import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  deviationFrom,
  isPlanFile,
  parsePlanFile,
  planFileText,
  PlanFileError,
  type ApprovedPlan,
} from '../../../src/core/approved-plan.ts';
import type { Change } from '../../../src/core/change.ts';
import { changeDigest, planDigest, type Plan } from '../../../src/core/plan.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const HEAD = {
  run: '20261122-054735-ab12',
  madeAt: '2026-11-22T05:47:35.000Z',
  operator: 'ann@bastion',
  inventory: '/srv/inventory.yml',
};
const reload = (target: string): Change => ({ kind: 'reload', step: 'sshd-settings', target, why: ['late'] });
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const approved = (changes: readonly Change[], digest = A): ApprovedPlan => ({
  digest,
  declared: B,
  changes: changes.map(({ step, kind, target, ...more }) => ({
    step,
    kind,
    target,
    digest: changeDigest({ step, kind, target, ...more } as Change, sha256),
  })),
});
const file = (text: string): Change => ({
  kind: 'file',
  step: 'pam-sudo',
  target: '/etc/pam.d/sudo',
  why: [],
  content: new TextEncoder().encode(text),
  mode: 0o644,
  secret: false,
  shown: { before: null, after: text },
});
const asDeclared = { declared: B, sha256 };
const planned = (changes: readonly Change[], digest: string): Plan => ({
  host: 'web1',
  changes,
  findings: [],
  digest,
});

const digestOf = (...changes: readonly Change[]): string =>
  planDigest(
    changes.map((change) => changeDigest(change, sha256)),
    sha256,
  );
const TEXT = planFileText(
  HEAD,
  new Map([
    ['web1', approved([reload('ssh')], digestOf(reload('ssh')))],
    ['web2', approved([], digestOf())],
  ]),
);

describe('the document', () => {
  test('is read as it was written, but for why a change is needed', () => {
    expect(isPlanFile(TEXT)).toBe(true);
    const { plans, ...head } = parsePlanFile(TEXT, sha256);
    expect(head).toEqual(HEAD);
    expect(plans.run).toBe(HEAD.run);
    expect([...plans.hosts]).toEqual([
      [
        'web1',
        {
          digest: digestOf(reload('ssh')),
          declared: B,
          changes: [
            {
              step: 'sshd-settings',
              kind: 'reload',
              target: 'ssh',
              digest: changeDigest(reload('ssh'), sha256),
            },
          ],
        },
      ],
      ['web2', { digest: digestOf(), declared: B, changes: [] }],
    ]);
  });

  test.each(['all:\n  hosts:\n', '{"all": {"hosts": {}}}', '{"x": {"duoFleetPlan": 1}}', ''])(
    'is told from an inventory: %j',
    (text) => {
      expect(isPlanFile(text)).toBe(false);
    },
  );

  test('that was cut short anywhere is refused with a place, and no prefix of it is taken for a plan', () => {
    for (let end = 20; end < TEXT.trimEnd().length; end += 1) {
      const cut = (): unknown => parsePlanFile(TEXT.slice(0, end), sha256);
      expect(cut).toThrow(PlanFileError);
    }
    const at = TEXT.indexOf('"operator"');
    try {
      parsePlanFile(`${TEXT.slice(0, at)}?${TEXT.slice(at)}`, sha256);
      expect.unreachable();
    } catch (thrown) {
      expect(thrown).toMatchObject({ line: 5, column: 3 });
    }
  });

  test('nested without end is refused as any other, and its depth is not followed', () => {
    const deep = `{"duoFleetPlan": ${'['.repeat(200_000)}${']'.repeat(200_000)}}`;
    expect(() => parsePlanFile(deep, sha256)).toThrow('it is a plan of version unknown');
  });

  test.each([
    ['a version that is not known', { duoFleetPlan: 2 }, 'a plan of version 2'],
    [
      'a change taken out of the list, which would be made all the same',
      { hosts: [{ host: 'a', digest: digestOf(reload('ssh')), declared: B, changes: [] }] },
      'hosts[0].changes is not what',
    ],
    ['no run', { run: 7 }, 'run is not what duo-fleet writes there'],
    ['a run that is a path', { run: '../../etc' }, 'run is not what'],
    ['no inventory', { inventory: null }, 'inventory is not what'],
    ['no hosts', { hosts: {} }, 'hosts is not what'],
    ['an empty list of hosts', { hosts: [] }, 'it plans no host'],
    ['a host that is none', { hosts: [3] }, 'hosts[0] is not what'],
    [
      'a host without a name',
      { hosts: [{ host: '', digest: A, declared: B, changes: [] }] },
      'hosts[0].host',
    ],
    [
      'a digest that is none',
      { hosts: [{ host: 'a', digest: 'x', declared: B, changes: [] }] },
      'hosts[0].digest',
    ],
    ['settings without a digest', { hosts: [{ host: 'a', digest: A, changes: [] }] }, 'hosts[0].declared'],
    ['no list of changes', { hosts: [{ host: 'a', digest: A, declared: B }] }, 'hosts[0].changes'],
    [
      'a change that is none',
      { hosts: [{ host: 'a', digest: A, declared: B, changes: [{ step: 1 }] }] },
      'hosts[0].changes[0].step',
    ],
    [
      'a host twice',
      { hosts: [0, 1].map(() => ({ host: 'a', digest: digestOf(), declared: B, changes: [] })) },
      'hosts[1].host',
    ],
  ])('with %s is refused, and says what to do', (_what, edit, message) => {
    const edited = JSON.stringify({ ...(JSON.parse(TEXT) as object), ...edit });
    expect(() => parsePlanFile(edited, sha256)).toThrow(message);
    expect(() => parsePlanFile(edited, sha256)).toThrow(/make it anew|nothing to do/);
  });
});

describe('a host that is looked at again', () => {
  const change = reload('ssh');

  test('may go on where its plan is the same to the byte', () => {
    expect(deviationFrom(approved([change]), planned([change], A), asDeclared)).toBe('');
    expect(deviationFrom(approved([change]), planned([change], A), { declared: 'other', sha256 })).toBe('');
  });

  test('is as it was to be where nothing is left to do about the same settings', () => {
    expect(deviationFrom(approved([change]), planned([], B), asDeclared)).toBe('');
    expect(deviationFrom(approved([change]), planned([], B), { declared: 'other', sha256 })).toContain(
      'the settings of web1 have changed',
    );
  });

  test('is told what is new, what is gone, and what is another', () => {
    const more = deviationFrom(approved([change]), planned([change, reload('sshd')], B), asDeclared);
    expect(more).toBe(
      'web1 has changed since the plan was made: not in the plan: sshd [sshd-settings]. Nothing was touched',
    );
    expect(deviationFrom(approved([change, reload('sshd')]), planned([change], B), asDeclared)).toContain(
      'no longer needed: sshd [sshd-settings]',
    );
    const edited = planned([change, file('by hand')], B);
    expect(deviationFrom(approved([change, file('as it came')]), edited, asDeclared)).toContain(
      'plan was made: another change than planned: /etc/pam.d/sudo [pam-sudo]. Nothing',
    );
    expect(deviationFrom({ ...approved([]), changes: null }, planned([change], B), asDeclared)).toContain(
      'something else would be done now',
    );
  });

  test('names a few, and shows nothing that could steer a terminal', () => {
    const many = Array.from({ length: 9 }, (_, index) => reload(`a${index}\u001B[2J`));
    const text = deviationFrom(approved([]), planned(many, B), asDeclared);
    expect(text).toContain('and 5 more');
    expect(text).not.toContain('\u001B');
  });
});
