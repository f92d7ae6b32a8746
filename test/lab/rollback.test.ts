// What `duo-fleet rollback` promises, kept on whole hosts: what was before the run is back, byte for byte, or the host stays.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { foldReport } from '../../src/core/report.ts';
import { parseJournal } from '../../src/engine/journal.ts';
import { holdLocks } from '../support/faults-packages.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { automationGetsIn, hostState, productFor, sshAs, type Product } from '../support/product.ts';

/** bookworm where the outdated module is live, trixie with ssh.socket, and bullseye, where /lib is no link into /usr. */
const HOSTS = ['legacy1', 'trixie2', 'bullseye1'];
/** Where one host is enough: a plain one. */
const ONE = 'bookworm1';
const LEASE_S = 20;
/** Longer than a rollback takes until it changes anything. */
const OTHERS_S = 20;

let fleet: LabFleet;
let product: Product;
let inventory: string;
const before = new Map<string, string>();

beforeAll(async () => {
  fleet = await freshFleet({ name: 'rollback', hosts: [...HOSTS, ONE] });
  product = await productFor(fleet);
  inventory = await product.inventory();
  for (const host of fleet.hosts) before.set(host.name, await hostState(host));
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});

const lines = (state: string | undefined): readonly string[] => (state ?? '').split('\n');

async function expectState(host: LabHost, state: string | undefined): Promise<void> {
  expect(lines(await hostState(host))).toEqual(lines(state));
  expect(await automationGetsIn(fleet, host)).toBe(true);
  const left = await host.shell(
    'ls -d /var/lib/duo-fleet/active /var/lib/duo-fleet/tx/* /etc/.duo-fleet /etc/systemd/system/duo-fleet* 2>/dev/null',
  );
  expect(left.stdout).toBe('');
}

const all = (verdict: string) => Object.fromEntries(HOSTS.map((name) => [name, verdict]));
const onHosts = ['--limit', HOSTS.join(',')];

describe('on bookworm, trixie and bullseye', () => {
  const declared = new Map<string, string>();
  let undone: string;

  test('apply, then rollback without a network for packages: every file and package is as before', async () => {
    expect((await product.run(['apply', ...onHosts, inventory])).verdicts).toEqual(all('confirmed'));
    for (const name of HOSTS) declared.set(name, await hostState(fleet.host(name)));
    await fleet.repository.set('gone');
    const rolled = await product.run(['rollback', ...onHosts, inventory]);
    await fleet.repository.set('good');
    expect(rolled.json.hosts.map(({ failure }) => failure)).toEqual(HOSTS.map(() => null));
    expect(rolled.verdicts).toEqual(all('confirmed'));
    expect([rolled.code, rolled.json.command]).toEqual([0, 'rollback']);
    undone = rolled.json.run;
    for (const name of HOSTS) await expectState(fleet.host(name), before.get(name));
  });

  test('its report tells who gets in now, as the host was read before it went back: members by their key, without Duo', async () => {
    const { events, damage } = parseJournal(await product.journal(undone));
    const report = foldReport(events, { run: undone, damage, isAlive: false, resumedBy: [], undoneBy: [] });
    const member = (name: string) =>
      report.hosts
        .find(({ host }) => host === name)
        ?.logins?.rows.find(({ who }) => who === 'server-access member');
    for (const name of ['trixie2', 'bullseye1']) {
      const proofs = member(name)?.ssh.deny.map((way) => way.proofs);
      expect(proofs, name).toContainEqual(['key']);
    }
  });

  test('what the legacy module asked at a login before is asked again', async () => {
    await fleet.duo.forget();
    await fleet.duo.decide('alice', 'allow');
    const login = await sshAs(fleet, fleet.host('legacy1'), 'alice', {
      password: 'alice-lab-pw',
      methods: 'keyboard-interactive,password',
    });
    expect([login.code, (await fleet.duo.requests()).length > 0]).toEqual([login.code, true]);
  });

  test('the same command again changes nothing, and says how to undo the rollback', async () => {
    const again = await product.run(['rollback', ...onHosts, inventory]);
    expect([again.code, again.verdicts]).toEqual([0, all('unchanged')]);
    for (const { findings } of again.json.hosts) {
      expect(findings[0]?.message).toContain(`--run ${undone}`);
    }
  });

  test('a rollback of the rollback brings back what apply had left, and verify finds it compliant', async () => {
    const redone = await product.run(['rollback', '--run', undone, ...onHosts, inventory]);
    expect(redone.json.hosts.map(({ failure }) => failure)).toEqual(HOSTS.map(() => null));
    expect(redone.verdicts).toEqual(all('confirmed'));
    for (const name of HOSTS) await expectState(fleet.host(name), declared.get(name));
    expect((await product.run(['verify', ...onHosts, inventory])).verdicts).toEqual(all('compliant'));
  });
});

describe('one host', () => {
  let host: LabHost;
  let declared: string;
  const onOne = ['--host', ONE];

  beforeEach(async () => {
    host = fleet.host(ONE);
    await host.reset();
    expect((await product.run(['apply', ...onOne, inventory])).verdicts).toEqual({ [ONE]: 'confirmed' });
    declared = await hostState(host);
  });

  test('that was edited since is refused with the file’s name; --discard-edits puts it back, and the edit is kept', async () => {
    await host.shell("echo '# mine' >>/etc/pam.d/sudo");
    const edited = await hostState(host);
    const refused = await product.run(['rollback', ...onOne, inventory]);
    expect([refused.code, refused.verdicts]).toEqual([1, { [ONE]: 'refused' }]);
    expect(refused.json.hosts[0]?.findings[0]?.rule).toBe('edited-since');
    expect(refused.json.hosts[0]?.findings[0]?.message).toContain('/etc/pam.d/sudo');
    await expectState(host, edited);
    const done = await product.run(['rollback', '--discard-edits', ...onOne, inventory]);
    expect(done.verdicts).toEqual({ [ONE]: 'confirmed' });
    await expectState(host, before.get(ONE));
    const kept = await host.shell("grep -lrx '# mine' /var/lib/duo-fleet/snapshots");
    expect(kept.stdout.trim().split('\n')).toHaveLength(1);
  });

  test('on which a PAM file of somebody else names Duo’s module is refused before anything is touched', async () => {
    await host.shell("echo 'auth optional /usr/lib64/security/pam_duo.so' >>/etc/pam.d/su");
    const edited = await hostState(host);
    const refused = await product.run(['rollback', ...onOne, inventory]);
    expect(refused.verdicts).toEqual({ [ONE]: 'refused' });
    expect(refused.json.hosts[0]?.failure?.message).toContain('/etc/pam.d/su');
    await expectState(host, edited);
  });

  test('whose legacy package cannot come back whole is refused before anything is touched', async () => {
    await host.shell('rm /var/lib/duo-fleet/snapshots/*/deb/libduo3.deb');
    const refused = await product.run(['rollback', ...onOne, inventory]);
    expect(refused.verdicts).toEqual({ [ONE]: 'refused' });
    expect(refused.json.hosts[0]?.findings.map(({ rule }) => rule)).toContain('package-copy-missing');
    await expectState(host, declared);
  });

  test('on which a package of before fails in its own script goes back to Duo whole', async () => {
    const broken = await host.shell(
      `cd /var/lib/duo-fleet/snapshots/*/deb && dpkg-deb -R login-duo.deb /root/x && printf '#!/bin/sh\\nexit 1\\n' >/root/x/DEBIAN/postinst &&
       chmod 0755 /root/x/DEBIAN/postinst && dpkg-deb --root-owner-group -b /root/x login-duo.deb && rm -r /root/x`,
    );
    expect(broken.code).toBe(0);
    const failed = await product.run(['rollback', ...onOne, inventory]);
    expect(failed.verdicts).toEqual({ [ONE]: 'rolled-back' });
    expect(failed.json.hosts[0]?.failure?.step).toBe('packages');
    expect(failed.json.hosts[0]?.failure?.message).toContain('is as it was before this rollback');
    await expectState(host, declared);
  });

  test('on which somebody else is at packages keeps all its files until he is done', async () => {
    const pamSshd = async () => (await host.shell('cat /etc/pam.d/sshd')).stdout;
    const asDeclared = await pamSshd();
    const other = await holdLocks({ host }, OTHERS_S);
    const rolling = product.run(['rollback', ...onOne, inventory]);
    await other.heal();
    expect(await pamSshd()).toBe(asDeclared);
    expect((await rolling).verdicts).toEqual({ [ONE]: 'confirmed' });
    await expectState(host, before.get(ONE));
  });

  test('that would lock automation out is refused, and is as it was', async () => {
    await host.shell("sed -i '1i AuthenticationMethods publickey,password' /etc/ssh/sshd_config");
    const edited = await hostState(host);
    const refused = await product.run(['rollback', ...onOne, inventory]);
    expect(refused.verdicts).toEqual({ [ONE]: 'refused' });
    expect(refused.json.hosts[0]?.failure?.reason).toBe('locked');
    expect(refused.json.hosts[0]?.findings.map(({ rule }) => rule)).toContain('automation-shut-out');
    await expectState(host, edited);
  });

  test('on which a door would open that was not there before is refused with what was changed since', async () => {
    await host.shell(
      "sed -i '1i PermitEmptyPasswords yes' /etc/ssh/sshd_config && passwd -d localuser && systemctl reload ssh",
    );
    const edited = await hostState(host);
    const refused = await product.run(['rollback', ...onOne, inventory]);
    expect(refused.verdicts).toEqual({ [ONE]: 'refused' });
    expect(refused.json.hosts[0]?.failure?.reason).toBe('open');
    expect(refused.json.hosts[0]?.failure?.message).toContain('/etc/ssh/sshd_config changed since that run');
    await expectState(host, edited);
  });

  test.each(['pam-sshd', 'packages', 'canary'])(
    'whose controller is killed in the row %s goes back to Duo by itself, and resume only settles it',
    async (task) => {
      const running = await product.startUntil(
        ['rollback', '--lease', String(LEASE_S), ...onOne, inventory],
        `"type":"task-started","host":"${ONE}","task":"${task}"`,
      );
      running.kill();
      expect(await running.ended).toBe(-1);
      const settled = await product.run(['resume', '--yes']);
      expect(settled.verdicts).toEqual({ [ONE]: 'rolled-back' });
      await expectState(host, declared);
      expect((await product.text(['resume', '--yes'])).stdout).toContain('Nothing to');
      expect((await product.run(['rollback', ...onOne, inventory])).verdicts).toEqual({ [ONE]: 'confirmed' });
      await expectState(host, before.get(ONE));
    },
  );

  test.each(['pam-sshd', 'packages', 'confirm'])(
    'that loses its power in the row %s is entirely the one or the other after its boot',
    async (task) => {
      const running = await product.startUntil(
        ['rollback', '--lease', String(LEASE_S), ...onOne, inventory],
        `"type":"task-started","host":"${ONE}","task":"${task}"`,
      );
      await host.powerOff();
      running.kill();
      // Where the last answer was under way already, the run has said itself what became of the host.
      const said = (await running.result).json?.hosts[0]?.verdict;
      await host.boot();
      const verdict = said ?? Object.values((await product.run(['resume', '--yes'])).verdicts)[0];
      await expectState(host, verdict === 'confirmed' ? before.get(ONE) : declared);
      expect(['confirmed', 'rolled-back']).toContain(verdict);
    },
  );

  test('that does not know the run is refused with those that it has', async () => {
    const refused = await product.run(['rollback', '--run', '20200101-000000-abcd', ...onOne, inventory]);
    expect(refused.verdicts).toEqual({ [ONE]: 'refused' });
    expect(refused.json.hosts[0]?.findings[0]?.message).toMatch(/it has those of \d{8}-\d{6}-[0-9a-f]{4}/);
  });
});
