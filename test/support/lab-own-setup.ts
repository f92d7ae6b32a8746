// What an administrator did to a host before we come: set-ups of the field that the product has to get along with.
import { appendFile, mkdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LabSetup } from './lab-hosts.ts';

/** Makes a mounted, not yet booted root what its administrator would have made of it. */
export const setUp = async (setup: LabSetup, root: string): Promise<void> => SETUPS[setup](root);

const SETUPS: Readonly<Record<LabSetup, (root: string) => Promise<void>>> = {
  'hardened-sshd': hardenSshd,
  'sudo-rs': switchToSudoRs,
  faillock: lockAfterFailures,
};

/** The whole of a hardened sshd_config, in the manner of CIS, dev-sec and Mozilla's guide. */
const HARDENED_SSHD = `# Hardened. Changes by ticket only.
Include /etc/ssh/sshd_config.d/*.conf

Port 22
Protocol 2
LogLevel VERBOSE
SyslogFacility AUTH
HostKey /etc/ssh/ssh_host_ed25519_key
HostKey /etc/ssh/ssh_host_ecdsa_key
KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group16-sha512
Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr
MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
LoginGraceTime 30
MaxAuthTries 3
MaxSessions 4
MaxStartups 10:30:60
PermitRootLogin no
StrictModes yes
PubkeyAuthentication yes
PasswordAuthentication no
PermitEmptyPasswords no
KbdInteractiveAuthentication no
HostbasedAuthentication no
IgnoreRhosts yes
UsePAM yes
AllowGroups automation breakglass sg_serveraccess sftponly
AllowAgentForwarding no
AllowTcpForwarding no
X11Forwarding no
PermitTunnel no
PermitUserEnvironment no
ClientAliveInterval 300
ClientAliveCountMax 2
UseDNS no
Banner /etc/issue.net
PrintMotd no
AcceptEnv LANG LC_*
Subsystem sftp internal-sftp -f AUTHPRIV -l INFO

Match Group sftponly
    ChrootDirectory %h
    ForceCommand internal-sftp
    PermitTTY no
`;

async function hardenSshd(root: string): Promise<void> {
  await writeFile(join(root, 'etc/ssh/sshd_config'), HARDENED_SSHD, { mode: 0o600 });
  await appendFile(join(root, 'etc/group'), 'sftponly:x:2103:\n');
  await appendFile(join(root, 'etc/gshadow'), 'sftponly:!::\n');
}

/** As on Ubuntu from 25.10 on: /usr/bin/sudo and visudo are alternatives, the rewrite is chosen, and the old one is *.ws. */
async function switchToSudoRs(root: string): Promise<void> {
  await mkdir(join(root, 'etc/alternatives'), { recursive: true });
  for (const [folder, name] of [
    ['usr/bin', 'sudo'],
    ['usr/sbin', 'visudo'],
  ] as const) {
    const path = join(root, folder, name);
    await rename(path, `${path}.ws`);
    await symlink(`/etc/alternatives/${name}`, path);
    await symlink(`/usr/lib/cargo/bin/${name}`, join(root, 'etc/alternatives', name));
  }
}

/** deny=3, with the lines that hardening guides for Debian and Ubuntu put into common-auth and common-account. */
async function lockAfterFailures(root: string): Promise<void> {
  await writeFile(join(root, 'etc/security/faillock.conf'), 'deny = 3\nunlock_time = 600\n');
  const auth = join(root, 'etc/pam.d/common-auth');
  const unix = 'auth\t[success=1 default=ignore]\tpam_unix.so nullok\n';
  const text = await readFile(auth, 'utf8');
  if (!text.includes(unix)) throw new Error('lab: common-auth has another pam_unix line than expected');
  await writeFile(
    auth,
    text.replace(
      unix,
      `auth\trequired\tpam_faillock.so preauth\n${unix}auth\t[default=die]\tpam_faillock.so authfail\nauth\tsufficient\tpam_faillock.so authsucc\n`,
    ),
  );
  await appendFile(join(root, 'etc/pam.d/common-account'), 'account\trequired\tpam_faillock.so\n');
}
