// ssh's configuration files, read with what they include, to tell whether ssh has to be asked at all.
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { matchesHostPatterns } from '../core/host-patterns.ts';
import { scanSshConfig, type ScannedConfig } from '../core/ssh-config-scan.ts';

/** As ssh has it (READCONF_MAX_DEPTH, readconf.c). */
const DEPTH_MAX = 16;
const FILES_MAX = 1_000;
const BYTES_MAX = 1024 * 1024;

/** The whole configuration. */
export interface SshConfigScan {
  /** Something in it changes how a host is reached. */
  readonly matters: boolean;
  /** All `Host` lines; `null` where what holds for a host hangs on more than its name, or a file could not be followed. */
  readonly hostLines: ScannedConfig['hostLines'] | null;
}

/** A file, and where what it includes by a relative path lies (ssh_config(5), Include). */
export interface ConfigFile {
  readonly path: string;
  readonly folder: string;
}

/** Reads the files that are there. What cannot be followed counts as mattering: ssh itself is asked then. */
export const scanSshConfigFiles = async (
  files: readonly ConfigFile[],
  home: string,
): Promise<SshConfigScan> => {
  const hostLines: (readonly string[])[] = [];
  let matters = false;
  let isPlain = true;
  let read = 0;
  const follow = async ({ path, folder }: ConfigFile, depth: number): Promise<void> => {
    read += 1;
    const text = read > FILES_MAX || depth > DEPTH_MAX ? null : await textOf(path);
    if (text === null) {
      matters = true;
      isPlain = false;
      return;
    }
    const scanned = scanSshConfig(text);
    hostLines.push(...scanned.hostLines);
    matters ||= scanned.matters;
    isPlain &&= !scanned.hasConditions;
    for (const written of scanned.includes) {
      const found = await filesMeant(written, folder, home);
      if (found === null) {
        matters = true;
        isPlain = false;
      }
      for (const included of found ?? []) await follow({ path: included, folder }, depth + 1);
    }
  };
  for (const file of files) await follow(file, 0);
  return { matters, hostLines: isPlain ? hostLines : null };
};

/** '' for a file that is not there; `null` for one that cannot be read or is too large. */
const textOf = async (path: string): Promise<string | null> => {
  try {
    const { size } = await stat(path);
    return size > BYTES_MAX ? null : await readFile(path, 'utf8');
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? '' : null;
  }
};

/** The files that an Include means; `null` where that takes more than a pattern in the last part of its path. */
const filesMeant = async (
  written: string,
  folder: string,
  home: string,
): Promise<readonly string[] | null> => {
  const path = written.startsWith('~/') ? join(home, written.slice(2)) : written;
  if (/[%$[\]{}~\\]/.test(path)) return null;
  const whole = isAbsolute(path) ? path : join(folder, path);
  if (!/[*?]/.test(whole)) return [whole];
  if (/[*?]/.test(dirname(whole))) return null;
  const names = await readdir(dirname(whole)).catch(() => []);
  // As glob(7): a pattern does not mean what begins with a dot unless it begins with one.
  const pattern = basename(whole);
  return names
    .filter((name) => name.startsWith('.') === pattern.startsWith('.'))
    .filter((name) => matchesHostPatterns(name, [pattern]))
    .map((name) => join(dirname(whole), name));
};
