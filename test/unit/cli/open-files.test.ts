import { describe, expect, test } from 'vitest';
import { forksWithin, OPEN_FILES_MIN, readOpenFilesMax } from '../../../src/cli/open-files.ts';

describe('the limit of open files', () => {
  test('is read from the system', () => {
    expect(readOpenFilesMax()).toBeGreaterThan(OPEN_FILES_MIN);
  });

  test.each([
    [OPEN_FILES_MIN, 20, 500],
    [1024, 98, 500],
    [Number.POSITIVE_INFINITY, 500, 500],
    // As many as there are hosts are enough.
    [OPEN_FILES_MIN, 100, 21],
  ])('%i has room for what is asked for: nothing is said', (openFilesMax, forks, hosts) => {
    expect(forksWithin(openFilesMax, { forks, hosts })).toEqual({ forks, notice: '' });
  });

  test('that is too low for --forks lowers them, and says what would be needed', () => {
    expect(forksWithin(OPEN_FILES_MIN, { forks: 50, hosts: 40 })).toEqual({
      forks: 21,
      notice:
        'This process may have 256 files open: 21 hosts at a time instead of 40, which would need 440 (ulimit -n).',
    });
  });
});
