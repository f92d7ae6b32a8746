import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { Head } from '../../../src/remote/exec-channel.ts';

describe('the first bytes of a stream', () => {
  test('are kept as they came, and no more of them than asked for', () => {
    const head = new Head(10);
    for (const piece of ['ab', '', 'cdef', 'ghijkl', 'm']) head.add(Buffer.from(piece));
    expect(Buffer.from(head.bytes).toString()).toBe('abcdefghij');
    expect(head.isOver).toBe(true);
  });

  test('exactly as many as asked for are not too many', () => {
    const head = new Head(3);
    head.add(Buffer.from('abc'));
    expect(head.isOver).toBe(false);
  });

  // A host that sends a megabyte a byte at a time must not cost a hundred: a process with little room for objects bears it.
  test('cost their own room, however small the pieces are in which they come', () => {
    const program = `
      import { Head } from './src/remote/exec-channel.ts';
      const head = new Head(4_000_000);
      for (let count = 0; count < 4_000_000; count += 1) head.add(Buffer.from('x'));
      process.stdout.write(String(head.bytes.length));`;
    const { stdout } = spawnSync(
      process.execPath,
      ['--max-old-space-size=64', '--import', 'tsx', '--input-type=module', '--eval', program],
      { cwd: new URL('../../../', import.meta.url), encoding: 'utf8' },
    );
    expect(stdout).toBe('4000000');
  });
});
