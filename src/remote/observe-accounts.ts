// Accounts and groups, out of observe.sh's answer.
import type { AccountFacts, Facts } from '../core/facts.ts';
import { Failure } from '../core/failure.ts';
import { readKeyLogins } from './observe-key-logins.ts';
import { readPeople } from './observe-people.ts';
import {
  malformed,
  only,
  onlyFor,
  type Section,
  type Sections,
  splitExit,
  all,
  allFor,
  utf8,
} from './observe-sections.ts';
import { readSudoRights } from './observe-sudo-rights.ts';
import { wanted } from './observe-wanted.ts';

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** timeout(1)'s status when the time was over. */
const TIMED_OUT = 124;

const isDirectory = (sections: Sections): boolean => {
  const { words } = only(sections, 'directory');
  if (words !== 'yes' && words !== 'no') throw malformed('where accounts come from');
  return words === 'yes';
};

const memberList = (text: string): readonly string[] => text.split(',').filter(Boolean);

/** /etc/group, to be looked up: a host may have as many accounts and groups as it likes. */
interface LocalGroups {
  readonly byName: ReadonlyMap<string, Group>;
  readonly nameOf: ReadonlyMap<number, string>;
  /** By member. */
  readonly namesOf: ReadonlyMap<string, readonly string[]>;
}

/** /etc/group as `name:gid:members`; as in getgrnam(3), the first of two lines counts. */
const readLocalGroups = (sections: Sections): LocalGroups => {
  const byName = new Map<string, Group>();
  const nameOf = new Map<number, string>();
  const namesOf = new Map<string, string[]>();
  for (const line of only(sections, 'groups').lines) {
    const [name = '', gid = '', members = '', ...more] = utf8(line).split(':');
    if (name === '' || !/^\d+$/.test(gid) || more.length > 0) continue;
    const group = { name, gid: Number(gid), members: memberList(members) };
    if (!byName.has(name)) byName.set(name, group);
    if (!nameOf.has(group.gid)) nameOf.set(group.gid, name);
    for (const member of group.members) {
      const names = namesOf.get(member);
      if (names === undefined) namesOf.set(member, [name]);
      else names.push(name);
    }
  }
  return { byName, nameOf, namesOf };
};

const slow = (what: string): Failure =>
  new Failure(
    'timeout',
    `the host did not tell ${what} within 10 s; nothing was touched; look into its directory service (getent, SSSD)`,
  );

/** Accounts that could log in. Each is judged, and what takes long to judge keeps the leases of other hosts from being renewed. */
const ACCOUNTS_MAX = 10_000;

const tooMany = (): Failure =>
  new Failure(
    'exit',
    `the host has more than ${ACCOUNTS_MAX} accounts that could log in; nothing was touched; duo-fleet does not judge so many`,
  );

/** The asked-for groups: as the directory told them, else from the local file. */
export const readGroups = (sections: Sections): Facts['groups'] => {
  const directory = isDirectory(sections);
  const local = readLocalGroups(sections);
  const groups: Record<string, Facts['groups'][string]> = Object.create(null);
  for (const name of wanted(sections, 'group')) {
    if (!directory) {
      const group = local.byName.get(name);
      groups[name] = group === undefined ? null : { gid: group.gid, members: group.members };
      continue;
    }
    const { lines, status } = splitExit(onlyFor(sections, 'group', name));
    if (status === TIMED_OUT) throw slow(`the group ${JSON.stringify(name)}`);
    const [, , gid = '', members = ''] = utf8(lines[0] ?? '').split(':');
    groups[name] = /^\d+$/.test(gid) ? { gid: Number(gid), members: memberList(members) } : null;
  }
  return groups;
};

interface Row {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  readonly password: AccountFacts['password'];
  readonly expired: boolean;
  readonly keyFiles: readonly string[];
}

const PASSWORDS: ReadonlySet<string> = new Set(['set', 'locked', 'empty', 'none', 'unknown']);
const isPassword = (text: string): text is AccountFacts['password'] => PASSWORDS.has(text);

/** The local file's accounts and those that a directory told; of two by one name the first counts. */
const readRows = (sections: Sections): readonly Row[] => {
  const seen = new Set<string>();
  return [...rowsOf(only(sections, 'accounts')), ...all(sections, 'login-accounts').flatMap(rowsOf)].filter(
    ({ name }) => !seen.has(name) && seen.add(name),
  );
};

const rowsOf = (section: Section): readonly Row[] =>
  section.lines
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', uid = '', gid = '', home = '', shell = '', state = '', ...keyFiles] =
        utf8(line).split(':');
      const [password = '', expired] = state.split(' ');
      if (name === '' || !/^\d+$/.test(uid) || !/^\d+$/.test(gid) || !isPassword(password))
        throw malformed('the list of accounts');
      return {
        name,
        uid: Number(uid),
        gid: Number(gid),
        home,
        shell,
        password,
        expired: expired !== undefined,
        keyFiles,
      };
    });

/** Number of keys by file. Files that could not be counted in time make the whole answer worthless for the census. */
const readKeyCounts = (sections: Sections): ReadonlyMap<string, number> => {
  const section = only(sections, 'keys');
  if (section.lines.every((line) => line === '')) return new Map();
  const { lines, status } = splitExit(section);
  if (status === TIMED_OUT) throw slow('the number of keys in its accounts’ authorized_keys files');
  const counts = new Map<string, number>();
  for (const line of lines) {
    const match = /^(.*):(\d+)$/.exec(line);
    if (match === null) throw malformed('the number of authorized keys');
    counts.set(utf8(match[1] ?? ''), Number(match[2]));
  }
  // grep was given it first: without it grep did not run, and nobody would seem to have keys.
  if (!counts.has('/etc/passwd')) throw malformed('the number of authorized keys');
  return counts;
};

const localGroupNames = (row: Row, { nameOf, namesOf }: LocalGroups): readonly string[] => {
  const primary = nameOf.get(row.gid) ?? String(row.gid);
  return [...new Set([primary, ...(namesOf.get(row.name) ?? [])])];
};

const directoryGroupNames = (sections: Sections, name: string): readonly string[] | null => {
  const [section] = allFor(sections, 'member', name);
  if (section === undefined) return null;
  const { lines, status } = splitExit(section);
  if (status === TIMED_OUT) throw slow(`the groups of ${JSON.stringify(name)}`);
  // id(1) ends with 1 when one group has no name, and prints its number.
  return lines.length === 0 ? null : lines.map(utf8);
};

/**
 * The asked-for accounts (`null`: unknown), local ones with a password, those that were picked or asked sudo about, and with
 * the census all with authorized keys or a login by key of late. `epochS` is the host's clock.
 */
export const readAccounts = (sections: Sections, epochS: number): Facts['accounts'] => {
  const today = Math.floor(epochS / 86_400);
  const logins = readKeyLogins(sections).days;
  const { users, sudoers } = readPeople(sections);
  const people = new Set([...users.map(({ name }) => name), ...sudoers]);
  const rows = readRows(sections);
  const keyCounts = readKeyCounts(sections);
  const localGroups = readLocalGroups(sections);
  const names = wanted(sections, 'account');
  const accounts: Record<string, AccountFacts | null> = Object.create(null);
  for (const name of names) accounts[name] = null;
  let counted = 0;
  for (const row of rows) {
    const authorizedKeys = row.keyFiles.reduce((sum, path) => sum + (keyCounts.get(path) ?? 0), 0);
    const lastLogin = logins.get(row.name);
    const counts = authorizedKeys > 0 || row.password === 'set' || lastLogin !== undefined;
    if (!counts && accounts[row.name] === undefined && !people.has(row.name)) continue;
    counted += 1;
    if (counted > ACCOUNTS_MAX) throw tooMany();
    const groups = directoryGroupNames(sections, row.name) ?? localGroupNames(row, localGroups);
    accounts[row.name] = {
      uid: row.uid,
      home: row.home,
      shell: row.shell,
      groups,
      password: row.password,
      expired: row.expired,
      authorizedKeys,
      keyLoginDaysAgo: lastLogin === undefined ? null : Math.max(0, today - lastLogin),
      sudo: readSudoRights(sections, row.name, groups),
    };
  }
  return accounts;
};
