// plan --out FILE and apply FILE, from argv; the engine is a function that plans what the test says.
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Wire } from '../../../src/cli/carry-run.ts';
import { sha256 } from '../../../src/cli/sha256.ts';
import { parsePlanFile, type ApprovedPlans } from '../../../src/core/approved-plan.ts';
import { makePlan, type Plan } from '../../../src/core/plan.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import { parseJournal } from '../../../src/engine/journal.ts';
import { countingBytes, INVENTORY, invocationsIn, SKEY } from '../../support/invocation.ts';
import { resultOf } from '../../support/run-scene.ts';

const CHANGES = [{ kind: 'reload', step: 'sshd-settings', target: 'ssh', why: [] }] as const;
const planOf = (host: string): Plan => makePlan(host, { changes: CHANGES, findings: [] }, sha256);
const DIGEST = planOf('').digest;

let folder = '';
let call: ReturnType<typeof invocationsIn>['call'];
let runsIn: ReturnType<typeof invocationsIn>['runsIn'];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-plan-'));
  writeFileSync(join(folder, 'inventory.yml'), INVENTORY);
  const invocations = invocationsIn(folder);
  ({ runsIn } = invocations);
  const randomBytes = countingBytes();
  call = (line, wire, overrides) => invocations.call(line, wire, { randomBytes, ...overrides });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);

/** Plans one change on every host, and ends as `ends` says. */
const planning =
  (ends: Readonly<Record<string, Verdict>> = {}): Wire =>
  async (order) =>
  async ({ host }) => {
    const verdict = ends[host] ?? 'planned';
    if (verdict !== 'unreachable') order.onPlan(planOf(host));
    return resultOf(host, verdict);
  };

/** A run that came no further than its first host. */
const cutOff: Wire =
  async () =>
  async ({ host }) =>
    resultOf(host, host === 'web1' ? 'confirmed' : 'skipped');

/** Notes which plan each host was to be measured by. */
const measuring = (): { readonly wire: Wire; readonly seen: Map<string, ApprovedPlans | null> } => {
  const seen = new Map<string, ApprovedPlans | null>();
  const wire: Wire =
    async ({ approved }) =>
    async ({ host }) => {
      seen.set(host, approved);
      return resultOf(host);
    };
  return { wire, seen };
};

const written = async (): Promise<void> => {
  const { exitCode } = await call('plan --out plan.json', planning());
  expect(exitCode).toBe(0);
};

describe('plan --out', () => {
  test('writes what was planned, for the owner and the group, without a secret, and says how it is carried out', async () => {
    const { exitCode, stderr } = await call('plan --out plan.json inventory.yml', planning());
    expect(exitCode).toBe(0);
    expect(stderr).toContain(
      `The plan of 3 hosts is written. This carries it out:\n  duo-fleet apply ${at('plan.json')}\n`,
    );
    const text = readFileSync(at('plan.json'), 'utf8');
    expect(text).not.toContain(SKEY);
    expect(statSync(at('plan.json')).mode & 0o007).toBe(0);
    const plan = parsePlanFile(text, sha256);
    expect([plan.run, plan.inventory]).toEqual([runsIn()[0], at('inventory.yml')]);
    expect([...plan.plans.hosts.keys()]).toEqual(['web1', 'web2', 'db1']);
    expect(plan.plans.hosts.get('db1')?.changes).toEqual([
      {
        step: 'sshd-settings',
        kind: 'reload',
        target: 'ssh',
        digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    ]);
  });

  test('leaves out whom it could not plan, and says so', async () => {
    const wire = planning({ web2: 'unreachable', db1: 'refused' });
    const { exitCode, stderr } = await call('plan --out plan.json', wire);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      'The plan of 1 host is written. Not in it, since they could not be planned: web2, db1.',
    );
    expect([...parsePlanFile(readFileSync(at('plan.json'), 'utf8'), sha256).plans.hosts.keys()]).toEqual([
      'web1',
    ]);
  });

  test('writes nothing over an older plan where no host could be planned', async () => {
    await written();
    const older = readFileSync(at('plan.json'), 'utf8');
    const wire = planning({ web1: 'unreachable', web2: 'unreachable', db1: 'unreachable' });
    const { exitCode, stderr } = await call('plan --out plan.json', wire);
    expect([exitCode, readFileSync(at('plan.json'), 'utf8')]).toEqual([1, older]);
    expect(stderr).toContain('No plan was written');
  });

  test('tells of a folder that is not there before any host is asked', async () => {
    const { exitCode, stderr } = await call('plan --report x.json --out nowhere/plan.json', planning());
    expect([exitCode, runsIn()]).toEqual([2, []]);
    expect(stderr).toContain('--out');
    // Nor is the report's place still taken.
    expect(readdirSync(folder)).toEqual(['inventory.yml']);
  });

  test('overwrites a plan, and nothing else: not the inventory that was named twice by mistake', async () => {
    const { exitCode, stderr } = await call('plan inventory.yml --out inventory.yml', planning());
    expect([exitCode, runsIn()]).toEqual([2, []]);
    expect(stderr).toContain('there is a file that is no plan');
    expect(readFileSync(at('inventory.yml'), 'utf8')).toBe(INVENTORY);
    await written();
    await written();
  });

  test('and a report are no folder and no device, and need a file each', async () => {
    mkdirSync(at('folder'));
    for (const flags of ['--out folder', '--report folder', '--report /dev/null', '--out /dev/null']) {
      const { exitCode, stderr } = await call(`plan ${flags}`, planning());
      expect([exitCode, runsIn()]).toEqual([2, []]);
      expect(stderr).toContain('no ordinary file');
    }
    const { exitCode, stderr } = await call('plan --out x.json --report x.json', planning());
    expect([exitCode, runsIn()]).toEqual([2, []]);
    expect(stderr).toContain('--out and --report need a file each');
  });

  test('behind a link writes the file that the link names, and the link stays', async () => {
    await written();
    symlinkSync('plan.json', at('newest.json'));
    const before = readFileSync(at('plan.json'), 'utf8');
    expect((await call('plan --out newest.json', planning())).exitCode).toBe(0);
    expect(lstatSync(at('newest.json')).isSymbolicLink()).toBe(true);
    expect(readFileSync(at('plan.json'), 'utf8')).not.toBe(before);
  });

  test('is no flag of apply', async () => {
    const { exitCode, stderr } = await call('apply --out x.json --yes');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--out belongs to plan, not to apply');
  });
});

describe('apply of a plan', () => {
  test('takes its inventory and its hosts alone, and measures each by it; the journal says so', async () => {
    await call('plan --out plan.json --host web1 --host db1', planning());
    const { wire, seen } = measuring();
    const { exitCode, stdout } = await call('apply plan.json --yes', wire);
    expect(exitCode).toBe(0);
    expect([...seen.keys()]).toEqual(['web1', 'db1']);
    expect(seen.get('db1')?.hosts.get('db1')?.digest).toBe(DIGEST);
    expect(stdout).not.toContain('web2');
    const run = runsIn().toSorted().at(-1) ?? '';
    const path = join(folder, 'state', 'duo-fleet', 'runs', run, 'events.jsonl');
    const [first] = parseJournal(readFileSync(path, 'utf8')).events;
    expect(first).toMatchObject({
      command: 'apply',
      inventory: at('inventory.yml'),
      approved: { run: seen.get('web1')?.run, hosts: { web1: [DIGEST, expect.any(String)] } },
    });
    const report = JSON.parse((await call(`report ${run} --format json`)).stdout) as { plan: string };
    expect(report.plan).toBe(seen.get('web1')?.run);
  });

  test('asks with the plan’s age and author before it', async () => {
    await written();
    let asked = '';
    const ask = async (text: string): Promise<string> => {
      asked = text;
      return 'n';
    };
    const { exitCode } = await call('apply plan.json', measuring().wire, { ask });
    expect(exitCode).toBe(1);
    expect(asked).toContain('plan.json: made 20');
    expect(asked.replaceAll('\n', ' ')).toContain(
      '3 hosts, 3 of them to be changed. A host that is not as it was then is refused.',
    );
  });

  test('can be narrowed, and looked at with --check', async () => {
    await written();
    const { wire, seen } = measuring();
    await call('apply plan.json --yes --limit web*:!web2', wire);
    expect([...seen.keys()]).toEqual(['web1']);
    const checked = measuring();
    await call('apply --check plan.json', checked.wire);
    expect(checked.seen.get('db1')?.hosts.get('db1')?.digest).toBe(DIGEST);
  });

  test('goes nowhere where its inventory has lost a host, unless others are chosen', async () => {
    await written();
    writeFileSync(at('inventory.yml'), INVENTORY.replace('    web2:\n', ''));
    const { wire, seen } = measuring();
    const refused = await call('apply plan.json --yes', wire);
    expect([refused.exitCode, seen.size]).toEqual([2, 0]);
    expect(refused.stderr).toContain('plan.json plans web2, which');
    expect((await call('apply plan.json --yes --limit web1:db1', wire)).exitCode).toBe(0);
    expect([...seen.keys()]).toEqual(['web1', 'db1']);
  });

  test('that was damaged is refused with its place, and nothing was touched', async () => {
    await written();
    writeFileSync(at('plan.json'), readFileSync(at('plan.json'), 'utf8').slice(0, -40));
    const { exitCode, stderr } = await call('apply plan.json --yes');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/plan\.json:\d+:\d+: it is no whole JSON document/);
    expect(stderr).toContain('Nothing was touched.');
  });

  test.each(['plan', 'verify', 'rollback --yes'])('%s takes none, and says who does', async (command) => {
    await written();
    const { exitCode, stderr } = await call(`${command} plan.json`, measuring().wire);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('plan.json is a plan that plan --out has written, and no inventory: only apply');
  });

  test.each([
    ['beside an inventory', 'apply plan.json -i inventory.yml --yes', {}],
    ['from the environment', 'apply --yes', { DUO_FLEET_INVENTORY: 'plan.json' }],
    ['in a folder that is an inventory', 'apply folder --yes', {}],
  ])('is not taken for an inventory %s', async (_where, line, env) => {
    await written();
    mkdirSync(at('folder'));
    writeFileSync(at('folder/plan.json'), readFileSync(at('plan.json')));
    const { wire, seen } = measuring();
    const { exitCode, stderr } = await call(line, wire, { env: { XDG_STATE_HOME: at('state'), ...env } });
    expect([exitCode, seen.size]).toEqual([2, 0]);
    expect(stderr).toContain('plan.json is a plan that plan --out has written, and no inventory');
    expect(stderr).not.toContain('must be a mapping');
  });

  test('is found at home, too, where no shell has looked', async () => {
    await written();
    const { wire, seen } = measuring();
    const { exitCode } = await call('apply --yes -i=~/plan.json', wire, { home: folder });
    expect([exitCode, seen.size]).toEqual([0, 3]);
  });

  test('does not have a host that is named all the same: nothing is done, rather than a part of it', async () => {
    await call('plan --out plan.json --host web1 --host db1', planning());
    const { wire, seen } = measuring();
    const { exitCode, stderr } = await call('apply plan.json --yes --host web1 --host web2', wire);
    expect([exitCode, seen.size]).toEqual([2, 0]);
    expect(stderr).toContain('plan.json does not plan web2');
  });

  test('holds for the rest of it, too, when it is resumed', async () => {
    await written();
    await call('apply plan.json --yes', cutOff);
    const { wire, seen } = measuring();
    expect((await call('resume --yes', wire)).exitCode).toBe(0);
    expect([...seen.keys()]).toEqual(['web2', 'db1']);
    expect(seen.get('db1')?.hosts.get('db1')).toEqual({
      digest: DIGEST,
      declared: expect.any(String),
      changes: null,
    });
  });
});
