import { describe, expect, test } from 'vitest';
import { FrameReader, type FramePiece } from '../../../src/remote/frame-reader.ts';

const NONCE = '0123456789abcdef0123456789abcdef';
const marker = (frame: number, status: number): string => `\u001e${NONCE} ${frame} ${status}\n`;

/** mulberry32: the same numbers at every run. */
const seeded = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** Output between ends, put together again. */
const read = (pieces: readonly FramePiece[]): readonly (string | FramePiece)[] => {
  const folded: (string | FramePiece)[] = [];
  for (const piece of pieces) {
    const last = folded.at(-1);
    if (piece.kind !== 'output') folded.push(piece);
    else if (typeof last === 'string')
      folded[folded.length - 1] = last + Buffer.from(piece.bytes).toString('latin1');
    else folded.push(Buffer.from(piece.bytes).toString('latin1'));
  }
  return folded;
};

const inChunks = (text: string, sizes: () => number): readonly FramePiece[] => {
  const reader = new FrameReader(NONCE);
  const bytes = Buffer.from(text, 'latin1');
  const pieces: FramePiece[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = Math.max(1, sizes());
    pieces.push(...reader.push(bytes.subarray(at, at + size)));
    at += size;
  }
  return pieces;
};

describe('frames in a shell’s output', () => {
  test('output and end come back as they were sent, whatever the bytes and wherever the packets are cut', () => {
    const random = seeded(7);
    // Near misses of a marker are what a parser falls over.
    const hostile = [
      '\u001e',
      NONCE,
      `\u001e${NONCE}`,
      `\u001e${NONCE.slice(0, 31)}`,
      ' 1 0\n',
      '\n',
      '\0',
      '\u00ff',
      '\u001e\u001e',
      `${NONCE} 1 0\n`,
      'x',
    ];
    for (let round = 0; round < 2_000; round += 1) {
      const outputs = [0, 1, 2].map(() => {
        const length = Math.floor(random() * 6);
        const text = Array.from({ length }, () => hostile[Math.floor(random() * hostile.length)]).join('');
        // The one thing that nobody else can say.
        return text.replaceAll(`\u001e${NONCE} `, '');
      });
      const sent = outputs.map((text, at) => text + marker(at, at * 7)).join('');
      const expected = outputs.flatMap((text, at) => [
        ...(text === '' ? [] : [text]),
        { kind: 'end', frame: at, status: at * 7 },
      ]);
      expect(read(inChunks(sent, () => Math.floor(random() * 9)))).toEqual(expected);
    }
  });

  test('a line end is told at once: progress must not wait for the next output', () => {
    const reader = new FrameReader(NONCE);
    expect(read(reader.push(Buffer.from('#mark a\n')))).toEqual(['#mark a\n']);
  });

  test('the nonce with anything but a frame and a status after it is broken, and nothing after it counts', () => {
    for (const bad of [' x\n', ' 1\n', ' 1 1000\n', ' 1 0 0\n', ' -1 0\n', ` ${'1'.repeat(40)}`]) {
      const pieces = read(inChunks(`out\u001e${NONCE}${bad}${marker(1, 0)}`, () => 1_000));
      expect(pieces).toEqual(['out', { kind: 'broken' }]);
    }
  });

  test('a marker that never ends is broken, not awaited', () => {
    const reader = new FrameReader(NONCE);
    reader.push(Buffer.from(`\u001e${NONCE} 1`));
    expect(read(reader.push(Buffer.from('1'.repeat(100))))).toEqual([{ kind: 'broken' }]);
  });
});
