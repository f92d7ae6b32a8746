// A host whose logind ends all that a login leaves behind (KillUserProcesses=yes): the transaction belongs to no login.
import { copyFile, mkdtemp, readdir, rm, writeFile, mkdir, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { mustRun, until } from '../support/lab-process.ts';
import { hold, isHeld, letGo, startProcess } from '../support/product-process.ts';
import { automationGetsIn, hostState, productFor, sshAs, type Product } from '../support/product.ts';

const MODULE = 'lib/x86_64-linux-gnu/security/pam_systemd.so';
const WAIT_MS = 90_000;

let fleet: LabFleet;
let product: Product;
let inventory: string;
let host: LabHost;

/** logind as a desktop's administrator may have set it up, and sessions that it knows of; the lab's hosts have it masked. */
async function withLogind(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'duo-fleet-logind-'));
  try {
    // As apt does it, since apt's own user may not write here.
    await mustRun(['apt-get', '-q', '-o', 'APT::Sandbox::User=root', 'download', 'libpam-systemd'], {
      cwd: folder,
    });
    const [deb = ''] = await readdir(folder);
    await mustRun(['dpkg-deb', '-x', join(folder, deb), join(folder, 'root')]);
    await copyFile(join(folder, 'root', MODULE), join(host.root, MODULE));
  } finally {
    await rm(folder, { recursive: true });
  }
  await unlink(join(host.root, 'etc/systemd/system/systemd-logind.service'));
  await mkdir(join(host.root, 'etc/systemd/logind.conf.d'));
  await must('echo "session optional pam_systemd.so" >>/etc/pam.d/common-session');
  await must('systemctl daemon-reload && systemctl restart dbus');
}

async function setKilling(how: 'yes' | 'no'): Promise<void> {
  const file = join(host.root, 'etc/systemd/logind.conf.d/kill.conf');
  await writeFile(file, `[Login]\nKillUserProcesses=${how}\n`);
  await must('systemctl restart systemd-logind');
}

const must = async (command: string): Promise<string> => {
  const done = await host.shell(command);
  if (done.code !== 0) throw new Error(`${command}: ${done.stdout}${done.stderr}`);
  return done.stdout;
};

beforeAll(async () => {
  fleet = await freshFleet({ name: 'logind', hosts: ['bookworm1'] });
  product = await productFor(fleet);
  inventory = await product.inventory();
  host = fleet.host('bookworm1');
  await withLogind();
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});

beforeEach(() => setKilling('yes'));

/** A login that leaves a process behind, which no hangup ends. */
const leave = () =>
  sshAs(fleet, host, 'automation', {
    command:
      'nohup setsid sleep 4242 </dev/null >/dev/null 2>&1 & until pgrep -x sleep >/dev/null; do :; done',
  });

test('what an ordinary login leaves behind is ended with it, and would not be otherwise', async () => {
  await setKilling('no');
  await leave();
  await must('pkill -x sleep');
  await setKilling('yes');
  await leave();
  await until('logind to end it', async () => (await host.shell('pgrep -x sleep')).code !== 0, WAIT_MS);
});

test('a transaction goes on when its controller’s logins are ended in the middle, and is put back by its own guard', async () => {
  const before = await hostState(host);
  await hold(host);
  const words = ['apply', inventory, '--yes', '--lease', '30'];
  const running = await startProcess(fleet, words, { stateFolder: product.stateFolder, on: 'pipes' });
  await isHeld(host);
  const groups = await must(
    `for pid in $(pgrep -f '[t]x/.*/in/guard.sh (watch|do-)'); do grep -o '[^/]*$' /proc/$pid/cgroup; done | sort -u`,
  );
  expect(groups).toMatch(/^duo-fleet-activate-[a-z0-9-]+\.service\nduo-fleet-guard-[a-z0-9-]+\.service\n$/);
  // The lifeline's own shell is in the login's scope, and ends with it.
  expect(
    await must(`pgrep -fa 'guard.sh (lease|activate)' | wc -l; loginctl list-sessions --no-legend | wc -l`),
  ).toMatch(/^[1-9]\d*\n[1-9]\d*\n$/);
  await running.signal('SIGKILL');
  await until(
    'logind to end the logins',
    async () => (await must(`pgrep -fa 'guard.sh (lease|activate) ' | wc -l`)) === '0\n',
    WAIT_MS,
  );
  expect(await must(`cat /var/lib/duo-fleet/active/state`)).toBe('activating\n');
  expect(await must(`systemctl is-active 'duo-fleet-activate-*' 'duo-fleet-guard-*'`)).toBe(
    'active\nactive\n',
  );
  await letGo(host);
  await until(
    'the host to put itself back',
    async () => (await host.shell('test -L /var/lib/duo-fleet/active')).code !== 0,
    WAIT_MS,
  );
  expect(await must('cat /var/lib/duo-fleet/log')).toMatch(
    /the controller has not renewed the lease: putting the host back\n(.*\n)*.* ended: reverted to what was\n$/,
  );
  expect((await hostState(host)).split('\n')).toEqual(before.split('\n'));
  expect(await automationGetsIn(fleet, host)).toBe(true);
});

test('and one that nobody disturbs is confirmed', async () => {
  await letGo(host);
  expect((await product.run(['apply', inventory])).verdicts).toEqual({ bookworm1: 'confirmed' });
  expect(await automationGetsIn(fleet, host)).toBe(true);
});
