import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** Rows of SECURITY.md's tables of promises: what is promised, the test's file, its title. */
const PROMISES = read('SECURITY.md')
  .split('\n')
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .filter(([, , file]) => file?.startsWith('test/') === true)
  .map(([, promise = '', file = '', title = '']) => ({ promise, file, title }));

/** The titles of a test file, as they are written between their quotes. */
const titlesOf = (text: string): readonly string[] =>
  [...text.matchAll(/(['"`])((?:(?!\1|\n).)*)\1/g)].map(([, , title = '']) => title.replaceAll('\\', ''));

describe('SECURITY.md', () => {
  test('makes promises, and each once', () => {
    expect(PROMISES.length).toBeGreaterThan(40);
    expect(new Set(PROMISES.map(({ promise }) => promise)).size).toBe(PROMISES.length);
  });

  test.each(PROMISES)('names a test that exists: $file, $title', ({ file, title }) => {
    expect(existsSync(new URL(`../../${file}`, import.meta.url))).toBe(true);
    expect(titlesOf(read(file))).toContain(title);
  });
});
