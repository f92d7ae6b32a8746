// A controller is killed at its work, and `duo-fleet resume` finishes what it began, on whole hosts.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { automationGetsIn, hostState, productFor, type Product } from '../support/product.ts';

const HOST = 'bookworm1';
const LEASE_S = 20;

let fleet: LabFleet;
let product: Product;
let inventory: string;
let host: LabHost;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'resume', hosts: [HOST] });
  product = await productFor(fleet);
  inventory = await product.inventory();
  host = fleet.host(HOST);
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});
beforeEach(() => host.reset());

/** An apply that is killed when its journal says this. */
async function killedAt(text: string): Promise<void> {
  const running = await product.startUntil(['apply', '--lease', String(LEASE_S), inventory], text);
  running.kill();
  expect(await running.ended).toBe(-1);
}

async function nothingIsLeft(): Promise<void> {
  expect(
    (await host.shell('ls -A /var/lib/duo-fleet/active /var/lib/duo-fleet/tx/* 2>/dev/null')).stdout,
  ).toBe('');
  expect(await automationGetsIn(fleet, host)).toBe(true);
  const twice = await product.text(['resume', '--yes']);
  expect(twice.code).toBe(0);
  expect(twice.stdout).toContain('Nothing to resume');
}

const rowBegan = (task: string): string => `"type":"task-started","host":"${HOST}","task":"${task}"`;

describe('a controller killed', () => {
  test.each(['download', 'pam-sshd', 'canary'])(
    'in the row %s: resume asks the host, waits for its lease, and brings it there',
    async (task) => {
      await killedAt(rowBegan(task));
      const resumed = await product.run(['resume', '--yes']);
      expect(resumed.verdicts).toEqual({ [HOST]: 'confirmed' });
      expect(resumed.code).toBe(0);
      await nothingIsLeft();
      expect((await product.run(['verify', inventory])).verdicts).toEqual({ [HOST]: 'compliant' });
    },
  );

  test('after its confirmation stood: the host says so, and is left alone', async () => {
    // The record stands from the rename on; what comes after it is made slow, so that no answer is on its way yet.
    await host.shell(
      `printf '%s\\n' '#!/bin/sh' 'case "$*" in */ended/*) sleep 5 ;; esac' 'exec /bin/sync "$@"' >/usr/local/sbin/sync && chmod 0755 /usr/local/sbin/sync`,
    );
    const running = await product.startUntil(['apply', inventory], rowBegan('confirm'));
    const stands = await host.shell(
      'n=0; until grep -qs confirmed /var/lib/duo-fleet/ended/*; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; sleep 0.02; done',
    );
    running.kill();
    expect([stands.code, await running.ended]).toEqual([0, -1]);
    const resumed = await product.run(['resume', '--yes']);
    expect(resumed.verdicts).toEqual({ [HOST]: 'confirmed' });
    expect(resumed.json.hosts[0]?.changes.length).toBeGreaterThan(0);
    expect(await product.journals()).toContain('"type":"settled"');
    await nothingIsLeft();
    expect((await product.run(['verify', inventory])).verdicts).toEqual({ [HOST]: 'compliant' });
  });

  test('in the middle, and only settled: the host is as it was, and the verdict says so', async () => {
    const before = await hostState(host);
    await killedAt(rowBegan('pam-sshd'));
    const settled = await product.run(['resume', '--only-settle']);
    expect(settled.verdicts).toEqual({ [HOST]: 'rolled-back' });
    expect(settled.code).toBe(1);
    expect((await hostState(host)).split('\n')).toEqual(before.split('\n'));
    await nothingIsLeft();
  });
});

test('a run whose controller lives is not resumed', async () => {
  const running = await product.startUntil(['apply', inventory], rowBegan('download'));
  const refused = await product.text(['resume', '--yes']);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/is still under way \(process \d+ on this machine\)/);
  expect(await running.ended).toBe(0);
  await nothingIsLeft();
});
