// A folder of service files, as libpam would open them by name.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { PamFolder } from '../auth/pam-situation.ts';
import { UsageError } from './surroundings.ts';

/** A service file is a few lines; what is larger was put there by mistake. */
const FILE_BYTES_MAX = 1024 * 1024;
const FOLDER_BYTES_MAX = 256 * 1024 * 1024;
const FILES_MAX = 100_000;

/**
 * Reads every regular file of a folder, also through symbolic links, whatever its name: libpam takes any name that a
 * program asks for (pam(8)). Subfolders, sockets and links that lead nowhere are none of its files.
 * @throws UsageError naming the file that cannot be read
 */
export const readPamFolder = async (folder: string): Promise<PamFolder> => {
  const names = await attempt(folder, () => readdir(folder));
  if (names.length > FILES_MAX)
    throw new UsageError(`--pam-dir ${folder} has more than ${FILES_MAX} files: is it the right folder?`);
  // A file named __proto__ must be a name like any other.
  const files = Object.create(null) as Record<string, string>;
  let bytes = 0;
  for (const name of names.toSorted()) {
    const path = join(folder, name);
    const found = await attempt(path, () => statOrNothing(path));
    if (found?.isFile() !== true) continue;
    bytes += found.size;
    if (found.size > FILE_BYTES_MAX)
      throw new UsageError(`${path} is too large for a service file (${found.size} bytes)`);
    if (bytes > FOLDER_BYTES_MAX) throw new UsageError(`--pam-dir ${folder} holds too much text`);
    files[name] = await attempt(path, () => readFile(path, 'utf8'));
  }
  return files;
};

const statOrNothing = async (path: string) => {
  try {
    return await stat(path);
  } catch (thrown) {
    // A link that leads nowhere, or a file that went away meanwhile.
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return null;
    throw thrown;
  }
};

/** In words where Node.js has only a code, with the call and the path once more. */
const whyUnread = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return String(thrown);
  const code = 'code' in thrown ? String(thrown.code) : '';
  return WORDS[code] ?? thrown.message;
};

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there (ENOENT)',
  ENOTDIR: 'it is no folder (ENOTDIR)',
  EACCES: 'it may not be read by you (EACCES)',
};

const attempt = async <T>(path: string, read: () => Promise<T>): Promise<T> => {
  try {
    return await read();
  } catch (thrown) {
    throw new UsageError(`${path} cannot be read: ${whyUnread(thrown)}`);
  }
};
