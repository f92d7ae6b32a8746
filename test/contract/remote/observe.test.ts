// observe.sh under every shell that may be a host's /bin/sh, on a tree that wants to be hard to read.
// Root's own mount namespace holds the tree, so that nothing of the machine itself is touched.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Facts } from '../../../src/core/facts.ts';
import type { ObserveRequest } from '../../../src/core/remote.ts';
import { buildObserveScript, parseObserveOutput } from '../../../src/remote/observe.ts';
import { accepted, daysAgo, putSyslog, traditional } from '../../support/syslog-files.ts';

const nonce = 'c0ffee00c0ffee00c0ffee00c0ffee00';
const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHVlnotakeyofanyonebutfortestsonly00000000000 x';
const shells = ['dash', 'bash', 'busybox sh'].filter(
  (shell) => spawnSync('sh', ['-c', `${shell} -c :`]).status === 0,
);

const request: ObserveRequest = {
  packages: ['dpkg', 'no-such-package'],
  files: [
    { path: '/srv/tree/pam_duo.conf', text: true },
    { path: '/srv/tree/forged', text: true },
    { path: '/srv/tree/binary', text: true },
    { path: '/srv/tree/huge', text: true },
    { path: '/srv/tree/vast', text: true },
    { path: '/srv/tree/pipe', text: true },
    { path: '/srv/tree/link', text: true },
    { path: '/srv/tree', text: true },
    { path: '/srv/tree/absent', text: true },
  ],
  groups: ['team', 'no such group'],
  accounts: ['root', 'nobody-at-all'],
  connections: [
    { label: '*', user: 'duo-fleet-nobody', address: '198.51.100.1' },
    { label: 'ann', user: 'ann', address: '198.51.100.1' },
    { label: 'inside', user: 'ann', address: '10.1.2.3' },
  ],
  personas: [
    { label: 'team-member', who: { kind: 'member', group: 'team' }, address: '10.1.2.3' },
    { label: 'nobody', who: { kind: 'member', group: 'no such group' }, address: '10.1.2.3' },
    { label: 'local', who: { kind: 'local' }, address: '10.1.2.3' },
    { label: 'elsewhere', who: { kind: 'account', name: 'root' }, address: '203.0.113.1' },
  ],
  dropInPath: '/etc/ssh/sshd_config.d/00-duo-fleet.conf',
  spacePaths: ['/srv/tree/not/yet/there', '/srv/readonly'],
  repositoryUrl: 'http://repo.example',
  modulePath: '/srv/tree/broken.so',
  census: true,
};

const hasSudo = existsSync('/usr/bin/sudo');

let root = '';
const put = (path: string, content: string | Buffer): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
};
const forged = `#${nonce} end\n|x\n#${nonce} file /etc/passwd\nno last line feed\u001b[2J`;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'observe-tree-'));
  put('tree/pam_duo.conf', '[duo]\nskey = TOPSECRET\n  TOPSECRET\nhost = h\n');
  chmodSync(join(root, 'tree/pam_duo.conf'), 0o600);
  put('tree/forged', forged);
  put('tree/binary', Buffer.from([0, 1, 2, 10, 255, 254]));
  put('tree/huge', 'x'.repeat(300_000));
  put('tree/vast', '');
  spawnSync('truncate', ['-s', '20M', join(root, 'tree/vast')]);
  spawnSync('mkfifo', [join(root, 'tree/pipe')]);
  symlinkSync('/nowhere\u001b[31m', join(root, 'tree/link'));
  put('tree/broken.so', 'not an object');
  put(
    'etc/passwd',
    [
      'root:x:0:0:Ann, room 7:/root:/bin/bash',
      'sshd:x:101:65534::/run/sshd:/usr/sbin/nologin',
      'ann:x:1001:1001::/home/ann:/bin/bash',
      'piper:x:1002:100::/home/piper:/bin/sh',
      'endless:x:1003:100::/home/endless:/bin/sh',
      'folder:x:1004:100::/home/folder:/bin/sh',
      'cloud:x:1005:100::/home/cloud:/bin/sh',
      'elsewhere:x:1006:100::/home/elsewhere:/usr/sbin/nologin',
      'odd home:x:1007:100::/home/odd $(id) home:/bin/sh',
      'half a line',
      '',
    ].join('\n'),
  );
  put('etc/shadow', 'root::1:::::\nann:$y$j9T$abc$def:1:::::\nodd home:!$6$x:1:::::\npiper:x:1:::::\n');
  put('etc/group', 'root:x:0:\nusers:x:100:\nteam:x:2000:ann,piper\nteam:x:3000:root\nann:x:1001:\n+nis\n');
  put('etc/nsswitch.conf', 'passwd:files systemd\ngroup: files # sss\n');
  put(
    'pam/sshd',
    '@include common-auth\nauth  Include sub\n-auth [x=1] a.so\n-auth substack /etc/pam.d/absolute\naccount include nowhere\nauth include $(id)\n#auth include commented\nauth include folder\n',
  );
  // sudo starts PAM before it lists what somebody may do.
  put('pam/sudo', 'auth required pam_deny.so\naccount required pam_permit.so\n');
  put('pam/common-auth', 'auth required pam_unix.so\n');
  put('pam/sub', 'auth include sub\nauth include deeper');
  put('pam/deeper', '\u0000@include sshd\n@include sub\n');
  put('pam/absolute', 'auth required pam_deny.so\n');
  put('pam/commented', 'auth required pam_deny.so\n');
  put('pam/folder/x', '');
  put('etc/sudoers', 'Defaults env_reset\nroot ALL=(ALL) ALL\n@includedir /etc/sudoers.d\n');
  put(
    'sudoers.d/team',
    `%team ALL=(ALL:ALL) ALL\nann ALL=(root) NOPASSWD: /bin/true, PASSWD: /bin/false a\\,b\ncloud ALL=(ALL) NOPASSWD: ALL\nendless ALL=(ALL) NOPASSWD: ${'/bin/true, '.repeat(60)}/bin/false\n`,
  );
  chmodSync(join(root, 'etc/sudoers'), 0o440);
  chmodSync(join(root, 'sudoers.d/team'), 0o440);
  putSyslog(root);
  put('etc/sources.list', 'deb http://user:TOPSECRET@repo.example/Debian bookworm main\n');
  put(
    'etc/sshd_config',
    'Port 22\nBanner none\nMatch Address 10.0.0.0/8 User ann\n  Banner /etc/inside\nMatch User elsewhere\n  AuthorizedKeysFile /srv/keys/%u\n',
  );
  put(
    'home/ann/.ssh/authorized_keys',
    `# a comment\n\n${key}\ncommand="a # b",no-pty ${key}\n  # ${key}\n#${key}\n`,
  );
  put('home/ann/.ssh/authorized_keys2', key);
  mkdirSync(join(root, 'home/piper/.ssh'), { recursive: true });
  spawnSync('mkfifo', [join(root, 'home/piper/.ssh/authorized_keys')]);
  mkdirSync(join(root, 'home/endless/.ssh'), { recursive: true });
  symlinkSync('/dev/zero', join(root, 'home/endless/.ssh/authorized_keys'));
  mkdirSync(join(root, 'home/folder/.ssh/authorized_keys'), { recursive: true });
  put(
    'home/cloud/.ssh/authorized_keys',
    `no-pty,command="echo 'Please login as the user \\"ann\\" rather than the user \\"cloud\\".';echo;sleep 10;exit 142" ${key}\nno key\n`,
  );
  put('home/odd $(id) home/.ssh/authorized_keys', `${key}\n`);
  put('keys/elsewhere', `${key}\n`);
  mkdirSync(join(root, 'guard/tx/t1'), { recursive: true });
  symlinkSync('tx/t1', join(root, 'guard/active'));
  put('guard/tx/t1/state', 'armed\n');
  put('guard/tx/t1/owner', 'run=r1\noperator=ann\u0007\nsince=1700000000\n');
  put('guard/tx/t1/watch.lock', '');
  put('lists/lock', '');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** In a private mount namespace: the tree is laid over the system's own files, then `command` runs. */
const within = (command: string): ReturnType<typeof spawnSync> =>
  spawnSync(
    'unshare',
    [
      '-m',
      'sh',
      '-c',
      `set -e
      R=$1
      mount -t tmpfs none /srv
      mkdir -p /srv/tree /srv/keys /srv/readonly /var/lib/duo-fleet
      mount --bind "$R/tree" /srv/tree
      mount --bind "$R/keys" /srv/keys
      mount -t tmpfs -o ro none /srv/readonly
      mount --bind "$R/home" /home
      mount -t tmpfs none /run
      mkdir /run/sshd
      mount -t tmpfs none /var/lib/duo-fleet
      cp -a "$R/guard/." /var/lib/duo-fleet/
      mount --bind "$R/lists" /var/lib/apt/lists
      mount --bind "$R/pam" /etc/pam.d
      mount --bind "$R/log" /var/log
      [ ! -e /etc/sudoers ] || mount --bind "$R/etc/sudoers" /etc/sudoers
      [ ! -e /etc/sudoers.d ] || mount --bind "$R/sudoers.d" /etc/sudoers.d
      for f in passwd shadow group nsswitch.conf; do mount --bind "$R/etc/$f" "/etc/$f"; done
      [ -e /etc/apt/sources.list ] || : >/srv/none
      mount -t tmpfs none /etc/apt
      mkdir /etc/apt/sources.list.d
      cp "$R/etc/sources.list" /etc/apt/sources.list
      mount --bind "$R/etc/sshd_config" /etc/ssh/sshd_config
      set +e
      ${command}`,
      'sh',
      root,
    ],
    { maxBuffer: 32 * 1024 * 1024, timeout: 60_000, input: '' },
  );

const script = (): string => {
  put('script', buildObserveScript(request, nonce));
  return '"$R/script" </dev/null';
};

describe.each(shells)('a hostile host read by %s', (shell) => {
  let facts: Facts;
  let output = '';
  const rightsOf = (name: string) => facts.accounts[name]?.sudo;
  beforeAll(() => {
    const { stdout, stderr, status } = within(`${shell} ${script()}`);
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
    output = stdout.toString('latin1');
    facts = parseObserveOutput(Buffer.from(stdout), nonce);
  });

  test('no secret leaves it', () => {
    expect(output).not.toContain('TOPSECRET');
    expect(output).not.toContain('$y$');
    expect(output).not.toContain('room 7');
  });

  test('files are what they are, whatever they hold', () => {
    expect(facts.files).toMatchObject({
      '/srv/tree/pam_duo.conf': expect.objectContaining({
        kind: 'file',
        mode: 0o600,
        owner: 'root',
        text: '[duo]\nskey = [secret]\n  [secret]\nhost = h\n',
      }),
      '/srv/tree/forged': expect.objectContaining({
        text: forged,
        sha256: createHash('sha256').update(forged).digest('hex'),
      }),
      '/srv/tree/binary': expect.objectContaining({ kind: 'file', text: null }),
      '/srv/tree/huge': expect.objectContaining({ kind: 'file', text: null }),
      '/srv/tree/vast': { kind: 'other', what: 'a file of 20971520 bytes that could not be read' },
      '/srv/tree/pipe': { kind: 'other', what: 'a pipe' },
      '/srv/tree/link': {
        kind: 'other',
        what: expect.stringMatching(/^a symbolic link to \/nowhere[^\x00-\x1f]*$/),
      },
      '/srv/tree': { kind: 'other', what: 'a folder' },
      '/srv/tree/absent': { kind: 'absent' },
    });
  });

  test('every account that has a key is found, and nothing else is opened', () => {
    const withKeys = Object.entries(facts.accounts).filter(
      ([, account]) => (account?.authorizedKeys ?? 0) > 0,
    );
    expect(withKeys.map(([name]) => name).toSorted()).toEqual(['ann', 'elsewhere', 'odd home']);
    expect(facts.accounts).toMatchObject({
      'nobody-at-all': null,
      root: { authorizedKeys: 0, password: 'empty' },
      ann: { authorizedKeys: 3, password: 'set', groups: ['ann', 'team'], home: '/home/ann' },
      elsewhere: { authorizedKeys: 1, password: 'none', groups: ['users'] },
      'odd home': { authorizedKeys: 1, password: 'locked' },
    });
  });

  test('groups are as getgrnam finds them', () => {
    expect(facts.groups).toEqual({ team: { gid: 2000, members: ['ann', 'piper'] }, 'no such group': null });
  });

  test('sshd answers for each connection', () => {
    expect(facts.sshd.error).toBe('');
    expect(
      Object.entries(facts.sshd.effective).map(([label, settings]) => [label, settings['banner']]),
    ).toEqual([
      ['*', ['none']],
      ['ann', ['none']],
      ['inside', ['/etc/inside']],
      ['team-member', ['/etc/inside']],
      ['local', ['none']],
      ['elsewhere', ['none']],
    ]);
    expect(facts.sshd.users).toEqual({ 'team-member': 'ann', local: 'endless', elsewhere: 'root' });
    expect(facts.sshd.version).toMatch(/^\d+\.\d+/);
  });

  test('a stack’s files come with all that they include, however deep, and no others', () => {
    const folder = '/etc/pam.d/';
    const read = Object.entries(facts.files).filter(([path]) => path.startsWith(folder));
    expect(Object.fromEntries(read.map(([path, { kind }]) => [path.slice(folder.length), kind]))).toEqual({
      sshd: 'file',
      sudo: 'file',
      'sudo-i': 'absent',
      other: 'absent',
      'common-auth': 'file',
      sub: 'file',
      deeper: 'file',
      absolute: 'file',
      nowhere: 'absent',
      folder: 'other',
    });
    expect(facts.files['/usr/lib/pam.d/nowhere']).toEqual({ kind: 'absent' });
    expect(facts.files['/etc/pam.d/sub']).toMatchObject({ text: 'auth include sub\nauth include deeper' });
  });

  test('the modules that libpam would find are named', () => {
    expect(facts.pam.modules).toContain('pam_unix.so');
    expect(facts.pam.modules).not.toContain('pam_filter');
    expect(facts.pam.nologin).toBe(false);
  });

  test('who logged in by key is told by the day, and only by sshd’s own words', () => {
    const ago = Object.entries(facts.accounts).flatMap(([name, account]) =>
      account?.keyLoginDaysAgo == null ? [] : [[name, account.keyLoginDaysAgo]],
    );
    expect(Object.fromEntries(ago)).toEqual({ ann: 3, folder: 30 });
    expect(facts.keyLoginLog).toBe('whole');
  });

  test.skipIf(!hasSudo)('sudo’s own answer is told for each who may be let through unasked', () => {
    expect(rightsOf('ann')).toEqual({
      kind: 'some',
      asking: ['(ALL : ALL) ALL', '(root) PASSWD: /bin/false a\\,b'],
      silent: ['(root) NOPASSWD: /bin/true'],
    });
    expect(rightsOf('piper')).toEqual({ kind: 'some', asking: ['(ALL : ALL) ALL'], silent: [] });
    expect(rightsOf('cloud')).toEqual({ kind: 'some', asking: [], silent: ['(ALL) NOPASSWD: ALL'] });
    expect(rightsOf('endless')).toMatchObject({ asking: [], silent: { length: 61 } });
    expect(rightsOf('folder')).toEqual({ kind: 'none' });
    expect(rightsOf('root')).toEqual({ kind: 'unknown' });
  });

  test('the rest of it is told as well', () => {
    expect(facts.packages['dpkg']?.status).toBe('installed');
    expect(facts.packages['no-such-package']).toBeUndefined();
    expect(facts.space['/srv/tree/not/yet/there']?.freeKiB).toBeGreaterThan(0);
    expect(facts.pending).toEqual({
      tx: 't1',
      run: 'r1',
      operator: 'ann\u0007',
      sinceS: 1_700_000_000,
      alive: false,
      state: 'armed',
    });
    expect(facts.moduleError).toMatch(/broken\.so/);
    expect(facts.dpkgLockHolder).toBeNull();
    expect(facts.duoSources).toEqual({
      '/etc/apt/sources.list': ['deb http://[secret]@repo.example/Debian bookworm main'],
    });
  });

  test.skipIf(shell === 'busybox sh')('a read-only file system is seen', () => {
    // busybox's own test(1) answers for root without asking the kernel.
    expect(facts.space['/srv/readonly']?.readOnly).toBe(true);
    expect(facts.space['/srv/tree/not/yet/there']?.readOnly).toBe(false);
  });
});

// What getent(1) and id(1) say stands in for a directory: no other part of observe.sh speaks with one.
test('a directory’s members and its accounts in sshd’s log are told with their groups', () => {
  put('etc/nsswitch.directory', 'passwd: files sss\ngroup: files sss\nsudoers: files sss\n');
  put(
    'bin/getent',
    `#!/bin/sh
    database=$1
    shift
    for name; do
      case "$database $name" in
      'group team') echo 'team:*:9000:ada lovelace,bo' ;;
      'passwd ada lovelace') echo 'ada lovelace:*:9001:9100:Ada:/home/ada:/bin/bash' ;;
      'passwd bo') echo 'bo:*:9002:9100:Bo:/home/bo:/bin/bash' ;;
      'passwd cy') echo 'cy:*:9003:9100:Cy:/home/cy:/bin/bash' ;;
      *) status=2 ;;
      esac
    done
    exit "\${status:-0}"
    `,
  );
  put(
    'bin/id',
    `#!/bin/sh\ncase $3 in cy) printf 'domain users\\0' ;; *) printf 'domain users\\0team\\0' ;; esac\n`,
  );
  for (const name of ['getent', 'id']) chmodSync(join(root, 'bin', name), 0o755);
  put('directory.log', accepted(traditional(daysAgo(5)), 'cy') + accepted(traditional(daysAgo(6)), 'bo'));
  const { stdout } = within(`
    mount --bind "$R/etc/nsswitch.directory" /etc/nsswitch.conf
    for f in getent id; do mount --bind "$R/bin/$f" "/usr/bin/$f"; done
    mount --bind "$R/directory.log" /var/log/auth.log
    sh ${script()}`);
  const facts = parseObserveOutput(Buffer.from(stdout), nonce);
  expect(facts.groups['team']).toEqual({ gid: 9000, members: ['ada lovelace', 'bo'] });
  expect(facts.sshd.users['team-member']).toBe('ada lovelace');
  expect(facts.accounts).toMatchObject({
    'ada lovelace': { uid: 9001, password: 'none', groups: ['domain users', 'team'], keyLoginDaysAgo: null },
    bo: { groups: ['domain users', 'team'], keyLoginDaysAgo: 6 },
    cy: { uid: 9003, password: 'none', groups: ['domain users'], authorizedKeys: 0, keyLoginDaysAgo: 5 },
  });
});

test('whoever holds a lock is seen: apt’s by name, the guard’s as alive', () => {
  const { stdout } = within(`
    # As the guard's watcher does it: flock(1) takes the lock and ends, the watcher keeps the open file.
    (exec 8>/var/lib/duo-fleet/active/watch.lock && flock 8 && : >/srv/held && exec sleep 30) >/dev/null &
    watcher=$!
    # fcntl(F_SETLK, write lock on the whole file), as apt does it.
    perl -e 'open F, "+<", "/var/lib/apt/lists/lock" or die; my $lock = pack("s s x4 q q i x4", 1, 0, 0, 0, 0);
      fcntl(F, 6, $lock) or die; open O, ">", "/srv/locked"; close O; sleep 30' >/dev/null &
    holder=$!
    tries=0
    until [ -e /srv/locked ] && [ -e /srv/held ]; do tries=$((tries + 1)); [ "$tries" -lt 500 ] || exit 1; sleep 0.01; done
    sh ${script()}
    kill "$watcher" "$holder"`);
  const facts = parseObserveOutput(Buffer.from(stdout), nonce);
  expect(facts.dpkgLockHolder).toMatch(/^perl\[\d+\]$/);
  expect(facts.pending?.alive).toBe(true);
});

test.skipIf(!existsSync('/usr/bin/strace'))('nothing is written anywhere', () => {
  const { stdout } = within(`
    strace -f -qq -o '!cat >&3' -e trace=openat,open,creat,unlinkat,unlink,renameat2,rename,mkdir,mkdirat,symlink,link,chmod,fchmodat,chown \
      sh ${script()} 3>&1 >/dev/null 2>&1`);
  const writes = stdout
    .toString()
    .split('\n')
    .filter((line) =>
      /O_WRONLY|O_RDWR|O_CREAT|^\d+ +(?:creat|unlink|rename|mkdir|symlink|link|f?ch(?:mod|own))/.test(line),
    )
    .filter((line) => !/"\/dev\/(?:null|tty)"/.test(line));
  expect(stdout.length).toBeGreaterThan(1000);
  expect(writes).toEqual([]);
});
