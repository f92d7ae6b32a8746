// A rollout over twelve whole hosts behind a jump host, with one sick host in each wave.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { numberedHosts } from '../support/lab-hosts.ts';
import { fleetPaths } from '../support/lab-paths.ts';
import { mustRun } from '../support/lab-process.ts';
import { freshFleet, type LabFleet } from '../support/lab.ts';
import { hostState, productFor, type Product, type ProductRun } from '../support/product.ts';

const [GATE = '', ...BEHIND] = numberedHosts(13);
const host = (at: number): string => BEHIND[at - 1] ?? '';
/** A user is missing; the package's own script fails; a file is immutable; nobody answers. One in each wave. */
const SICK = { refused: host(2), package: host(4), immutable: host(7), away: host(12) };
const WAVES = [BEHIND.slice(0, 2), BEHIND.slice(2, 4), BEHIND.slice(4, 8), BEHIND.slice(8)];
const FLAGS = ['--canary', '2', '--serial', '2,4', '--lease', '20', '--reason', 'CHG-12'];

let fleet: LabFleet;
let product: Product;
let folder = '';
let inventory = '';
let run: ProductRun;
const before = new Map<string, string>();

const page = (): string => join(folder, 'run.html');
const only = (names: readonly string[]): readonly string[] => names.flatMap((name) => ['--host', name]);
const rollout = (flags: readonly string[]): Promise<ProductRun> =>
  product.run(['apply', ...FLAGS, ...flags, ...only(BEHIND), inventory]);

beforeAll(async () => {
  fleet = await freshFleet({ name: 'rollout', hosts: [GATE, ...BEHIND] });
  product = await productFor(fleet);
  folder = await mkdtemp(join(tmpdir(), 'duo-fleet-rollout-'));
  inventory = await product.inventory({
    ansible_ssh_common_args: `-o ProxyJump=automation@${GATE}`,
    duo_https_timeout: 30,
  });
  for (const name of BEHIND) {
    const { netns } = fleetPaths(fleet.name).host(name);
    await mustRun(['ip', '-n', netns, 'route', 'replace', 'blackhole', `${fleet.network.bastion}/32`]);
  }
  await fleet.host(SICK.refused).shell('groupdel sg_sudo');
  await fleet.repository.set('broken-postinst', fleet.host(SICK.package).address);
  await fleet
    .host(SICK.immutable)
    .shell('mount --bind /etc/pam.d /etc/pam.d; mount -o remount,ro,bind /etc/pam.d');
  await fleet.host(SICK.away).partition();
  for (const each of fleet.hosts) before.set(each.name, await hostState(each));
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
  await rm(folder, { recursive: true, force: true });
});

describe('with a budget that bears them', () => {
  beforeAll(async () => {
    run = await rollout(['--max-failures', '4', '--report', page()]);
  });

  test('every healthy host is confirmed, every sick one is as it was, and is told with its cause', async () => {
    const failed = run.json.hosts.filter(({ verdict }) => verdict !== 'confirmed');
    expect(failed.map((each) => each.host)).toEqual(Object.values(SICK));
    expect(run.verdicts).toMatchObject({ [SICK.refused]: 'refused', [SICK.away]: 'unreachable' });
    expect(run.code).toBe(1);
    for (const name of [SICK.refused, SICK.package, SICK.immutable]) {
      expect(await hostState(fleet.host(name)), name).toBe(before.get(name));
    }
    for (const { failure, findings } of failed) {
      expect(`${failure?.message ?? ''}${findings.map(({ message }) => message).join()}`).not.toBe('');
    }
  });

  test('waves follow each other, and each gate counts those that had failed by then', () => {
    const { waves } = run.json;
    expect(waves.map(({ hosts }) => hosts)).toEqual(WAVES);
    expect(waves.map(({ gate }) => gate?.failures ?? null)).toEqual([1, 2, 3, null]);
  });

  test('the report shows all of it on one page', async () => {
    const html = await readFile(page(), 'utf8');
    for (const name of BEHIND) expect(html).toContain(name);
    expect(html).toContain('CHG-12');
  });
});
