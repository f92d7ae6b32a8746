// Finds the ends of commands in a shell's output. Pure: bytes in, pieces out.

/** A marker: this byte, the nonce, the frame's number, the exit status, a line end. */
const MARK = 0x1e;
/** Digits of a frame's number and a status, and the two blanks: more is no marker. */
const MARKER_REST_MAX = 24;

/** Part of a command's output, or its end. */
export type FramePiece =
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly frame: number; readonly status: number }
  /** The nonce with something that we never write after it: whoever sent it is not our shell. */
  | { readonly kind: 'broken' };

/**
 * Splits a stream at its markers. The nonce is random, of 128 bits, and known to root's shell alone, so output cannot
 * end a command on purpose or by accident; what comes between two markers is passed on byte by byte, as it comes.
 */
export class FrameReader {
  readonly #prefix: Buffer;
  #held: Buffer = Buffer.alloc(0);
  #broken = false;

  constructor(nonce: string) {
    this.#prefix = markerPrefix(nonce);
  }

  push(chunk: Uint8Array): readonly FramePiece[] {
    const pieces: FramePiece[] = [];
    let rest = Buffer.concat([this.#held, chunk]);
    this.#held = Buffer.alloc(0);
    while (rest.length > 0 && !this.#broken) {
      const at = rest.indexOf(this.#prefix);
      if (at < 0) {
        const keepFrom = this.#beginOfMarker(rest);
        this.#held = rest.subarray(keepFrom);
        if (keepFrom > 0) pieces.push({ kind: 'output', bytes: rest.subarray(0, keepFrom) });
        break;
      }
      if (at > 0) pieces.push({ kind: 'output', bytes: rest.subarray(0, at) });
      const numbersAt = at + this.#prefix.length;
      const end = rest.indexOf('\n', numbersAt);
      if (end < 0 && rest.length - numbersAt <= MARKER_REST_MAX) {
        this.#held = rest.subarray(at);
        break;
      }
      const piece = readNumbers(rest.toString('latin1', numbersAt, end < 0 ? numbersAt : end));
      pieces.push(piece);
      this.#broken = piece.kind === 'broken';
      rest = rest.subarray(end + 1);
    }
    return pieces;
  }

  /** Where a marker may have begun that the next chunk completes; the length where none can have. */
  #beginOfMarker(bytes: Buffer): number {
    // The mark is nowhere else in a prefix, so only its last place can begin one.
    const at = bytes.lastIndexOf(MARK);
    if (at < 0 || bytes.length - at >= this.#prefix.length) return bytes.length;
    return this.#prefix.subarray(0, bytes.length - at).equals(bytes.subarray(at)) ? at : bytes.length;
  }
}

const markerPrefix = (nonce: string): Buffer => Buffer.from(`\u001e${nonce} `, 'latin1');

/** The format for printf(1) that writes a marker with a status of `%d`. */
export const markerFormat = (nonce: string, frame: number): string => `\\036${nonce} ${frame} %d\\n`;

const readNumbers = (text: string): FramePiece => {
  const match = /^(\d{1,12}) (\d{1,3})$/.exec(text);
  return match === null
    ? { kind: 'broken' }
    : { kind: 'end', frame: Number(match[1]), status: Number(match[2]) };
};
