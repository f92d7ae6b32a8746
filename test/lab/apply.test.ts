// What `duo-fleet apply`, `plan` and `verify` promise, kept on whole hosts of both generations.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB_SKEY, LAB_USERS } from '../support/lab-hosts.ts';
import { runProcess } from '../support/lab-process.ts';
import { freshFleet, type LabFleet } from '../support/lab.ts';
import {
  automationGetsIn,
  hostState,
  hostWrites,
  productFor,
  sshAs,
  type Product,
} from '../support/product.ts';

/** Debian 12, Debian 13 with ssh.socket, Ubuntu's os-release with cloud-init's drop-in, and one with the old module live. */
const HOSTS = ['bookworm1', 'trixie2', 'ubuntu1', 'legacy1'];
const all = (verdict: string) => Object.fromEntries(HOSTS.map((name) => [name, verdict]));
const planFile = (): string => join(product.stateFolder, 'plan.json');
const passwordOf = (name: string): string => LAB_USERS.find((user) => user.name === name)?.password ?? '';

let fleet: LabFleet;
let product: Product;
let inventory: string;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'apply', hosts: HOSTS });
  product = await productFor(fleet);
  inventory = await product.inventory();
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});

describe('on stock hosts with the legacy package', () => {
  test('plan says what would change and writes nothing', async () => {
    const before = await Promise.all(fleet.hosts.map(hostWrites));
    const plan = await product.run(['plan', inventory]);
    expect(plan.verdicts).toEqual(all('planned'));
    expect(plan.code).toBe(0);
    expect(await Promise.all(fleet.hosts.map(hostWrites))).toEqual(before);
  });

  test('verify names each difference and exits 1', async () => {
    const verify = await product.run(['verify', inventory]);
    expect(verify.code).toBe(1);
    expect(verify.verdicts).toEqual(all('drifted'));
    const words = verify.json.hosts[0]?.findings.map(({ message }) => message).join('\n') ?? '';
    for (const part of ['duo-unix', '/etc/pam.d/sshd', '/etc/duo/pam_duo.conf', '00-duo-fleet.conf']) {
      expect(words).toContain(part);
    }
  });

  test('a plan that was kept refuses a host that has changed since, with what is another now, and touches nothing', async () => {
    expect((await product.run(['plan', '--out', planFile(), inventory])).verdicts).toEqual(all('planned'));
    const host = fleet.host('bookworm1');
    await host.shell('cp -p /etc/pam.d/sudo /root/sudo.pam; echo "# by hand" >>/etc/pam.d/sudo');
    const edited = await hostState(host);
    const refused = await product.run(['apply', '--host', 'bookworm1', planFile()]);
    expect(await hostState(host)).toBe(edited);
    await host.shell('mv /root/sudo.pam /etc/pam.d/sudo');
    const { verdict, failure } = refused.json.hosts[0] ?? {};
    expect([verdict, failure?.reason]).toEqual(['refused', 'drifted']);
    expect(failure?.message).toContain('/etc/pam.d/sudo [pam-sudo]');
  });

  test('apply of that plan confirms every host, and of the same plan again leaves all as they are', async () => {
    const apply = await product.run(['apply', planFile()]);
    expect(apply.json.hosts.map(({ failure }) => failure)).toEqual(HOSTS.map(() => null));
    expect(apply.verdicts).toEqual(all('confirmed'));
    expect(apply.code).toBe(0);
    expect((await product.run(['apply', planFile()])).verdicts).toEqual(all('unchanged'));
  });

  test('afterwards the outdated packages are gone, and nothing of ours is left but its own folder', async () => {
    for (const host of fleet.hosts) {
      const packages = await host.shell("dpkg-query -W -f '${db:Status-Status} ${Package}\\n' | grep -i duo");
      expect(packages.stdout.trim()).toBe('installed duo-unix');
      const left = await host.shell(
        'ls -d /etc/.duo-fleet /etc/systemd/system/duo-fleet* /var/lib/duo-fleet/active 2>/dev/null',
      );
      expect(left.stdout).toBe('');
      expect((await host.shell('stat -c "%a %U" /var/lib/duo-fleet')).stdout.trim()).toBe('700 root');
    }
  });

  test('apply again is unchanged and writes nothing on the host', async () => {
    const before = await Promise.all(fleet.hosts.map(hostWrites));
    const again = await product.run(['apply', inventory]);
    expect(again.verdicts).toEqual(all('unchanged'));
    expect(await Promise.all(fleet.hosts.map(hostWrites))).toEqual(before);
  });

  test('verify finds every host compliant, also with logins', async () => {
    expect((await product.run(['verify', inventory])).verdicts).toEqual(all('compliant'));
    expect((await product.run(['verify', '--probe', '--host', 'bookworm1', inventory])).verdicts).toEqual({
      bookworm1: 'compliant',
    });
  });
});

describe('on a confirmed host, people', () => {
  test('who are in a Duo group get in by key and Duo, and not when Duo denies', async () => {
    for (const host of fleet.hosts) {
      await fleet.duo.decide('alice', 'allow');
      const allowed = await sshAs(fleet, host, 'alice', { methods: 'publickey,keyboard-interactive' });
      expect(allowed.stdout).toContain('alice');
      const log = await host.shell("journalctl --no-pager -o cat | grep 'Successful Duo login'");
      expect(log.stdout).toContain("Successful Duo login for 'alice'");
      await fleet.duo.decide('alice', 'deny');
      const denied = await sshAs(fleet, host, 'alice', { methods: 'publickey,keyboard-interactive' });
      expect(denied.code).not.toBe(0);
    }
  });

  test('who are in a Duo group do not get in with their password alone, even when Duo allows', async () => {
    await fleet.duo.decide('alice', 'allow');
    for (const host of fleet.hosts) {
      const login = await sshAs(fleet, host, 'alice', { password: passwordOf('alice') });
      expect(login.code).not.toBe(0);
    }
  });

  test('automation gets in by key alone and sudo asks nothing; any password of it is refused', async () => {
    for (const host of fleet.hosts) {
      expect(await automationGetsIn(fleet, host)).toBe(true);
      expect((await sshAs(fleet, host, 'automation', { password: 'any password at all' })).code).not.toBe(0);
    }
  });

  test('break-glass gets in by its password from an allowed address while Duo refuses everybody, and its sudo works', async () => {
    await fleet.duo.decide('*', '500');
    const password = passwordOf('breakglass');
    for (const host of fleet.hosts) {
      const login = await sshAs(fleet, host, 'breakglass', {
        password,
        command: `echo ${password} | sudo -S -p '' id -u`,
      });
      expect(login.stdout.trim()).toContain('0');
      expect((await sshAs(fleet, host, 'breakglass', { password: 'wrong' })).code).not.toBe(0);
    }
    await fleet.duo.decide('*', 'default');
  });
});

describe('drift', () => {
  test.each([
    ['a changed byte', "sed -i 's/^# Duo. A refusal/# Duo? A refusal/' /etc/pam.d/sshd", '/etc/pam.d/sshd'],
    ['an added line', "echo 'session optional pam_permit.so' >>/etc/pam.d/sudo", '/etc/pam.d/sudo'],
    ['another mode', 'chmod 0640 /etc/duo/pam_duo.conf', '/etc/duo/pam_duo.conf'],
    [
      'another owner',
      'chown daemon /etc/sudoers.d/sudo_timestamp_timeout',
      '/etc/sudoers.d/sudo_timestamp_timeout',
    ],
    [
      'a removed file',
      'rm /etc/ssh/sshd_config.d/00-duo-fleet.conf',
      '/etc/ssh/sshd_config.d/00-duo-fleet.conf',
    ],
  ])('%s is found by verify and mended by apply', async (_, damage, path) => {
    const host = fleet.host('trixie2');
    const declared = await hostState(host);
    expect((await host.shell(damage)).code).toBe(0);
    const verify = await product.run(['verify', '--host', 'trixie2', inventory]);
    expect(verify.verdicts).toEqual({ trixie2: 'drifted' });
    expect(verify.json.hosts[0]?.findings.map(({ message }) => message).join('\n')).toContain(path);
    const apply = await product.run(['apply', '--host', 'trixie2', inventory]);
    expect(apply.verdicts).toEqual({ trixie2: 'confirmed' });
    expect(await hostState(host)).toBe(declared);
    expect((await product.run(['verify', '--host', 'trixie2', inventory])).verdicts).toEqual({
      trixie2: 'compliant',
    });
  });
});

describe('the secret key', () => {
  test('is in no journal and in nothing the program prints', async () => {
    const texts = await Promise.all([
      product.journals(),
      product.text(['plan', inventory]).then(({ stdout, stderr }) => stdout + stderr),
      product.text(['verify', inventory]).then(({ stdout, stderr }) => stdout + stderr),
    ]);
    for (const text of texts) {
      expect(text.length).toBeGreaterThan(0);
      expect(text).not.toContain(LAB_SKEY);
    }
  });

  test('is in no process list and no environment, of the controller or of a host, while apply is at work', async () => {
    const host = fleet.host('bookworm1');
    await host.reset();
    const folder = await mkdtemp(join(tmpdir(), 'duo-fleet-watched-'));
    await writeFile(join(folder, 'key'), `${LAB_SKEY}\n`);
    // This machine's /proc shows the hosts' processes too. The pattern is in a file, or grep would find itself.
    const look = `while [ ! -e ${folder}/stop ]; do
      for kind in cmdline environ; do grep -laFf ${folder}/key /proc/[0-9]*/$kind 2>/dev/null; done
      echo round; done`;
    const watching = runProcess(['sh', '-c', look], { timeoutMs: 120_000 });
    const apply = await product.run(['apply', '--host', host.name, inventory]);
    await writeFile(join(folder, 'stop'), '');
    const seen = (await watching).stdout.trim().split('\n');
    await rm(folder, { recursive: true });
    expect(apply.verdicts).toEqual({ bookworm1: 'confirmed' });
    expect(seen.length).toBeGreaterThan(20);
    expect(seen.filter((line) => line !== 'round')).toEqual([]);
  });

  test('is on a host in /etc/duo/pam_duo.conf and in the kept snapshots, and there for root alone', async () => {
    const host = fleet.host('bookworm1');
    const found = await host.shell(`grep -rlF ${LAB_SKEY} /etc /var /run /tmp /root 2>/dev/null`);
    for (const path of found.stdout.trim().split('\n')) {
      expect(path).toMatch(/^\/etc\/duo\/pam_duo\.conf$|^\/var\/lib\/duo-fleet\/snapshots\//);
    }
    expect((await host.shell('stat -c %a /etc/duo/pam_duo.conf')).stdout.trim()).toBe('600');
  });
});
