import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/failure.ts';
import type { ObserveRequest } from '../../../src/core/remote.ts';
import { buildObserveScript, parseObserveOutput } from '../../../src/remote/observe.ts';
import { makeObserveRequest } from '../../../src/steps/observe-request.ts';
import { exampleSettings } from '../../support/example-host.ts';
import { nonce, observeAnswer } from '../../support/observe-answer.ts';

const request: ObserveRequest = {
  packages: ['duo-unix', 'libpam-duo'],
  files: [{ path: '/etc/pam.d/sshd', text: true }],
  groups: ['domain users'],
  accounts: ['root'],
  connections: [{ label: '*', user: 'nobody', address: '198.51.100.1' }],
  personas: [],
  dropInPath: '/etc/ssh/sshd_config.d/00-duo-fleet.conf',
  spacePaths: ['/etc'],
  repositoryUrl: 'https://pkg.duosecurity.com/',
  modulePath: '/usr/lib64/security/pam_duo.so',
  census: true,
};

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const parse = (changes: Parameters<typeof observeAnswer>[0] = {}) =>
  parseObserveOutput(bytes(observeAnswer(changes)), nonce);
const textOf = (answer: string) => parseObserveOutput(bytes(answer), nonce).files['/etc/pam.d/sshd'];
const thrownBy = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

describe('buildObserveScript', () => {
  test('the script is one that sh accepts', () => {
    const { status, stderr } = spawnSync('sh', ['-n'], { input: buildObserveScript(request, nonce) });
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
  });

  test('a request of usual size fits the first flight of a TCP connection', () => {
    const usual = makeObserveRequest(exampleSettings());
    expect(buildObserveScript(usual, nonce).length).toBeLessThan(10 * 1400);
  });

  test('no word of a request becomes program text', () => {
    const script = buildObserveScript({ ...request, groups: ["a'; touch /pwned; '$(id)`id`"] }, nonce);
    const { stdout } = spawnSync('sh', ['-s'], {
      input: `${script.slice(0, script.indexOf('PATH=/usr/sbin'))}\nwith_groups printf '%s\\n'`,
    });
    expect(stdout.toString()).toBe("a'; touch /pwned; '$(id)`id`\n");
  });

  test.each<[string, Partial<ObserveRequest>]>([
    [
      'a drop-in of sshd that would come twice',
      { files: [{ path: '/etc/ssh/sshd_config.d/a.conf', text: true }] },
    ],
    [
      'a persona of a connection’s label',
      { personas: [{ label: '*', who: { kind: 'local' }, address: '1.2.3.4' }] },
    ],
    [
      'a persona’s address that is none',
      { personas: [{ label: 'x', who: { kind: 'local' }, address: '1.2.3.4 5' }] },
    ],
    [
      'a persona’s group with a line feed',
      { personas: [{ label: 'x', who: { kind: 'member', group: 'a\nb' }, address: '1.2.3.4' }] },
    ],
    ['a relative path', { files: [{ path: 'etc/passwd', text: true }] }],
    ['a path with a line feed', { files: [{ path: '/etc/a\nb', text: true }] }],
    ['an option as a package', { packages: ['--admindir=/x'] }],
    ['a pattern as a package', { packages: ['*'] }],
    ['an option as an account', { accounts: ['-x'] }],
    ['an account with a line feed', { accounts: ['a\nb'] }],
    [
      'a connection’s user with a comma',
      { connections: [{ label: 'x', user: 'a,addr=1', address: '1.2.3.4' }] },
    ],
    ['an address with an equals sign', { connections: [{ label: 'x', user: 'a', address: 'a=b' }] }],
    ['a module path that ld.so would split', { modulePath: '/usr/lib/a b.so' }],
    [
      'too many connections',
      {
        connections: Array.from({ length: 33 }, (_, i) => ({ label: `${i}`, user: 'a', address: '1.2.3.4' })),
      },
    ],
  ])('%s is our own mistake, found before anything is sent', (_, part) => {
    expect(thrownBy(() => buildObserveScript({ ...request, ...part }, nonce))).toMatchObject({
      reason: 'bug',
    });
  });
});

describe('parseObserveOutput', () => {
  test('a plain answer becomes facts', () => {
    const facts = parse();
    expect(facts.os).toEqual({
      id: 'debian',
      idLike: [],
      versionId: '12',
      codename: 'bookworm',
      prettyName: 'Debian GNU/Linux 12 (bookworm)',
    });
    expect(facts.architecture).toBe('amd64');
    expect(facts.epochS).toBe(1_700_000_000);
    expect(facts.systemd).toEqual({ running: true, version: 252 });
    expect(facts.files).toEqual({
      '/etc/pam.d/sshd': {
        kind: 'file',
        mode: 0o644,
        owner: 'root',
        group: 'domain users',
        sha256: 'a'.repeat(64),
        text: '@include common-auth\n',
      },
      '/etc/duo/pam_duo.conf': { kind: 'absent' },
      '/bin': { kind: 'other', what: 'a symbolic link to usr/bin' },
    });
    expect(facts.sshd).toEqual({
      version: '9.2',
      effective: { '*': { port: ['22'], acceptenv: ['LANG', 'LC_*'], banner: ['none'] } },
      error: '',
      users: { 'sudo-member': 'bob' },
      unit: 'ssh',
      serviceActive: true,
      socketActive: true,
      start: { commands: [], environment: [], environmentFiles: [] },
    });
    expect(facts.sudo).toEqual({ implementation: 'sudo', version: '1.9.13p3', defaults: null });
    expect(facts.pam).toEqual({ modules: ['pam_deny.so', 'pam_unix.so'], nologin: false });
    expect(facts.keyLoginLog).toBe('not read');
    expect(facts.groups).toEqual({ sg_sudo: { gid: 2102, members: ['bob'] }, nosuch: null });
    expect(facts.space).toEqual({ '/etc': { freeKiB: 40, freeInodes: 7, readOnly: false } });
    expect(facts.pending).toBeNull();
    expect(facts.moduleError).toBeNull();
    expect(facts.dpkgLockHolder).toBeNull();
    expect(facts.dpkgInterrupted).toBe(false);
  });

  test('asked-for accounts are there, unknown ones as null, others only when they have keys or a password', () => {
    expect(parse().accounts).toEqual({
      nosuch: null,
      root: expect.objectContaining({ uid: 0, password: 'set', authorizedKeys: 0, groups: ['root'] }),
      bob: {
        uid: 1104,
        home: '/home/bob',
        shell: '/bin/bash',
        groups: ['bob', 'sg_sudo'],
        password: 'locked',
        expired: false,
        authorizedKeys: 3,
        keyLoginDaysAgo: null,
        sudo: { kind: 'some', asking: ['(ALL : ALL) ALL'], silent: [] },
      },
    });
  });

  test('an account named like a property of every object is an account', () => {
    const { accounts } = parse({
      accounts: ['|constructor:1:1:/:/bin/sh:set:/k'],
      keys: ['|/etc/passwd:0', '|/k:1', '|exit 0'],
    });
    expect(Object.keys(accounts)).toContain('constructor');
  });

  test.each<[string, number, string[], string | null]>([
    ['with its last line feed', 4, ['|a', '|b', ''], 'a\nb\n'],
    ['without its last line feed', 3, ['|a', '|b', ''], 'a\nb'],
    ['of one empty line', 1, ['|', ''], '\n'],
    ['that is no UTF-8', 3, ['|\xff\xfe', ''], null],
    ['with a NUL', 6, ['|a', '!', '|b', ''], null],
    ['with escape sequences', 9, ['|\x1b[31mred', ''], '\x1b[31mred\n'],
    ['of which something was masked', 40, ['|skey = [secret]', ''], 'skey = [secret]\n'],
    ['that imitates our lines', nonce.length + 9, [`|#${nonce} end`, '||x', ''], `#${nonce} end\n|x\n`],
  ])('a file %s arrives as it is', (_, size, lines, text) => {
    const stat = [`|81a4:${size}:root:root:/etc/pam.d/sshd`, ''];
    expect(parse({ stat, 'text /etc/pam.d/sshd': lines }).files['/etc/pam.d/sshd']).toMatchObject({
      kind: 'file',
      text,
    });
  });

  test('a file without content has none sent, and one whose content did not come has none known', () => {
    const whole = observeAnswer({});
    const without = whole.replace(/^#\w+ text .*\n\|.*\n\n/m, '');
    expect(without).not.toBe(whole);
    expect(textOf(without.replace('|81a4:21:', '|81a4:0:'))).toMatchObject({ text: '' });
    expect(textOf(without)).toMatchObject({ text: null });
  });

  test('origins are the URLs of the installed version only', () => {
    const { packages } = parse({
      packages: ['|dpkg amd64 installed 1.21', '|duo-unix amd64 installed 2.2.3-0', ''],
      'policy /etc/apt/sources.list.d/duosecurity.list': [
        '|duo-unix:',
        '|  Installed: 2.2.3-0',
        '|  Candidate: 2.3.0-0',
        '|  Version table:',
        '|     2.3.0-0 500',
        '|        500 http://other/Debian bookworm/main amd64 Packages',
        '| *** 2.2.3-0 500',
        '|        500 http://repo/Debian/ bookworm/main amd64 Packages',
        '|        100 /var/lib/dpkg/status',
        '',
      ],
    });
    expect(packages['duo-unix']).toEqual({
      status: 'installed',
      version: '2.2.3-0',
      origins: ['http://repo/Debian'],
    });
  });

  test('a package of another architecture does not hide the host’s own', () => {
    const { packages } = parse({
      packages: [
        '|dpkg amd64 installed 1.21',
        '|libpam-duo i386 config-files 1.0',
        '|libpam-duo amd64 installed 2.0',
        '',
      ],
    });
    expect(packages['libpam-duo']).toMatchObject({ status: 'installed', version: '2.0' });
  });

  test('source files count by their active lines', () => {
    const { duoSources } = parse({
      'source /etc/apt/sources.list.d/old.list': ['|# deb http://pkg.duosecurity.com/Debian x main', ''],
      'source /etc/apt/sources.list.d/new.list': [
        '|# mine',
        '|deb http://PKG.duosecurity.com/Debian x main',
        '',
      ],
      'source /etc/apt/sources.list.d/a.sources': [
        '|Types: deb',
        '|URIs: http://deb.example',
        '|',
        '|Enabled: no',
        '|URIs: http://repo.example/Debian',
        '|',
        '|# why',
        '|Types: deb',
        '|URIs: http://repo.example/Debian',
        '',
      ],
    });
    expect(duoSources).toEqual({
      '/etc/apt/sources.list.d/new.list': ['deb http://PKG.duosecurity.com/Debian x main'],
      '/etc/apt/sources.list.d/a.sources': ['Types: deb', 'URIs: http://repo.example/Debian'],
    });
  });

  test('when sshd -T fails there are no settings, only its words', () => {
    const { sshd } = parse({
      'sshd 0': ['|-', '|/etc/ssh/sshd_config line 3: Bad configuration option', ''],
    });
    expect(sshd).toMatchObject({
      effective: {},
      error: '/etc/ssh/sshd_config line 3: Bad configuration option',
    });
  });

  test('a pending transaction is told with its owner, and a damaged one still counts', () => {
    expect(
      parse({
        'pending alive': ['|active=tx/t1', '|state=armed', '|run=r1', '|operator=ann=x', '|since=1700', ''],
      }).pending,
    ).toEqual({ tx: 't1', run: 'r1', operator: 'ann=x', sinceS: 1700, alive: true, state: 'armed' });
    expect(parse({ 'pending dead': ['|active=tx/t1', '|state=', ''] }).pending).toEqual({
      tx: 't1',
      run: '',
      operator: '',
      sinceS: 0,
      alive: false,
      state: 'unknown',
    });
  });

  test.each<[string, string[], string]>([
    ['that loads has no error', ['|exit 0', ''], ''],
    [
      'that the loader ignores has its complaint',
      ['|ERROR: cannot be preloaded', '|exit 0', ''],
      'ERROR: cannot be preloaded',
    ],
    [
      'that ends the program silently has an error too',
      ['|exit 139', ''],
      'a program that loads it ended with status 139',
    ],
  ])('a module %s', (_, lines, error) => {
    expect(parse({ 'module present': lines }).moduleError).toBe(error);
  });

  test('directory accounts have the directory’s groups, and group names may hold blanks', () => {
    const facts = parse({
      'directory yes': [],
      'group sg_sudo': ['|sg_sudo:*:7:bob,ann', '|exit 0', ''],
      'group nosuch': ['|exit 2', ''],
      'member bob': ['|domain users', '|sg_sudo', '|exit 0', ''],
    });
    expect(facts.groups).toEqual({ sg_sudo: { gid: 7, members: ['bob', 'ann'] }, nosuch: null });
    expect(facts.accounts['bob']?.groups).toEqual(['domain users', 'sg_sudo']);
  });

  test('a directory that does not answer is not a group that does not exist', () => {
    const answer = {
      'directory yes': [],
      'group sg_sudo': ['|exit 124', ''],
      'group nosuch': ['|exit 2', ''],
    };
    expect(thrownBy(() => parse(answer))).toMatchObject({ reason: 'timeout' });
  });

  test('key files that cannot be counted in time are not accounts without keys', () => {
    expect(
      thrownBy(() => parse({ keys: ['|/home/bob/.ssh/authorized_keys:3', '|exit 124', ''] })),
    ).toMatchObject({ reason: 'timeout' });
  });

  test('who logged in by key is told in days, whoever the log names beside', () => {
    const facts = parse({
      logins: ['|19672 bob', '|19675 root', '|19000 gone', '|19676 not | a: name', ''],
      'login-accounts': ['|ann:5000:5000:/home/ann:/bin/bash:none', '|bob:1:1:/:/bin/sh:none', ''],
    });
    // 1 700 000 000 is in day 19675.
    expect(facts.accounts['bob']).toMatchObject({ keyLoginDaysAgo: 3, uid: 1104 });
    expect(facts.accounts['root']?.keyLoginDaysAgo).toBe(0);
    expect(Object.keys(facts.accounts).toSorted()).toEqual(['bob', 'nosuch', 'root']);
    expect(facts.keyLoginLog).toBe('whole');
    expect(parse({ logins: ['|cut', '|19672 bob', ''] }).keyLoginLog).toBe('cut');
  });

  test('a directory’s account that logged in by key is an account', () => {
    const facts = parse({
      logins: ['|19670 ann', ''],
      'login-accounts': ['|ann:5000:5000:/home/ann:/bin/bash:none', ''],
      'member ann': ['|domain users', '|exit 0', ''],
    });
    expect(facts.accounts['ann']).toMatchObject({
      password: 'none',
      authorizedKeys: 0,
      keyLoginDaysAgo: 5,
      groups: ['domain users'],
    });
  });

  test('a persona’s settings are those that sshd told of it, and else it has none of its own', () => {
    const people = ['|match', '|user local 198.51.100.1 bob', '|user sudo-member 198.51.100.1 root', ''];
    const { sshd } = parse({ people, 'sshd local': ['|banner /x', '|+', ''] });
    expect(sshd.users).toEqual({ local: 'bob', 'sudo-member': 'root' });
    expect(Object.keys(sshd.effective)).toEqual(['*', 'local']);
    expect(parse({ people, 'sshd local': ['|-', '|no', ''] }).sshd).toMatchObject({
      effective: {},
      error: 'no',
    });
  });

  test('who holds the package manager’s lock is named', () => {
    expect(parse({ 'lock 42 apt-get': [] }).dpkgLockHolder).toBe('apt-get[42]');
    expect(parse({ 'lock 42 ': [] }).dpkgLockHolder).toBe('unknown[42]');
  });
});

describe('an answer that cannot be trusted', () => {
  const whole = observeAnswer({});

  test('cut anywhere, it is a failure and never facts', () => {
    for (let length = 0; length < whole.length; length++) {
      const thrown = thrownBy(() => parseObserveOutput(bytes(whole.slice(0, length)), nonce));
      expect(thrown, `cut at ${length}`).toBeInstanceOf(Failure);
    }
  });

  test('without any one of its parts, it is a failure', () => {
    const parts = whole.split(/^(?=#)/m);
    for (const [index, part] of parts.entries()) {
      // Not every host has links, and what is not asked for is not missed.
      if (/^#\w+ (?:link|want|text|rights) /.test(part)) continue;
      const rest = parts.filter((_, at) => at !== index).join('');
      expect(
        thrownBy(() => parseObserveOutput(bytes(rest), nonce)),
        part,
      ).toBeInstanceOf(Failure);
    }
  });

  test.each([
    ['with something before it', `motd\n${whole}`],
    ['with something after it', `${whole}x`],
    ['with another session’s nonce', whole.replaceAll(nonce, 'f'.repeat(32))],
    ['with a stray line in it', whole.replace('|exit 123\n', '|exit 123\nBroadcast message\n')],
    ['with a part twice', whole.replace(`#${nonce} systemd yes\n`, `#${nonce} systemd yes\n`.repeat(2))],
    [
      'with a file that was not asked for',
      whole.replace('|81a4:21:root', '|81a4:9:root:root:/etc/x\n|81a4:21:root'),
    ],
  ])('%s, it is a failure', (_, answer) => {
    expect(answer).not.toBe(whole);
    expect(thrownBy(() => parseObserveOutput(bytes(answer), nonce))).toMatchObject({ reason: 'exit' });
  });

  test('with bytes changed at random, it is facts or a Failure, and nothing else', () => {
    // A fixed linear congruential generator: the same answers on every run.
    let state = 12_345;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let round = 0; round < 3000; round++) {
      const changed = Buffer.from(whole, 'latin1');
      for (let times = random(6); times >= 0; times--) changed[random(changed.length)] = random(256);
      const result = thrownBy(() => parseObserveOutput(changed, nonce));
      if (result instanceof Error) expect(result).toBeInstanceOf(Failure);
    }
  });

  test('its failure’s message holds no control characters', () => {
    const answer = whole
      .replace(/^#\w+ space .*\n/m, '')
      .replace('want space /etc', 'want space /\x1b]0;x\x07');
    const thrown = thrownBy(() => parseObserveOutput(bytes(answer), nonce));
    expect(thrown).toBeInstanceOf(Failure);
    expect(String(thrown)).not.toMatch(/[\x00-\x1f]/);
  });
});
