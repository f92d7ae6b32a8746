import { expect, test } from 'vitest';
import { wrapText } from '../../../src/view/wrap-text.ts';

test('breaks at blanks, cuts only words that fit no line, keeps line breaks', () => {
  expect(wrapText('the quick brown fox', 9)).toEqual(['the quick', 'brown fox']);
  expect(wrapText('an abcdefghij word', 5)).toEqual(['an', 'abcde', 'fghij', 'word']);
  expect(wrapText('one\ntwo', 20)).toEqual(['one', 'two']);
  expect(wrapText('', 10)).toEqual(['']);
});

test('no line is longer than asked for, at any width', () => {
  const text = 'a bb ccc dddd eeeee ffffff ggggggg';
  for (let width = 1; width < 40; width += 1) {
    const lines = wrapText(text, width);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    expect(lines.join('').replaceAll(' ', '')).toBe(text.replaceAll(' ', ''));
  }
});
