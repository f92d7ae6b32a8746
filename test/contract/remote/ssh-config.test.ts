import { execFile } from 'node:child_process';
import { appendFile, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { wayDefaults } from '../../../src/cli/way-defaults.ts';
import { hostKeyOptions } from '../../../src/cli/host-key-files.ts';
import { parseInventory } from '../../../src/core/parse-inventory.ts';
import { parseAllSettings } from '../../../src/core/settings-parse.ts';
import type { Settings } from '../../../src/core/settings.ts';
import type { AskSsh, SshQuestion } from '../../../src/core/ssh-answer.ts';
import { localRemote } from '../../support/local-remote.ts';
import { startLocalSshd, type LocalSshd } from '../../support/local-sshd.ts';

const run = promisify(execFile);
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duo-fleet-config-'));
  await mkdir(join(folder, 'conf.d'));
  await writeFile(
    join(folder, 'conf.d', 'one.conf'),
    'Host inc*\n  User included\n  HostName %h.inc.example\n',
  );
  await writeFile(join(folder, 'conf.d', 'two'), 'Port 1\n');
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

/** Shapes of the real world: stanzas, negation, defaults last, Include, Match, tokens, quotes, `=`, capitals. */
const CONFIGS: Readonly<Record<string, string>> = {
  'nothing that matters': 'Host *\n  SendEnv LANG\n  ServerAliveInterval 30\n',
  'a stanza for each': 'Host web1\n  HostName 10.0.0.1\n  User svc\nHost db1 db2\n  Port 2222\n',
  'patterns and negation':
    'Host web* !web2\n  User webber\n  IdentityFile ~/.ssh/web_%h\nHost *.example.org\n  ProxyJump gate,ops@inner:2200\nHost *\n  User rest\n',
  'the first word counts': 'Host web1\n  Port 1\nHost web*\n  Port 2\n  User second\nHost *\n  Port 3\n',
  'tokens in a HostName': 'Host web*\n  HostName %h.example.net\n',
  'one address for many': 'Host web1 web2\n  HostName shared.example.net\n  HostKeyAlias %n\n',
  'capitals and equals signs': 'HOST=web1\n  hostname = "10.0.0.9"\n  PORT=77\n',
  'a Match by user': 'Match user root\n  Port 2201\nMatch host web1 exec "true"\n  HostName 10.9.9.9\n',
  'a Match by command': 'Match exec "test %n = web2"\n  User matched\n',
  'an included folder': 'Include FOLDER/conf.d/*.conf\nHost web1\n  Port 9\n',
  'an Include within a stanza': 'Host web1\n  Include FOLDER/conf.d/two\nHost *\n  User after\n',
  'an Include that is not followed': 'Include FOLDER/conf.?/[o]ne.conf\n',
  'keys and an agent':
    'Host web1\n  IdentityFile ~/.ssh/a\n  IdentityFile "/tmp/with blank"\n  IdentitiesOnly yes\n  IdentityAgent none\n  CertificateFile ~/.ssh/a-cert.pub\n',
  'host keys':
    'Host web*\n  UserKnownHostsFile /tmp/a ~/.ssh/kh_%h\n  GlobalKnownHostsFile /tmp/g\n  HostKeyAlias web\n',
  'a ProxyCommand': 'Host web1\n  ProxyCommand nc -X connect %h %p\nHost web2\n  ProxyCommand none\n',
};
const HOSTS = ['web1', 'web2', 'WEB1', 'a.example.org', 'db2', 'inc1', '10.0.0.1', '2001:db8::1'];
const QUESTIONS: readonly SshQuestion[] = HOSTS.flatMap((host) => [
  { host, user: null, port: null },
  { host, user: 'root', port: 2022 },
]);

const inventoryOf = (questions: readonly SshQuestion[]) => {
  const hosts = Object.fromEntries(
    questions.map(({ host, user, port }, at) => [
      `h${at}`,
      {
        ansible_host: host,
        ...(user === null ? {} : { ansible_user: user }),
        ...(port === null ? {} : { ansible_port: port }),
      },
    ]),
  );
  return parseInventory(JSON.stringify({ all: { hosts } }), 'inv.yml').inventory.hosts;
};

const asked = async (questions: readonly SshQuestion[], file: string): Promise<AskSsh> => {
  const defaults = await wayDefaults(
    inventoryOf(questions),
    { jumps: null, sshConfig: { file } },
    { account: userInfo().username, env: process.env },
  );
  return defaults.ssh ?? (() => null);
};

/** What ssh itself prints of one host, by keyword. */
const printed = async (
  { host, user, port }: SshQuestion,
  file: string,
): Promise<ReadonlyMap<string, string>> => {
  const words = [
    '-G',
    '-F',
    file,
    ...(user === null ? [] : ['-l', user]),
    ...(port === null ? [] : ['-p', `${port}`]),
  ];
  const { stdout } = await run('ssh', [...words, '--', host]);
  const lines = stdout
    .split('\n')
    .map((line) => [line.split(' ', 1)[0] ?? '', line.slice(line.indexOf(' ') + 1)] as const);
  const all = new Map<string, string>();
  for (const [keyword, value] of lines)
    all.set(keyword, all.has(keyword) ? `${all.get(keyword)}\n${value}` : value);
  return all;
};

describe.each(Object.entries(CONFIGS))('a configuration with %s', (name, config) => {
  test('means here what it means to ssh', async () => {
    const file = join(folder, `config-${name.replaceAll(' ', '-')}`);
    await writeFile(file, config.replaceAll('FOLDER', folder));
    const ssh = await asked(QUESTIONS, file);
    const { homedir: home } = userInfo();
    for (const question of QUESTIONS) {
      const theirs = await printed(question, file);
      const plain = await printed(question, 'none');
      const ours = ssh(question);
      const said = (keyword: string): string | null => {
        const value = theirs.get(keyword);
        return value === undefined || value === plain.get(keyword) ? null : value;
      };
      if (ours === null) {
        expect([said('user'), said('port'), said('proxyjump'), said('identityfile')]).toEqual([
          null,
          null,
          null,
          null,
        ]);
        continue;
      }
      expect({
        ...question,
        address: ours.address,
        as: ours.user,
        at: ours.port,
        jump: ours.proxyJump,
      }).toEqual({
        ...question,
        address: theirs.get('hostname'),
        as: theirs.get('user'),
        at: Number(theirs.get('port')),
        jump: said('proxyjump'),
      });
      const expanded = (value: string): string =>
        value
          .replaceAll('%h', ours.address)
          .replaceAll('%n', question.host)
          .replaceAll('%p', `${ours.port}`)
          .replaceAll('%r', ours.user)
          .replace(/^~/, home);
      expect(ours.details.identityFiles).toEqual(said('identityfile')?.split('\n').map(expanded) ?? null);
      expect(ours.details.identitiesOnly).toBe(theirs.get('identitiesonly') === 'yes');
      expect(ours.details.certificateFiles).toEqual(said('certificatefile')?.split('\n').map(expanded) ?? []);
      expect(ours.details.userKnownHostsFiles).toEqual(
        said('userknownhostsfile')?.split(' ').map(expanded) ?? null,
      );
      expect(ours.details.globalKnownHostsFiles).toEqual(said('globalknownhostsfile')?.split(' ') ?? null);
      expect(ours.details.hostKeyAlias).toBe(said('hostkeyalias'));
      const command = said('proxycommand');
      expect(ours.details.proxyCommand).toBe(
        command === null || command === 'none' ? null : expanded(command),
      );
    }
  });
});

test('ssh is asked once for hosts that its Host lines do not tell apart', async () => {
  const counting = join(folder, 'bin');
  await mkdir(counting);
  const real = (await run('sh', ['-c', 'command -v ssh'])).stdout.trim();
  await writeFile(join(counting, 'ssh'), `#!/bin/sh\necho x >>${folder}/asked\nexec ${real} "$@"\n`, {
    mode: 0o755,
  });
  const file = join(folder, 'config-many');
  await writeFile(
    file,
    'Host web*\n  User webber\n  IdentityFile ~/.ssh/%h\nHost db1\n  HostName 10.0.0.1\n',
  );
  const many = Array.from({ length: 2_000 }, (_, at) => ({
    host: `web${at}.example.org`,
    user: null,
    port: null,
  }));
  const env = { ...process.env, PATH: `${counting}:${process.env['PATH'] ?? ''}` };
  const hosts = inventoryOf([...many, { host: 'db1', user: null, port: null }]);
  const account = userInfo().username;
  const { ssh } = await wayDefaults(hosts, { jumps: null, sshConfig: { file } }, { account, env });
  // One without a configuration, one for the web hosts, one for the database's.
  expect((await readFile(join(folder, 'asked'), 'utf8')).split('\n').length - 1).toBe(3);
  const last = ssh?.({ host: 'web1999.example.org', user: null, port: null });
  expect([last?.address, last?.user, last?.details.identityFiles]).toEqual([
    'web1999.example.org',
    'webber',
    [join(userInfo().homedir, '.ssh/web1999.example.org')],
  ]);
});

test('a configuration that ssh cannot read, and one without an ssh to read it, are said so', async () => {
  const file = join(folder, 'config-broken');
  await writeFile(file, 'Host web1\n  Prot 22\n  Port 1\n');
  const hosts = inventoryOf([{ host: 'web1', user: null, port: null }]);
  const options = { jumps: null, sshConfig: { file } };
  await expect(wayDefaults(hosts, options, { account: 'root', env: process.env })).rejects.toThrow(
    /Bad configuration option: prot.*--ssh-config none/,
  );
  await expect(
    wayDefaults(hosts, options, { account: 'root', env: { PATH: '/nonexistent' } }),
  ).rejects.toThrow(/no ssh to say what it means/);
});

/** The key of a known_hosts line, with the blank before it. */
const keyOf = (line: string): string => line.slice(line.indexOf(' '));

describe('a login by ssh’s configuration alone', () => {
  let sshd: LocalSshd;
  let gate: LocalSshd;
  beforeAll(async () => {
    sshd = await startLocalSshd();
    gate = await startLocalSshd();
    await appendFile(join(gate.folder, 'authorized_keys'), await readFile(join(sshd.folder, 'id.pub')));
    await copyFile(join(sshd.folder, 'id'), join(sshd.folder, 'key_auto'));
    await writeFile(
      join(folder, 'known'),
      `the-host${keyOf(sshd.knownHosts)}${gate.knownHosts}[127.0.0.1]:${sshd.port}${keyOf(gate.knownHosts)}`,
    );
  });
  afterAll(async () => {
    await gate.stop();
    await sshd.stop();
  });

  const settingsBy = async (lines: string): Promise<Settings> => {
    const file = join(folder, 'config-login');
    const config = `Host gate\n  HostName 127.0.0.1\n  Port ${gate.port}\n  User auto\n  IdentityFile ${sshd.folder}/id\nHost web1\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User auto\n${lines}\nHost *\n  UserKnownHostsFile ${folder}/known\n  HostKeyAlgorithms ssh-ed25519\n`;
    await writeFile(file, config);
    const text = JSON.stringify({
      all: {
        hosts: { web1: {} },
        vars: {
          duo_ikey: 'DIABCDEFGHIJKLMNOPQR',
          duo_skey: 'env:X',
          duo_api_host: 'api.duosecurity.com',
          ad_server_access_group: 'a',
          ad_sudo_group: 'b',
        },
      },
    });
    const { hosts } = parseInventory(text, 'inv.yml').inventory;
    const defaults = await wayDefaults(
      hosts,
      { jumps: null, sshConfig: { file } },
      { account: 'root', env: process.env },
    );
    const [settings] = parseAllSettings(hosts, defaults).settings;
    if (settings === undefined) throw new Error('the inventory of this test is not taken');
    return settings;
  };
  const remote = () =>
    localRemote(sshd, {
      home: '/nonexistent',
      hostKeys: hostKeyOptions({
        inventory: null,
        hosts: [],
        limit: undefined,
        knownHosts: '/nonexistent',
        isKnownHostsGiven: false,
        hostKeys: 'strict',
        privateKey: null,
        jumps: null,
        sshConfig: 'usual',
      }),
    });
  const ALIAS = '  HostKeyAlias the-host\n';

  test.each([
    ['a key file with tokens, and an alias for the host key', `${ALIAS}  IdentityFile FOLDER/key_%r\n`],
    ['a jump host', `${ALIAS}  IdentityFile FOLDER/id\n  ProxyJump gate\n`],
    [
      'a ProxyCommand that is ssh itself',
      `${ALIAS}  IdentityFile FOLDER/id\n  ProxyCommand ssh -F CONFIG -W %%h:%p gate\n`,
    ],
  ])('works with %s', async (_what, lines) => {
    const config = lines
      .replaceAll('FOLDER', sshd.folder)
      .replace('CONFIG', join(folder, 'config-login'))
      .replace('%%h', '%h');
    const shared = remote();
    const session = await shared.connect(await settingsBy(config), { deadlineMs: 30_000 });
    session.close();
    shared.close();
  });

  test('does not trust a key that is on file for the address, where an alias is set, and the other way round', async () => {
    const shared = remote();
    await expect(
      shared.connect(await settingsBy(`  IdentityFile ${sshd.folder}/id\n`), { deadlineMs: 30_000 }),
    ).rejects.toThrow(/NOT THE ONE ON FILE/);
  });

  test('by a ProxyCommand that fails is told in its words', async () => {
    const settings = await settingsBy(
      `  IdentityFile ${sshd.folder}/id\n  ProxyCommand echo no way >&2; exit 3\n`,
    );
    await expect(remote().connect(settings, { deadlineMs: 10_000 })).rejects.toMatchObject({
      reason: 'link',
      message: expect.stringContaining('no way') as string,
    });
  });

  test('with a certificate, or a key of a FIDO token, is said to be what this program cannot', async () => {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'ca')]);
    await copyFile(join(sshd.folder, 'stranger'), join(folder, 'certified'));
    await copyFile(join(sshd.folder, 'stranger.pub'), join(folder, 'certified.pub'));
    await run('ssh-keygen', [
      '-q',
      '-s',
      join(folder, 'ca'),
      '-I',
      'x',
      '-n',
      'auto',
      join(folder, 'certified.pub'),
    ]);
    await expect(
      remote().connect(await settingsBy(`${ALIAS}  IdentityFile ${folder}/certified\n`), {
        deadlineMs: 10_000,
      }),
    ).rejects.toThrow(
      /does not let auto in with .*certified.*certified-cert\.pub is not shown.*FIDO keys nor certificates/,
    );
    const fido = 'sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIA token\n';
    await writeFile(join(folder, 'fido.pub'), fido);
    await expect(
      remote().connect(
        await settingsBy(`${ALIAS}  IdentitiesOnly yes\n  IdentityFile ${folder}/fido.pub\n`),
        { deadlineMs: 10_000 },
      ),
    ).rejects.toThrow(
      /there is no key .*fido\.pub cannot be used: it is a FIDO key \(sk-ssh-ed25519@openssh\.com\)/,
    );
  });
});
