// Duo Unix's settings files as lines with keys: ini_parse of lib/ini.c, an old inih, byte for byte.

/**
 * What one piece of a file comes to. Texts are binary strings, one character for each byte. `line` is 1-based, as an editor
 * counts; `count` is what the module takes for it, which counts pieces of at most 199 bytes.
 */
export type DuoIniEntry = (
  | { readonly kind: 'setting'; readonly key: string; readonly value: string }
  | { readonly kind: 'fault'; readonly reason: string }
) & { readonly line: number; readonly count: number };

/**
 * Goes through a file as the module does; nothing comes after a fault. Sections are passed over whatever they are called,
 * and an indented line, be it a comment or a key of its own, is another value of the key before it.
 */
export function* duoIniEntries(file: Uint8Array | string): Generator<DuoIniEntry> {
  // An indented line goes on with it; '' where there is none, as right after a section's line.
  let previousKey = '';
  for (const { text: piece, line, count } of iniPieces(binaryOf(file))) {
    const whole = trimEnd(piece);
    const text = trimStart(whole);
    if (text === '') continue;
    if (previousKey !== '' && text !== whole) {
      yield { kind: 'setting', key: previousKey, value: text, line, count };
      continue;
    }
    if (text.startsWith(';') || text.startsWith('#')) continue;
    const seen = text.replace(COMMENT, '');
    const equals = seen.indexOf('=');
    const reason = faultOf(seen, equals);
    if (reason !== null) {
      yield { kind: 'fault', reason, line, count };
      return;
    }
    if (text.startsWith('[')) {
      previousKey = '';
      continue;
    }
    previousKey = trimEnd(text.slice(0, equals));
    const value = trimStart(text.slice(equals + 1)).replace(COMMENT, '');
    yield { kind: 'setting', key: previousKey, value: trimEnd(value), line, count };
  }
}

/** The line's text is not repeated: it may hold the secret key. */
const faultOf = (seen: string, equals: number): string | null => {
  // It makes whatever follows it a word that nobody knows.
  if (seen.startsWith(BYTE_ORDER_MARK)) return 'a byte order mark';
  if (seen.startsWith('[')) return seen.includes(']') ? null : "a section without a ']'";
  return equals === -1 ? NO_EQUALS : null;
};

const NO_EQUALS = "no '=' in it (of a line of over 199 bytes the rest is taken for a line of its own)";

/** U+FEFF in UTF-8. */
const BYTE_ORDER_MARK = '\xef\xbb\xbf';

/** `char line[200]` for fgets: a longer line comes in pieces, each of which is taken for a line of its own. */
const PIECE_BYTES_MAX = 199;

function* iniPieces(
  bytes: string,
): Generator<{ readonly text: string; readonly line: number; readonly count: number }> {
  let line = 1;
  let at = 0;
  for (let count = 1; at < bytes.length; count += 1) {
    const end = bytes.indexOf('\n', at);
    const next = Math.min(end === -1 ? bytes.length : end + 1, at + PIECE_BYTES_MAX);
    // C's strings end at the first NUL: what follows it in the same piece is not seen.
    const [text = ''] = bytes.slice(at, next).split('\0', 1);
    yield { text, line, count };
    if (next === end + 1) line += 1;
    at = next;
  }
}

/** isspace() in the C locale. */
const BLANK = '[ \\t\\n\\v\\f\\r]';
const BLANKS_BEFORE = new RegExp(`^${BLANK}+`);
const BLANKS_AFTER = new RegExp(`${BLANK}+$`);
const trimStart = (text: string): string => text.replace(BLANKS_BEFORE, '');
const trimEnd = (text: string): string => text.replace(BLANKS_AFTER, '');
/** A semicolon after white space begins a comment; one that a value begins with is the value's. */
const COMMENT = new RegExp(`${BLANK};.*$`, 's');

const binaryOf = (bytes: Uint8Array | string): string =>
  Array.from(typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes, (byte) =>
    String.fromCharCode(byte),
  ).join('');

/** The text of a key or value. */
export const duoIniText = (binary: string): string =>
  new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    Uint8Array.from(binary, (character) => character.charCodeAt(0)),
  );
