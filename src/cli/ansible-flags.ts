// What people who come from Ansible type, and what to type here instead.

/** By the flag's name or letter; the names that mean the same here are in FLAGS. */
const INSTEAD: Readonly<Record<string, string>> = {
  u: "the account to log in as is the inventory's ansible_user",
  b: 'hosts are always changed as root: sudo is used unless the account is root or ansible_become says no',
  k: 'accounts log in by key: --private-key, an agent, or ansible_ssh_private_key_file',
  K: 'sudo must let the account become root without a password (NOPASSWD): one that asks for Duo would wait for ever',
  e: 'variables are set in the inventory, in group_vars/ or in host_vars/',
  v: 'every event of a run is in its journal, whose path is shown in the end; --json has the outcome',
  J: 'vault files are not read: give a secret as a reference, such as duo_skey: command:ansible-vault view FILE',
  t: 'a host is changed as a whole or not at all: there are no tags',
  'list-hosts': 'apply names its hosts before it asks; plan touches none',
  'syntax-check': 'every command checks the whole inventory before it touches a host; plan does nothing else',
  step: 'apply asks once, before the first host',
  'start-at-task': 'a host is changed as a whole or not at all; duo-fleet resume finishes a run',
  'flush-cache': 'hosts are read afresh in every run: there is no cache',
};

const NAMES: Readonly<Record<string, string>> = {
  become: 'b',
  'become-method': 'b',
  'become-user': 'b',
  'ask-pass': 'k',
  'ask-become-pass': 'K',
  'become-password-file': 'K',
  'extra-vars': 'e',
  verbose: 'v',
  vv: 'v',
  vvv: 'v',
  'ask-vault-pass': 'J',
  'ask-vault-password': 'J',
  'vault-password-file': 'J',
  'vault-pass-file': 'J',
  'vault-id': 'J',
  tags: 't',
  'skip-tags': 't',
};

/** A sentence for a flag of ansible-playbook that does not exist here; `null` where it is none of them. */
export const insteadOf = (name: string): string | null => {
  const key = NAMES[name] ?? name;
  const instead = Object.hasOwn(INSTEAD, key) ? INSTEAD[key] : undefined;
  return instead === undefined ? null : `${name.length === 1 ? '-' : '--'}${name} is Ansible's: ${instead}`;
};
