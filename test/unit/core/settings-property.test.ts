import { describe, expect, test } from 'vitest';
import { expandHosts } from '../../../src/core/host-range.ts';
import type { InventoryHost, Place, Variable } from '../../../src/core/inventory.ts';
import { reveal, Secret } from '../../../src/core/secret.ts';
import { parseSettings } from '../../../src/core/settings-parse.ts';
import { isSecretName, KNOWN_VARIABLES } from '../../../src/core/variables.ts';

const TRIES = 300;

/** A small seeded generator (mulberry32): the same numbers in every run. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = Math.trunc(state + 0x6d2b79f5);
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** A sound value for each variable: what is thrown at it is most often a damaged one. */
const sound: Readonly<Record<string, string>> = {
  ansible_host: 'h1.example.org',
  ansible_port: '22',
  ansible_user: 'ansible',
  ansible_password: 'hunter2',
  ansible_ssh_pass: 'hunter2',
  ansible_ssh_private_key_file: '~/.ssh/id_ed25519',
  ansible_ssh_common_args: '-o ProxyJump=ops@bastion:22',
  ansible_become: 'yes',
  ansible_become_method: 'sudo',
  ansible_become_user: 'root',
  duo_ikey: 'DIABCDEFGHIJKLMNOPQR',
  duo_skey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCD',
  duo_api_host: 'api-1a2b3c4d.duosecurity.com',
  duo_failmode: 'secure',
  duo_pushinfo: 'yes',
  duo_autopush: 'no',
  duo_prompts: '2',
  duo_verified_push: 'no',
  duo_https_timeout: '30',
  duo_http_proxy: 'http://proxy:3128',
  duo_cafile: '/etc/ssl/ca.pem',
  duo_noverify: 'no',
  duo_fallback_local_ip: 'no',
  duo_accept_env_factor: 'no',
  duo_send_gecos: 'yes',
  duo_gecos_delim: ',',
  duo_gecos_username_pos: '2',
  ad_server_access_group: 'SG_ServerAccess',
  ad_sudo_group: 'SG_Sudo',
  break_glass_user: 'pbr_admin',
  pbr_admin_allowed_sources: '10.0.0.0/24,10.1.*,2001:db8::/32',
  break_glass_password: 'correct horse',
  key_only_users: 'backup,deploy',
  key_only_groups: 'svc.transfer',
  key_login_loss_accepted: 'olduser',
  canary_user: 'duo_canary',
  canary_passcode: '123456',
  canary_private_key_file: '~/.ssh/duo_canary',
  sudo_timestamp_timeout: '30',
  duo_repo_url: 'https://mirror.example.org/duo',
  duo_repo_key: '/etc/duo.asc',
  duo_repo_key_fingerprints: 'D8EC4E2058401AE5578C4B3F4B44CE3DFF696172',
  duo_sshd_config: 'check',
  duo_pam_sshd_template: 'templates/sshd.hbs',
  duo_pam_sudo_template: '~/sudo.hbs',
};

const needed = [
  'ansible_user',
  'duo_ikey',
  'duo_skey',
  'duo_api_host',
  'ad_server_access_group',
  'ad_sudo_group',
];
const nasty = [
  ...Array.from('\n\r\t\u0000\u001b\u007f\u0085\u2028"\'\\$`;#!*?:,=/@%[]{}<>|&() ~-_.+aZ09\u00e9\u202e'),
  '\ud800',
  '{{',
  '\r\n',
];
const place: Place = { file: 'f', line: 1, column: 1, source: '' };

const variable = (name: string, value: string): Variable => ({
  name,
  value: isSecretName(name) ? new Secret(value) : value,
  written: null,
  keyPlace: place,
  place,
  items: [],
});

const hostWith = (name: string, value: string): InventoryHost => {
  const names = [...needed, name];
  const entries = names.map(
    (each) => [each, variable(each, each === name ? value : (sound[each] ?? ''))] as const,
  );
  return { name: 'h1', place, groups: ['all'], variables: new Map(entries) };
};

/** Whatever file a template's variable names is there. */
const parsed = (name: string, value: string) =>
  parseSettings(hostWith(name, value), {
    user: null,
    templates: new Map([[value, { path: value, text: '' }]]),
  });

/** All texts of settings; what a reference names (`command:...`) apart, since it meets neither a file nor a shell. */
const textsOf = (value: unknown): readonly string[] => {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null || value instanceof Secret || 'kind' in value) return [];
  return Object.values(value).flatMap(textsOf);
};

const secretsOf = (value: unknown): readonly string[] => {
  if (value instanceof Secret) return [reveal(value)];
  if (typeof value !== 'object' || value === null) return [];
  const named = 'kind' in value && 'text' in value && typeof value.text === 'string' ? [value.text] : [];
  return [...named, ...Object.values(value).flatMap(secretsOf)];
};

const damaged = (random: () => number, value: string): string => {
  const signs = Array.from(value);
  for (let count = 1 + Math.floor(random() * 2); count > 0; count -= 1) {
    const sign = nasty[Math.floor(random() * nasty.length)] ?? '';
    signs.splice(Math.floor(random() * (signs.length + 1)), random() < 0.5 ? 0 : 1, sign);
  }
  return signs.join('');
};

const anything = (random: () => number): string =>
  Array.from(
    { length: Math.floor(random() * 12) },
    () => nasty[Math.floor(random() * nasty.length)] ?? '',
  ).join('');

describe('whatever passes', () => {
  test('there is a sound value for every known variable', () => {
    expect(Object.keys(sound).toSorted()).toStrictEqual([...KNOWN_VARIABLES].toSorted());
  });

  test.each(KNOWN_VARIABLES.map((name, index) => [name, index] as const))(
    '%s: no line break, control character, quote or other sign of a shell comes through',
    (name, index) => {
      const random = randomFrom(index + 1);
      expect(parsed(name, sound[name] ?? '').settings).not.toBeNull();
      let refused = 0;
      for (let round = 0; round < TRIES; round += 1) {
        const value = round % 4 === 0 ? anything(random) : damaged(random, sound[name] ?? '');
        const { settings } = parsed(name, value);
        if (settings === null) refused += 1;
        for (const text of textsOf(settings))
          expect(text).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Cs}"'\\$`;#]/u);
        for (const secret of secretsOf(settings)) expect(secret).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u);
        const { options = [] } = settings?.duo ?? {};
        for (const [key, text] of options) expect(Buffer.byteLength(`${key} = ${text}`)).toBeLessThan(199);
      }
      expect(refused).toBeGreaterThan(TRIES / 10);
    },
  );

  test('a host’s name has no sign of a shell either', () => {
    const random = randomFrom(99);
    let refused = 0;
    for (let round = 0; round < 3000; round += 1) {
      const expanded = expandHosts(damaged(random, 'web[1:3].example.org'));
      if (!expanded.ok) refused += 1;
      for (const name of expanded.ok ? expanded.names : [])
        expect(name).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_.:%@+-]*$/);
    }
    expect(refused).toBeGreaterThan(300);
  });
});
