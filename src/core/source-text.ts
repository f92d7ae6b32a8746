// A text with places: offset -> file, line, column and the line itself, secrets masked.
import type { Place } from './inventory.ts';
import { isSecretName } from './variables.ts';

export interface SourceText {
  readonly file: string;
  readonly text: string;
  /** The place of a UTF-16 offset; the end of the text for anything beyond it. */
  placeAt(offset: number): Place;
}

/** What stands in for a masked text. */
const MASK = '[secret]';
const reference = /^["']?(?:env|file|keyring|command|prompt):[^"',}\]]+["']?/;

const indentOf = (line: string): number => line.length - line.trimStart().length;

/** Masks all that follows the first secret's name on a line, unless it is a reference; `open` when a value may go on. */
const maskLine = (
  line: string,
  secretName: (name: string) => boolean,
): { readonly masked: string; readonly open: boolean; readonly empty: boolean } => {
  const word = /[A-Za-z_][\w.-]*/g;
  for (let match = word.exec(line); match !== null; match = word.exec(line)) {
    if (!secretName(match[0])) continue;
    const after = line.slice(word.lastIndex);
    const gap = /^["']?\s*[:=]?\s*/.exec(after)?.[0].length ?? 0;
    const value = after.slice(gap);
    const named = reference.exec(value);
    if (named !== null) {
      word.lastIndex += gap + named[0].length;
      continue;
    }
    const empty = value === '';
    const masked = empty ? line : line.slice(0, word.lastIndex + gap) + MASK;
    return { masked, open: true, empty };
  }
  return { masked: line, open: false, empty: false };
};

/** A word that looks like Duo's secret key, and not like a fingerprint: the name before it may be misspelt beyond knowing. */
const maskKeys = (line: string): string =>
  line.replaceAll(/(?<![A-Za-z0-9])(?![0-9A-F]{40}|[0-9a-f]{40})[A-Za-z0-9]{40}(?![A-Za-z0-9])/g, MASK);

/** The user and password of a URL, wherever it stands. */
const maskUrls = (line: string): string => line.replaceAll(/\/\/[^/\s@]*@/g, '//[secret]@');

/** A text's lines with what may be a secret masked, also where it goes on over several lines. */
export const maskedLines = (lines: readonly string[]): readonly string[] => {
  const known = new Map<string, boolean>();
  const secretName = (name: string): boolean => {
    const answer = known.get(name) ?? isSecretName(name);
    known.set(name, answer);
    return answer;
  };
  let openIndent = Infinity;
  let nextIsSecret = false;
  return lines.map((line) => {
    if (line.trim() === '') return line;
    if (nextIsSecret || indentOf(line) > openIndent) {
      nextIsSecret = false;
      return ' '.repeat(indentOf(line)) + MASK;
    }
    const { masked, open, empty } = maskLine(line, secretName);
    openIndent = open ? indentOf(line) : Infinity;
    nextIsSecret = empty;
    return maskKeys(maskUrls(masked));
  });
};

/** Number of the last start that is not beyond the offset. */
const lastStartBefore = (starts: readonly number[], offset: number): number => {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
};

/** Indexes a file's text, so that places can be asked for. */
export const indexSource = (file: string, text: string): SourceText => {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const masked = maskedLines(lines);
  return {
    file,
    text,
    placeAt: (offset) => {
      const bounded = Math.max(0, Math.min(offset, text.length));
      const index = lastStartBefore(starts, bounded);
      return {
        file,
        line: index + 1,
        column: bounded - (starts[index] ?? 0) + 1,
        source: masked[index] ?? '',
      };
    },
  };
};
