// Whatever goes wrong in the middle, a host ends as it was, and automation can log in.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { automationGetsIn, guardEnded, hostState, productFor, type Product } from '../support/product.ts';

/** The one with ssh.socket, where a reload kills sshd, and the one where the outdated module is live. */
const HOSTS = ['trixie2', 'legacy1'];
const LEASE_S = 20;

let fleet: LabFleet;
let product: Product;
let inventory: string;
const before = new Map<string, string>();

beforeAll(async () => {
  fleet = await freshFleet({ name: 'failures', hosts: HOSTS });
  product = await productFor(fleet);
  inventory = await product.inventory();
  for (const host of fleet.hosts) before.set(host.name, await hostState(host));
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});
afterEach(async () => {
  await fleet.repository.set('good');
});

/** The promise itself. */
async function expectAsItWas(host: LabHost): Promise<void> {
  expect((await hostState(host)).split('\n')).toEqual(before.get(host.name)?.split('\n'));
  expect(await automationGetsIn(fleet, host)).toBe(true);
  expect((await host.shell('ls /var/lib/duo-fleet/active 2>/dev/null')).stdout).toBe('');
}

describe('a package that', () => {
  test.each([
    ['does not install', 'broken-unpack', 'rolled-back'],
    ['fails in its own script', 'broken-postinst', 'rolled-back'],
    ['has a module that does not load', 'broken-module', 'refused'],
    ['is too old', 'old', 'refused'],
    ['is cut short', 'corrupt', 'refused'],
    ['comes from a repository with another key', 'wrong-key', 'refused'],
    ['cannot be had', 'gone', 'refused'],
  ] as const)('%s leaves every file and package as it was', async (_, kind, verdict) => {
    await fleet.repository.set(kind);
    const apply = await product.run(['apply', inventory]);
    expect(apply.verdicts).toEqual(Object.fromEntries(HOSTS.map((name) => [name, verdict])));
    expect(apply.code).toBe(1);
    for (const { failure } of apply.json.hosts) expect(failure?.message).toBeTruthy();
    for (const host of fleet.hosts) await expectAsItWas(host);
  });
});

describe('a host that', () => {
  test('has no room under the folder of the module keeps what it had', async () => {
    const host = fleet.host('trixie2');
    await host.shell('mkdir -p /usr/lib64/security && mount -t tmpfs -o size=4k tmpfs /usr/lib64/security');
    const apply = await product.run(['apply', '--host', host.name, inventory]);
    expect(['rolled-back', 'refused']).toContain(apply.verdicts[host.name]);
    await host.shell('umount /usr/lib64/security && rmdir /usr/lib64/security');
    await expectAsItWas(host);
  });

  test('has no room for the snapshot is refused before anything is touched', async () => {
    const host = fleet.host('trixie2');
    await host.shell(
      'mkdir -p /var/lib/duo-fleet && mount -t tmpfs -o size=64k,mode=0700 tmpfs /var/lib/duo-fleet',
    );
    const apply = await product.run(['apply', '--host', host.name, inventory]);
    expect(apply.verdicts).toEqual({ trixie2: 'refused' });
    await host.shell('umount /var/lib/duo-fleet');
    await expectAsItWas(host);
  });

  test('rejects the sudoers file or the sshd settings is refused by its own visudo and sshd', async () => {
    const host = fleet.host('trixie2');
    // The host's own tools judge; here they are made to reject whatever is new.
    for (const tool of ['/usr/sbin/visudo', '/usr/sbin/sshd']) {
      const check = tool.endsWith('sshd') ? 'duo-fleet /etc/ssh/sshd_config.d/' : 'duo-fleet /etc/sudoers.d/';
      await host.shell(
        `mv ${tool} ${tool}.real; printf '%s\\n' '#!/bin/sh' 'case "$*" in *-t*|*-c*) if grep -rqs ${check} ; then echo rejected for the test >&2; exit 1; fi ;; esac' 'exec ${tool}.real "$@"' >${tool}; chmod 0755 ${tool}`,
      );
      const apply = await product.run(['apply', '--host', host.name, inventory]);
      await host.shell(`mv ${tool}.real ${tool}`);
      expect([tool, apply.verdicts[host.name]]).toEqual([tool, 'refused']);
      await expectAsItWas(host);
    }
  });
});

describe('the controller', () => {
  test.each([
    '"task":"stage"',
    '"task":"rehearse"',
    '"task":"packages"',
    '"task":"pam-sshd"',
    '"task":"canary"',
  ])('killed at %s leaves a host that is as it was within the lease', async (moment) => {
    const host = fleet.host('trixie2');
    const running = await product.startUntil(
      ['apply', '--host', host.name, '--lease', String(LEASE_S), inventory],
      `"type":"task-started","host":"${host.name}",${moment}`,
    );
    running.kill();
    expect(await running.ended).toBe(-1);
    expect(await guardEnded(host, LEASE_S + 60)).toBe(true);
    await expectAsItWas(host);
  });

  test('cut off in the middle of activation leaves a host that is as it was, and says so', async () => {
    const host = fleet.host('legacy1');
    const running = await product.startUntil(
      ['apply', '--host', host.name, '--lease', String(LEASE_S), inventory],
      '"task":"packages"',
    );
    await host.partition();
    expect(await guardEnded(host, LEASE_S + 60)).toBe(true);
    await host.heal();
    expect(await running.ended).toBe(1);
    expect(await product.journals()).toContain('"verdict":"rolled-back"');
    await expectAsItWas(host);
  });

  test('is refused by name where another one is at work, and does not disturb it', async () => {
    const host = fleet.host('trixie2');
    const first = await product.startUntil(
      ['apply', '--host', host.name, inventory],
      '"type":"task-ended","host":"trixie2","task":"claim"',
    );
    const second = await product.run(['apply', '--host', host.name, inventory]);
    expect(second.verdicts).toEqual({ trixie2: 'refused' });
    expect(second.json.hosts[0]?.failure?.reason).toBe('busy');
    expect(second.json.hosts[0]?.failure?.message).toMatch(/held by .+ since 20\d\d-.+ \(run 20/);
    expect(await first.ended).toBe(0);
    await host.reset();
  });
});

describe('power', () => {
  test.each(['"task":"packages"', '"task":"pam-sshd"', '"task":"canary"'])(
    'lost at %s leaves a host that boots as it was',
    async (moment) => {
      const host = fleet.host('trixie2');
      await host.reset();
      before.set(host.name, await hostState(host));
      const running = await product.startUntil(
        ['apply', '--host', host.name, inventory],
        `"type":"task-started","host":"${host.name}",${moment}`,
      );
      await host.powerOff();
      await host.boot('systemd');
      expect(await guardEnded(host, 90)).toBe(true);
      await expectAsItWas(host);
      expect(await running.ended).toBe(1);
      const again = await product.run(['apply', '--host', host.name, inventory]);
      expect(again.verdicts).toEqual({ trixie2: 'confirmed' });
    },
  );
});
