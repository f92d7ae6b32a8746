import { describe, expect, test } from 'vitest';
import { formatDiagnostics } from '../../../src/core/format-diagnostics.ts';
import { parseInventory } from '../../../src/core/parse-inventory.ts';
import { parseAllSettings } from '../../../src/core/settings-parse.ts';
import { maskedLines } from '../../../src/core/source-text.ts';
import { isSecretName } from '../../../src/core/variables.ts';

describe('secrets', () => {
  const literal = 'Tr0ub4dor+Hunter2';

  test.each([
    ['a wrong value', `    duo_skey: "${literal} ${literal}"`],
    ['a misspelled name', `    duo_skye: ${literal}`],
    ['a far misspelled name', `    duo_secret_key: ${literal}`],
    ['a value on the next line', `    duo_skey:\n      ${literal} x`],
    ['a folded value', `    duo_skey: >-\n      ${literal}\n      ${literal}`],
    ['a tag', `    duo_skey: !${literal}`],
    ['an alias', `    ansible_password: *${literal}`],
    ['an open quote', `    break_glass_password: "${literal}`],
    ['a missing colon', `    canary_passcode ${literal}: x: y`],
    ['a flow mapping', `    {duo_skey: ${literal}, : ]`],
    ['a list', `    duo_skey: [${literal}]`],
    ['a mapping', `    duo_skey: {${literal}: ${literal}}`],
    ['a password of sudo', `    ansible_become_pass: ${literal}`],
    ['a proxy', `    duo_http_proxy: http://u:${literal}@p:1`],
    ['a repository', `    duo_repo_url: https://u:${literal}@p/`],
    ['an API host', `    duo_api_host: https://u:${literal}@p/`],
    ['a Jinja expression', `    duo_skey: "{{ '${literal}' }}"`],
  ])('%s: a literal secret never appears in a diagnostic', (_title, lines) => {
    const { inventory, diagnostics } = parseInventory(
      `all:\n  hosts:\n    h1:\n  vars:\n${lines}\n`,
      'inv.yml',
    );
    const told = [...diagnostics, ...parseAllSettings(inventory.hosts).diagnostics];
    expect(told.length).toBeGreaterThan(0);
    expect(JSON.stringify(told)).not.toContain(literal);
    expect(formatDiagnostics(told)).not.toContain(literal);
  });
});

describe('which names are secret', () => {
  test.each([
    'duo_skey',
    'canary_passcode',
    'canary_pascode',
    'brake_glass_pasword',
    'my_token',
    'duo_xyz',
    'DB_PASSWORD',
  ])('%s is one', (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  test.each([
    'duo_ikey',
    'duo_motd',
    'duo_autopus',
    'key_only_users',
    'canary_user',
    'ansible_ssh_host',
    'http_port',
  ])('%s is none', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});

describe('masked lines', () => {
  test('references stay readable, all else behind a secret’s name does not', () => {
    expect(
      maskedLines([
        'duo_skey: env:DUO_SKEY # from CI',
        'duo_skey: "file:/x", canary_passcode: 1234, b: 2',
        'h1 duo_skey=abc duo_ikey=DI',
        'proxy: http://u:pw@p',
      ]),
    ).toStrictEqual([
      'duo_skey: env:DUO_SKEY # from CI',
      'duo_skey: "file:/x", canary_passcode: [secret]',
      'h1 duo_skey=[secret]',
      'proxy: http://[secret]@p',
    ]);
  });

  test('a value on the next line is masked also where that line is not indented', () => {
    expect(maskedLines(['"duo_skey":', '"abc", "x": 1', '"y": 2'])).toStrictEqual([
      '"duo_skey":',
      '[secret]',
      '"y": 2',
    ]);
  });

  test('a value that goes on over several lines is masked to its end', () => {
    expect(maskedLines(['  duo_skey: |', '    abc', '', '    def', '  duo_ikey: DI'])).toStrictEqual([
      '  duo_skey: [secret]',
      '    [secret]',
      '',
      '    [secret]',
      '  duo_ikey: DI',
    ]);
  });
});
