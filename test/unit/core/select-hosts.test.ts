import { describe, expect, test } from 'vitest';
import { parseInventory } from '../../../src/core/parse-inventory.ts';
import { hostListsOf, selectHosts } from '../../../src/core/select-hosts.ts';

const { inventory } = parseInventory(
  `all:
  hosts:
    lone:
  children:
    web:
      hosts:
        web[1:5]:
    prod:
      hosts:
        web[2:4]:
        db1:
`,
  'inv.yml',
);

const limited = (limit: string): readonly string[] => {
  const { hosts, diagnostics } = selectHosts(inventory, { hosts: [], limit });
  expect(diagnostics).toStrictEqual([]);
  return hosts.map((host) => host.name);
};

describe('--limit', () => {
  test.each([
    ['all', 'lone web1 web2 web3 web4 web5 db1'],
    ['*', 'lone web1 web2 web3 web4 web5 db1'],
    ['web*:!web3:&prod', 'web2 web4'],
    ['web*,!web3,&prod', 'web2 web4'],
    ['!prod', 'lone web1 web5'],
    ['&prod', 'web2 web3 web4 db1'],
    ['db1,web1', 'web1 db1'],
    ['web?', 'web1 web2 web3 web4 web5'],
    ['web[0]', 'web1'],
    ['web[-1]', 'web5'],
    ['web[1:2]', 'web2 web3'],
    ['web[3:]', 'web4 web5'],
    ['web[24]*', 'web2 web4'],
    ['~(web|db)1', 'web1 db1'],
    ['ungrouped', 'lone'],
    ['web1 , db1', 'web1 db1'],
  ])('%s means %s', (limit, names) => {
    expect(limited(limit).join(' ')).toBe(names);
  });

  test.each([
    'wbe',
    'web9',
    'all:!wbe1',
    'all:&prdo',
    'x*',
    '~[',
    '~',
    '!',
    'web[',
    'web[9]',
    'all:!web[9]',
    'web[2:0]',
    '~(?<n>w)',
    '@retry',
    '',
    ' , ',
  ])('%s, which matches nothing or cannot be read, is an error', (limit) => {
    const { diagnostics } = selectHosts(inventory, { hosts: [], limit });
    expect(diagnostics.map((each) => each.severity)).toStrictEqual(['error']);
  });

  test('what is left over when everything is taken away is an error too', () => {
    const { hosts, diagnostics } = selectHosts(inventory, { hosts: ['lone'], limit: 'web' });
    expect([hosts.length, diagnostics.length]).toStrictEqual([0, 1]);
  });
});

const listed = (text: string, limit = '@failed.txt') =>
  selectHosts(inventory, { hosts: [], limit, lists: new Map([['failed.txt', { text }]]) });

const namesListed = (text: string, limit?: string) =>
  listed(text, limit)
    .hosts.map(({ name }) => name)
    .join(' ');

describe('a list of hosts in a file', () => {
  test('has one host or pattern on each line', () => {
    expect(namesListed('web1\n\n  db1 \r\n')).toBe('web1 db1');
    expect(namesListed('web1\nweb2\n', '@failed.txt:&prod')).toBe('web2');
    expect(namesListed('web*\n!web1\n')).toBe('web2 web3 web4 web5');
  });

  test('without a host does not mean every host', () => {
    expect(listed(' \n\n').diagnostics.map(({ message }) => message)).toStrictEqual([
      'failed.txt names no host',
    ]);
  });

  test('tells an unknown host with its line', () => {
    expect(listed('web1\n  web9\n').diagnostics).toMatchObject([
      { file: 'failed.txt', line: 2, column: 3, remedy: expect.stringContaining('Did you mean') },
    ]);
  });

  test('that could not be read is an error', () => {
    const lists = new Map([['x', { problem: 'is not there' }]]);
    const { diagnostics } = selectHosts(inventory, { hosts: [], limit: '@x', lists });
    expect(diagnostics.map(({ message }) => message)).toStrictEqual(['x is not there']);
  });

  test('is found in the pattern, wherever it stands', () => {
    expect(hostListsOf('web:@a')).toStrictEqual(['a']);
    expect(hostListsOf('@a b,!web,@c')).toStrictEqual(['a b', 'c']);
    expect(hostListsOf(undefined)).toStrictEqual([]);
  });
});

describe('--host', () => {
  test('names hosts exactly, in inventory order', () => {
    const { hosts } = selectHosts(inventory, { hosts: ['db1', 'web1'], limit: undefined });
    expect(hosts.map((host) => host.name)).toStrictEqual(['web1', 'db1']);
  });

  test('an unknown one is an error with the nearest name; a group is sent to --limit', () => {
    const { diagnostics } = selectHosts(inventory, { hosts: ['wbe1', 'prod', 'web*'], limit: undefined });
    expect(diagnostics.map((each) => each.remedy)).toStrictEqual([
      'Did you mean web1?',
      'prod is a group: give it to --limit.',
      'Did you mean web1?',
    ]);
  });

  test('without --host and --limit all hosts are meant', () => {
    expect(selectHosts(inventory, { hosts: [], limit: undefined }).hosts).toHaveLength(7);
  });
});
