// The logical lines of a service file, cut exactly as libpam cuts them, mistakes of its own included.

/**
 * How libpam reads files. Up to 1.5 (Debian 11 and 12, Ubuntu up to 22.04) lines go through a buffer of 1024 bytes, from
 * 1.6 on (Debian 13, Ubuntu 24.04) they may have any length, and a comment or an empty line ends a continued one.
 */
export const PAM_READERS = ['to-1.5', 'from-1.6'] as const;
export type PamReader = (typeof PAM_READERS)[number];

export interface PamLogicalLine {
  /** 1-based number of the physical line in which it begins. */
  readonly line: number;
  /** Without comment; bytes as characters (see {@link asBytes}). */
  readonly text: string;
}

export interface PamLines {
  readonly lines: readonly PamLogicalLine[];
  /** Why reading ended before the end of the file; `null` when it did not. */
  readonly broken: { readonly line: number; readonly why: string } | null;
}

/** Each byte of the UTF-8 text as one character, so that lengths are libpam's. */
export const asBytes = (text: string): string =>
  /^[\x00-\x7f]*$/.test(text)
    ? text
    : Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');

/** The reverse of {@link asBytes}. */
export const fromBytes = (bytes: string): string =>
  /^[\x00-\x7f]*$/.test(bytes)
    ? bytes
    : new TextDecoder().decode(Uint8Array.from(bytes, (one) => one.charCodeAt(0)));

/** Never throws; `text` is UTF-8. */
export const pamLines = (text: string, reader: PamReader): PamLines =>
  reader === 'to-1.5' ? linesOfBuffer(asBytes(text)) : linesOfAnyLength(asBytes(text));

const BUFFER_BYTES = 1024;
const ENDS_EARLY = 'the file ends after a backslash';

/** libpam/pam_handlers.c up to 1.5, _pam_assemble_line. */
const linesOfBuffer = (bytes: string): PamLines => {
  const lines: PamLogicalLine[] = [];
  let at = 0;
  let physical = 1;
  /** fgets(3): up to and with the next newline, at most `room - 1` bytes. What follows a NUL byte is not seen. */
  const gets = (room: number): string | null => {
    if (at >= bytes.length) return null;
    const newline = bytes.indexOf('\n', at);
    const end = Math.min(newline < 0 ? bytes.length : newline + 1, at + room - 1);
    const chunk = bytes.slice(at, end);
    at = end;
    return upToNul(chunk);
  };
  for (;;) {
    let assembled = '';
    let first = 0;
    for (;;) {
      const room = BUFFER_BYTES - assembled.length;
      if (room <= 1) return { lines, broken: { line: first, why: 'the continued line is too long' } };
      const line = physical;
      const chunk = gets(room);
      if (chunk === null) {
        return { lines, broken: first === 0 ? null : { line: first, why: ENDS_EARLY } };
      }
      if (chunk.endsWith('\n')) physical += 1;
      if (/^[ \n\t]*(?:#|$)/.test(chunk)) continue;
      if (first === 0) first = line;
      const hash = chunk.indexOf('#');
      const continued = hash < 0 ? /\\[ \t\n]*$/.exec(chunk) : null;
      if (continued === null) {
        lines.push({ line: first, text: assembled + (hash < 0 ? chunk : chunk.slice(0, hash)) });
        break;
      }
      assembled += `${chunk.slice(0, continued.index)} `;
    }
  }
};

/** libpam_internal/pam_line.c from 1.6 on, _pam_line_assemble. */
const linesOfAnyLength = (bytes: string): PamLines => {
  const lines: PamLogicalLine[] = [];
  let at = 0;
  let physical = 0;
  for (;;) {
    let assembled = '';
    let first = 0;
    let continued = false;
    for (;;) {
      if (at >= bytes.length) {
        return { lines, broken: continued ? { line: first, why: ENDS_EARLY } : null };
      }
      const newline = bytes.indexOf('\n', at);
      const end = newline < 0 ? bytes.length : newline + 1;
      const raw = bytes.slice(at, end);
      at = end;
      physical += 1;
      if (first === 0) first = physical;
      const backslash = /\\[ \t\n]*$/.exec(raw);
      const whole = upToNul(backslash === null ? raw : `${raw.slice(0, backslash.index)} `);
      const trimmed = whole.replace(/^[ \t]+/, '');
      const hash = trimmed.indexOf('#');
      const said = hash < 0 ? trimmed : trimmed.slice(0, hash);
      continued = backslash !== null && hash < 0;
      if (continued) {
        assembled += said;
        continue;
      }
      if (assembled !== '' || (said !== '' && !said.startsWith('\n'))) assembled += said;
      if (assembled !== '') {
        lines.push({ line: first, text: assembled });
        break;
      }
      first = 0;
    }
  }
};

const upToNul = (chunk: string): string => {
  const nul = chunk.indexOf('\0');
  return nul < 0 ? chunk : chunk.slice(0, nul);
};
