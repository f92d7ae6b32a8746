import { describe, expect, test } from 'vitest';
import { guardFrame, GuardLines } from '../../../src/remote/guard-frame.ts';

const call = { operation: 'claim', tx: 't-1', args: [], files: {} } as const;

describe('a guard call as shell text', () => {
  test('arguments stay one word each, whatever is in them', () => {
    const frame = guardFrame({ ...call, args: ['a b', "it's", '$(id)', ''] });
    expect(frame.split('\n').at(-1)).toBe(
      String.raw`/bin/sh "$guard" claim t-1 'a b' 'it'\''s' '$(id)' '' 2>&1`,
    );
  });

  test('a file’s content is in no word of a command', () => {
    const frame = guardFrame({ ...call, files: { 'new/1': Buffer.from('skey = hunter2') } });
    expect(frame).not.toContain('hunter2');
    expect(frame.split('\n')).toContain(Buffer.from('skey = hunter2').toString('base64'));
  });

  test.each(['../x', 'a/../../x', '/etc/passwd', 'a//b', '.', 'A', 'a b', "a'b", '', 'a\nb'])(
    'the file name %j is refused',
    (name) => {
      expect(() => guardFrame({ ...call, files: { [name]: new Uint8Array() } })).toThrow(/not a name/);
    },
  );

  test.each(['', '../x', 'A', 'a b', 'a/b', 'x'.repeat(65)])('the transaction %j is refused', (tx) => {
    expect(() => guardFrame({ ...call, tx })).toThrow(/not the id/);
  });
});

describe('the guard’s output', () => {
  test('marks are told as soon as their line is whole, and are no lines', () => {
    const marks: string[] = [];
    const lines = new GuardLines((mark) => marks.push(mark));
    lines.push(Buffer.from('one\n#mark task-st'));
    expect(marks).toEqual([]);
    lines.push(Buffer.from('arted pam-sshd\ntw'));
    expect(marks).toEqual(['task-started pam-sshd']);
    lines.push(Buffer.from('o'));
    expect(lines.finish()).toEqual(['one', 'two']);
  });

  test('a line and a reply without end are cut, and the last word stays', () => {
    const lines = new GuardLines(() => undefined);
    for (let round = 0; round < 100; round += 1) lines.push(Buffer.alloc(1_000, 'x'));
    lines.push(Buffer.from(`\n${'y\n'.repeat(6_000)}the last word\n`));
    const kept = lines.finish();
    expect(kept[0]?.length).toBeLessThanOrEqual(16_384);
    expect(kept).toHaveLength(5_001);
    expect(kept[4_000]).toBe('(1002 more lines)');
    // What the guard itself says comes after all that its tools have said.
    expect(kept.at(-1)).toBe('the last word');
  });
});
