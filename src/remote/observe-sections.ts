// The framing of observe.sh's answer: bytes in, sections out, and nothing else gets through.
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';

/** What follows one header. Bytes are kept one to a character (latin1); {@link utf8} makes text of them. */
export interface Section {
  /** The header's words after the section's name. */
  readonly words: string;
  readonly lines: readonly string[];
  /** The raw content's last line had a line feed. */
  readonly complete: boolean;
  /** A line of it held a NUL and was left out. */
  readonly binary: boolean;
}

/** Sections by name, in the order in which they came, and by their words as text: a host sends as many as it likes. */
export type Sections = ReadonlyMap<string, NamedSections>;
interface NamedSections {
  readonly all: readonly Section[];
  readonly byWords: ReadonlyMap<string, readonly Section[]>;
}

/** The most that one host may answer, in bytes: some thousand accounts and every file at its limit fit. */
export const OBSERVE_OUTPUT_MAX = 16 * 1024 * 1024;

/** A sentence about an answer that cannot be trusted. The content itself is not shown: it may hold anything. */
export const malformed = (what: string): Failure =>
  new Failure(
    'exit',
    `the host's answer to what was asked is not whole: ${printable(what)}; nothing was touched, try again`,
  );

/** Bytes as text; what is no UTF-8 becomes U+FFFD. */
export const utf8 = (bytes: string): string => Buffer.from(bytes, 'latin1').toString('utf8');

/** Bytes as text, or `null` when they are no UTF-8. */
export const strictUtf8 = (bytes: string): string | null => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(bytes, 'latin1'));
  } catch {
    return null;
  }
};

/**
 * Splits the answer into sections. Throws a Failure (`exit`) when it is cut anywhere, does not begin or end as it
 * must, is larger than {@link OBSERVE_OUTPUT_MAX}, or holds a line that is neither header nor content.
 */
export const readSections = (output: Uint8Array, nonce: string): Sections => {
  if (output.byteLength > OBSERVE_OUTPUT_MAX) throw malformed(`it is ${output.byteLength} bytes long`);
  const bytes = Buffer.from(output.buffer, output.byteOffset, output.byteLength).toString('latin1');
  const first = `#${nonce} begin 1\n`;
  const last = `#${nonce} end\n`;
  if (!bytes.startsWith(first)) throw malformed('it does not begin as it must');
  if (!bytes.endsWith(`\n${last}`)) throw malformed('its end is missing');
  const sections = new Map<string, { all: Section[]; byWords: Map<string, Section[]> }>();
  let current: { words: string; lines: string[]; complete: boolean; binary: boolean } | null = null;
  const prefix = `#${nonce} `;
  const body = bytes.slice(first.length, bytes.length - last.length);
  if (body === '') return sections;
  for (const [index, line] of body.slice(0, -1).split('\n').entries()) {
    if (line.startsWith(prefix)) {
      const [name = '', ...words] = line.slice(prefix.length).split(' ');
      current = { words: words.join(' '), lines: [], complete: false, binary: false };
      let named = sections.get(name);
      if (named === undefined) {
        named = { all: [], byWords: new Map() };
        sections.set(name, named);
      }
      named.all.push(current);
      const text = utf8(current.words);
      const alike = named.byWords.get(text);
      if (alike === undefined) named.byWords.set(text, [current]);
      else alike.push(current);
      continue;
    }
    if (current === null || current.complete) throw malformed(`line ${index + 2} belongs to nothing`);
    if (line === '') current.complete = true;
    else if (line.startsWith('|')) current.lines.push(line.slice(1));
    else if (line === '!') current.binary = true;
    else throw malformed(`line ${index + 2} is neither a header nor content`);
  }
  return sections;
};

/** The only section of this name; throws when there is none or more than one. */
export const only = (sections: Sections, name: string): Section => {
  const [section, another] = all(sections, name);
  if (section === undefined) throw malformed(`the part "${name}" is missing`);
  if (another !== undefined) throw malformed(`the part "${name}" came twice`);
  return section;
};

/** All sections of this name. */
export const all = (sections: Sections, name: string): readonly Section[] => sections.get(name)?.all ?? [];

/** All sections of this name whose words are this text. */
export const allFor = (sections: Sections, name: string, words: string): readonly Section[] =>
  sections.get(name)?.byWords.get(words) ?? [];

/** The section of this name whose words are this text; throws when there is none or more than one. */
export const onlyFor = (sections: Sections, name: string, words: string): Section => {
  const [section, another] = allFor(sections, name, words);
  if (section === undefined || another !== undefined)
    throw malformed(`the part "${name} ${words}" ${section === undefined ? 'is missing' : 'came twice'}`);
  return section;
};

/** Takes `exit STATUS`, which our script adds, off the end of a section's lines. */
export const splitExit = (
  section: Section,
): { readonly lines: readonly string[]; readonly status: number } => {
  const match = /^exit (\d{1,3})$/.exec(section.lines.at(-1) ?? '');
  if (match === null) throw malformed('a command’s exit status is missing');
  return { lines: section.lines.slice(0, -1), status: Number(match[1]) };
};
