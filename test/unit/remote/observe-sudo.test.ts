import { describe, expect, test } from 'vitest';
import { readSudo } from '../../../src/remote/observe-host.ts';

const section = (words: string, ...lines: readonly string[]) => ({
  words,
  lines,
  complete: true,
  binary: false,
});

describe('which sudo a host has', () => {
  test.each([
    ['sudo', section('yes', 'Sudo version 1.9.13p3'), '1.9.13p3'],
    ['sudo-rs', section('yes', 'sudo-rs 0.2.5'), '0.2.5'],
    ['none', section('no'), ''],
  ] as const)('%s', (implementation, answer, version) => {
    expect(readSudo(answer)).toEqual({ implementation, version, defaults: null });
  });

  test('one that does not tell its version is there all the same, and gets Duo', () => {
    expect(readSudo(section('yes')).implementation).toBe('sudo');
  });
});
