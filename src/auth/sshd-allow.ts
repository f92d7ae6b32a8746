// AllowUsers and its kin: whether sshd takes an account at all.
import type { AccountFacts } from '../core/facts.ts';
import { isAddressOf } from '../core/ip-address.ts';

/**
 * The keyword of `sshd -T`'s answer by which an account is shut out wherever it comes from, or `null`. sshd asks in this
 * order (sshd_config(5), AllowGroups). A `USER@HOST` pattern goes by the address too: it counts as letting in where
 * `address` is `null`, and where its host is a name, which is not known here.
 */
export const shutOutBy = (
  effective: Readonly<Record<string, readonly string[]>>,
  name: string,
  account: AccountFacts,
  address: string | null = null,
): 'denyusers' | 'allowusers' | 'denygroups' | 'allowgroups' | null => {
  const patterns = (keyword: string): readonly string[] =>
    (effective[keyword] ?? []).flatMap((line) => line.split(/[ \t]+/)).filter((word) => word !== '');
  const isGroup = (pattern: string): boolean => account.groups.some((group) => matches(pattern, group));
  const allowUsers = patterns('allowusers');
  const allowGroups = patterns('allowgroups');
  if (patterns('denyusers').some((pattern) => isMeant(pattern, name, address) === true)) return 'denyusers';
  if (allowUsers.length > 0 && allowUsers.every((pattern) => isMeant(pattern, name, address) === false))
    return 'allowusers';
  if (patterns('denygroups').some(isGroup)) return 'denygroups';
  return allowGroups.length > 0 && !allowGroups.some(isGroup) ? 'allowgroups' : null;
};

/** Whether a `USER` or `USER@HOST` pattern means an account that comes from an address; `null` when it hangs on what is not known. */
const isMeant = (pattern: string, name: string, address: string | null): boolean | null => {
  const at = pattern.lastIndexOf('@');
  if (at < 0) return matches(pattern, name);
  if (!matches(pattern.slice(0, at), name)) return false;
  const host = pattern.slice(at + 1);
  return address === null || !/^[0-9A-Fa-f.:*?/]+$/.test(host) ? null : isAddressOf(host, address);
};

/** ssh_config(5), PATTERNS: `*` and `?`. */
const matches = (pattern: string, name: string): boolean =>
  new RegExp(
    `^${pattern
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  ).test(name);
