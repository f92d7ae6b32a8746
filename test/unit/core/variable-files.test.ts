import { describe, expect, test } from 'vitest';
import { assignEntries, isVariableFile, isVariableFolder } from '../../../src/core/variable-files.ts';

const assign = (entries: readonly string[], owners: readonly string[]) =>
  assignEntries(entries, owners, { folder: 'host_vars', kind: 'host' });

describe('the entries of host_vars/', () => {
  test('are of the host whose name they have, with an ending or without, also where the name has dots', () => {
    const owners = ['web1.example.org', 'web2', 'web3'];
    const { assigned, diagnostics } = assign(['web1.example.org', 'web2.yml', 'web3.json'], owners);
    expect(assigned.map(({ owner, entry }) => `${owner} ${entry}`)).toStrictEqual([
      'web1.example.org web1.example.org',
      'web2 web2.yml',
      'web3 web3.json',
    ]);
    expect(diagnostics).toStrictEqual([]);
  });

  test('are read in one form only, and the others are told', () => {
    const { assigned, diagnostics } = assign(['w', 'w.yml', 'w.yaml'], ['w']);
    expect(assigned).toStrictEqual([{ owner: 'w', entry: 'w' }]);
    expect(diagnostics.map(({ file, severity }) => `${severity} ${file}`)).toStrictEqual([
      'warning host_vars/w.yml',
      'warning host_vars/w.yaml',
    ]);
  });

  test('that are nobody’s are told, unless they are no files of variables', () => {
    const { diagnostics } = assign(['nobody.yml', 'old.yml~', '.x.yml', 'README.md'], ['w']);
    expect(diagnostics.map(({ message }) => message)).toStrictEqual([
      'there is no host nobody, so that its variables are not used',
    ]);
  });
});

test('within a folder, endings and backups are looked at, and folders with an ending are not gone into', () => {
  const names = ['a', 'a.yml', 'a.yaml', 'a.json', 'a.txt', 'a.yml~', '.a', '.a.yml'];
  expect(names.filter(isVariableFile)).toStrictEqual(['a', 'a.yml', 'a.yaml', 'a.json']);
  expect(['a', 'vars.d', '.git'].filter(isVariableFolder)).toStrictEqual(['a']);
});
