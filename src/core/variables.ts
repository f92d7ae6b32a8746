// The names of all variables that this program knows.
import { DUO_OPTIONS, REFUSED_DUO_OPTIONS } from './duo-options.ts';
import { editDistance, nearestName } from './nearest-name.ts';

/** Variables whose value is a secret or a reference to one. */
export const SECRET_VARIABLES = [
  'duo_skey',
  'canary_passcode',
  'break_glass_password',
  'ansible_password',
  'ansible_ssh_pass',
] as const;
export type SecretVariable = (typeof SECRET_VARIABLES)[number];

/** Variables of the inventory contract that are no secrets; `duo_<key>` for every key of pam_duo.conf among them. */
export const PLAIN_VARIABLES: readonly string[] = [
  'ansible_host',
  'ansible_port',
  'ansible_user',
  'ansible_ssh_private_key_file',
  'ansible_ssh_common_args',
  'ansible_become',
  'ansible_become_method',
  'ansible_become_user',
  'duo_ikey',
  'duo_api_host',
  'duo_failmode',
  ...DUO_OPTIONS.map((option) => `duo_${option.key}`),
  'ad_server_access_group',
  'ad_sudo_group',
  'break_glass_user',
  'pbr_admin_allowed_sources',
  'key_only_users',
  'key_only_groups',
  'key_login_loss_accepted',
  'canary_user',
  'canary_private_key_file',
  'sudo_timestamp_timeout',
  'duo_repo_url',
  'duo_repo_key',
  'duo_repo_key_fingerprints',
  'duo_sshd_config',
  'duo_pam_sshd_template',
  'duo_pam_sudo_template',
];

/** Ansible's older names of connection variables, which mean the same (ansible.builtin.ssh). */
export const CONNECTION_ALIASES = {
  ansible_host: 'ansible_ssh_host',
  ansible_port: 'ansible_ssh_port',
  ansible_user: 'ansible_ssh_user',
  ansible_ssh_private_key_file: 'ansible_private_key_file',
  ansible_password: 'ansible_ssh_pass',
} as const;

/** Every variable of the inventory contract. */
export const KNOWN_VARIABLES: readonly string[] = [...PLAIN_VARIABLES, ...SECRET_VARIABLES];

const plain: ReadonlySet<string> = new Set([
  ...PLAIN_VARIABLES,
  ...Object.values(CONNECTION_ALIASES),
  ...Object.keys(REFUSED_DUO_OPTIONS).map((key) => `duo_${key}`),
]);
const secret: ReadonlySet<string> = new Set(SECRET_VARIABLES);
// A proxy's address may carry a password.
const sometimesSecret: ReadonlySet<string> = new Set(['duo_http_proxy']);
const looksSecret = /skey|passw|passcode|passphrase|_pass$|secret|token|credential|api_?key|vault/i;
/** A name this near to a secret's is taken for a slip of the pen: what stands behind it is masked. */
const SLIP_DISTANCE_MAX = 3;

/**
 * Whether what stands behind a name may be a secret: the known ones, names that say so, names that look like a
 * mistyped secret's, and every unknown `duo_` name that is not a slip of the pen for a plain one. Errs on the side of masking.
 */
export const isSecretName = (name: string): boolean => {
  if (secret.has(name) || sometimesSecret.has(name)) return true;
  if (plain.has(name)) return false;
  if (looksSecret.test(name)) return true;
  const lower = name.toLowerCase();
  const slip = SECRET_VARIABLES.some(
    (known) =>
      Math.abs(known.length - lower.length) <= SLIP_DISTANCE_MAX &&
      editDistance(known, lower) <= SLIP_DISTANCE_MAX,
  );
  return slip || (lower.startsWith('duo_') && nearestName(name, PLAIN_VARIABLES) === null);
};
