import { describe, expect, test } from 'vitest';
import { formatDiagnostics } from '../../../src/core/format-diagnostics.ts';
import { parseInventory } from '../../../src/core/parse-inventory.ts';
import { reveal } from '../../../src/core/secret.ts';
import type { Settings } from '../../../src/core/settings.ts';
import { DUO_KEY_FINGERPRINTS, parseAllSettings, parseSettings } from '../../../src/core/settings-parse.ts';

const base: Readonly<Record<string, string>> = {
  ansible_user: 'ansible',
  duo_ikey: 'DIABCDEFGHIJKLMNOPQR',
  duo_skey: 'env:DUO_SKEY',
  duo_api_host: 'api-1a2b3c4d.duosecurity.com',
  ad_server_access_group: 'SG_ServerAccess',
  ad_sudo_group: 'SG_Sudo',
};

/** Variables as JSON, which is YAML too; `undefined` takes one away. */
const parse = (variables: Readonly<Record<string, unknown>>): ReturnType<typeof parseSettings> => {
  const text = JSON.stringify({ all: { hosts: { h1: { ...base, ...variables } } } });
  const { inventory, diagnostics } = parseInventory(text, 'inv.yml');
  const [host] = inventory.hosts;
  if (host === undefined) return { settings: null, diagnostics };
  return parseSettings(host);
};

const settingsOf = (variables: Readonly<Record<string, unknown>>): Settings => {
  const { settings, diagnostics } = parse(variables);
  if (settings === null) throw new Error(formatDiagnostics(diagnostics));
  return settings;
};

const errorsOf = (variables: Readonly<Record<string, unknown>>): readonly string[] =>
  parse(variables)
    .diagnostics.filter((each) => each.severity === 'error')
    .map((each) => each.message);

const warningsOf = (variables: Readonly<Record<string, unknown>>): readonly string[] =>
  parse(variables)
    .diagnostics.filter((each) => each.severity === 'warning')
    .map((each) => each.message);

describe('defaults', () => {
  test('what is not said has its default', () => {
    expect(settingsOf({})).toStrictEqual({
      host: 'h1',
      connection: {
        address: 'h1',
        port: 22,
        user: 'ansible',
        privateKeyFile: null,
        password: null,
        jumps: [],
        become: true,
      },
      duo: {
        ikey: 'DIABCDEFGHIJKLMNOPQR',
        skey: { kind: 'env', text: 'DUO_SKEY' },
        apiHost: 'api-1a2b3c4d.duosecurity.com',
        failmode: 'safe',
        options: [
          ['pushinfo', 'yes'],
          ['prompts', '3'],
          ['autopush', 'yes'],
          ['https_timeout', '10'],
        ],
      },
      serverAccessGroup: 'sg_serveraccess',
      sudoGroup: 'sg_sudo',
      breakGlass: null,
      keyOnlyUsers: [],
      keyOnlyGroups: [],
      keyLoginLossAccepted: [],
      canary: null,
      sudoTimestampTimeoutMin: 30,
      repository: {
        url: 'https://pkg.duosecurity.com',
        key: 'https://duo.com/DUO-GPG-PUBLIC-KEY.asc',
        fingerprints: DUO_KEY_FINGERPRINTS,
      },
      sshdConfig: 'managed',
      pamTemplates: { sshd: null, sudo: null },
    });
  });

  test.each([
    'duo_ikey',
    'duo_skey',
    'duo_api_host',
    'ad_server_access_group',
    'ad_sudo_group',
    'ansible_user',
  ])('%s has no default: to leave it out is an error', (name) => {
    expect(errorsOf({ [name]: undefined })).toStrictEqual([`${name} is not set for host h1`]);
  });

  test('the login may default to the operator’s own account', () => {
    const text = JSON.stringify({ all: { hosts: { h1: { ...base, ansible_user: undefined } } } });
    const [host] = parseInventory(text, 'inv.yml').inventory.hosts;
    if (host === undefined) throw new Error('no host');
    expect(parseSettings(host, { user: 'alice' }).settings?.connection.user).toBe('alice');
  });

  test('a group may be one of a realm whose names are fully qualified', () => {
    expect(settingsOf({ ad_sudo_group: 'SG_Sudo@Corp.Example.com' }).sudoGroup).toBe(
      'sg_sudo@corp.example.com',
    );
  });
  test('root needs no sudo', () => {
    expect(settingsOf({ ansible_user: 'root' }).connection.become).toBe(false);
    expect(settingsOf({ ansible_become: false }).connection.become).toBe(false);
    expect(settingsOf({ ansible_become: 'yes' }).connection.become).toBe(true);
  });
});

describe('values that are taken', () => {
  test('Duo options are written as the module reads them', () => {
    const { duo } = settingsOf({
      duo_pushinfo: 'off',
      duo_autopush: false,
      duo_verified_push: true,
      duo_prompts: '1',
      duo_https_timeout: 30,
      duo_http_proxy: 'http://proxy:3128',
      duo_cafile: '/etc/ssl/ca.pem',
      duo_noverify: 'no',
    });
    expect(Object.fromEntries(duo.options)).toStrictEqual({
      pushinfo: 'no',
      autopush: 'no',
      verified_push: 'yes',
      prompts: '1',
      https_timeout: '30',
      http_proxy: 'http://proxy:3128',
      cafile: '/etc/ssl/ca.pem',
      noverify: 'no',
    });
  });

  test('allowed sources may be a list or one text with commas', () => {
    const sources = ['10.0.0.0/24', '192.0.2.7', '10.1.*', '2001:db8::/32', '::1'];
    const named = { break_glass_user: 'pbr_admin' };
    for (const value of [sources, sources.join(','), sources.join(', ')]) {
      const { breakGlass } = settingsOf({ ...named, pbr_admin_allowed_sources: value });
      expect(breakGlass?.allowedSources).toStrictEqual(sources);
    }
  });

  test('fingerprints lose their blanks', () => {
    const spaced = 'd8ec 4e20 5840 1ae5 578c  4b3f 4b44 ce3d ff69 6172';
    expect(settingsOf({ duo_repo_key_fingerprints: spaced }).repository.fingerprints).toStrictEqual([
      DUO_KEY_FINGERPRINTS[0],
    ]);
  });

  test('a repository’s URL loses the slash at its end', () => {
    expect(settingsOf({ duo_repo_url: 'http://mirror.local:8080/duo/' }).repository.url).toBe(
      'http://mirror.local:8080/duo',
    );
  });

  test('the older names of the connection variables work', () => {
    const { connection } = settingsOf({
      ansible_user: undefined,
      ansible_ssh_user: 'svc',
      ansible_ssh_host: '192.0.2.1',
      ansible_ssh_port: 23,
    });
    expect(connection).toMatchObject({ user: 'svc', address: '192.0.2.1', port: 23 });
  });

  test('secrets come as references or as they are', () => {
    const { duo, canary, connection } = settingsOf({
      duo_skey: 'a'.repeat(40),
      canary_user: 'canary',
      canary_passcode: 'command:pass show "duo canary"',
      ansible_password: 'keyring:svc/login',
    });
    expect(duo.skey.kind === 'literal' ? reveal(duo.skey.value) : '').toBe('a'.repeat(40));
    expect(canary?.passcode).toStrictEqual({ kind: 'command', text: 'pass show "duo canary"' });
    expect(connection.password).toStrictEqual({ kind: 'keyring', text: 'svc/login' });
  });

  test('a variable without a value counts as not set', () => {
    expect(settingsOf({ canary_user: null, duo_failmode: null }).canary).toBeNull();
  });

  test('variables of others are carried', () => {
    expect(
      errorsOf({ http_port: 80, ansible_python_interpreter: '/usr/bin/python3', nested: { a: [1] } }),
    ).toStrictEqual([]);
  });
});

describe('values that are refused', () => {
  test.each([
    ['duo_failmode', 'Safe'],
    ['duo_failmode', 'SECURE'],
    ['duo_failmode', ''],
    ['duo_failmode', true],
    ['duo_prompts', 0],
    ['duo_prompts', 4],
    ['duo_prompts', 1.5],
    ['duo_prompts', 'three'],
    ['duo_autopush', 'maybe'],
    ['duo_autopush', 1],
    ['duo_ikey', 'DI X'],
    ['duo_ikey', true],
    ['duo_ikey', 'D'.repeat(192)],
    ['duo_ikey', null],
    ['duo_skey', 'a b'],
    ['duo_skey', 'a;b'],
    ['duo_skey', 'x'.repeat(191)],
    ['duo_skey', ''],
    ['duo_skey', 'env:'],
    ['duo_skey', 'env:A-B'],
    ['duo_skey', 'file:'],
    ['duo_skey', 'command: '],
    ['duo_skey', 'command:pass "x'],
    ['duo_skey', ['x']],
    ['duo_skey', '{{ vault_skey }}'],
    ['duo_api_host', 'https://api.duosecurity.com'],
    ['duo_api_host', 'api.duosecurity.com:0'],
    ['duo_api_host', 'api.duosecurity.com:99999'],
    ['duo_api_host', 'api_x.duosecurity.com'],
    ['duo_api_host', 'a.com\nfailmode = safe'],
    ['duo_api_host', '{{ host }}'],
    ['duo_motd', true],
    ['duo_groups', 'x'],
    ['duo_host', 'x'],
    ['duo_gecos_parsed', true],
    ['duo_dev_fips_mode', true],
    ['duo_noverify', true],
    ['duo_cafile', ''],
    ['duo_cafile', null],
    ['duo_cafile', 'relative.pem'],
    ['duo_verified_push', true],
    ['duo_http_proxy', 'https://proxy:3128'],
    ['duo_http_proxy', 'http://user:pw@proxy:3128'],
    ['duo_gecos_delim', ':'],
    ['duo_gecos_delim', 'a'],
    ['duo_gecos_username_pos', 0],
    ['duo_unknown', 'x'],
    ['duo_pushinfos', true],
    ['Duo_failmode', 'safe'],
    ['duo_toString', 'x'],
    ['ad_server_access_group', 'domain users'],
    ['ad_server_access_group', 'a,b'],
    ['ad_server_access_group', '!a'],
    ['ad_server_access_group', '*'],
    ['ad_sudo_group', 'a:b'],
    ['ad_sudo_group', '-a'],
    ['ad_sudo_group', '@netgroup'],
    ['ad_sudo_group', '1234'],
    ['ad_sudo_group', 'gr\u00fcppe'],
    ['break_glass_user', 'a b'],
    ['break_glass_user', 'ansible'],
    ['break_glass_user', '$(id)'],
    ['break_glass_user', ['a']],
    ['key_only_users', 'a,b c'],
    ['key_only_users', ['ok', '*']],
    ['key_only_groups', ['a?']],
    ['key_login_loss_accepted', ['x;y']],
    ['sudo_timestamp_timeout', -2],
    ['sudo_timestamp_timeout', 10_081],
    ['sudo_timestamp_timeout', 0.5],
    ['sudo_timestamp_timeout', '30\nDefaults !authenticate'],
    ['duo_repo_url', 'ftp://x/y'],
    ['duo_repo_url', 'https://u:p@x/y'],
    ['duo_repo_url', 'https://x/y z'],
    ['duo_repo_url', 'https://x/"y'],
    ['duo_repo_url', 'https://x/?a=b'],
    ['duo_repo_key', 'key.asc'],
    ['duo_repo_key_fingerprints', 'D8EC4E20'],
    ['duo_repo_key_fingerprints', []],
    ['duo_sshd_config', 'Managed'],
    ['ansible_host', 'a b'],
    ['ansible_host', 'h:22'],
    ['ansible_port', 0],
    ['ansible_port', 65_536],
    ['ansible_user', 'a\nb'],
    ['ansible_become', 'perhaps'],
    ['ansible_become_method', 'su'],
    ['ansible_become_user', 'admin'],
    ['ansible_become_pass', 'x'],
    ['ansible_connection', 'local'],
    ['ansible_ssh_extra_args', '-o X=y'],
    ['ansible_ssh_args', ''],
    ['ansible_ssh_common_args', '-o StrictHostKeyChecking=no'],
    ['ansible_ssh_common_args', '-o ProxyCommand="nc %h %p; id"'],
    ['ansible_ssh_common_args', '-o ProxyCommand='],
    ['ansible_ssh_common_args', '-J -oProxyCommand=x'],
    ['ansible_ssh_common_args', '-J'],
    ['ansible_ssh_executable', '/tmp/ssh'],
    ['ansible_prot', 22],
    ['ansible_ssh_user', 'someone-else'],
  ])('%s: %j', (name, value) => {
    const { settings, diagnostics } = parse({ [name]: value });
    expect(diagnostics.filter((each) => each.severity === 'error')).toHaveLength(1);
    expect(settings).toBeNull();
  });

  test.each([
    '10.0.0.5/24',
    '10.0.0.0/33',
    '10.0.0',
    '256.1.1.1',
    '01.2.3.4',
    'bastion',
    '!10.0.0.1',
    '2001:db8::1/32',
    '1::2::3',
    '10.*;x',
    '',
  ])('an allowed source %j', (source) => {
    expect(errorsOf({ break_glass_user: 'admin', pbr_admin_allowed_sources: [source] })).toHaveLength(1);
  });

  test.each([[null], [[]], ['']])('allowed sources %j, which would be from anywhere', (value) => {
    expect(errorsOf({ break_glass_user: 'admin', pbr_admin_allowed_sources: value })).toHaveLength(1);
  });

  test('one account cannot be two personas', () => {
    const personas = { break_glass_user: 'admin', pbr_admin_allowed_sources: '10.0.0.1' };
    expect(errorsOf({ ...personas, key_only_users: ['admin'] })).toHaveLength(1);
    expect(errorsOf({ ...personas, canary_user: 'admin' })).toHaveLength(1);
    expect(errorsOf({ canary_user: 'ansible' })).toHaveLength(1);
    expect(errorsOf({ canary_user: 'c', key_only_users: 'c' })).toHaveLength(1);
    expect(errorsOf({ ...personas, key_only_users: 'backup', canary_user: 'canary' })).toStrictEqual([]);
  });
});

describe('warnings', () => {
  test.each([
    ['duo_ikey', 'XX'],
    ['duo_skey', 'short'],
    ['duo_api_host', 'duo.test:8443'],
    ['duo_api_host', 'notduosecurity.com'],
    ['duo_accept_env_factor', true],
    ['duo_https_timeout', 0],
    ['break_glass_user', 'admin'],
    ['canary_passcode', 'env:X'],
    ['break_glas_user', 'admin'],
    ['ansible_become', false],
  ])('%s: %j is taken with a warning', (name, value) => {
    expect(warningsOf({ [name]: value })).toHaveLength(1);
    expect(parse({ [name]: value }).settings).not.toBeNull();
  });

  test('a federal API host is none', () => {
    expect(warningsOf({ duo_api_host: 'api-1.duofederal.com' })).toStrictEqual([]);
  });
});

const all = (text: string): ReturnType<typeof parseAllSettings> =>
  parseAllSettings(parseInventory(text, 'inv.yml').inventory.hosts);

describe('many hosts', () => {
  test('a mistake in a group is told once, at its line, with a caret', () => {
    const vars = Object.entries({ ...base, duo_failmode: 'Safe' }).map(
      ([name, value]) => `    ${name}: ${value}`,
    );
    const { settings, diagnostics } = all(`all:\n  vars:\n${vars.join('\n')}\n  hosts:\n    web[1:50]:\n`);
    expect(settings).toHaveLength(0);
    expect(formatDiagnostics(diagnostics)).toBe(
      'inv.yml:9:19: error: duo_failmode must be exactly safe or secure, not "Safe"\n' +
        ' 9 |     duo_failmode: Safe\n' +
        '   |                   ^\n' +
        '  safe: who cannot reach Duo gets in without it; secure: nobody gets in. Letter for letter.\n\n' +
        '1 error\n',
    );
  });

  test('what many hosts lack is told once, with their number', () => {
    const { diagnostics } = all('all:\n  hosts:\n    web[1:50]:\n');
    expect(diagnostics).toHaveLength(6);
    expect(diagnostics[0]?.message).toBe(
      'ansible_user is not set for 50 hosts: web1, web2, web3, web4, web5 and 45 more',
    );
  });

  test('mistakes of all hosts come at once, and sound hosts are not held back', () => {
    const hosts = { a: { duo_prompts: 9, duo_failmode: 'x' }, b: { sudo_timestamp_timeout: 99_999 }, c: {} };
    const { settings, diagnostics } = all(JSON.stringify({ all: { vars: base, hosts } }));
    expect(settings.map((each) => each.host)).toStrictEqual(['c']);
    expect(diagnostics).toHaveLength(3);
  });

  test('two names for one address are a warning', () => {
    const hosts = { a: { ansible_host: '192.0.2.1' }, b: { ansible_host: '192.0.2.1' } };
    const { settings, diagnostics } = all(JSON.stringify({ all: { vars: base, hosts } }));
    expect(settings).toHaveLength(2);
    expect(diagnostics.map((each) => each.severity)).toStrictEqual(['warning']);
  });

  test('every wrong element of a list is pointed at', () => {
    const vars = Object.entries(base).map(([name, value]) => `    ${name}: ${value}`);
    const list = '    key_only_users:\n      - good\n      - a b\n      - "*"\n';
    const { diagnostics } = all(`all:\n  vars:\n${vars.join('\n')}\n${list}  hosts:\n    h:\n`);
    expect(diagnostics.map((each) => [each.line, each.column])).toStrictEqual([
      [11, 9],
      [12, 9],
    ]);
  });

  test('10,000 hosts load well within a test’s time', () => {
    const hosts = Array.from({ length: 10_000 }, (_, index) => {
      const address = `10.1.${index >> 8}.${index & 255}`;
      return `        web${index}.example.org:\n          ansible_host: ${address}\n          ansible_port: 22\n`;
    });
    const vars = Object.entries(base).map(([name, value]) => `    ${name}: ${value}\n`);
    const { settings, diagnostics } = all(
      `all:\n  vars:\n${vars.join('')}  children:\n    web:\n      hosts:\n${hosts.join('')}`,
    );
    expect(settings).toHaveLength(10_000);
    expect(diagnostics).toStrictEqual([]);
  });
});
