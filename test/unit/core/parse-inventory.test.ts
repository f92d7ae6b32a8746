import { describe, expect, test } from 'vitest';
import { formatDiagnostics } from '../../../src/core/format-diagnostics.ts';
import { VAULTED, type Inventory, type InventoryHost } from '../../../src/core/inventory.ts';
import { draftInventory, finishInventory, parseInventory } from '../../../src/core/parse-inventory.ts';
import { Secret } from '../../../src/core/secret.ts';

const read = (text: string, file = 'inv.yml'): Inventory => {
  const { inventory, diagnostics } = parseInventory(text, file);
  expect(formatDiagnostics(diagnostics)).toBe('');
  return inventory;
};

const hostOf = (inventory: Inventory, name: string): InventoryHost => {
  const host = inventory.hosts.find((each) => each.name === name);
  if (host === undefined) throw new Error(`no host ${name}`);
  return host;
};

const valueOf = (inventory: Inventory, host: string, name: string): unknown =>
  hostOf(inventory, host).variables.get(name)?.value;

/** line:column and message of each problem. */
const problemsOf = (text: string, file = 'inv.yml'): readonly string[] =>
  parseInventory(text, file).diagnostics.map((each) => `${each.line}:${each.column} ${each.message}`);

describe('hosts and groups', () => {
  test('ranges, letters and steps become hosts in inventory order', () => {
    const inventory = read('all:\n  hosts:\n    web[08:10].x.org:\n    db[a:c]:\n    n[0:10:5]:\n');
    const names = inventory.hosts.map((host) => host.name);
    expect(names).toStrictEqual([
      'web08.x.org',
      'web09.x.org',
      'web10.x.org',
      'dba',
      'dbb',
      'dbc',
      'n0',
      'n5',
      'n10',
    ]);
  });

  test('a host of no group is in ungrouped, a host of a group is not', () => {
    const inventory = read(
      'all:\n  hosts:\n    a:\n    b:\n  children:\n    web:\n      hosts:\n        b:\n',
    );
    expect(hostOf(inventory, 'a').groups).toStrictEqual(['all', 'ungrouped']);
    expect(hostOf(inventory, 'b').groups).toStrictEqual(['all', 'web']);
    expect(inventory.groups.get('ungrouped')?.hosts).toStrictEqual(['a']);
    expect(inventory.groups.get('all')?.hosts).toStrictEqual(['a', 'b']);
  });

  test('a group has the hosts of its descendants', () => {
    const inventory = read(
      'prod:\n  children:\n    web:\n      hosts:\n        w1:\n    db:\n      hosts:\n        d1:\n',
    );
    expect(inventory.groups.get('prod')?.hosts).toStrictEqual(['w1', 'd1']);
    expect(inventory.groups.get('prod')?.children).toStrictEqual(['web', 'db']);
  });

  test('a port behind a host name is its ansible_port', () => {
    const inventory = read('all:\n  hosts:\n    "web1:2222":\n    "[2001:db8::1]:23":\n    "2001:db8::2":\n');
    expect(valueOf(inventory, 'web1', 'ansible_port')).toBe(2222);
    expect(valueOf(inventory, '2001:db8::1', 'ansible_port')).toBe(23);
    expect(valueOf(inventory, '2001:db8::2', 'ansible_port')).toBeUndefined();
  });

  test('a host name that YAML would take for a boolean or a number stays a name', () => {
    const inventory = read('all:\n  hosts:\n    no:\n    010:\n');
    expect(inventory.hosts.map((host) => host.name)).toStrictEqual(['no', '010']);
  });

  test('groups that contain one another are an error that names them', () => {
    const text =
      'a:\n  children:\n    b:\n      children:\n        c:\n          children:\n            a:\n';
    expect(problemsOf(text)).toHaveLength(1);
    expect(problemsOf(text)[0]).toMatch(
      /groups contain one another: (?:a > b > c > a|b > c > a > b|c > a > b > c)/,
    );
  });

  test('an empty inventory is an error', () => {
    expect(problemsOf('')).toStrictEqual(['0:0 the inventory has no hosts']);
    expect(problemsOf('all:\n  children:\n    web:\n')).toStrictEqual(['0:0 the inventory has no hosts']);
  });

  test('a list of hosts, a misspelled section and a host at the top are told at their places', () => {
    expect(problemsOf('all:\n  hosts:\n    - h1\n  host:\n    h2:\n')).toStrictEqual([
      '3:5 hosts of group all must be a mapping (name: ...)',
      '4:3 host means nothing below group all',
    ]);
  });

  test.each([
    'web[5:4]',
    'web[1:]',
    'web[a:5]',
    'web[01:100]',
    'web[1',
    'web1]',
    'web[0:99999999]',
    'a b',
    '-x',
    '..',
    'a$(id)',
  ])('a host named %s is refused', (name) => {
    expect(problemsOf(`all:\n  hosts:\n    '${name}':\n`)[0]).toMatch(/^3:5 this is no host: /);
  });
});

describe('precedence', () => {
  const text = `
all:
  vars: {v: all, only_all: 1}
  children:
    parent:
      vars: {v: parent, only_parent: 1}
      children:
        child:
          vars: {v: child}
          hosts:
            h1:
            h2: {v: host}
    aa:
      vars: {s: aa}
      hosts: {h3: }
    bb:
      vars: {s: bb}
      hosts: {h3: }
    cc:
      vars: {s: cc, ansible_group_priority: 0}
      hosts: {h3: }
`;

  test('all is weaker than a parent group, that than a child, that than the host', () => {
    const inventory = read(text);
    expect(valueOf(inventory, 'h1', 'v')).toBe('child');
    expect(valueOf(inventory, 'h2', 'v')).toBe('host');
    expect(valueOf(inventory, 'h1', 'only_parent')).toBe(1);
    expect(valueOf(inventory, 'h3', 'v')).toBe('all');
  });

  test('of sibling groups the last by name wins, unless ansible_group_priority says otherwise', () => {
    expect(valueOf(read(text), 'h3', 's')).toBe('bb');
    expect(hostOf(read(text), 'h3').groups).toStrictEqual(['all', 'cc', 'aa', 'bb']);
  });

  test('a deeper group wins over a shallower one whatever their names', () => {
    const deep =
      'z:\n  vars: {v: z}\n  hosts: {h: }\np:\n  children:\n    a:\n      vars: {v: a}\n      hosts: {h: }\n';
    expect(valueOf(read(deep), 'h', 'v')).toBe('a');
  });

  test('each variable has the place of the value that won', () => {
    const place = hostOf(read(text), 'h1').variables.get('v')?.place;
    expect(place).toStrictEqual({
      file: 'inv.yml',
      line: 9,
      column: 21,
      source: '          vars: {v: child}',
    });
  });

  test('group_vars and host_vars win over the inventory, and a host over all groups', () => {
    const draft = draftInventory([
      { file: 'hosts.yml', text: 'web:\n  vars: {a: 1, b: 1, c: 1}\n  hosts:\n    h: {d: 1}\n' },
    ]);
    const { inventory, diagnostics } = finishInventory(
      draft,
      [
        { file: 'group_vars/all.yml', text: 'a: 2\nd: 2\n', of: { kind: 'group', name: 'all' }, layer: 0 },
        { file: 'group_vars/web.yml', text: 'b: 3\n', of: { kind: 'group', name: 'web' }, layer: 0 },
        { file: 'host_vars/h.yml', text: 'c: 4\n', of: { kind: 'host', name: 'h' }, layer: 0 },
      ],
      'inv',
    );
    const values = ['a', 'b', 'c', 'd'].map((name) => valueOf(inventory, 'h', name));
    expect(values).toStrictEqual([2, 3, 4, 1]);
    expect(hostOf(inventory, 'h').variables.get('c')?.place.file).toBe('host_vars/h.yml');
    expect(diagnostics).toStrictEqual([]);
  });
});

describe('YAML', () => {
  test('values are read as PyYAML reads them', () => {
    const inventory = read(
      'all:\n  hosts:\n    h: {a: yes, b: off, c: 0644, d: y, e: 1.5, f: ~, g: "no", i: 2024-01-02, j: 08, k: 1e3, l: 1_0}\n',
    );
    const values = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'i', 'j', 'k', 'l'].map((name) =>
      valueOf(inventory, 'h', name),
    );
    expect(values).toStrictEqual([true, false, 420, 'y', 1.5, null, 'no', '2024-01-02', '08', '1e3', 10]);
  });

  test('a byte order mark and Windows line ends do not move the places', () => {
    const inventory = read('\uFEFFall:\r\n  hosts:\r\n    h:\r\n      a: 1\r\n');
    expect(hostOf(inventory, 'h').variables.get('a')?.place).toMatchObject({
      line: 4,
      column: 10,
      source: '      a: 1',
    });
  });

  test('anchors and merge keys work, and what stands beside a merge key wins', () => {
    const text =
      'all:\n  vars: &base {x: 1, y: 1}\n  hosts:\n    h:\n      <<: *base\n      y: 2\n    i: *base\n';
    const inventory = read(text);
    expect([valueOf(inventory, 'h', 'x'), valueOf(inventory, 'h', 'y')]).toStrictEqual([1, 2]);
    expect(hostOf(inventory, 'h').variables.get('x')?.place).toMatchObject({ line: 2, column: 19 });
    expect(valueOf(inventory, 'i', 'y')).toBe(1);
  });

  test('a key that stands there twice is an error at the second', () => {
    expect(problemsOf('all:\n  hosts:\n    h:\n      a: 1\n      a: 2\n')).toStrictEqual([
      '5:7 a stands here twice; it is on line 4 already',
    ]);
  });

  test('ansible-vault values are left alone, and stand for themselves', () => {
    const text = 'all:\n  vars:\n    db_password: !vault |\n      $ANSIBLE_VAULT;1.1\n  hosts:\n    h:\n';
    expect(valueOf(read(text), 'h', 'db_password')).toBe(VAULTED);
  });

  test.each([
    ['hosts.yml', '$ANSIBLE_VAULT;1.1;AES256\n6162\n', 'encrypted with ansible-vault'],
    ['hosts.sh', '#!/bin/sh\necho {}\n', 'ansible-inventory -i hosts.sh --list --export > inventory.json'],
    ['ec2.yml', 'plugin: aws_ec2\n', 'ansible-inventory -i ec2.yml --list --export > inventory.json'],
    ['hosts.toml', '[web.hosts]\n', 'ansible-inventory -i hosts.toml --list --export > inventory.json'],
  ])('%s, which has to be run or decrypted first, is refused with what to do', (file, text, words) => {
    const { diagnostics } = parseInventory(text, file);
    expect(diagnostics[0]).toMatchObject({ severity: 'error', file, line: 1, column: 1 });
    expect(formatDiagnostics(diagnostics)).toContain(words);
  });

  test('other unknown tags are errors', () => {
    expect(problemsOf('all:\n  hosts:\n    h:\n      a: !python/object x\n')[0]).toMatch(/^4:10 a tag/);
  });

  test.each([
    ['a tab', 'all:\n\thosts: x\n', '2:1'],
    ['an open quote', 'all:\n  vars:\n    a: "x\n', '4:1'],
    ['two documents', 'all:\n  hosts: {h: }\n---\nb: 1\n', '3:1'],
    ['an unknown alias', 'all:\n  hosts:\n    h: {a: *b}\n', '3:12'],
  ])('%s is told at its place', (_title, text, place) => {
    expect(problemsOf(text).some((problem) => problem.startsWith(`${place} this is not valid YAML`))).toBe(
      true,
    );
  });

  test('a file of aliases of aliases ends in an error, quickly and without filling the memory', () => {
    const levels = Array.from(
      { length: 12 },
      (_, level) => `      a${level}: &a${level} [${`*a${level - 1},`.repeat(10)}]`,
    );
    const text = `all:\n  hosts:\n    h:\n      a: &a-1 [x]\n${levels.join('\n')}\n`;
    expect(problemsOf(text).some((problem) => problem.includes('aliases grow'))).toBe(true);
  });

  test('an alias within itself and deep brackets end in an error', () => {
    expect(problemsOf('all:\n  hosts:\n    h:\n      a: &a [*a]\n').length).toBeGreaterThan(0);
    expect(problemsOf(`all:\n  hosts:\n    h: {a: ${'['.repeat(20_000)}`).length).toBeGreaterThan(0);
    expect(problemsOf('a: &a\n  children:\n    b: *a\n    c: *a\n').length).toBeGreaterThan(0);
  });

  test('a secret is a Secret from the moment it is read', () => {
    const inventory = read(
      'all:\n  hosts:\n    h: {duo_skey: abc, my_password: 0123, duo_skye: x, duo_ikey: DIX}\n',
    );
    expect(valueOf(inventory, 'h', 'duo_skey')).toBeInstanceOf(Secret);
    expect(valueOf(inventory, 'h', 'my_password')).toBeInstanceOf(Secret);
    expect(valueOf(inventory, 'h', 'duo_skye')).toBeInstanceOf(Secret);
    expect(valueOf(inventory, 'h', 'duo_ikey')).toBe('DIX');
    expect(JSON.stringify(inventory.hosts.map((host) => [...host.variables.values()]))).not.toContain('abc');
  });
});

describe('INI', () => {
  const text = `# hosts
lonely
[web]
web[01:02]:2222 note="a b" duo_prompts=2   # a comment
[prod:children]
web
[prod:vars]
duo_failmode = secure
list = ['a', "b"]
flag = True
`;

  test('hosts, ranges, ports, children and variables are read', () => {
    const inventory = read(text, 'hosts.ini');
    expect(inventory.hosts.map((host) => host.name)).toStrictEqual(['lonely', 'web01', 'web02']);
    expect(hostOf(inventory, 'web01').groups).toStrictEqual(['all', 'prod', 'web']);
    const values = ['note', 'duo_prompts', 'ansible_port', 'duo_failmode', 'list', 'flag'].map((name) =>
      valueOf(inventory, 'web01', name),
    );
    expect(values).toStrictEqual(['a b', 2, 2222, 'secure', ['a', 'b'], true]);
    expect(hostOf(inventory, 'lonely').groups).toStrictEqual(['all', 'ungrouped']);
  });

  test('places point at the value', () => {
    const { variables } = hostOf(read(text, 'hosts.ini'), 'web01');
    expect(variables.get('duo_prompts')?.place).toMatchObject({ line: 4, column: 40 });
    expect(variables.get('duo_failmode')?.place).toMatchObject({ line: 8, column: 16 });
  });

  test('a file without an ending is told apart by its first line', () => {
    expect(read(text, 'hosts').hosts).toHaveLength(3);
    expect(read('all:\n  hosts:\n    h:\n', 'hosts').hosts).toHaveLength(1);
  });

  test('mistakes are told at their places', () => {
    expect(
      problemsOf('[web\nw1 x\nw2 k="v\nw3 k=a#b\n[a:b]\n', 'i.ini').map((problem) => problem.split(' ')[0]),
    ).toStrictEqual(['1:1', '2:4', '3:1', '4:1', '5:1']);
  });

  test('a child that no section declares is an error with the nearest name', () => {
    const { diagnostics } = parseInventory('[web]\nw\n[prod:children]\nwbe\n', 'i.ini');
    expect(diagnostics).toMatchObject([
      {
        line: 4,
        column: 1,
        message: 'there is no group wbe',
        remedy: expect.stringContaining('Did you mean web?'),
      },
    ]);
  });

  test('what follows a section that is none is not taken for the one before', () => {
    expect(problemsOf('[web]\nw1\n[web:var]\na=1\n', 'i.ini')).toStrictEqual(['3:1 this is no section']);
  });

  test('a second port for a host, which Ansible passes over, is an error', () => {
    expect(problemsOf('[a]\nw1:22\n[b]\nw1:2222\n', 'i.ini')).toStrictEqual([
      '4:1 w1 is in the inventory already, in i.ini, line 2, and Ansible passes over a second port',
    ]);
  });
});

describe('what ansible-inventory --list prints', () => {
  const text = JSON.stringify({
    _meta: {
      hostvars: { w1: { a: 1, key: { __ansible_vault: 'x' }, t: { __ansible_unsafe: '{{ x }}' } }, gone: {} },
    },
    all: { children: ['ungrouped', 'web'] },
    web: { hosts: ['w1', 'w2'], vars: { b: 'two' } },
    list: ['w2'],
  });

  test('has hosts, groups and variables, and what is in no group is told', () => {
    const { inventory, diagnostics } = parseInventory(text, 'i.json');
    expect(inventory.hosts.map(({ name }) => name)).toStrictEqual(['w1', 'w2']);
    expect(hostOf(inventory, 'w2').groups).toStrictEqual(['all', 'list', 'web']);
    const values = ['a', 'key', 't', 'b'].map((name) => valueOf(inventory, 'w1', name));
    expect(values).toStrictEqual([1, VAULTED, '{{ x }}', 'two']);
    expect(diagnostics).toMatchObject([
      { severity: 'warning', message: expect.stringContaining('gone is in no group') },
    ]);
  });

  test.each([
    ['{"_meta": [], "w": {"hosts": ["a"]}}', '_meta must be a mapping (name: ...)'],
    ['{"_meta": {}, "w": {"hosts": "a"}}', 'hosts must be a list of names'],
    ['{"_meta": {}, "w": {"hosts": [{}]}}', 'a name belongs here, not a mapping'],
    ['{"_meta": {}, "w": {"hosts": ["a[1:3]"]}}', 'a host’s name without a port or a range belongs here'],
    ['{"_meta": {}, "w": {"host": ["a"]}}', 'host means nothing below group w'],
    ['{"_meta": {}, "w w": {"hosts": ["a"]}}', 'this is no group: a name has letters, digits and _ . - only'],
  ])('%s is told with its place', (broken, message) => {
    const [first] = parseInventory(broken, 'i.json').diagnostics;
    expect(first).toMatchObject({ severity: 'error', file: 'i.json', line: 1, message });
  });
});
