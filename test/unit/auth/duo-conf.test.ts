import { describe, expect, test } from 'vitest';
import { readDuoConf, type DuoConfFile } from '../../../src/auth/duo-conf.ts';

const KEYS = 'ikey = DI\nskey = [secret]\nhost = api.example.com:444\n';

const read = (text: string | Uint8Array, file: Partial<DuoConfFile> = {}) =>
  readDuoConf({ bytes: text, mode: 0o600, kind: 'pam', ...file });

/** A comment that takes so many bytes. */
const commentOf = (bytes: number): string => `# ${'x'.repeat(bytes - 2)}`;

const withLists = (lists: number): string => KEYS + 'groups = a\n'.repeat(lists);

/** The conf of a file that is read to its end. */
const confOf = (text: string, file: Partial<DuoConfFile> = {}) => {
  const reading = read(text, file);
  if (reading.kind !== 'read') throw new Error(reading.reason);
  return reading.conf;
};

const brokenBy = (text: string | Uint8Array, file: Partial<DuoConfFile> = {}) => {
  const reading = read(text, file);
  return reading.kind === 'read' ? null : reading;
};

describe('a file that is read', () => {
  test('has the module’s defaults for what it does not say', () => {
    expect(confOf(KEYS)).toEqual({
      failmode: 'safe',
      groups: [],
      host: 'api.example.com:444',
      prompts: 3,
      autopush: false,
      unverified: false,
    });
  });

  test.each([
    ['[duo]\n', 'a section'],
    ['[]\n', 'a section without a name'],
    ['; words = 1\n# words\n\n', 'comments and empty lines'],
    ['\n  \t\n', 'blank lines'],
  ])('is the same after %j: %s', (before) => {
    expect(confOf(before + KEYS)).toEqual(confOf(KEYS));
  });

  test('takes the last of a key, adds groups up, and only ever lowers prompts', () => {
    const text = 'failmode=secure\nfailmode=safe\ngroups = a\ngroup = b c\nprompts = 2\nprompts = 3\n';
    expect(confOf(KEYS + text)).toMatchObject({ failmode: 'safe', groups: ['a', 'b', 'c'], prompts: 2 });
  });

  test.each([
    ['1', 1],
    ['0', 1],
    ['-4', 1],
    ['two', 1],
    ['2 and more', 2],
    ['9', 3],
    ['+2', 2],
    ['4294967298', 2],
    ['99999999999999999999', 1],
  ])('prompts = %s are %i', (value, prompts) => {
    expect(confOf(`${KEYS}prompts = ${value}\n`).prompts).toBe(prompts);
  });

  test.each([
    ['yes', true],
    ['true', true],
    ['on', true],
    ['1', true],
    ['yes ; a comment', true],
    ['Yes', false],
    ['True', false],
    ['yes # no comment', false],
    ['yes;', false],
    ['', false],
  ])('autopush = %s is %s', (value, on) => {
    expect(confOf(`${KEYS}autopush = ${value}\n`).autopush).toBe(on);
  });

  test('is not verified with noverify or an empty cafile, whichever else it names', () => {
    expect(confOf(`${KEYS}cafile =\n`)).toMatchObject({ unverified: true });
    expect(confOf(`${KEYS}cafile = /ca.pem\nnoverify = yes\n`)).toMatchObject({ unverified: true });
    expect(confOf(`${KEYS}cafile = /ca.pem\n`)).toMatchObject({ unverified: false, cafile: '/ca.pem' });
  });

  test('takes an indented line for another value of the key above, a comment too', () => {
    expect(confOf(`${KEYS}failmode = secure\n  safe\n`).failmode).toBe('safe');
    expect(confOf(`${KEYS}groups = a\n\tb ; c\n # d\n`).groups).toEqual(['a', 'b', ';', 'c', '#', 'd']);
    // The indented failmode is the host from now on.
    expect(confOf(`${KEYS}  failmode = secure\n`)).toMatchObject({
      failmode: 'safe',
      host: 'failmode = secure',
    });
  });

  test('sees an indented key after a section’s line', () => {
    expect(confOf(`${KEYS}[x]\n  failmode = secure\n`).failmode).toBe('secure');
  });

  test('takes a semicolon that a value begins with for the value', () => {
    expect(confOf(`${KEYS}groups = ; none\n`).groups).toEqual([';', 'none']);
  });

  test('may be of any mode that group and others cannot read, with CRLF and no line end at the end', () => {
    for (const mode of [0o600, 0o400, 0o733, 0o100600]) {
      expect(confOf(`${KEYS}failmode = secure`.replaceAll('\n', '\r\n'), { mode }).failmode).toBe('secure');
    }
  });

  test('holds neither of the keys', () => {
    expect(JSON.stringify(read('ikey = DIXX\nskey = topsecret\nhost = h\n'))).not.toMatch(/DIXX|topsecret/);
  });
});

describe('a file that is broken', () => {
  test.each([
    ['nosuch = 1', "an unknown key, 'nosuch'"],
    ['motd = yes', "an unknown key, 'motd'"],
    ['Failmode = safe', "an unknown key, 'Failmode'"],
    ['failmode = Secure', "a failmode that is neither 'safe' nor 'secure'"],
    ['failmode =', "a failmode that is neither 'safe' nor 'secure'"],
    ['words', "no '=' in it"],
    ['key ;= x', "no '=' in it"],
    ['[open', "a section without a ']'"],
    ['[open ;]', "a section without a ']'"],
    ['gecos_delim = :', 'a gecos_delim that is not one punctuation mark'],
    ['gecos_delim = ab', 'a gecos_delim that is not one punctuation mark'],
    ['gecos_username_pos = 0', 'a gecos_username_pos below 1'],
    ['\ufeff[duo]', 'a byte order mark'],
    ['\ufeffikey = x', 'a byte order mark'],
    ['\u001b[31mred = 1', "an unknown key, 'red'"],
  ])('%j: says why, and its failmode is the one above that line', (line, reason) => {
    expect(brokenBy(`${line}\nfailmode = secure\n${KEYS}`)).toMatchObject({
      failmode: 'safe',
      line: 1,
      reason: expect.stringContaining(reason) as string,
      complaint: 'Parse error in %s, line 1',
    });
    expect(brokenBy(`${KEYS}failmode = secure\n${line}\n`)).toMatchObject({ failmode: 'secure', line: 5 });
  });

  test('does not repeat a line without an equals sign, which may hold the secret', () => {
    expect(JSON.stringify(brokenBy('skey topsecret\n'))).not.toContain('topsecret');
  });

  test('is let through when it is not there or others may read it, whatever it says', () => {
    const text = `failmode = secure\n${KEYS}`;
    expect(brokenBy(text, { mode: null })).toMatchObject({ failmode: 'safe', line: 0 });
    for (const mode of [0o640, 0o604, 0o100644]) {
      expect(brokenBy(text, { mode })).toMatchObject({ failmode: 'safe', line: 0 });
    }
    expect(brokenBy(text, { mode: 0o640 })?.reason).toContain('0640');
  });

  test('lacks a key, by name', () => {
    expect(brokenBy('failmode = secure\nikey = a\nhost =\n')).toMatchObject({
      failmode: 'secure',
      line: 0,
      reason: 'it has no host and no skey',
    });
  });

  test('is taken apart at 199 bytes: the rest is a line, which counts for the module and not for people', () => {
    expect(brokenBy(`${KEYS}${commentOf(199)}\nnosuch = 1\n`)).toMatchObject({
      line: 5,
      complaint: 'Parse error in %s, line 6',
    });
    expect(read(`${KEYS}${commentOf(198)}\n`).kind).toBe('read');
    expect(brokenBy(`${KEYS}${commentOf(200)}\n`)).toMatchObject({
      line: 4,
      complaint: 'Parse error in %s, line 5',
    });
    // Bytes count, not characters.
    expect(brokenBy(`${KEYS}# ${'ü'.repeat(99)}\n`)).toMatchObject({ line: 4 });
    expect(confOf(`${commentOf(199)}failmode = secure\n${KEYS}`).failmode).toBe('secure');
  });

  test('ends a line at a NUL', () => {
    expect(confOf(`${KEYS}failmode = secure\0x\n`).failmode).toBe('secure');
    expect(confOf(`${KEYS}\0nosuch\n`).failmode).toBe('safe');
    expect(brokenBy(`${KEYS}failmode = se\0cure\n`)).toMatchObject({ line: 4 });
  });
});

describe('versions and programs differ', () => {
  test('motd is a key of login_duo.conf', () => {
    expect(confOf(`${KEYS}motd = yes\n`, { kind: 'login' }).failmode).toBe('safe');
  });

  test('verified_push is known to 2.2, and breaks the file together with autopush', () => {
    const text = `failmode = secure\n${KEYS}verified_push = yes\n`;
    expect(brokenBy(text, { version: 'v1' })).toMatchObject({ line: 5 });
    expect(confOf(text, { version: 'v2' }).autopush).toBe(false);
    expect(brokenBy(`${text}autopush = yes\n`)).toMatchObject({ failmode: 'secure', line: 0 });
  });

  test.each([
    ['v1', 256],
    ['v2', 255],
  ] as const)('%s takes %i lists of groups', (version, most) => {
    expect(confOf(withLists(most), { version }).groups).toHaveLength(most);
    expect(brokenBy(withLists(most + 1), { version })).toMatchObject({ line: most + 4, failmode: 'safe' });
  });

  test('groups that end in a backslash crash 1.11.3, and nobody gets in', () => {
    expect(brokenBy(`${KEYS}groups = a\\\n`, { version: 'v1' })).toMatchObject({
      crashes: true,
      failmode: 'secure',
      line: 4,
    });
    expect(confOf(`${KEYS}groups = a\\\n`, { version: 'v2' }).groups).toEqual(['a\\']);
  });
});
