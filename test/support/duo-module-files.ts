// Settings files for Duo's module, made at random: mostly right, most of them with something odd in them.
import { LAB_DUO_HOST, LAB_IKEY, LAB_SKEY } from './lab-hosts.ts';

/** mulberry32: the same numbers for the same seed. */
export const numbersFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** A file to be put in place: `mode: null` is none at all. */
export interface MadeFile {
  readonly bytes: Uint8Array;
  readonly mode: number | null;
}

/** What the files need of the surroundings. */
export interface MadeFor {
  readonly port: number;
  readonly cafile: string;
}

const pick = <T>(random: () => number, choices: readonly T[]): T => {
  const choice = choices[Math.floor(random() * choices.length)];
  if (choice === undefined) throw new Error('nothing to choose from');
  return choice;
};

/** One file; each call goes on with `random`. */
export const makeDuoFile = (random: () => number, { port, cafile }: MadeFor): MadeFile => {
  const lines = [
    `ikey = ${LAB_IKEY}`,
    `skey = ${LAB_SKEY}`,
    `host = ${LAB_DUO_HOST}:${port}`,
    `cafile = ${cafile}`,
  ];
  // Where the secret stands in the file decides over what a later fault comes to.
  const insert = (line: string): void =>
    void lines.splice(Math.floor(random() * (lines.length + 1)), 0, line);
  if (random() < 0.7)
    insert(pick(random, ['failmode = safe', 'failmode = secure', 'failmode=secure', 'failmode = secure']));
  if (random() < 0.7) insert(`${pick(random, ['groups', 'groups', 'group'])} = ${pick(random, GROUPS)}`);
  for (let odds = Math.floor(random() * 4); odds > 0; odds -= 1) insert(pick(random, ODDITIES));
  if (random() < 0.05) lines.splice(Math.floor(random() * lines.length), 1);
  if (random() < 0.8) lines.unshift('[duo]');
  const end = pick(random, ['\n', '\n', '\n', '\r\n']);
  const mark = random() < 0.02 ? '\ufeff' : '';
  const text = `${mark}${lines.join(end)}${random() < 0.8 ? end : ''}`;
  return { bytes: new TextEncoder().encode(text), mode: pick(random, MODES) };
};

const MODES = [...Array.from({ length: 24 }, () => 0o600), 0o400, 0o700, 0o640, 0o644, 0o604, 0o622, null];

/** Values of `groups`; the accounts of the test are in some of these. */
export const GROUPS: readonly string[] = [
  'alpha',
  'alpha,beta',
  'alpha, beta',
  'alpha beta',
  'Alpha',
  '"alpha"',
  'nosuch',
  '!alpha',
  '*,!alpha',
  '* !alpha',
  '!alpha,*',
  'alpha,!beta',
  'alpha,!beta gamma',
  'al*',
  'a?pha',
  'alpha?',
  '*a',
  'a**',
  'alpha**',
  '**,!*a*',
  '?*',
  '*?',
  'g*mm*',
  '!',
  ',',
  ',,alpha,,',
  '!!alpha',
  'domain\\ admins',
  'domain\\  admins',
  'domain\\\\ admins',
  'domain\\ admins,alpha',
  'domain admins',
  'domain?admins',
  'nosuch\\ alpha beta',
  '\\ alpha',
  'grün',
  'gr?n',
  'gr??n',
  'alpha\tbeta',
  'alpha\\',
  'alpha ; beta',
  'alpha;beta',
  '; alpha',
  `${'x'.repeat(60)} alpha`,
];

const ODDITIES: readonly string[] = [
  '',
  '   ',
  '; a comment',
  '# a comment',
  '  ; an indented comment',
  '\t# an indented comment',
  '[other]',
  '[no end',
  '[comment ;]',
  'a line of words',
  'nosuchkey = 1',
  'motd = yes',
  'Failmode = secure',
  '  failmode = secure',
  'failmode = Secure',
  'failmode =',
  'failmode = secure ; with a comment',
  'failmode = safe # with a comment',
  'failmode ; = secure',
  '= value',
  'key',
  'ikey = DIOTHEROTHEROTHEROTH',
  'skey =',
  'skey = ; nothing',
  'host =',
  'host = nosuch.invalid',
  'cafile =',
  'cafile = /nonexistent/ca.pem',
  'noverify = yes',
  'noverify = YES',
  'pushinfo = yes',
  'autopush = yes',
  'autopush = True',
  'autopush = 1',
  'autopush = on ; always',
  'autopush = yes # always',
  'verified_push = no',
  'verified_push = yes',
  'prompts = 1',
  'prompts = 2',
  'prompts = 0',
  'prompts = -7',
  'prompts = 99999999999999999999',
  'prompts = two',
  'prompts = 4294967297',
  'https_timeout = 20',
  'https_timeout = x',
  'accept_env_factor = yes',
  'fallback_local_ip = no',
  'send_gecos = yes',
  'gecos_parsed = yes',
  'gecos_delim = ,',
  'gecos_delim = :',
  'gecos_delim = ,,',
  'gecos_delim = a',
  'gecos_username_pos = 1',
  'gecos_username_pos = 0',
  'dev_fips_mode = yes',
  'dev_fips_mode = no',
  'http_proxy = https://127.0.0.1:1',
  'http_proxy = http://127.0.0.1:1',
  'http_proxy = 127.0.0.1:1',
  '  alpha',
  ' gamma beta',
  'groups = beta',
  'groups =',
  `groups = ${'nosuch '.repeat(26)}alpha`,
  `groups = ${'x'.repeat(183)} gamma`,
  `# ${'x'.repeat(196)}`,
  `# ${'x'.repeat(197)}`,
  `# ${'x'.repeat(198)}`,
  `# ${'x'.repeat(196)} failmode = secure`,
  `; ${'y'.repeat(197)}failmode = secure`,
  'failmode = secure\0 and more',
  '\0failmode = secure',
  'failmode = se\0cure',
  'failmode\v=\fsecure',
  'ключ = значение',
  ...Array.from({ length: 1 }, () => `groups = ${Array.from({ length: 90 }, () => 'z').join(' ')}`),
  `groups = ${Array.from({ length: 90 }, () => 'z').join(' ')}\n`.repeat(3),
];
