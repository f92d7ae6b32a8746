// AllowUsers and its kin: whether sshd takes an account at all.
import type { AccountFacts } from '../core/facts.ts';

/**
 * The keyword of `sshd -T`'s answer by which an account is shut out wherever it comes from, or `null`. sshd asks in this
 * order (sshd_config(5), AllowGroups). A `USER@HOST` pattern shuts out or lets in by address too, which is not judged: it
 * counts as letting in.
 */
export const shutOutBy = (
  effective: Readonly<Record<string, readonly string[]>>,
  name: string,
  account: AccountFacts,
): 'denyusers' | 'allowusers' | 'denygroups' | 'allowgroups' | null => {
  const patterns = (keyword: string): readonly string[] =>
    (effective[keyword] ?? []).flatMap((line) => line.split(/[ \t]+/)).filter((word) => word !== '');
  const isGroup = (pattern: string): boolean => account.groups.some((group) => matches(pattern, group));
  const allowUsers = patterns('allowusers');
  const allowGroups = patterns('allowgroups');
  if (patterns('denyusers').some((pattern) => !pattern.includes('@') && matches(pattern, name)))
    return 'denyusers';
  if (allowUsers.length > 0 && !allowUsers.some((pattern) => matches(pattern.replace(/@.*$/, ''), name)))
    return 'allowusers';
  if (patterns('denygroups').some(isGroup)) return 'denygroups';
  return allowGroups.length > 0 && !allowGroups.some(isGroup) ? 'allowgroups' : null;
};

/** ssh_config(5), PATTERNS: `*` and `?`. */
const matches = (pattern: string, name: string): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  ).test(name);
