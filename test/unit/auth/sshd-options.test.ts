import { describe, expect, test } from 'vitest';
import { parseSshdOptions } from '../../../src/auth/sshd-options.ts';

const of = (line: string) => parseSshdOptions(line.split(' '));
const NOTHING = { directives: [], files: [], strange: [] };

describe('the words that sshd is started with', () => {
  test.each(['', '-D', '-D -e', '-De4', '-u0', '-p 2222', '-Dp 2222', '-E /var/log/x -o'])(
    '%j say nothing about settings',
    (line) => {
      expect({ ...of(line), directives: [] }).toEqual(NOTHING);
    },
  );
  test.each([
    '-o UsePAM=no',
    '-oUsePAM=no',
    '-DoUsePAM=no',
    '"-o UsePAM=no"',
    "-o 'UsePAM=no'",
    '-D -o usepam=no -e',
  ])('%j is an option, however it is written', (line) => {
    expect(of(line).directives).toEqual([{ keyword: 'usepam', value: 'no' }]);
  });
  test.each(['-f /etc/x', '-f/etc/x', '-Df /etc/x'])('%j is another file', (line) => {
    expect(of(line).files).toEqual(['/etc/x']);
  });
  test.each(['$OPTIONS', '-D $OPTIONS', '-', '--', '-Z', '-DZ', 'operand'])('%j is strange', (line) => {
    expect(of(line).strange).toHaveLength(1);
  });
});
