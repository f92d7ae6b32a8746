// A real sshd on this machine with accounts of its own, for tests of the transport. Needs root and openssh-server.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Settings } from '../../src/core/settings.ts';
import { until } from './lab-process.ts';

const run = promisify(execFile);
/** Attempts to reach the new sshd, 20 ms apart. */
const STARTING_TRIES_MAX = 250;

/** Password of every account that has one. */
export const LOCAL_PASSWORD = 'correct horse';

/**
 * - `auto` logs in by key, sudo without a password
 * - `nosudo` logs in by key or password, sudo refuses
 * - `noisy` as auto, and its shell's profile writes to both streams
 */
export const LOCAL_USERS = ['auto', 'nosudo', 'noisy'] as const;
type LocalUser = (typeof LOCAL_USERS)[number];

/** An sshd that is up. */
export interface LocalSshd {
  readonly folder: string;
  readonly port: number;
  /** An unencrypted ed25519 key that every account accepts. */
  readonly keyFile: string;
  /** known_hosts line of this sshd's ed25519 key. */
  readonly knownHosts: string;
  readonly log: () => Promise<string>;
  /** The sshd's /var/lib, as this machine sees it. */
  readonly varLib: string;
  readonly settings: (changes?: Partial<Settings['connection']>) => Settings;
  /** Has it read other settings (the lines of `startLocalSshd`), as a reload does. */
  readonly reconfigure: (config: readonly string[]) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/**
 * Starts sshd in a mount namespace of its own, in which the account files, PAM and sudoers are the test's: nothing of
 * this machine is changed.
 * @param config lines of sshd_config before the defaults; sshd takes the first value of a keyword
 * @param hosts lines of /etc/hosts, before this machine's own
 */
export const startLocalSshd = async (
  config: readonly string[] = [],
  hosts: readonly string[] = [],
): Promise<LocalSshd> => {
  const folder = await mkdtemp(join(tmpdir(), 'duo-fleet-sshd-'));
  await chmod(folder, 0o755);
  const port = await freePort();
  await makeKeys(folder);
  await makeAccounts(folder);
  await writeFile(join(folder, 'sshd_config'), sshdConfig(folder, port, config));
  await writeFile(join(folder, 'hosts'), `${hosts.join('\n')}\n${await own('hosts')}`);
  await mkdir(join(folder, 'varlib'));
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const child = spawn('unshare', ['-m', '--propagation', 'private', '/bin/sh', '-c', mountsAndSshd(folder)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.pipe(createWriteStream(join(folder, 'log')));
  await waitForBanner(port, child);
  const hostKey = (await readFile(join(folder, 'host_ed25519.pub'), 'utf8')).split(' ').slice(0, 2).join(' ');
  return {
    folder,
    port,
    keyFile: join(folder, 'id'),
    knownHosts: `[127.0.0.1]:${port} ${hostKey}\n`,
    varLib: join(folder, 'varlib'),
    log: async () => readFile(join(folder, 'log'), 'utf8'),
    settings: (changes = {}) => settingsFor(folder, port, changes),
    reconfigure: async (changed) => {
      const listening = async (): Promise<number> =>
        (await readFile(join(folder, 'log'), 'utf8')).split('Server listening').length;
      const before = await listening();
      await writeFile(join(folder, 'sshd_config'), sshdConfig(folder, port, changed));
      child.kill('SIGHUP');
      await until('sshd to read its settings again', async () => (await listening()) > before);
    },
    stop: async () => {
      if (child.exitCode === null) {
        const ended = new Promise((resolve) => {
          child.once('exit', resolve);
        });
        child.kill('SIGTERM');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const makeKeys = async (folder: string): Promise<void> => {
  const keygen = async (type: string, file: string, passphrase = ''): Promise<unknown> =>
    run('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', '', '-f', join(folder, file)]);
  await keygen('ed25519', 'host_ed25519');
  await keygen('ecdsa', 'host_ecdsa');
  await keygen('ed25519', 'id');
  await keygen('ed25519', 'stranger');
  await keygen('ed25519', 'locked', 'a passphrase');
  const keys = await Promise.all(
    ['id.pub', 'locked.pub'].map(async (name) => readFile(join(folder, name), 'utf8')),
  );
  await writeFile(join(folder, 'authorized_keys'), keys.join(''));
};

const UID_BASE = 47_100;

const lines = (line: (user: LocalUser, uid: number) => string): string =>
  LOCAL_USERS.map((user, at) => `${line(user, UID_BASE + at)}\n`).join('');

const own = async (name: string): Promise<string> => readFile(join('/etc', name), 'utf8');

const makeAccounts = async (folder: string): Promise<void> => {
  const { stdout } = await run('openssl', ['passwd', '-6', LOCAL_PASSWORD]);
  const home = (user: LocalUser): string => join(folder, 'home', user);
  const system = { passwd: await own('passwd'), group: await own('group'), shadow: await own('shadow') };
  // Root has an empty home here: what the shell of this machine's root does at every login is none of ours, and may take its time.
  await mkdir(join(folder, 'home/root'), { recursive: true });
  const passwd = system.passwd.replace(/^(root:[^:]*:0:0:[^:]*:)[^:]*:/m, `$1${join(folder, 'home/root')}:`);
  await writeFile(
    join(folder, 'passwd'),
    passwd + lines((user, uid) => `${user}:x:${uid}:${uid}::${home(user)}:/bin/bash`),
  );
  await writeFile(join(folder, 'group'), system.group + lines((user, uid) => `${user}:x:${uid}:`));
  await writeFile(
    join(folder, 'shadow'),
    system.shadow + lines((user) => `${user}:${stdout.trim()}:19000:0:99999:7:::`),
    { mode: 0o640 },
  );
  await writeFile(
    join(folder, 'sudoers'),
    'auto ALL=(ALL) NOPASSWD: ALL\nnoisy ALL=(ALL) NOPASSWD: ALL\nroot ALL=(ALL) ALL\n',
    {
      mode: 0o440,
    },
  );
  await writeFile(
    join(folder, 'pam'),
    'auth required pam_unix.so nodelay\naccount required pam_unix.so\nsession required pam_permit.so\n',
  );
  for (const [at, user] of LOCAL_USERS.entries()) {
    await mkdir(home(user), { recursive: true, mode: 0o755 });
    await chown(home(user), UID_BASE + at, UID_BASE + at);
  }
  await writeFile(join(home('noisy'), '.bashrc'), 'echo "welcome, ok fenced done 0"; echo grumble >&2\n');
};

const sshdConfig = (folder: string, port: number, config: readonly string[]): string =>
  [
    ...config,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host_ed25519`,
    `HostKey ${folder}/host_ecdsa`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    'PidFile none',
    'StrictModes no',
    'UsePAM yes',
    'PasswordAuthentication yes',
    'KbdInteractiveAuthentication yes',
    'PermitRootLogin yes',
    'LogLevel DEBUG1',
    '',
  ].join('\n');

const mountsAndSshd = (folder: string): string => {
  const over: readonly (readonly [string, string])[] = [
    ['passwd', '/etc/passwd'],
    ['group', '/etc/group'],
    ['shadow', '/etc/shadow'],
    ['sudoers', '/etc/sudoers'],
    ['pam', '/etc/pam.d/sshd'],
    ['pam', '/etc/pam.d/sudo'],
    ['hosts', '/etc/hosts'],
    ['varlib', '/var/lib'],
  ];
  const mounts = over.map(([file, path]) => `mount --bind '${folder}/${file}' ${path} &&`);
  return `${mounts.join(' ')} exec /usr/sbin/sshd -D -e -f '${folder}/sshd_config'`;
};

const settingsFor = (folder: string, port: number, changes: Partial<Settings['connection']>): Settings => ({
  host: 'web1',
  connection: {
    address: '127.0.0.1',
    port,
    user: 'auto',
    privateKeyFile: join(folder, 'id'),
    password: null,
    jumps: [],
    become: true,
    ...changes,
  },
  duo: {
    ikey: 'DI00000000000000000X',
    skey: { kind: 'env', text: 'NONE' },
    apiHost: 'api.duosecurity.com',
    failmode: 'safe',
    options: [],
  },
  serverAccessGroup: 'access',
  sudoGroup: 'admins',
  breakGlass: null,
  keyOnlyUsers: [],
  keyOnlyGroups: [],
  keyLoginLossAccepted: [],
  canary: null,
  sudoTimestampTimeoutMin: 30,
  repository: { url: 'https://pkg.duosecurity.com', key: '/key', fingerprints: [] },
  sshdConfig: 'managed',
  pamTemplates: { sshd: null, sudo: null },
});

const freePort = async (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port'));
        else resolve(address.port);
      });
    });
  });

const waitForBanner = async (port: number, child: ChildProcess): Promise<void> => {
  for (let tried = 0; tried < STARTING_TRIES_MAX; tried += 1) {
    if (child.exitCode !== null) throw new Error(`sshd ended with ${child.exitCode}`);
    const answers = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('data', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
      socket.once('close', () => resolve(false));
    });
    if (answers) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  throw new Error('sshd does not answer');
};
