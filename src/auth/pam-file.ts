// A file of /etc/pam.d as lines that keep their bytes, read as libpam reads it, and its auth part exchanged for another.
// What the libpam versions in the field (1.4 to 1.7) read differently is refused, never guessed.

/** What one logical line says; its bytes are in {@link PamLine.text}. */
export type PamStatement =
  | { readonly kind: 'nothing' }
  /** Debian's `@include FILE`: all types of that file. */
  | { readonly kind: 'include'; readonly file: string }
  | PamRule;

export interface PamRule {
  readonly kind: 'rule';
  readonly type: 'auth' | 'account' | 'session' | 'password';
  /** `required`, `include`, ..., or the inside of `[success=1 default=ignore]`. */
  readonly control: string;
  /** As written: `pam_unix.so` or an absolute path; for `include` and `substack` the file. */
  readonly module: string;
  readonly args: readonly string[];
}

export interface PamLine {
  /** 1-based number of its first physical line. */
  readonly line: number;
  /** One or, where a backslash continues it, several physical lines, without the last newline. */
  readonly text: string;
  readonly says: PamStatement;
}

/** A place and a sentence: why the file cannot be worked with. */
export interface PamProblem {
  readonly line: number;
  readonly message: string;
}

export interface PamFile {
  readonly lines: readonly PamLine[];
  readonly problems: readonly PamProblem[];
}

/**
 * Bytes of the longest line, assembled or physical, that every libpam reads in one piece: up to 1.5 its buffer has
 * 1024, and what is past it is read as a line of its own, of a comment too (libpam/pam_handlers.c, _pam_assemble_line).
 */
export const PAM_LINE_BYTES_MAX = 1000;

const TYPES = ['auth', 'account', 'session', 'password'] as const;

/** Reads a service file. Never throws; what is wrong is in `problems`, with its line. */
export const parsePamFile = (text: string): PamFile => {
  const physical = text.split('\n');
  if (physical.at(-1) === '') physical.pop();
  const problems: PamProblem[] = [];
  const lines: PamLine[] = [];
  for (let at = 0; at < physical.length;) {
    const logical = assemble(physical, at, problems);
    const says = readStatement(logical.words);
    if (typeof says === 'string') problems.push({ line: at + 1, message: says });
    lines.push({
      line: at + 1,
      text: physical.slice(at, at + logical.count).join('\n'),
      says: typeof says === 'string' ? { kind: 'nothing' } : says,
    });
    at += logical.count;
  }
  return { lines, problems };
};

/** One logical line from physical line `start` on: how many lines it takes and what it says without comment. */
const assemble = (
  physical: readonly string[],
  start: number,
  problems: PamProblem[],
): { readonly count: number; readonly words: string } => {
  let words = '';
  for (let at = start; at < physical.length; at += 1) {
    const raw = physical[at] ?? '';
    const bad = physicalProblem(raw, at === 0);
    if (bad !== null) problems.push({ line: at + 1, message: bad });
    const hash = raw.indexOf('#');
    const said = hash < 0 ? raw : raw.slice(0, hash);
    if (at > start && said.trim() === '') {
      problems.push({ line: at + 1, message: 'an empty line or a comment follows a backslash' });
    }
    // A comment ends the line, backslash or not, in all versions.
    const continued = hash < 0 && /\\[ \t]*$/.test(raw) && raw.trim() !== '';
    if (continued && /\\[ \t]+$/.test(raw)) {
      problems.push({ line: at + 1, message: 'blanks follow the backslash at the end of the line' });
    }
    words += continued ? said.replace(/\\[ \t]*$/, ' ') : said;
    if (new TextEncoder().encode(words).length > PAM_LINE_BYTES_MAX) {
      problems.push({ line: start + 1, message: `the line is longer than ${PAM_LINE_BYTES_MAX} bytes` });
      return { count: at - start + 1, words: '' };
    }
    if (!continued) return { count: at - start + 1, words };
  }
  problems.push({ line: physical.length, message: 'the last line ends with a backslash' });
  return { count: physical.length - start, words };
};

const physicalProblem = (raw: string, first: boolean): string | null => {
  if (first && raw.startsWith('\uFEFF')) return 'the file begins with a byte order mark';
  if (raw.endsWith('\r')) return 'the line ends with a carriage return (a file from Windows?)';
  if (/[\x00-\x08\x0b-\x1f\x7f]/.test(raw)) return 'the line holds a control character';
  if (new TextEncoder().encode(raw).length > PAM_LINE_BYTES_MAX) {
    return `the line is longer than ${PAM_LINE_BYTES_MAX} bytes`;
  }
  return null;
};

/** A statement, or a sentence why it is none. libpam makes of a wrong line an auth rule that always fails. */
const readStatement = (words: string): PamStatement | string => {
  const tokens = tokenize(words);
  const [first, second, third, ...args] = tokens;
  if (first === undefined) return { kind: 'nothing' };
  if (first === '@include') {
    return second === undefined ? '@include names no file' : { kind: 'include', file: second };
  }
  const bare = first.startsWith('-') ? first.slice(1) : first;
  const type = TYPES.find((known) => known === bare.toLowerCase());
  if (type === undefined) return `"${first.slice(0, 40)}" is no module type`;
  if (second === undefined || third === undefined) return 'the line names no module';
  return { kind: 'rule', type, control: second, module: third, args };
};

/**
 * The words of a line as libpam splits them: at blanks and tabs; `[...]` is one word without its brackets, in which
 * `\]` stands for `]`; quotes mean nothing (libpam/pam_misc.c, _pam_StrTok).
 */
export const tokenize = (words: string): readonly string[] => {
  const tokens: string[] = [];
  const pattern = /[ \t\n]*(?:\[((?:\\\]|[^\]])*)\]?|([^ \t\n[][^ \t\n]*))/y;
  for (let match = pattern.exec(words); match !== null; match = pattern.exec(words)) {
    tokens.push(match[2] ?? (match[1] ?? '').replaceAll(String.raw`\]`, ']'));
  }
  return tokens;
};

/** The last part of a module's path: `pam_unix.so`. */
export const moduleName = (module: string): string => module.slice(module.lastIndexOf('/') + 1);
