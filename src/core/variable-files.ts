// Which files of group_vars/ and host_vars/ are whose.
// Source: ansible lib/ansible/parsing/dataloader.py (find_vars_files, _get_dir_vars_files).
import type { Diagnostic } from './diagnostic.ts';
import { warningAt } from './inventory-groups.ts';

/** Endings in the order in which Ansible looks for them; the first that is there is read, and no other. */
const ENDINGS = ['', '.yml', '.yaml', '.json'] as const;

/** Hidden files and backups are nobody's. */
const isPassedOver = (name: string): boolean => name.startsWith('.') || name.endsWith('~');

const endingOf = (name: string): string => /(?!^)\.[^.]*$/.exec(name)?.[0] ?? '';

/** Whether a file within the folder of a group or host is read. */
export const isVariableFile = (name: string): boolean =>
  !isPassedOver(name) && ENDINGS.some((ending) => ending === endingOf(name));

/** Whether a folder within the folder of a group or host is looked into. */
export const isVariableFolder = (name: string): boolean => !isPassedOver(name) && endingOf(name) === '';

/**
 * The entries of group_vars/ or host_vars/ that are read, by the group or host that they are of; and what to say about
 * those that nobody reads.
 */
export const assignEntries = (
  entries: readonly string[],
  owners: Iterable<string>,
  { folder, kind }: { readonly folder: string; readonly kind: 'group' | 'host' },
): {
  readonly assigned: readonly { readonly owner: string; readonly entry: string }[];
  readonly diagnostics: readonly Diagnostic[];
} => {
  const there = new Set(entries);
  const assigned = new Map<string, string>();
  for (const owner of owners) {
    const ending = ENDINGS.find((each) => there.has(owner + each));
    if (ending !== undefined) assigned.set(owner, owner + ending);
  }
  const read = new Set(assigned.values());
  const diagnostics = entries
    .filter((entry) => !read.has(entry) && isVariableFile(entry))
    .map((entry) => {
      const ending = endingOf(entry);
      const owner = entry.slice(0, entry.length - ending.length);
      const instead = assigned.get(owner);
      const message =
        instead === undefined
          ? `there is no ${kind} ${owner}, so that its variables are not used`
          : `is not read, since ${instead} is there: Ansible reads the first of ${owner}, ${owner}.yml, ${owner}.yaml and ${owner}.json`;
      const place = { file: `${folder}/${entry}`, line: 0, column: 0, source: '' };
      return warningAt(place, message, instead === undefined ? '' : 'Make one of both.');
    });
  return { assigned: [...assigned].map(([owner, entry]) => ({ owner, entry })), diagnostics };
};
