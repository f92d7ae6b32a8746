// The host itself: system, sudo, locks, space, an unfinished transaction, the module; out of observe.sh's answer.
import type { Facts, OsFacts, PendingFacts } from '../core/facts.ts';
import { printable } from '../core/printable.ts';
import { malformed, only, type Section, type Sections, all, splitExit, utf8 } from './observe-sections.ts';
import { wanted } from './observe-wanted.ts';

/** os-release(5): shell assignments without substitution; later ones win. */
const readAssignments = (lines: readonly string[]): ReadonlyMap<string, string> => {
  const values = new Map<string, string>();
  for (const line of lines.map(utf8)) {
    const match = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line.trimEnd());
    if (match === null) continue;
    const [, name = '', value = ''] = match;
    const quoted = /^"(.*)"$|^'(.*)'$/.exec(value);
    values.set(name, (quoted?.[1] ?? quoted?.[2] ?? value).replace(/\\(["$`\\])/g, '$1'));
  }
  return values;
};

/** The system's name. A derivative's own codename means nothing to Duo: the one of what it derives from counts. */
export const readOs = (section: Section): OsFacts => {
  const values = readAssignments(section.lines);
  const get = (name: string): string => values.get(name) ?? '';
  const id = get('ID').toLowerCase();
  const own = get('VERSION_CODENAME');
  const base = get('UBUNTU_CODENAME') || get('DEBIAN_CODENAME');
  return {
    id,
    idLike: get('ID_LIKE').toLowerCase().split(/\s+/).filter(Boolean),
    versionId: get('VERSION_ID'),
    codename: id === 'debian' || id === 'ubuntu' ? own || base : base || own,
    prettyName: get('PRETTY_NAME') || get('NAME'),
  };
};

/** Whether PID 1 is systemd (sd_booted(3)), and which. */
export const readSystemd = (sections: Sections, version: number | null): Facts['systemd'] => {
  const { words } = only(sections, 'systemd');
  if (words !== 'yes' && words !== 'no') throw malformed('whether systemd runs');
  if (words === 'yes') only(sections, 'units');
  return { running: words === 'yes', version };
};

/** What libpam finds: the files in its search folders, and whether pam_nologin(8) keeps people out. */
export const readPam = (sections: Sections): Facts['pam'] => {
  const { words, lines } = only(sections, 'pam');
  if (words !== 'yes' && words !== 'no') throw malformed('what PAM finds');
  return { modules: lines.length === 0 ? null : [...new Set(lines.map(utf8))], nologin: words === 'yes' };
};

/**
 * The first line of `sudo -V`, `Sudo version 1.9.13p3` or `sudo-rs 0.2.5`, and its table of defaults (sudo(8), -V). A
 * sudo that does not tell its version is one all the same: taken for none, it would be left without Duo.
 */
export const readSudo = (section: Section): Facts['sudo'] => {
  const line = utf8(section.lines[0] ?? '');
  const match = /^(Sudo version|sudo-rs) (\S+)/i.exec(line);
  if (match === null) {
    return { implementation: section.words === 'yes' ? 'sudo' : 'none', version: '', defaults: null };
  }
  return {
    implementation: match[1]?.toLowerCase() === 'sudo-rs' ? 'sudo-rs' : 'sudo',
    version: match[2] ?? '',
    defaults: readSudoDefaults(section.lines.slice(1).map(utf8)),
  };
};

const readSudoDefaults = (lines: readonly string[]): Facts['sudo']['defaults'] => {
  const valueOf = (start: string): readonly string[] =>
    lines.filter((line) => line.startsWith(start)).map((line) => line.replace(/^[^:]*: */, ''));
  const timeoutMin = Number.parseFloat(valueOf('Authentication timestamp timeout')[0] ?? '');
  if (Number.isNaN(timeoutMin)) return null;
  return {
    authenticate: lines.some((line) => line.startsWith('Require users to authenticate')),
    timestampTimeoutMin: timeoutMin,
    services: valueOf('PAM service name'),
  };
};

/** `command[pid]` of who holds a package manager's lock; a process that has just ended has no name any more. */
export const readLock = ({ words }: Section): string | null => {
  if (words === '') return null;
  const match = /^(\d+) (.*)$/.exec(words);
  if (match === null) throw malformed('who holds the lock of dpkg');
  return `${printable(utf8(match[2] ?? '')) || 'unknown'}[${match[1]}]`;
};

/** Free space of each asked-for path. Filesystems without a number of inodes (btrfs) have no end of them. */
export const readSpace = (sections: Sections): Facts['space'] => {
  const space: Record<string, Facts['space'][string]> = Object.create(null);
  for (const { words } of all(sections, 'space')) {
    const match = /^(rw|ro) (\d+) (\d+) (\d+) (\d+) (\/.*)$/.exec(words);
    if (match === null) throw malformed('free space');
    const [, access, blocks, blockSize, inodes, freeInodes, path = ''] = match;
    space[path] = {
      freeKiB: Math.floor((Number(blocks) * Number(blockSize)) / 1024),
      freeInodes: Number(inodes) === 0 ? Number.MAX_SAFE_INTEGER : Number(freeInodes),
      readOnly: access === 'ro',
    };
  }
  for (const path of wanted(sections, 'space'))
    if (space[path] === undefined) throw malformed(`free space of ${path}`);
  return space;
};

/** The guard's record. Where its folder is damaged the transaction still counts, with empty fields. */
export const readPending = (section: Section): PendingFacts | null => {
  if (section.words === 'no') return null;
  if (section.words !== 'alive' && section.words !== 'dead') throw malformed('the pending transaction');
  const values = new Map(
    section.lines.map(utf8).map((line) => [line.split('=', 1)[0] ?? '', line.replace(/^[^=]*=/, '')]),
  );
  const get = (name: string): string => values.get(name) ?? '';
  const since = get('since');
  return {
    tx: get('active').replace(/^.*\//, ''),
    run: get('run'),
    operator: get('operator'),
    sinceS: /^\d{1,12}$/.test(since) ? Number(since) : 0,
    alive: section.words === 'alive',
    state: get('state') || 'unknown',
  };
};

/**
 * The loader's complaint about the module. ld.so only warns when a preloaded object cannot be loaded, and ends the
 * program when one of that object's libraries is missing or a symbol is (ld.so(8)): both count.
 */
export const readModuleError = (section: Section): string | null => {
  if (section.words === 'absent') return null;
  if (section.words !== 'present') throw malformed('whether the module loads');
  const { lines, status } = splitExit(section);
  const complaint = printable(utf8(lines.join('\n')));
  if (status === 0) return complaint;
  return complaint === '' ? `a program that loads it ended with status ${status}` : complaint;
};
