// Ansible's connection variables -> how a host is reached. What changes a connection and is not understood is refused.
import { isHostName, parseAddress } from './ip-address.ts';
import { didYouMean } from './nearest-name.ts';
import type { ConnectionSettings } from './settings.ts';
import { sshArguments } from './ssh-arguments.ts';
import { CONNECTION_ALIASES, KNOWN_VARIABLES } from './variables.ts';
import {
  bad,
  boolean,
  integer,
  localPath,
  oneOf,
  secretRef,
  shown,
  text,
  userName,
  type Check,
} from './variable-checks.ts';
import type { VariableReader } from './variable-reader.ts';
import { wayTo, type WayDefaults } from './way.ts';

/** Facts that Ansible itself knows are near to our names (ansible_user_id): only nearer ones are taken for a slip. */
const SLIP_DISTANCE_MAX = 2;

/** A host's address: a DNS name or an IPv4 or IPv6 address. */
const address: Check<string> = (variable) => {
  const checked = text(variable);
  if (!checked.ok || isHostName(checked.value) || parseAddress(checked.value) !== null) return checked;
  return bad(
    `must be a DNS name or an address, not ${shown(checked.value)}`,
    'A port belongs into ansible_port.',
  );
};

const connectionKind = oneOf(
  ['ssh', 'ansible.builtin.ssh', 'smart'],
  'Hosts are reached over SSH only; take the others out with --limit, or put them into another inventory.',
);

// Ansible's connection and privilege plugins: what they are told and we do not follow must not be passed over.
const changesConnection =
  /^ansible_(?:ssh|become|connection|scp|sftp|paramiko|winrm|psrp|docker|podman|kubectl|oc|lxc|lxd|chroot|jail|zone|aws_ssm|netconf|network|httpapi|host_key|control_path|sudo|su|password|private_key|remote_user|ssh_agent|libssh|pkcs11|verbosity_ssh)(?:_|$)/;
/** Known to change nothing that matters here. */
const harmless: ReadonlySet<string> = new Set([
  'ansible_ssh_pipelining',
  'ansible_ssh_retries',
  'ansible_ssh_timeout',
  'ansible_ssh_transfer_method',
  'ansible_scp_if_ssh',
  'ansible_ssh_use_tty',
  'ansible_network_os',
  'ansible_group_priority',
  'ansible_python_interpreter',
]);

/** A variable that may stand under its older name; both with different values is a mistake. */
const readEither = <T>(
  reader: VariableReader,
  name: keyof typeof CONNECTION_ALIASES,
  check: Check<T>,
): T | undefined => {
  const alias = CONNECTION_ALIASES[name];
  const value = reader.read(name, check);
  const other = reader.read(alias, check);
  const bothPlain = typeof value === 'string' || typeof value === 'number';
  if (value !== undefined && other !== undefined && bothPlain && value !== other) {
    reader.complain(alias, 'error', {
      message: `says something else than ${name}`,
      remedy: 'Remove one of them.',
    });
  }
  return value ?? other;
};

/** Refuses what would change the connection in Ansible and is not followed here, and slips of the pen. */
const refuseOthers = (reader: VariableReader, known: ReadonlySet<string>): void => {
  for (const name of reader.host.variables.keys()) {
    if (!name.startsWith('ansible_') || known.has(name) || harmless.has(name)) continue;
    const remedy = didYouMean(name, KNOWN_VARIABLES, SLIP_DISTANCE_MAX);
    if (changesConnection.test(name)) {
      reader.complainAtKey(name, 'error', {
        message: 'changes how Ansible connects, and this program does not follow it',
        remedy: `${remedy}Remove it, or keep it in a file that only Ansible reads.`,
      });
    } else if (remedy !== '') {
      reader.complainAtKey(name, 'error', { message: 'is no variable that this program knows', remedy });
    }
  }
};

const known: ReadonlySet<string> = new Set([
  ...KNOWN_VARIABLES,
  ...Object.values(CONNECTION_ALIASES),
  'ansible_connection',
]);

/** sudo to root is the only way up; whoever says `ansible_become: no` is root already or cannot change anything. */
const readBecome = (reader: VariableReader, user: string): boolean => {
  const become = reader.read('ansible_become', boolean);
  reader.read(
    'ansible_become_method',
    oneOf(['sudo', 'ansible.builtin.sudo'], 'This program becomes root by sudo only.'),
  );
  reader.read('ansible_become_user', oneOf(['root'], 'What it changes belongs to root.'));
  if (become === false && user !== '' && user !== 'root') {
    const message = `is no, but ${user} is not root`;
    reader.complain('ansible_become', 'warning', {
      message,
      remedy: 'Remove it, unless this account has uid 0.',
    });
  }
  return user !== 'root' && become !== false;
};

/**
 * Reads the connection variables; `null` when something is wrong with them. Where the inventory names no account it is
 * ssh's User, else as Ansible does: the operator's own.
 */
export const readConnection = (reader: VariableReader, defaults: WayDefaults): ConnectionSettings | null => {
  const before = reader.diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
  const dialled = readEither(reader, 'ansible_host', address) ?? reader.host.name;
  const namedUser = readEither(reader, 'ansible_user', userName) ?? null;
  const namedPort = readEither(reader, 'ansible_port', integer({ from: 1, to: 65_535 })) ?? null;
  const args = reader.read('ansible_ssh_common_args', sshArguments);
  const isSound = isHostName(dialled) || parseAddress(dialled) !== null;
  if (!isSound && dialled === reader.host.name) {
    reader.complainAtHost({ message: 'is no DNS name and no address', remedy: 'Give it an ansible_host.' });
  }
  const way = wayTo(
    {
      name: reader.host.name,
      host: dialled,
      user: namedUser,
      port: namedPort,
      jumps: args?.jumps ?? null,
      proxyCommand: args?.proxyCommand ?? null,
    },
    // A name that is none is nothing to ask ssh about.
    isSound ? defaults : { user: defaults.user },
  );
  if ('message' in way) {
    if (isSound) reader.complainAtHost(way);
    return null;
  }
  const hasUser = reader.find('ansible_user') ?? reader.find('ansible_ssh_user');
  if (way.user === null && hasUser === undefined) reader.missing.push('ansible_user');
  const connection = {
    ...way,
    user: way.user ?? '',
    privateKeyFile: readEither(reader, 'ansible_ssh_private_key_file', localPath) ?? null,
    password: readEither(reader, 'ansible_password', secretRef) ?? null,
    become: readBecome(reader, way.user ?? ''),
  };
  reader.read('ansible_connection', connectionKind);
  refuseOthers(reader, known);
  const after = reader.diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
  return after > before || way.user === null ? null : connection;
};
