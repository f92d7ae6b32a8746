// /etc/pam.d of a host as it is, and as it will be once a plan is carried out.
import type { Change } from '../core/change.ts';
import type { Facts } from '../core/facts.ts';
import { isLegacyDuoModule } from './managed-pam.ts';
import { parsePamFile, type PamLine } from './pam-file.ts';
import type { PamFolder } from './pam-situation.ts';

/** Stands in for what a file says that could not be read: a module that nobody knows, so that nothing is sure. */
export const UNREAD_MODULE = 'pam_of_a_file_that_was_not_read.so';

/** Files that libpam reads of a name without a dot; what package managers leave beside them is not read by anybody. */
export const pamFolderOf = (files: Facts['files'], pamDir: string): PamFolder => {
  const folder: Record<string, string> = Object.create(null);
  for (const [path, file] of Object.entries(files)) {
    if (!path.startsWith(`${pamDir}/`) || file.kind === 'absent') continue;
    const text = file.kind === 'file' ? file.text : null;
    folder[path.slice(pamDir.length + 1)] = text ?? UNREAD_TEXT;
  }
  return folder;
};

/** Folders kept; a fleet has a few kinds of hosts. */
const FOLDERS_MAX = 64;
const FOLDERS = new Map<string, PamFolder>();

/** One object for all folders that say the same, so that the files of a fleet are read once and not once for each host. */
export const sharedFolder = (folder: PamFolder): PamFolder => {
  const key = JSON.stringify(folder);
  const known = FOLDERS.get(key);
  if (known !== undefined) return known;
  if (FOLDERS.size >= FOLDERS_MAX) FOLDERS.clear();
  FOLDERS.set(key, folder);
  return folder;
};

const UNREAD_TEXT = ['auth', 'account', 'password', 'session']
  .map((type) => `${type} required ${UNREAD_MODULE}\n`)
  .join('');

/** The facts' files after the changes. */
export const filesAfter = (facts: Facts, changes: readonly Change[]): Facts['files'] => {
  const decoder = new TextDecoder();
  const files = { ...facts.files };
  for (const change of changes) {
    if (change.kind === 'absent') files[change.target] = { kind: 'absent' };
    if (change.kind === 'file') {
      const text = decoder.decode(change.content);
      const { mode } = change;
      files[change.target] = { kind: 'file', mode, owner: 'root', group: 'root', sha256: '', text };
    }
  }
  return files;
};

/**
 * A file without the lines that pam-auth-update wrote for the legacy package's profile: they go with it, and what jumped
 * over one of them jumps one line less (pam-auth-update(8)).
 */
export const withoutLegacyProfile = (text: string): string => {
  const lines = parsePamFile(text).lines;
  const inside = pamAuthUpdateLines(text);
  const goes = lines.map(
    ({ line, says }) => inside.has(line) && says.kind === 'rule' && isLegacyDuoModule(says.module),
  );
  if (!goes.includes(true)) return text;
  return lines
    .filter((_line, at) => goes[at] !== true)
    .map((line) => `${shortened(line, lines, goes)}\n`)
    .join('');
};

/**
 * Numbers of the lines that pam-auth-update writes and takes away again with a package's profile: those between its
 * own comments (pam-auth-update(8)); libpam-duo's maintainer scripts call it.
 */
export const pamAuthUpdateLines = (text: string): ReadonlySet<number> => {
  const numbers = new Set<number>();
  let inside = false;
  for (const [at, line] of text.split('\n').entries()) {
    if (line.startsWith('# here are the per-package modules')) inside = true;
    if (line.startsWith('# end of pam-auth-update config')) inside = false;
    if (inside) numbers.add(at + 1);
  }
  return numbers;
};

const shortened = (line: PamLine, lines: readonly PamLine[], goes: readonly boolean[]): string => {
  const { says } = line;
  if (says.kind !== 'rule') return line.text;
  const after = lines
    .map((other, at) => ({ other, goes: goes[at] === true }))
    .slice(lines.indexOf(line) + 1)
    .filter(({ other }) => other.says.kind === 'rule' && other.says.type === says.type);
  return line.text.replaceAll(/=(\d+)/g, (_all, count: string) => {
    const over = after.slice(0, Number(count)).filter((one) => one.goes).length;
    return `=${Number(count) - over}`;
  });
};
