// Hosts on which a naive apply would end well and leave a door open, or shut somebody out without a word. Each was seen
// to do so with real logins before there was a finding for it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabVariables } from '../support/lab-inventory.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { hostState, productFor, sshAs, type Product } from '../support/product.ts';

const HOST = 'bookworm1';

let fleet: LabFleet;
let product: Product;
let host: LabHost;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'doorstest', hosts: [HOST] });
  product = await productFor(fleet);
  host = fleet.host(HOST);
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});

/** The host as freshly installed, then changed by `setup`, which must succeed. */
const prepare = async (setup: string): Promise<void> => {
  await host.reset();
  const done = await host.shell(`set -e\n${setup}`);
  expect(done.code, done.stderr).toBe(0);
};
const apply = async (variables: LabVariables = {}) =>
  product.run(['apply', await product.inventory(variables)]);

const MEMBERS_BY_KEY = 'Match User alice\\n  AuthenticationMethods publickey\\n';
const RELOAD = 'sshd -t\nsystemctl reload ssh';

describe('a host on which a member of Duo’s groups would get in by key alone', () => {
  test.each<[string, string, string, LabVariables]>([
    [
      'by a file that sshd_config includes from elsewhere',
      'sshd-unread',
      `printf '${MEMBERS_BY_KEY}' >/etc/ssh/extra.conf
       echo 'Include /etc/ssh/extra.conf' >>/etc/ssh/sshd_config
       ${RELOAD}`,
      {},
    ],
    [
      'by a drop-in that is a symbolic link',
      'sshd-unread',
      `printf '${MEMBERS_BY_KEY}' >/opt/own.conf
       ln -s /opt/own.conf /etc/ssh/sshd_config.d/50-own.conf
       ${RELOAD}`,
      {},
    ],
    [
      'by a drop-in with a blank in its name',
      'sshd-unread',
      `printf '${MEMBERS_BY_KEY}' >'/etc/ssh/sshd_config.d/my own.conf'
       ${RELOAD}`,
      {},
    ],
    [
      'by an option in /etc/default/ssh',
      'sshd-options',
      `echo 'SSHD_OPTS="-o AuthenticationMethods=publickey"' >/etc/default/ssh
       systemctl restart ssh`,
      {},
    ],
    [
      'by another command in its systemd unit',
      'sshd-options',
      `mkdir -p /etc/systemd/system/ssh.service.d
       printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/sshd -D -o AuthenticationMethods=publickey\\n' \\
         >/etc/systemd/system/ssh.service.d/own.conf
       systemctl daemon-reload
       systemctl restart ssh`,
      {},
    ],
    [
      'by a Match block where sshd is not ours to set up',
      'sshd-foreign-match',
      `cat >/etc/ssh/sshd_config.d/00-own.conf <<'EOF'
KbdInteractiveAuthentication yes
PasswordAuthentication no
AuthenticationMethods publickey,keyboard-interactive
Match User automation
  AuthenticationMethods publickey
Match Group sg_serveraccess
  AuthenticationMethods publickey
EOF
       ${RELOAD}`,
      { duo_sshd_config: 'check' },
    ],
    ['by key_only_groups', 'key-only-duo-group', 'true', { key_only_groups: ['SG_ServerAccess'] }],
  ])('%s is refused and left as it was', async (_how, rule, setup, variables) => {
    await prepare(setup);
    const before = await hostState(host);
    const run = await apply(variables);
    expect(run.verdicts).toEqual({ [HOST]: 'refused' });
    expect(run.json.hosts[0]?.findings.map((finding) => finding.rule)).toContain(rule);
    expect(await hostState(host)).toBe(before);
  });
});

describe('a host on which sudo would not ask Duo', () => {
  test.each([
    ['since it asks nobody', 'sudo-asks-nobody', '!authenticate'],
    ['but another PAM service', 'sudo-pam-service', 'pam_service=own'],
    ['but another PAM service for one of them', 'sudo-other-account', ':bob pam_service=own'],
    ['since it asks about root', 'sudo-other-account', 'rootpw'],
    ['since it asks about whom they become', 'sudo-other-account', '>root targetpw'],
  ])('%s is refused', async (_how, rule, defaults) => {
    await prepare(`cp /etc/pam.d/sudo /etc/pam.d/own
      (umask 0337 && echo 'Defaults${/^[:>]/.test(defaults) ? '' : ' '}${defaults}' >/etc/sudoers.d/zz)`);
    const run = await apply();
    expect(run.verdicts).toEqual({ [HOST]: 'refused' });
    expect(run.json.hosts[0]?.findings.map((finding) => finding.rule)).toContain(rule);
  });
});

test('a host on which sudo would take a member for another account of the same uid is refused', async () => {
  await prepare(`sed -i '/^bob:/i bobtwin:x:1104:1104::/home/bob:/bin/bash' /etc/passwd
    echo 'bobtwin:!:19000::::::' >>/etc/shadow
    echo bobtwin:bobtwin-lab-pw | chpasswd`);
  const run = await apply();
  expect(run.verdicts).toEqual({ [HOST]: 'refused' });
  expect(run.json.hosts[0]?.findings).toContainEqual(
    expect.objectContaining({ rule: 'shared-uid', persona: 'bob' }),
  );
});

describe('who could not log in any more', () => {
  test('by SFTP, without a shell, is named and keeps the host from being changed', async () => {
    await prepare(`useradd -m -s /usr/sbin/nologin transfer
      install -d -m 0700 -o transfer /home/transfer/.ssh
      install -m 0600 -o transfer /home/alice/.ssh/authorized_keys /home/transfer/.ssh/`);
    const run = await apply();
    expect(run.verdicts).toEqual({ [HOST]: 'refused' });
    expect(run.json.hosts[0]?.findings).toContainEqual(
      expect.objectContaining({ rule: 'key-login-lost', persona: 'transfer' }),
    );
  });

  test('by password alone is named, and the host is confirmed', async () => {
    await prepare('true');
    const run = await apply();
    expect(run.verdicts).toEqual({ [HOST]: 'confirmed' });
    expect(run.json.hosts[0]?.findings).toContainEqual(
      expect.objectContaining({ rule: 'password-login-lost', persona: 'localuser' }),
    );
    const login = await sshAs(fleet, host, 'localuser', { password: 'localuser-lab-pw' });
    expect(login.code).not.toBe(0);
  });

  test('by SFTP with a password, without a shell, is named', async () => {
    await prepare(`useradd -m -s /usr/sbin/nologin transfer
      echo transfer:transfer-lab-pw | chpasswd`);
    const plan = await product.run(['plan', await product.inventory({})]);
    expect(plan.json.hosts[0]?.findings).toContainEqual(
      expect.objectContaining({ rule: 'password-login-lost', persona: 'transfer' }),
    );
  });

  test('by break-glass, which AllowGroups shuts out, is named', async () => {
    await prepare(`echo 'AllowGroups automation sg_serveraccess' >/etc/ssh/sshd_config.d/50-own.conf
      ${RELOAD}`);
    const run = await apply();
    expect(run.verdicts).toEqual({ [HOST]: 'refused' });
    expect(run.json.hosts[0]?.findings).toContainEqual(
      expect.objectContaining({ rule: 'break-glass-shut-out', persona: 'breakglass' }),
    );
  });
});

test('a host with Match blocks for ports and addresses that say nothing about logins is confirmed', async () => {
  await prepare(`cat >/etc/ssh/sshd_config.d/50-own.conf <<'EOF'
MaxSessions 2
MaxAuthTries 2
Match LocalPort 2222
  X11Forwarding no
Match LocalAddress 192.0.2.1
  AllowTcpForwarding no
EOF
    ${RELOAD}`);
  expect((await apply()).verdicts).toEqual({ [HOST]: 'confirmed' });
});

test('a host whose sudoers files have another mode, which sudo takes, is confirmed', async () => {
  await prepare(`echo 'alice ALL=(root) /usr/bin/id' >/etc/sudoers.d/own
    chmod 0644 /etc/sudoers.d/own`);
  expect((await apply()).verdicts).toEqual({ [HOST]: 'confirmed' });
});

describe('a host with odd packages', () => {
  test('whose legacy packages were removed but not purged is confirmed, and purged', async () => {
    await prepare('dpkg -r libpam-duo login-duo');
    expect((await apply()).verdicts).toEqual({ [HOST]: 'confirmed' });
    const left = await host.shell("dpkg-query -W -f '${Package}\\n' | grep duo");
    expect(left.stdout.trim()).toBe('duo-unix');
  });

  test('whose /var is mounted noexec is refused: neither the way there nor the way back would work', async () => {
    await prepare('mount --bind /var /var\nmount -o remount,bind,noexec /var');
    const run = await apply();
    expect(run.verdicts).toEqual({ [HOST]: 'refused' });
    expect(run.json.hosts[0]?.findings.map((finding) => finding.rule)).toContain('packages-noexec');
  });
});
