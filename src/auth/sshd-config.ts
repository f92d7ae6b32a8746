// The text of an sshd_config file as directives with their places; which values win is sshd's own word (`sshd -T`).
import { trimEndOf } from '../core/trim-end.ts';

export interface SshdDirective {
  /** 1-based. */
  readonly line: number;
  /** In lower case: sshd does not tell cases apart. */
  readonly keyword: string;
  /** What follows, blanks at the ends and quotes around the whole taken off. */
  readonly value: string;
  /** Criteria of the Match block it stands in, as written; `null` for everybody. */
  readonly match: string | null;
}

/** Reads a file by sshd_config(5): keyword, blanks or `=`, value; `#` begins a comment line. */
export const parseSshdConfig = (text: string): readonly SshdDirective[] => {
  const directives: SshdDirective[] = [];
  let match: string | null = null;
  for (const [at, raw] of text.split('\n').entries()) {
    const found = /^[ \t\r]*"?([A-Za-z0-9]+)"?(?:[ \t]*=[ \t]*|[ \t]+)([^]*)$/.exec(trimEndOf(raw, ' \t\r'));
    if (found === null) continue;
    const keyword = (found[1] ?? '').toLowerCase();
    const value = withoutComment(found[2] ?? '').replace(/^"([^"]*)"$/, '$1');
    if (keyword === 'match') match = value;
    else directives.push({ line: at + 1, keyword, value, match });
  }
  return directives;
};

/** From OpenSSH 8.5 on a ` #` outside of quotes ends a line. */
const withoutComment = (value: string): string =>
  /^((?:"[^"]*"|[^"#]|(?<=[^ \t])#)*)/.exec(value)?.[1]?.trimEnd() ?? value;

/** Whether a directive includes the drop-in folder whole, for everybody. */
export const includesDropIns = ({ keyword, value, match }: SshdDirective): boolean =>
  keyword === 'include' && match === null && value.split(/[ \t]+/).some(isDropInFolder);

/** Whether an Include names the drop-in folder alone: of its files with `*.conf` there are facts, of others not. */
export const includesNothingElse = ({ value }: SshdDirective): boolean =>
  value.split(/[ \t]+/).every((word) => isDropInFolder(word) && word.includes('*.conf'));

const isDropInFolder = (word: string): boolean =>
  /^"?(?:\/etc\/ssh\/)?sshd_config\.d\/\*(?:\.conf)?"?$/.test(word);

/** Major and minor of `9.2p1`, compared as numbers: 10.0 is newer than 9.9; `null` when unknown. */
export const isOlderOpenSsh = (version: string, major: number, minor: number): boolean | null => {
  const found = /^(\d+)\.(\d+)/.exec(version);
  if (found === null) return null;
  const [theirs, theirMinor] = [Number(found[1]), Number(found[2])];
  return theirs < major || (theirs === major && theirMinor < minor);
};
