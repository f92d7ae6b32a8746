import { describe, expect, test } from 'vitest';
import { paintFor, PLAIN_PAINT } from '../../../src/view/paint.ts';
import { textTable } from '../../../src/view/text-table.ts';

const rows = (...texts: readonly (readonly string[])[]) => texts.map((row) => row.map((text) => ({ text })));
const widest = (lines: readonly string[]): number => Math.max(...lines.map((line) => line.length));

describe('a table', () => {
  test('that fits is as narrow as its texts, a line for each row', () => {
    const lines = textTable(['WHO', 'WAY'], rows(['root', 'key'], ['ann', 'key and Duo']), {
      width: 80,
      paint: PLAIN_PAINT,
    });
    expect(lines).toEqual(['WHO   WAY', 'root  key', 'ann   key and Duo']);
  });

  test('that does not fit wraps its widest column at words, and parts the rows', () => {
    const lines = textTable(
      ['WHO', 'ASKED'],
      rows(['root', 'publickey, then keyboard-interactive'], ['ann', 'password']),
      { width: 28, paint: PLAIN_PAINT },
    );
    expect(lines).toEqual([
      'WHO   ASKED',
      'root  publickey, then',
      '      keyboard-interactive',
      '',
      'ann   password',
    ]);
  });

  test.each([80, 40, 20, 9, 3])('is never wider than the %i columns it is given', (width) => {
    const lines = textTable(
      ['WHO', 'ASKED', 'PAM', 'WAY'],
      rows(
        ['a'.repeat(30), 'publickey, then keyboard-interactive', 'pam_duo refuses', 'Duo deny: none'],
        ['root', 'b'.repeat(90), '', 'key'],
      ),
      { width, paint: PLAIN_PAINT },
    );
    // Four columns and their gaps take nine characters at the very least.
    expect(widest(lines)).toBeLessThanOrEqual(Math.max(width, 10));
  });

  test('keeps the line breaks of a cell', () => {
    const lines = textTable(['A', 'B'], rows(['1\n2', 'x']), { width: 80, paint: PLAIN_PAINT });
    expect(lines).toEqual(['A  B', '1  x', '2']);
  });

  test('colours a cell without moving the columns', () => {
    const coloured = textTable(['A', 'B'], [[{ text: 'bad one', tone: 'bad' }, { text: 'x' }]], {
      width: 80,
      paint: paintFor(true),
    });
    const bare = coloured.map((line) => line.replaceAll(/\u001B\[\d+m/g, ''));
    expect(coloured.join('')).toContain('\u001B[31m');
    expect(bare).toEqual(['A        B', 'bad one  x']);
  });
});
