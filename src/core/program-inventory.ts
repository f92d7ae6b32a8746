// Inventories that have to be run, or decrypted, before they can be read: Ansible does that, and this program does not.
import type { Diagnostic } from './diagnostic.ts';
import { errorAt } from './inventory-groups.ts';

/** What to do about an inventory that only Ansible can read. */
export const exportCommand = (file: string): string =>
  `Let Ansible do it, and give the file that it writes: ansible-inventory -i ${file} --list --export > inventory.json`;

/** What is wrong with a file that is no text to be read: a program, TOML, or encrypted as a whole; `null` when nothing is. */
export const unreadable = (file: string, text: string): Diagnostic | null => {
  const first = { file, line: 1, column: 1, source: '' };
  if (text.startsWith('#!')) {
    return errorAt(
      first,
      'this is a program that prints an inventory, and programs are not run',
      exportCommand(file),
    );
  }
  if (/\.toml$/i.test(file)) return errorAt(first, 'TOML inventories are not read', exportCommand(file));
  return encrypted(file, text);
};

/** What is wrong with a file that ansible-vault encrypted as a whole. */
export const encrypted = (file: string, text: string): Diagnostic | null =>
  text.startsWith('$ANSIBLE_VAULT;')
    ? errorAt(
        { file, line: 1, column: 1, source: '' },
        'this file is encrypted with ansible-vault: nobody here can see which variables it sets',
        'Keep it where only your playbooks read it, and name secrets by reference: command:ansible-vault view FILE, or env:, file:, keyring:.',
      )
    : null;
