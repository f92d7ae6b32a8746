import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB_CA_FILE, LAB_DUO_HOST, LAB_IKEY, LAB_SKEY, LAB_USERS } from '../support/lab-hosts.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { mustRun, type Finished } from '../support/lab-process.ts';

const FLEET = 'labtest';
const OTHER = 'labtest2';
const HOSTS = ['bookworm1', 'trixie2', 'legacy1'];
let fleet: LabFleet;

beforeAll(async () => {
  fleet = await freshFleet({ name: FLEET, hosts: HOSTS });
});

afterAll(async () => {
  await fleet.down();
});

/** A login as people do it: OpenSSH in the bastion's network. */
function login(
  host: LabHost,
  user: string,
  how: { readonly password?: string },
  command = 'id -un',
): Promise<Finished> {
  const options = [
    'UserKnownHostsFile=' + fleet.knownHostsFile,
    'NumberOfPasswordPrompts=1',
    'ConnectTimeout=5',
  ];
  const asked = how.password === undefined ? 'publickey' : 'keyboard-interactive,password';
  const ssh = [
    'ssh',
    '-F',
    'none',
    ...[...options, `PreferredAuthentications=${asked}`].flatMap((option) => ['-o', option]),
  ];
  const target = ['-i', fleet.userKeyFile(user), `${user}@${host.address}`, command];
  const password = how.password === undefined ? [] : ['sshpass', '-p', how.password];
  return fleet.run([...password, ...ssh, ...target], { timeoutMs: 30_000 });
}

const passwordOf = (name: string): string => LAB_USERS.find((user) => user.name === name)?.password ?? '';

describe('hosts', () => {
  test('automation logs in by key on every host and needs no password for sudo', async () => {
    const answers = await Promise.all(
      fleet.hosts.map((host) => login(host, 'automation', {}, 'sudo -n hostname')),
    );
    expect(answers.map((answer) => answer.stdout.trim())).toEqual(HOSTS);
  });

  test('an account with a password gets in with it, and not with another', async () => {
    const host = fleet.host('bookworm1');
    const right = await login(host, 'localuser', { password: passwordOf('localuser') });
    const wrong = await login(host, 'localuser', { password: 'something else' });
    expect({ right: right.stdout.trim(), wrong: wrong.code === 0 }).toEqual({
      right: 'localuser',
      wrong: false,
    });
  });

  test('systemd is through with booting and nothing has failed', async () => {
    const states = await Promise.all(fleet.hosts.map((host) => host.shell('systemctl is-system-running')));
    expect(states.map((state) => state.stdout.trim())).toEqual(HOSTS.map(() => 'running'));
  });

  test('a socket-activated host has no ssh.service until somebody connects', async () => {
    const host = fleet.host('trixie2');
    await host.reset();
    const before = await host.shell('systemctl is-active ssh.service ssh.socket');
    await login(host, 'automation', {});
    const after = await host.shell('systemctl is-active ssh.service');
    expect([before.stdout, after.stdout]).toEqual(['inactive\nactive\n', 'active\n']);
  });

  test('a power loss ends everything and keeps the disk', async () => {
    const host = fleet.host('bookworm1');
    await host.shell('echo kept >/etc/kept; echo gone >/run/gone; systemd-run --unit=sleeper sleep 1000');
    await host.powerOff();
    expect(await host.isOn()).toBe(false);
    await host.boot();
    const found = await host.shell('cat /etc/kept; test -e /run/gone; echo $?; systemctl is-active sleeper');
    expect(found.stdout).toBe('kept\n1\ninactive\n');
  });

  test('a host whose sshd does not start can be booted and looked into all the same', async () => {
    const host = fleet.host('bookworm1');
    await host.shell('echo nonsense >/etc/ssh/sshd_config.d/00-broken.conf');
    await host.powerOff();
    await host.boot('systemd');
    const found = await host.shell('ss -Hltn sport = :22; hostname');
    await host.reset();
    expect(found.stdout).toBe('bookworm1\n');
  });

  test('a host whose cable is pulled is silent until it is plugged in again', async () => {
    const host = fleet.host('bookworm1');
    await host.partition();
    const cut = await login(host, 'automation', {});
    await host.heal();
    const healed = await login(host, 'automation', {});
    expect({ cut: cut.code, healed: healed.code }).toEqual({ cut: 255, healed: 0 });
  });

  test('a reset host has forgotten what was done to it, and is still who it was', async () => {
    const host = fleet.host('bookworm1');
    await host.shell('rm -rf /etc/pam.d /usr/sbin/sshd');
    await host.reset();
    const answer = await login(host, 'automation', {}, 'ls /usr/sbin/sshd');
    expect(answer.stdout).toBe('/usr/sbin/sshd\n');
  });
});

describe("Duo's repository", () => {
  const APT = 'DEBIAN_FRONTEND=noninteractive apt-get -q -y';
  const LEGACY = 'libpam-duo libduo3 login-duo';

  async function subscribe(host: LabHost): Promise<Finished> {
    const key = await fleet.run(['curl', '-sf', 'http://pkg.duosecurity.test/DUO-GPG-PUBLIC-KEY.asc']);
    await host.shell('cat >/etc/apt/keyrings/duo.asc', { input: key.stdout });
    const source =
      'deb [arch=amd64 signed-by=/etc/apt/keyrings/duo.asc] http://pkg.duosecurity.test/Debian bookworm main';
    await host.shell('cat >/etc/apt/sources.list.d/duo.list', { input: `${source}\n` });
    return host.shell(`rm -rf /var/lib/apt/lists/*; ${APT} -o APT::Update::Error-Mode=any update`);
  }

  async function install(
    kind: Parameters<LabFleet['repository']['set']>[0],
  ): Promise<{ update: number; install: number; state: string }> {
    const host = fleet.host('bookworm1');
    await host.reset();
    await fleet.repository.set(kind);
    const update = await subscribe(host);
    const installed = await host.shell(`${APT} install duo-unix ${LEGACY.replaceAll(/(\w)( |$)/g, '$1-$2')}`);
    const state = await host.shell("dpkg-query -W -f '${Status} ${Version}' duo-unix");
    return { update: Number(update.code !== 0), install: Number(installed.code !== 0), state: state.stdout };
  }

  test.each([
    ['good', { update: 0, install: 0, state: 'install ok installed 2.2.3-0' }],
    ['old', { update: 0, install: 0, state: 'install ok installed 2.0.4-0' }],
    ['broken-postinst', { update: 0, install: 1, state: 'install ok half-configured 2.2.3-0' }],
    ['broken-unpack', { update: 0, install: 1, state: 'install ok not-installed ' }],
    ['broken-module', { update: 0, install: 0, state: 'install ok installed 2.2.3-0' }],
    ['corrupt', { update: 0, install: 1, state: '' }],
    ['wrong-key', { update: 1, install: 1, state: '' }],
    ['expired', { update: 1, install: 1, state: '' }],
    ['gone', { update: 1, install: 1, state: '' }],
  ] as const)('%s behaves as it says', async (kind, expected) => {
    expect(await install(kind)).toMatchObject(expected);
  });

  test('the installed module reads /etc/duo/pam_duo.conf and asks the cloud', async () => {
    await install('good');
    const host = fleet.host('bookworm1');
    const conf = ['[duo]', `host = ${LAB_DUO_HOST}`, `ikey = ${LAB_IKEY}`, `skey = ${LAB_SKEY}`];
    const text = [
      ...conf,
      `cafile = ${LAB_CA_FILE}`,
      'failmode = secure',
      'autopush = yes',
      'prompts = 1',
      '',
    ].join('\n');
    await host.shell('cat >/etc/duo/pam_duo.conf', { input: text });
    await host.shell(
      "sed -i '/include common-auth/a auth required /usr/lib64/security/pam_duo.so' /etc/pam.d/sshd;" +
        "sed -i 's/^KbdInteractiveAuthentication no/KbdInteractiveAuthentication yes/' /etc/ssh/sshd_config; systemctl reload ssh",
    );
    await fleet.duo.forget();
    const answer = await login(host, 'alice', { password: passwordOf('alice') });
    const requests = await fleet.duo.requests();
    expect(answer.stdout).toContain('alice');
    expect(requests.map((request) => [request.path, request.user, request.status])).toEqual([
      ['/rest/v1/preauth.bson', 'alice', 200],
      ['/rest/v1/auth.bson', 'alice', 200],
    ]);
  });
});

describe('the Duo cloud', () => {
  test.each([
    ['allow', 'Successful Duo login', 0],
    ['deny', 'Failed Duo login', 5],
    ['bypass', 'Skipped Duo login', 0],
    ['locked-out', 'Aborted Duo login', 5],
    ['enroll', 'Aborted Duo login', 5],
    ['401', 'Failsafe Duo login', 0],
    ['403', 'Aborted Duo login', 5],
    ['500', 'Failsafe Duo login', 0],
    ['auth-500', 'Error in Duo login', 5],
    ['garbage', 'Failsafe Duo login', 0],
  ] as const)('%s is what the real module makes of it: %s', async (decision, words, code) => {
    const host = fleet.host('legacy1');
    await fleet.duo.decide('alice', decision);
    const mark = (await host.shell("journalctl -n 1 -o export | sed -n 's/^__CURSOR=//p'")).stdout.trim();
    const answer = await login(host, 'alice', { password: passwordOf('alice') });
    await host.shell('journalctl --sync');
    const log = await host.shell(`journalctl --after-cursor='${mark}' -o cat | grep 'Duo login'`);
    await fleet.duo.decide('alice', 'default');
    expect({ log: log.stdout, code: answer.code }).toEqual({
      log: expect.stringContaining(words) as string,
      code,
    });
  });

  test('a cloud that refuses connections is one that failmode decides about', async () => {
    const host = fleet.host('legacy1');
    await fleet.duo.decide('*', 'refuse');
    const answer = await login(host, 'alice', { password: passwordOf('alice') });
    await fleet.duo.decide('*', 'default');
    expect(answer.stdout).toContain('alice');
  });
});

/** Takes a host's cable off the bridge, or puts it back. */
const cable = async (host: LabHost, ...to: readonly string[]): Promise<void> => {
  await mustRun(['ip', '-n', fleet.bastion, 'link', 'set', `v-${host.name}`, ...to]);
};

describe('fleets', () => {
  test('whichever cable comes off the bridge, the services stay where the other hosts look for them', async () => {
    const reach = `timeout 8 bash -c '</dev/tcp/${LAB_DUO_HOST}/443'`;
    for (const off of fleet.hosts) {
      await cable(off, 'nomaster');
      try {
        for (const host of fleet.hosts.filter((each) => each !== off)) {
          expect((await host.shell(reach)).code, `${host.name} without ${off.name}`).toBe(0);
        }
      } finally {
        await cable(off, 'master', 'br0');
      }
    }
  });

  test('two are up side by side, and the one that goes leaves nothing behind', async () => {
    const other = await freshFleet({ name: OTHER, hosts: ['bookworm1'] });
    const traces = async (): Promise<readonly string[]> => {
      const mounts = await readFile('/proc/self/mountinfo', 'utf8');
      const namespaces = await readdir('/run/netns');
      const processes = await Promise.all(
        (await readdir('/proc'))
          .filter((entry) => /^\d+$/.test(entry))
          .map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
      );
      const lines = [...mounts.split('\n'), ...namespaces, ...processes];
      return lines.filter((line) => line.includes(`dfl-${OTHER}`) || line.includes(`fleets/${OTHER}`));
    };
    expect((await traces()).length).toBeGreaterThan(0);
    expect(other.hosts[0]?.address).not.toBe(fleet.host('bookworm1').address);
    await other.down();
    expect(await traces()).toEqual([]);
    expect(
      [`/run/duo-fleet-lab/fleets/${OTHER}`, `/etc/netns/dfl-${OTHER}`].filter((path) => existsSync(path)),
    ).toEqual([]);
    expect((await login(fleet.host('bookworm1'), 'automation', {})).code).toBe(0);
  });
});
