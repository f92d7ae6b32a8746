import { describe, expect, test } from 'vitest';
import { STEPS } from '../../../src/steps/index.ts';
import { differences, planHost } from '../../../src/steps/plan-host.ts';
import {
  afterChanges,
  exampleFacts,
  exampleSettings,
  exampleTools,
  fileOf,
  SKEY,
  STOCK_SSHD_PAM,
} from '../../support/example-host.ts';

const tools = exampleTools();
const settings = exampleSettings();
const settled = (facts = exampleFacts()) =>
  afterChanges(facts, planHost(facts, settings, tools).changes, settings);

describe('the plan of a host', () => {
  test('a stock host gets everything, in the order of activation', () => {
    const plan = planHost(exampleFacts(), settings, tools);
    expect(plan.changes.map(({ kind, target }) => `${kind} ${target}`)).toEqual([
      'file /etc/ssh/sshd_config.d/00-duo-fleet.conf',
      'reload ssh',
      'file /etc/apt/keyrings/duo-security.gpg',
      'file /etc/apt/sources.list.d/duosecurity.list',
      'packages duo-unix',
      'file /etc/duo/pam_duo.conf',
      'file /etc/sudoers.d/sudo_timestamp_timeout',
      'file /var/lib/duo-fleet/base/sudo',
      'file /etc/pam.d/sudo',
      'file /var/lib/duo-fleet/base/sudo-i',
      'file /etc/pam.d/sudo-i',
      'file /var/lib/duo-fleet/base/sshd',
      'file /etc/pam.d/sshd',
    ]);
    expect(plan.findings).toEqual([]);
    const order = STEPS.map((step) => step.id);
    const steps = plan.changes.map((change) => order.indexOf(change.step));
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  });
  test('after it is carried out there is nothing left to do, and nothing differs', () => {
    expect(planHost(settled(), settings, tools)).toMatchObject({ changes: [], findings: [] });
    expect(differences(settled(), settings, tools)).toEqual([]);
  });
  test('any file of ours that is changed, opened up or removed is mended, and verify names it', () => {
    const compliant = settled();
    const planned = planHost(exampleFacts(), settings, tools).changes.filter(
      (change) => change.kind === 'file',
    );
    for (const { target, mode } of planned) {
      const live = compliant.files[target];
      if (live?.kind !== 'file') throw new Error(target);
      const variants = [
        { ...live, sha256: '0'.repeat(64), text: `# duo-fleet: x\n${live.text ?? ''}` },
        { ...live, mode: mode ^ 0o004 },
        { ...live, owner: 'daemon' },
        { kind: 'absent' } as const,
      ];
      for (const variant of variants) {
        // A file that is read back is checked against its digest, so a changed text carries its own.
        const changed =
          variant.kind === 'file' && variant.text !== live.text
            ? { ...fileOf(variant.text ?? ''), mode: live.mode }
            : variant;
        const facts = { ...compliant, files: { ...compliant.files, [target]: changed } };
        if (target.startsWith('/var/lib/duo-fleet/base/')) continue;
        const plan = planHost(facts, settings, tools);
        expect(plan.changes.map((change) => change.target)).toContain(target);
        expect(differences(facts, settings, tools).map((difference) => difference.target)).toContain(target);
        expect(afterChanges(facts, plan.changes, settings).files[target]).toEqual(compliant.files[target]);
      }
    }
  });
  test('a base that is lost is made again from the live file', () => {
    const compliant = settled();
    const path = '/var/lib/duo-fleet/base/sshd';
    const facts = { ...compliant, files: { ...compliant.files, [path]: { kind: 'absent' } as const } };
    const plan = planHost(facts, settings, tools);
    expect(plan.changes.map((change) => change.target)).toEqual([path]);
    expect(afterChanges(facts, plan.changes, settings).files[path]).toEqual(fileOf(STOCK_SSHD_PAM, 0o600));
  });
  test('its digest follows what is done and not why', () => {
    const digest = (facts = exampleFacts(), tool = tools) => planHost(facts, settings, tool).digest;
    const older = { 'duo-unix': { status: 'installed', version: '2.0.4-0', origins: [] } };
    const oldest = { 'duo-unix': { status: 'installed', version: '2.0.3-0', origins: [] } };
    expect(digest()).toBe(digest());
    expect(digest(exampleFacts({ packages: older }))).toBe(digest(exampleFacts({ packages: oldest })));
    expect(digest(exampleFacts({ packages: older }))).not.toBe(digest());
    expect(digest(exampleFacts(), { ...tools, keyring: new Uint8Array([1]) })).not.toBe(digest());
  });
  test('the secret key is in the bytes of pam_duo.conf and nowhere else', () => {
    const plan = planHost(exampleFacts(), settings, tools);
    const holders = plan.changes.filter(
      (change) => change.kind === 'file' && new TextDecoder().decode(change.content).includes(SKEY),
    );
    expect(holders.map((change) => change.target)).toEqual(['/etc/duo/pam_duo.conf']);
    const withoutBytes = plan.changes.map((change) =>
      change.kind === 'file' ? { ...change, content: null } : change,
    );
    expect(JSON.stringify([withoutBytes, plan.findings])).not.toContain(SKEY);
  });
  test('a host that is not supported is refused and nothing is planned', () => {
    const facts = exampleFacts({ architecture: 'arm64' });
    expect(planHost(facts, settings, tools)).toMatchObject({
      changes: [],
      findings: [{ rule: 'platform-unsupported', severity: 'breach' }],
    });
    expect(differences(facts, settings, tools)).toMatchObject([{ step: 'host' }]);
  });
  test('a link where a file belongs is refused', () => {
    const facts = exampleFacts({
      files: { '/etc/duo/pam_duo.conf': { kind: 'other', what: 'a symbolic link to /x' } },
    });
    expect(planHost(facts, settings, tools).findings).toMatchObject([
      { rule: 'not-a-plain-file', severity: 'breach' },
    ]);
  });
});
