// Files: mode, owner, digest and masked text, out of observe.sh's answer.
import type { FileFacts, Facts } from '../core/facts.ts';
import { printable } from '../core/printable.ts';
import {
  allFor,
  malformed,
  only,
  type Section,
  type Sections,
  strictUtf8,
  utf8,
} from './observe-sections.ts';
import { wanted } from './observe-wanted.ts';

/** File types in st_mode's upper bits (inode(7)). */
const KINDS: ReadonlyMap<number, string> = new Map([
  [0o01, 'a pipe'],
  [0o02, 'a character device'],
  [0o04, 'a folder'],
  [0o06, 'a block device'],
  [0o12, 'a symbolic link'],
  [0o14, 'a socket'],
]);
const REGULAR = 0o10;

/**
 * A file's text; an empty file has no section. Whether its last line ends with a line feed is told by its size; where something
 * was masked the size tells nothing, and nearly every file ends with one.
 */
const contentOf = (section: Section | undefined, size: number): string | null => {
  if (section === undefined) return size === 0 ? '' : null;
  if (section.binary) return null;
  const lines = section.lines.join('\n');
  return strictUtf8(lines.length === size ? lines : `${lines}\n`);
};

const readDigests = (section: Section): ReadonlyMap<string, string> =>
  new Map(
    section.lines.map((line) => {
      const match = /^([0-9a-f]{64}) [ *](.+)$/.exec(line);
      if (match === null) throw malformed('a file’s digest');
      return [match[2] ?? '', match[1] ?? ''];
    }),
  );

const readFile = (sections: Sections, stat: string, digests: ReadonlyMap<string, string>): FileFacts => {
  const match = /^([0-9a-f]{1,8}):(\d+):([^:]*):([^:]*):(.+)$/.exec(stat);
  if (match === null) throw malformed('a file’s mode and owner');
  const [, modeHex = '', size = '', owner = '', group = '', path = ''] = match;
  const mode = Number.parseInt(modeHex, 16);
  const type = (mode >> 12) & 0o17;
  if (type !== REGULAR) {
    const kind = KINDS.get(type) ?? 'no file';
    const target = allFor(sections, 'link', path)[0]?.lines[0];
    return { kind: 'other', what: target === undefined ? kind : `${kind} to ${printable(utf8(target))}` };
  }
  const sha256 = digests.get(path);
  if (sha256 === undefined) return { kind: 'other', what: `a file of ${size} bytes that could not be read` };
  const [section, another] = allFor(sections, 'text', path);
  if (another !== undefined) throw malformed('a file came twice');
  const text = contentOf(section, Number(size));
  return { kind: 'file', mode: mode & 0o7777, owner: utf8(owner), group: utf8(group), sha256, text };
};

/** Every asked-for path; the paths are plain ASCII. */
export const readFiles = (sections: Sections): Facts['files'] => {
  const digests = readDigests(only(sections, 'digests'));
  const files: Record<string, FileFacts> = Object.create(null);
  for (const path of wanted(sections, 'file')) files[path] = { kind: 'absent' };
  for (const line of only(sections, 'stat').lines) {
    if (line === '') continue;
    const path = line.split(':').slice(4).join(':');
    if (files[path] === undefined) throw malformed('a file came that was not asked for');
    files[path] = readFile(sections, line, digests);
  }
  return files;
};
