import { describe, expect, test } from 'vitest';
import { yamlScalar } from '../../../src/core/yaml-scalar.ts';

describe('a plain word of YAML is to us what it is to PyYAML', () => {
  test.each([
    ['yes', true],
    ['Off', false],
    ['y', 'y'],
    ['yEs', 'yEs'],
    ['~', null],
    ['', null],
    ['0644', 420],
    ['-0644', -420],
    ['0o17', '0o17'],
    ['08', '08'],
    ['0x1F', 31],
    ['1_000', 1000],
    ['1:30', 90],
    ['-1:30', -90],
    ['12:60', '12:60'],
    ['1.5', 1.5],
    ['1.', 1],
    ['1e3', '1e3'],
    ['1.5e3', '1.5e3'],
    ['1.5e+3', 1500],
    ['1:30.5', 90.5],
    ['1.2.3.4', '1.2.3.4'],
    ['2024-01-02', '2024-01-02'],
    ['-', '-'],
    ['123456789012345678901', '123456789012345678901'],
  ])('%s', (text, value) => {
    expect(yamlScalar(text)).toBe(value);
  });
});
