// Inventory -> Settings: every variable of the contract checked, all mistakes of all hosts at once.
import { readConnection } from './connection-settings.ts';
import type { Diagnostic } from './diagnostic.ts';
import { readDuo } from './duo-settings.ts';
import type { InventoryHost } from './inventory.ts';
import { errorAt, warningAt } from './inventory-groups.ts';
import { didYouMean } from './nearest-name.ts';
import type { SecretRef } from './secret.ts';
import type {
  BreakGlassSettings,
  ConnectionSettings,
  PamTemplate,
  RepositorySettings,
  Settings,
} from './settings.ts';
import { KNOWN_VARIABLES } from './variables.ts';
import {
  bad,
  good,
  groupName,
  httpUrl,
  integer,
  listOf,
  localPath,
  oneOf,
  secretRef,
  shown,
  sourceAddress,
  userName,
  type Check,
} from './variable-checks.ts';
import { readVariablesOf, type VariableReader } from './variable-reader.ts';
import type { WayDefaults } from './way.ts';

/** Where Duo publishes its packages and the key that signs them (duo.com/docs/duounix). */
const DUO_REPOSITORY_URL = 'https://pkg.duosecurity.com';
const DUO_REPOSITORY_KEY = 'https://duo.com/DUO-GPG-PUBLIC-KEY.asc';
/** Duo Security Package Signing, of 2022 (expires 2032) and of 2020 (expires 2030). */
export const DUO_KEY_FINGERPRINTS: readonly string[] = [
  'D8EC4E2058401AE5578C4B3F4B44CE3DFF696172',
  '08C2A645DDF240B85844068D7A450864C1A07A85',
];
const SUDO_TIMEOUT_DEFAULT_MIN = 30;
/** sudo's timestamp_timeout: -1 is for ever (until reboot), 10080 minutes are a week. */
const SUDO_TIMEOUT_BOUNDS = { from: -1, to: 10_080 };
/** A message names at most this many hosts. */
const HOSTS_NAMED_MAX = 5;

const fingerprint: Check<string> = ({ value }) => {
  const hex = typeof value === 'string' ? value.replaceAll(' ', '').toUpperCase() : '';
  return /^[0-9A-F]{40}$/.test(hex)
    ? good(hex)
    : bad(
        `must be a fingerprint of 40 hexadecimal digits, not ${shown(value)}`,
        typeof value === 'number'
          ? 'Put it in quotes.'
          : 'gpg --show-keys --with-fingerprint FILE prints it.',
      );
};

const keyLocation: Check<string> = (variable) => {
  const { value } = variable;
  if (typeof value === 'string' && /^[a-z]+:\/\//i.test(value)) return httpUrl(variable);
  const path = localPath(variable);
  if (!path.ok || path.value.startsWith('/')) return path;
  return bad(`must be a URL or an absolute path, not ${shown(path.value)}`);
};

const readRepository = (reader: VariableReader): RepositorySettings => ({
  url: reader.read('duo_repo_url', httpUrl) ?? DUO_REPOSITORY_URL,
  key: reader.read('duo_repo_key', keyLocation) ?? DUO_REPOSITORY_KEY,
  fingerprints:
    reader.read('duo_repo_key_fingerprints', nonEmpty(listOf(fingerprint))) ?? DUO_KEY_FINGERPRINTS,
});

/** A list that must have an element: to be set and empty would silently mean something else. */
function nonEmpty<T>(check: Check<readonly T[]>): Check<readonly T[]> {
  return (variable) => {
    const checked = check(variable);
    return checked.ok && checked.value.length === 0
      ? bad('is an empty list', 'Fill it, or remove it.')
      : checked;
  };
}

const readBreakGlass = (reader: VariableReader): BreakGlassSettings | null => {
  const user = reader.read('break_glass_user', userName);
  const sources = reader.host.variables.get('pbr_admin_allowed_sources');
  if (sources?.value === null) {
    const message = 'has no value: that would be from anywhere';
    reader.complain('pbr_admin_allowed_sources', 'error', {
      message,
      remedy: 'List the addresses, or remove it.',
    });
  }
  const allowedSources = reader.read('pbr_admin_allowed_sources', nonEmpty(listOf(sourceAddress)));
  const password = reader.read('break_glass_password', secretRef) ?? null;
  if (user !== undefined && sources === undefined) {
    const message = 'gets in by password from anywhere, because pbr_admin_allowed_sources is not set';
    reader.complain('break_glass_user', 'warning', {
      message,
      remedy: 'List the addresses of your bastions there.',
    });
  }
  if (reader.find('break_glass_user') === undefined) {
    warnLonely(reader, 'pbr_admin_allowed_sources', 'break_glass_user');
    warnLonely(reader, 'break_glass_password', 'break_glass_user');
  }
  return user === undefined ? null : { user, allowedSources: allowedSources ?? [], password };
};

const warnLonely = (reader: VariableReader, name: string, needed: string): void => {
  if (reader.find(name) === undefined) return;
  reader.complain(name, 'warning', {
    message: `does nothing without ${needed}`,
    remedy: `Set ${needed} too.`,
  });
};

const readCanary = (reader: VariableReader): Settings['canary'] => {
  const user = reader.read('canary_user', userName);
  const passcode: SecretRef | null = reader.read('canary_passcode', secretRef) ?? null;
  const privateKeyFile = reader.read('canary_private_key_file', localPath) ?? null;
  if (reader.find('canary_user') === undefined) {
    warnLonely(reader, 'canary_passcode', 'canary_user');
    warnLonely(reader, 'canary_private_key_file', 'canary_user');
  }
  return user === undefined ? null : { user, passcode, privateKeyFile };
};

/** One account cannot be two personas: each has a way in of its own, and the ways exclude one another. */
const checkPersonas = (reader: VariableReader, settings: Settings): void => {
  const { connection, breakGlass, canary, keyOnlyUsers } = settings;
  const clash = (name: string, message: string): void => {
    reader.complain(name, 'error', { message, remedy: 'They must be two accounts.' });
  };
  if (breakGlass !== null && breakGlass.user === connection.user) {
    clash('break_glass_user', `is ${breakGlass.user}, which is the automation account (ansible_user) too`);
  }
  if (breakGlass !== null && keyOnlyUsers.includes(breakGlass.user)) {
    clash(
      'key_only_users',
      `has the break-glass account ${breakGlass.user} in it, which logs in by password`,
    );
  }
  if (canary === null) return;
  if (canary.user === connection.user) {
    clash('canary_user', `is ${canary.user}, which is the automation account and never meets Duo`);
  }
  if (canary.user === breakGlass?.user) {
    clash('canary_user', `is ${canary.user}, which is the break-glass account and never meets Duo`);
  }
  if (keyOnlyUsers.includes(canary.user)) {
    clash('canary_user', `is ${canary.user}, which is in key_only_users and never meets Duo`);
  }
};

/** A name near to one of ours is a slip of the pen; Ansible's own and duo_ names are looked after elsewhere. */
const warnSlips = (reader: VariableReader): void => {
  for (const name of reader.host.variables.keys()) {
    if (name.length < 8 || known.has(name) || /^(?:ansible|duo)_/i.test(name)) continue;
    const remedy = didYouMean(name, KNOWN_VARIABLES, 2);
    if (remedy === '') continue;
    reader.complainAtKey(name, 'warning', { message: 'is no variable that this program knows', remedy });
  }
};

const known: ReadonlySet<string> = new Set(KNOWN_VARIABLES);

interface HostReading {
  readonly settings: Settings | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly missing: readonly string[];
}

/** What is known from outside the inventory. */
export interface SettingsDefaults extends WayDefaults {
  /** The files that the templates' variables name, by their names; a sentence's end where one could not be read. */
  readonly templates?: ReadonlyMap<string, PamTemplate | { readonly problem: string }>;
}

const readTemplate = (
  reader: VariableReader,
  name: string,
  templates: SettingsDefaults['templates'],
): PamTemplate | null => {
  const path = reader.read(name, localPath);
  if (path === undefined) return null;
  const found = templates?.get(path) ?? { problem: 'was not read' };
  if ('text' in found) return found;
  reader.complain(name, 'error', {
    message: `names ${shown(path)}, which ${found.problem}`,
    remedy: 'A relative path begins at the inventory file.',
  });
  return null;
};

const readHost = (host: InventoryHost, defaults: SettingsDefaults): HostReading => {
  const reader = readVariablesOf(host);
  const connection: ConnectionSettings | null = readConnection(reader, defaults);
  const duo = readDuo(reader);
  const serverAccessGroup = reader.need('ad_server_access_group', groupName);
  const sudoGroup = reader.need('ad_sudo_group', groupName);
  const rest = {
    breakGlass: readBreakGlass(reader),
    keyOnlyUsers: reader.read('key_only_users', listOf(userName)) ?? [],
    keyOnlyGroups: reader.read('key_only_groups', listOf(groupName)) ?? [],
    keyLoginLossAccepted: reader.read('key_login_loss_accepted', listOf(userName)) ?? [],
    canary: readCanary(reader),
    sudoTimestampTimeoutMin:
      reader.read('sudo_timestamp_timeout', integer(SUDO_TIMEOUT_BOUNDS, ' minutes')) ??
      SUDO_TIMEOUT_DEFAULT_MIN,
    repository: readRepository(reader),
    sshdConfig: reader.read('duo_sshd_config', oneOf(['managed', 'check'])) ?? ('managed' as const),
    pamTemplates: {
      sshd: readTemplate(reader, 'duo_pam_sshd_template', defaults.templates),
      sudo: readTemplate(reader, 'duo_pam_sudo_template', defaults.templates),
    },
  };
  warnSlips(reader);
  let settings: Settings | null = null;
  if (connection !== null && duo !== null && serverAccessGroup !== undefined && sudoGroup !== undefined) {
    settings = { host: host.name, connection, duo, serverAccessGroup, sudoGroup, ...rest };
    checkPersonas(reader, settings);
  }
  const { diagnostics, missing } = reader;
  const sound = missing.length === 0 && diagnostics.every((diagnostic) => diagnostic.severity === 'warning');
  return { settings: sound ? settings : null, diagnostics, missing };
};

const noDefaults: SettingsDefaults = { user: null };

const missingAt = (name: string, hosts: readonly InventoryHost[]): readonly Diagnostic[] => {
  const [first] = hosts;
  if (first === undefined) return [];
  const named = hosts.slice(0, HOSTS_NAMED_MAX).map((host) => host.name);
  const more = hosts.length - named.length;
  const list = `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  const count = hosts.length === 1 ? 'host' : `${hosts.length} hosts:`;
  const remedy = 'Set it for the host, for one of its groups, or below all: vars:.';
  return [errorAt(first.place, `${name} is not set for ${count} ${list}`, remedy)];
};

/** Reads one host's settings; `null` when there is an error among the diagnostics. */
export const parseSettings = (
  host: InventoryHost,
  defaults: SettingsDefaults = noDefaults,
): { readonly settings: Settings | null; readonly diagnostics: readonly Diagnostic[] } => {
  const { settings, diagnostics, missing } = readHost(host, defaults);
  return { settings, diagnostics: [...diagnostics, ...missing.flatMap((name) => missingAt(name, [host]))] };
};

/** Two names for one machine would be changed at the same time by two transactions; the second finds it busy. */
const warnTwins = (hosts: readonly InventoryHost[], all: readonly Settings[]): readonly Diagnostic[] => {
  const byAddress = new Map<string, string>();
  const places = new Map(hosts.map((host) => [host.name, host.place]));
  return all.flatMap(({ host, connection }) => {
    const { address, port, jumps } = connection;
    const passed = jumps.map((jump) => `${jump.address.toLowerCase()}:${jump.port}`);
    const key = [address.toLowerCase(), port, ...passed].join(' ');
    const other = byAddress.get(key);
    byAddress.set(key, other ?? host);
    const place = places.get(host);
    if (other === undefined || place === undefined) return [];
    return [
      warningAt(
        place,
        `${host} and ${other} are one address: ${address}, port ${port}`,
        'Remove one of them.',
      ),
    ];
  });
};

/**
 * Reads the settings of several hosts. A mistake that several hosts inherit is told once; a variable that several
 * hosts lack is told once, with their number. `settings` has the sound hosts, in the order given.
 */
export const parseAllSettings = (
  hosts: readonly InventoryHost[],
  defaults: SettingsDefaults = noDefaults,
): { readonly settings: readonly Settings[]; readonly diagnostics: readonly Diagnostic[] } => {
  const settings: Settings[] = [];
  const diagnostics = new Map<string, Diagnostic>();
  const lacking = new Map<string, InventoryHost[]>();
  for (const host of hosts) {
    const read = readHost(host, defaults);
    if (read.settings !== null) settings.push(read.settings);
    for (const each of read.diagnostics) {
      const key = `${each.file}\n${each.line}\n${each.column}\n${each.message}`;
      if (!diagnostics.has(key)) diagnostics.set(key, each);
    }
    for (const name of read.missing) {
      const without = lacking.get(name) ?? [];
      without.push(host);
      lacking.set(name, without);
    }
  }
  const missing = [...lacking].flatMap(([name, without]) => missingAt(name, without));
  return { settings, diagnostics: [...diagnostics.values(), ...missing, ...warnTwins(hosts, settings)] };
};
