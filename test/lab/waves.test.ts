// A rollout over six whole hosts: the canary first, gates, a budget, and bakes that put the canary back.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RecordedEvent } from '../../src/core/event.ts';
import { parseJournal } from '../../src/engine/journal.ts';
import { numberedHosts } from '../support/lab-hosts.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import {
  automationGetsIn,
  hostState,
  productFor,
  type Product,
  type ProductRun,
} from '../support/product.ts';

const HOSTS = numberedHosts(6);
const [FIRST = '', SECOND = '', THIRD = ''] = HOSTS;
const EDITED = '/etc/sudoers.d/sudo_timestamp_timeout';
const SHORT_BAKE = ['--bake', '10s', '--lease', '20'];

let fleet: LabFleet;
let product: Product;
let inventory: string;
const before = new Map<string, string>();

beforeAll(async () => {
  fleet = await freshFleet({ name: 'waves', hosts: HOSTS });
  product = await productFor(fleet);
  inventory = await product.inventory({
    canary_user: 'canary',
    canary_private_key_file: fleet.userKeyFile('canary'),
  });
  for (const host of fleet.hosts) before.set(host.name, await hostState(host));
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});
beforeEach(async () => {
  await fleet.duo.decide('*', 'default');
  await fleet.duo.decide('canary', 'bypass');
  await Promise.all(fleet.hosts.map((host) => host.reset()));
});

/** The usual canary and budget, which the other lab tests do without. */
const WAVES = ['--canary', '1', '--max-failures', '0'];
const apply = (flags: readonly string[]): Promise<ProductRun> => product.run(['apply', inventory, ...flags]);
const eventsOf = async (run: string): Promise<readonly RecordedEvent[]> =>
  parseJournal(await product.journal(run)).events;
const startedIn = (events: readonly RecordedEvent[]): readonly string[] =>
  events.flatMap((event) => (event.type === 'host-started' ? [event.host] : []));

async function expectAsItWas(host: LabHost): Promise<void> {
  expect((await hostState(host)).split('\n')).toEqual(before.get(host.name)?.split('\n'));
  expect((await host.shell('ls /var/lib/duo-fleet/active 2>/dev/null')).stdout).toBe('');
}
/** A host that is refused as soon as it has been looked at. */
const sicken = async (name: string): Promise<void> => {
  expect((await fleet.host(name).shell('groupdel sg_sudo')).code).toBe(0);
};
const untouched = (host: LabHost) =>
  host.shell('ls -d /var/lib/duo-fleet 2>/dev/null').then(({ stdout }) => stdout === '');

test('the canary has come to its end before any other host begins, and a wave before the next', async () => {
  const { json, code } = await apply([...WAVES, '--serial', '2,100%', '--reason', 'CHG-4711: "Duo" $(id)']);
  expect([code, json.waves.map(({ hosts }) => hosts.length)]).toEqual([0, [1, 2, 3]]);
  expect(json.waves.map(({ gate }) => gate?.decision ?? null)).toEqual(['go-on', 'go-on', null]);
  const events = await eventsOf(json.run);
  const began = (host: string) =>
    events.findIndex((event) => event.type === 'host-started' && event.host === host);
  const ended = (host: string) =>
    events.findIndex((event) => event.type === 'host-ended' && event.result.host === host);
  for (const [index, wave] of json.waves.slice(1).entries()) {
    const last = Math.max(...(json.waves[index]?.hosts ?? []).map(ended));
    expect(Math.min(...wave.hosts.map(began))).toBeGreaterThan(last);
  }
  // Why, as it was typed: in the journal, in the host's own log, in its syslog, and with what it keeps.
  expect(events[0]).toMatchObject({ type: 'run-started', reason: 'CHG-4711: "Duo" $(id)' });
  const kept = await fleet
    .host(FIRST)
    .shell(
      `journalctl -t duo-fleet -o cat --no-pager; cat /var/lib/duo-fleet/log; cat /var/lib/duo-fleet/snapshots/*/owner`,
    );
  expect(kept.stdout).toMatch(
    new RegExp(`run ${json.run} of \\S+ begins on this host: CHG-4711: "Duo" \\$\\(id\\)`),
  );
  expect(kept.stdout).toContain('why: CHG-4711: "Duo" $(id)');
  expect(kept.stdout).toContain('reason=CHG-4711: "Duo" $(id)');
});

describe('a sick host', () => {
  test('as the canary halts the run: no other host is so much as connected to, and resume does them', async () => {
    await sicken(FIRST);
    const { verdicts, code, json } = await apply(WAVES);
    expect(verdicts).toEqual({
      ...Object.fromEntries(HOSTS.map((name) => [name, 'skipped'])),
      [FIRST]: 'refused',
    });
    expect(code).toBe(1);
    expect(json.waves[0]?.gate).toEqual({
      decision: 'halt',
      why: `1 host failed, and none may: ${FIRST} refused`,
      failures: 1,
    });
    expect(startedIn(await eventsOf(json.run))).toEqual([FIRST]);
    for (const host of fleet.hosts) expect(await untouched(host)).toBe(true);
    await fleet.host(FIRST).shell('groupadd -g 2102 sg_sudo && usermod -aG sg_sudo bob');
    const resumed = await product.run(['resume', '--yes', ...WAVES.slice(2)], { DUO_FLEET_CANARY: '' });
    expect(resumed.verdicts).toEqual(Object.fromEntries(HOSTS.map((name) => [name, 'confirmed'])));
    expect(resumed.json.waves.map(({ kind, hosts }) => [kind, hosts.length])).toEqual([
      ['canary', 1],
      ['serial', 5],
    ]);
  });

  test('with --on-failure rollback-run puts back what the run had confirmed: every host is as it was', async () => {
    await sicken(THIRD);
    const flags = [...WAVES, '--serial', '1', '--on-failure', 'rollback-run', '--reason', 'CHG-9'];
    const run = await apply(flags);
    expect(run.verdicts).toMatchObject({ [FIRST]: 'confirmed', [SECOND]: 'confirmed', [THIRD]: 'refused' });
    const [undone] = run.json.rollbacks;
    expect(undone?.hosts.map(({ host, verdict }) => [host, verdict])).toEqual([
      [FIRST, 'confirmed'],
      [SECOND, 'confirmed'],
    ]);
    expect(run.code).toBe(1);
    for (const name of [FIRST, SECOND]) {
      await expectAsItWas(fleet.host(name));
      expect(await automationGetsIn(fleet, fleet.host(name))).toBe(true);
    }
    expect((await product.text(['resume', '--yes'])).stdout).toContain('Nothing to resume');
  });

  test('is tolerated where one may fail, and the second one is not', async () => {
    await sicken(SECOND);
    await sicken(THIRD);
    const { verdicts, json } = await apply(['--canary', '1', '--serial', '1', '--max-failures', '1']);
    expect(HOSTS.map((name) => verdicts[name])).toEqual([
      'confirmed',
      'refused',
      'refused',
      'skipped',
      'skipped',
      'skipped',
    ]);
    expect(json.waves[1]?.gate).toMatchObject({ decision: 'go-on', failures: 1 });
    expect(json.waves[2]?.gate).toMatchObject({ decision: 'halt', failures: 2 });
    for (const name of HOSTS.slice(3)) expect(await untouched(fleet.host(name))).toBe(true);
  });
});

/** An apply whose canary is in its bake, and what comes of it. */
const inBake = (flags: readonly string[] = SHORT_BAKE) =>
  product.startUntil(['apply', inventory, ...WAVES, ...flags], '"type":"bake-started"');

describe('a bake', () => {
  test('that nothing disturbs outlasts the lease, and then the others follow', async () => {
    const { verdicts, json } = await apply([...WAVES, '--bake', '30s', '--lease', '20']);
    expect(verdicts).toEqual(Object.fromEntries(HOSTS.map((name) => [name, 'confirmed'])));
    expect(json.waves[0]?.bake?.decision).toBe('confirm');
    const events = await eventsOf(json.run);
    const at = (type: string) => events.find((event) => event.type === type)?.at ?? 0;
    expect(at('bake-ended') - at('bake-started')).toBeGreaterThanOrEqual(30_000);
  });

  test.each<[string, string, (host: LabHost) => Promise<unknown>]>([
    ['in which Duo turns its canary user away', 'canary', () => fleet.duo.decide('canary', 'deny')],
    [
      'in which Duo is gone and lets everybody in by its failmode',
      'canary',
      () => fleet.duo.decide('*', 'refuse'),
    ],
    ['in which somebody edits a file of ours', EDITED, (host) => host.shell(`echo '# by hand' >>${EDITED}`)],
    [
      'in which automation’s key is taken away',
      'automation',
      (host) => host.shell('mv ~automation/.ssh/authorized_keys ~automation/.ssh/away'),
    ],
  ])('%s puts the canary back, and no other host is begun', async (_, named, happen) => {
    const host = fleet.host(FIRST);
    const running = await inBake();
    await happen(host);
    expect(await running.ended).toBe(named === EDITED ? 3 : 1);
    const run = await product.newest();
    const events = await eventsOf(run);
    expect(events.find(({ type }) => type === 'bake-ended')).toMatchObject({
      decision: 'revert',
      why: expect.stringContaining(named),
    });
    expect(startedIn(events)).toEqual([FIRST]);
    if (named === 'automation') await host.shell('mv ~automation/.ssh/away ~automation/.ssh/authorized_keys');
    // What somebody else wrote meanwhile is his; everything else is as it was.
    if (named !== EDITED) await expectAsItWas(host);
    expect(await automationGetsIn(fleet, host)).toBe(true);
  });

  test('whose controller is killed leaves a host that puts itself back, as resume --only-settle tells', async () => {
    const host = fleet.host(FIRST);
    const running = await inBake();
    running.kill();
    expect(await running.ended).toBe(-1);
    const settled = await product.run(['resume', '--only-settle'], { DUO_FLEET_CANARY: '' });
    expect(settled.verdicts).toEqual({ [FIRST]: 'rolled-back' });
    await expectAsItWas(host);
  });

  test('that Ctrl-C cuts short puts the canary back at once', async () => {
    const running = await inBake(['--bake', '1h']);
    running.interrupt();
    expect(await running.ended).toBe(130);
    const events = await eventsOf(await product.newest());
    expect(events.find(({ type }) => type === 'bake-ended')).toMatchObject({
      decision: 'revert',
      why: 'SIGINT',
    });
    await expectAsItWas(fleet.host(FIRST));
  });
});
