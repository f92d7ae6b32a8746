import { describe, expect, test } from 'vitest';
import { formatDiagnostics } from '../../../src/core/format-diagnostics.ts';
import { parseInventory } from '../../../src/core/parse-inventory.ts';
import { parseAllSettings } from '../../../src/core/settings-parse.ts';
import { damaged, hostileText, steeringOf } from '../../support/hostile-text.ts';
import { diceOf, type Dice } from '../../support/dice.ts';

const SKEY = 'sEcReTsEcReTsEcReTsEcReTsEcReTsEcReT1234';
const YAML = `all:
  children:
    web:
      hosts:
        web[01:03].example.org: {ansible_port: 2222}
      vars: &shared
        key_only_users: [backup, deploy]
  hosts:
    db1: {<<: *shared, ansible_host: 192.0.2.7}
  vars:
    ansible_user: ansible
    duo_ikey: DIXXXXXXXXXXXXXXXXXX
    duo_skey: ${SKEY}
    duo_api_host: api-12345678.duosecurity.com
    ad_server_access_group: sg_serveraccess
    ad_sudo_group: sg_sudo
`;
const INI = `db1 ansible_host=192.0.2.7 key_only_users="['backup', 'deploy']"
[web]
web[01:03].example.org ansible_port=2222
[web:vars]
break_glass_user = breakglass
[fleet:children]
web
[all:vars]
ansible_user=ansible
duo_ikey=DIXXXXXXXXXXXXXXXXXX
duo_skey=${SKEY}
duo_api_host=api-12345678.duosecurity.com
ad_server_access_group=sg_serveraccess
ad_sudo_group=sg_sudo
`;

/** Everything that is told of an inventory, and what is to become of hosts. */
const told = (text: string, file: string) => {
  const { inventory, diagnostics } = parseInventory(text, file);
  const read = parseAllSettings(inventory.hosts, { user: 'ann' });
  return { settings: read.settings, told: formatDiagnostics([...diagnostics, ...read.diagnostics]) };
};

/** A file with hostile text in place of a value, or of whatever else. */
const hostile = (dice: Dice, text: string): string => {
  if (dice(3) === 0) return damaged(dice, damaged(dice, text));
  const lines = text.split('\n');
  const at = dice(lines.length);
  const line = lines[at] ?? '';
  const value = hostileText(dice);
  const quoted =
    [value, `"${value}"`, `'${value}'`, `|\n        ${value}`, JSON.stringify(value)][dice(5)] ?? value;
  lines[at] = line.replace(/([:=] *)\S.*$/, (_all, sign: string) => `${sign}${quoted}`);
  return lines.join('\n');
};

describe.each([
  ['YAML', 'inventory.yml', YAML],
  ['INI', 'inventory.ini', INI],
])('an inventory of %s', (_form, file, sound) => {
  test('is sound as it is', () => {
    expect(told(sound, file).settings).toHaveLength(4);
  });

  test('cut off anywhere, or with any one character changed, is settings or errors with a place, and no crash', () => {
    const dice = diceOf(41);
    for (let at = 0; at < sound.length; at += 5) {
      told(sound.slice(0, at), file);
      const changed = sound.slice(0, at) + (hostileText(dice)[0] ?? '') + sound.slice(at + 1);
      expect(steeringOf(told(changed, file).told)).toBeNull();
    }
  }, 30_000);

  test.each([51, 52])(
    'full of hostile text crashes nothing, steers no terminal, shows no secret, and no setting has a line end (seed %i)',
    (seed) => {
      const dice = diceOf(seed);
      let refused = 0;
      for (let round = 0; round < 250; round += 1) {
        const { settings, told: words } = told(hostile(dice, sound), file);
        expect(steeringOf(words)).toBeNull();
        expect(words).not.toContain(SKEY);
        expect(words.length).toBeLessThan(200_000);
        expect(JSON.stringify(settings)).not.toMatch(/\\[nrt]|\\u00|[\p{Cc}\p{Cf}`$]/u);
        if (words.includes('error')) refused += 1;
      }
      expect(refused).toBeGreaterThan(50);
    },
    30_000,
  );

  test('of random bytes is errors', () => {
    const dice = diceOf(61);
    for (let round = 0; round < 100; round += 1) {
      const noise = String.fromCodePoint(...Array.from({ length: 1 + dice(400) }, () => dice(0xd7ff)));
      expect(told(noise, file).settings).toEqual([]);
    }
  });
});

const many = (count: number, lineOf: (at: number) => string): string =>
  Array.from({ length: count }, (_unused, at) => `${lineOf(at)}\n`).join('');

/** What somebody may put into a pull request must not hold up who looks at it. */
describe('an inventory is read in a moment', () => {
  test.each<[string, string, string]>([
    ['with a list that is not closed', 'i.ini', `a x="[${"'a' ".repeat(40)}"\n`],
    ['with a list of blanks that is not closed', 'i.ini', `a x="[${"'a'        ".repeat(40)}"\n`],
    ['of empty lines', 'i', '\n'.repeat(200_000)],
    ['of a line of blanks', 'i', `${' '.repeat(200_000)}x`],
    ['with quotes that are not closed', 'i.ini', many(2_000, () => `a ${'"'.repeat(101)}`)],
    ['with a circle of groups', 'i.ini', many(3_000, (at) => `[g${at}:children]\ng${(at + 1) % 3_000}`)],
    [
      'with merges of merges',
      'i.yml',
      `all: {vars: {x0: &x0 {a: b}}}\n${many(40, (at) => `g${at}: {vars: {v: &x${at + 1} {<<: [*x${at}, *x${at}]}}}`)}`,
    ],
    [
      'with aliases of aliases',
      'i.yml',
      `all: {vars: {x0: &x0 [a]}}\n${many(40, (at) => `g${at}: {vars: {v: &x${at + 1} [*x${at}, *x${at}]}}`)}`,
    ],
    ['with brackets within brackets', 'i.yml', `all: ${'['.repeat(20_000)}`],
    ['with a host of ranges', 'i.yml', `all: {hosts: {"${'[0:9]'.repeat(20)}": }}`],
    ['with a name that is long', 'i.yml', `all: {vars: {duo_${'x'.repeat(20_000)}: 1}, hosts: {a: }}`],
  ])(
    '%s',
    (_what, file, text) => {
      expect(steeringOf(told(text, file).told)).toBeNull();
    },
    15_000,
  );
});
