// Random inventories in all of Ansible's forms, the same ones for the same seed.
import { diceOf, type Dice } from './dice.ts';

/** Files by their paths, and what is asked of them. */
export interface RandomInventory {
  readonly files: Readonly<Record<string, string>>;
  readonly sources: readonly string[];
  readonly limits: readonly string[];
}

/** The inventory of one number in a run: its own dice, so that one can be had again without those before it. */
export const randomInventory = (seed: number, number: number): RandomInventory =>
  inventory(diceOf(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b)));

const pick = <T>(dice: Dice, among: readonly [T, ...T[]]): T => among[dice(among.length)] ?? among[0];
const often = (dice: Dice, percent: number): boolean => dice(100) < percent;
const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

const GROUPS = ['web', 'db', 'prod', 'eu', 'us', 'app-1', 'app.2', 'web_all', 'w'] as const;
const HOSTS = [
  'web1',
  'web2',
  'web[1:4]',
  'db[01:03]',
  'db-[a:c]',
  'eu',
  'n[0:6:2].example.org',
  '192.0.2.[1:3]',
  '2001:db8::1',
  '[2001:db8::2]:22',
  'web3:2222',
  'host.example.org',
  'w-1',
] as const;
const VARIABLES = ['a', 'b', 'c', 'ansible_port', 'duo_prompts', 'list', 'ansible_group_priority'] as const;

/** As they stand in a line of a host: the shell's quotes are taken off first. */
const WORDS =
  String.raw`1 -2 1.5 0644 0x1f 1_000 1e3 True yes None null text a=b a\ b "a b" 'c d' "'q'" "1" "'1'" "[1,2]" "['a', 'b']" "{'k': [1]}" 1,2 "(1,)" "a\\b" x"y z"w 10.0.0.0/8 "a # b" '' "r'\d'" "{{ j }}" é [1] {} [] 00 1.2.3 -x "-" +5 'it"s'`.split(
    / (?=(?:[^"']*(?:"[^"]*"|'[^']*'))*[^"']*$)/,
  );
/** As they stand behind `name =`. */
const LINES = [
  ...WORDS,
  'some words',
  '"x" # comment',
  '5 # comment',
  'x # no comment',
  '[1, 2,]',
  'a ; b',
  "'''t'''",
  "'a' 'b'",
  '1 + 2',
  '{"a": None}',
  'C:\\dir\\new',
  '"open',
] as const;
const SCALARS = [
  ...'1 -2 1.5 0644 0o17 0x1F 1_000 1e3 1.e+3 true yes No off y null ~ text 08 0b11 12:30 1:2:3 1.2.3.4 2001:db8::1'.split(
    ' ',
  ),
  '"quoted"',
  "'it''s'",
  '"1"',
  '[1, two, "3"]',
  '{k: {l: [yes]}}',
  '',
  'two words',
  '!!str 5',
  '!unsafe "{{ x }}"',
  '!vault x',
  '"\\u00e9\\n"',
  'é',
] as const;

const ini = (dice: Dice): string => {
  const lines: string[] = [];
  const host = (): string =>
    [
      pick(dice, HOSTS),
      ...times(
        often(dice, 50) ? 0 : dice(3),
        () => `${pick(dice, VARIABLES)}=${WORDS[dice(WORDS.length)] ?? ''}`,
      ),
      ...(often(dice, 10) ? ['# comment'] : []),
    ].join(pick(dice, [' ', '  ', '\t']));
  if (often(dice, 40)) lines.push(...times(1 + dice(2), host));
  for (const name of times(1 + dice(4), () => pick(dice, often(dice, 6) ? ['all', 'ungrouped'] : GROUPS))) {
    lines.push(`[${name}]`, ...times(dice(4), host), ...(often(dice, 20) ? ['', '; comment'] : []));
    if (often(dice, 35)) {
      lines.push(`[${name}:vars]`);
      for (const key of times(1 + dice(3), () => pick(dice, VARIABLES))) {
        const rank = key === 'ansible_group_priority';
        lines.push(
          `${key}${pick(dice, ['=', ' = ', '= '])}${rank ? dice(20) : (LINES[dice(LINES.length)] ?? '')}`,
        );
      }
    }
  }
  const used = lines.flatMap((line) => /^\[([^:\]]+)\]$/.exec(line)?.[1] ?? []);
  if (often(dice, 50)) {
    // Most often all of them are there, and none of them contains itself.
    const parent = pick(dice, ['top', 'prod', 'eu']);
    const children = used.filter(
      (name) => (name !== parent && name !== 'all' && name !== 'ungrouped') || often(dice, 5),
    );
    const section = [
      `[${parent}:children]`,
      ...children.slice(0, 1 + dice(3)),
      ...(often(dice, 4) ? ['nobody'] : []),
    ];
    if (often(dice, 50)) lines.push(...section);
    else
      lines.splice(
        lines.findIndex((line) => line.startsWith('[')),
        0,
        ...section,
      );
  }
  return `${lines.join(often(dice, 10) ? '\r\n' : '\n')}\n`;
};

const scalar = (dice: Dice): string => SCALARS[dice(SCALARS.length)] ?? '';

const variables = (dice: Dice, indent: string): readonly string[] =>
  [...new Set(times(1 + dice(3), () => pick(dice, VARIABLES)))].map(
    (name) => `${indent}${name}: ${name === 'ansible_group_priority' ? dice(20) : scalar(dice)}`,
  );

const group = (dice: Dice, name: string, depth: number): readonly string[] => {
  const indent = '    '.repeat(depth);
  const lines = [`${indent}${name}:`];
  const sections: (() => void)[] = [
    () => {
      lines.push(`${indent}  hosts:`);
      for (const host of new Set(times(dice(4), () => pick(dice, HOSTS)))) {
        const quoted = host.startsWith('[') ? `"${host}"` : host;
        lines.push(`${indent}    ${quoted}:`, ...(often(dice, 40) ? variables(dice, `${indent}      `) : []));
      }
    },
    () => void lines.push(`${indent}  vars:`, ...variables(dice, `${indent}    `)),
    () => {
      lines.push(`${indent}  children:`);
      const names = new Set(times(dice(3), () => pick(dice, GROUPS)));
      for (const child of names) lines.push(...group(dice, child, depth + 1));
    },
  ];
  for (const [at, section] of sections.entries()) {
    if (often(dice, at === 2 ? (depth < 3 ? 45 : 0) : 60)) section();
  }
  return lines;
};

const yaml = (dice: Dice): string => {
  const tops = often(dice, 70) ? ['all'] : [...new Set(times(1 + dice(2), () => pick(dice, GROUPS)))];
  return `${often(dice, 20) ? '---\n' : ''}${tops.flatMap((name) => group(dice, name, 0)).join('\n')}\n`;
};

const json = (dice: Dice): string =>
  JSON.stringify(
    {
      all: {
        hosts: { web1: { a: 1.5, b: 'yes' } },
        children: { [pick(dice, GROUPS)]: { hosts: { web2: null, j: {} } } },
      },
    },
    null,
    dice(3),
  );

/** group_vars/ and host_vars/ of one folder. */
const variableFiles = (dice: Dice, folder: string): Readonly<Record<string, string>> => {
  const files: Record<string, string> = {};
  const text = (): string => `${variables(dice, '').join('\n')}\n`;
  for (const kind of ['group', 'host'] as const) {
    for (const name of times(often(dice, 60) ? dice(4) : 0, () =>
      kind === 'group'
        ? pick(dice, ['all', 'ungrouped', ...GROUPS])
        : pick(dice, [
            'web1',
            'web2',
            'db01',
            'host.example.org',
            'n2.example.org',
            '2001:db8::1',
            '192.0.2.1',
          ]),
    )) {
      const base = `${folder}${kind}_vars/${name}`;
      if (Object.keys(files).some((file) => file === base || file.startsWith(`${base}/`))) continue;
      if (often(dice, 40)) {
        for (const file of times(1 + dice(3), () =>
          pick(dice, ['a.yml', 'b', 'B.yaml', 'c.json~', '.d.yml', 's/e.yml', 'f.txt']),
        )) {
          files[`${base}/${file}`] = text();
        }
      } else files[`${base}${pick(dice, ['', '.yml', '.yaml', '.bak'])}`] = text();
    }
  }
  return files;
};

const inventory = (dice: Dice): RandomInventory => {
  const one = (
    folder: string,
  ): { readonly source: string; readonly files: Readonly<Record<string, string>> } => {
    const kind = dice(5);
    if (kind === 4) {
      const inner = `${folder}inv/`;
      const names = ['1', '2.yml', 'c.cfg', 'd~', 'sub/3', '.h', 'group.v', 'x.json'] as const;
      const files = Object.fromEntries(
        times(1 + dice(4), () => pick(dice, names)).map((name) => [
          inner + name,
          name.endsWith('json') ? json(dice) : name.endsWith('yml') ? yaml(dice) : ini(dice),
        ]),
      );
      return {
        source: `${folder}inv`,
        files: { ...files, ...variableFiles(dice, inner), [`${inner}z`]: 'last\n' },
      };
    }
    const name = pick(
      dice,
      kind === 0
        ? ['hosts.yml', 'hosts.yaml', 'hosts']
        : kind === 1
          ? ['h.json']
          : ['hosts', 'hosts.ini', 'h.prod'],
    );
    const text = kind === 0 ? yaml(dice) : kind === 1 ? json(dice) : ini(dice);
    return { source: folder + name, files: { [folder + name]: text, ...variableFiles(dice, folder) } };
  };
  const all = often(dice, 25) ? [one('x/'), one('y/')] : [one('')];
  const files = Object.assign({}, ...all.map(({ files: some }) => some)) as Record<string, string>;
  // Of the names that there may be, those that there are: a pattern that matches nobody says little.
  const text = Object.values(files).join('\n');
  const names = NAMES.filter((name) => text.includes(name));
  return {
    files,
    sources: all.map(({ source }) => source),
    limits: times(12, () => limit(dice, ['all', ...names])),
  };
};

const NAMES = [...GROUPS, 'ungrouped', 'web1', 'web2', 'host.example.org', '2001:db8::1', 'w-1'];

const limit = (dice: Dice, names: readonly [string, ...string[]]): string => {
  const name = (): string => (often(dice, 3) ? 'nobody' : pick(dice, names));
  const part = (): string =>
    pick(dice, [
      name,
      name,
      name,
      () =>
        pick(dice, [
          'w*',
          '*',
          'web?',
          'web[12]*',
          'web[!1]*',
          '*.org',
          'db-[a-b]',
          '*_all',
          'e?',
          '[wd]*',
          '*1*',
          'a*',
        ]),
      () =>
        pick(dice, ['~web[12]', '~^(web|db)', '~.*\\d$', '~eu|us', '~w', '~.*org', '~db-?0?1', '~[a-e]+']),
      () =>
        `${pick(dice, [...names, 'w*', '*'])}[${pick(dice, ['0', '1', '-1', '0:1', '1:', '0:0', '2', '1:2', '5'])}]`,
    ])();
  const parts = times(1 + dice(3), () => pick(dice, ['', '', '', '', '!', '&']) + part());
  return parts.join(pick(dice, [':', ',', ', ']));
};
