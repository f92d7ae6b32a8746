// Random service files of pam_debug, pam_permit, pam_deny and worse, the same ones for the same seed.
import type { PamFolder } from '../../src/auth/pam-situation.ts';
import { diceFor, pick, type Dice } from './dice.ts';

/** A folder and the service of it that is asked about. */
export interface PamScene {
  readonly files: PamFolder;
  readonly service: string;
}

/** The scene of one number in a run: its own dice, so that one scene can be had again without those before it. */
export const randomScene = (seed: number, number: number): PamScene => scene(diceFor(seed, number));

const CODES = [
  'success open_err symbol_err service_err system_err buf_err perm_denied auth_err cred_insufficient',
  'authinfo_unavail user_unknown maxtries new_authtok_reqd acct_expired session_err cred_unavail cred_expired cred_err',
  'no_module_data conv_err authtok_err authtok_recover_err authtok_lock_busy authtok_disable_aging try_again ignore',
  'abort authtok_expired module_unknown bad_item conv_again incomplete',
]
  .join(' ')
  .split(' ');

const often = (dice: Dice, percent: number): boolean => dice(100) < percent;
const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at));

/** Files that a file may include: those later in this list, so that no two include each other. */
const NAMES = ['Svc', 'common-auth', 'inner', 'deep.er', 'last'] as const;

const scene = (dice: Dice): PamScene => {
  const files: Record<string, string> = {};
  const count = 1 + dice(NAMES.length);
  const kind = { oddPercent: pick(dice, [0, 0, 0, 4, 15]) };
  for (const [at, name] of NAMES.slice(0, count).entries()) {
    files[at === 0 ? 'svc' : name] = file(dice, { ...kind, includes: NAMES.slice(at + 1, count) });
  }
  if (often(dice, 60)) files['other'] = file(dice, { ...kind, includes: NAMES.slice(1, count) });
  if (often(dice, 3)) Object.assign(files, chainOfFiles(dice));
  const service = pick(dice, ['svc', 'svc', 'svc', 'svc', 'svc', 'svc', 'Svc', 'x/svc', 'other', 'nosuch']);
  return { files, service };
};

/** Files that include each other up to about the depth that libpam bears. */
const chainOfFiles = (dice: Dice): Record<string, string> => {
  const depth = 13 + dice(7);
  const word = pick(dice, ['substack', 'include']);
  // Mostly lines that do no harm, so that the end of the chain is heard of at its beginning.
  const quiet = (): string => (often(dice, 95) ? 'auth optional pam_permit.so' : lineOf(dice, 'auth'));
  const files: Record<string, string> = {};
  for (let at = 0; at < depth; at += 1) {
    const next = at + 1 < depth ? `auth ${often(dice, 90) ? word : 'substack'} chain${at + 1}\n` : '';
    files[`chain${at}`] = `${quiet()}\n${next}${quiet()}\n`;
  }
  files['svc'] = `${quiet()}\nauth ${word} chain0\n${quiet()}\n`;
  return files;
};

interface Kind {
  /** How many lines of a hundred are wrong in some way. */
  readonly oddPercent: number;
  readonly includes: readonly string[];
}

const file = (dice: Dice, kind: Kind): string => {
  const ending = often(dice, kind.oddPercent) ? '\r\n' : '\n';
  const lines = times(dice(8), () => line(dice, kind));
  const last = often(dice, 10) ? '' : ending;
  return lines.join(ending) + (lines.length > 0 ? last : '');
};

const line = (dice: Dice, kind: Kind): string => {
  if (often(dice, 6)) return pick(dice, ['', '   ', '# nothing', '\t# auth required pam_deny.so', '#']);
  if (often(dice, kind.oddPercent)) return dressed(dice, oddLine(dice, kind));
  if (kind.includes.length > 0 && often(dice, 25)) return dressed(dice, includeLine(dice, kind));
  return dressed(dice, lineOf(dice, type(dice)));
};

const type = (dice: Dice): string =>
  often(dice, 78) ? 'auth' : pick(dice, ['account', 'account', 'account', 'session', 'password']);

const includeLine = (dice: Dice, { includes, oddPercent }: Kind): string => {
  const [first = 'last', ...more] = includes;
  const target = pick(dice, [first, ...more]);
  const missing = often(dice, oddPercent);
  const word = pick(dice, ['@include', 'include', 'include', 'substack', 'substack', 'substack']);
  if (word === '@include')
    return `${pick(dice, ['@include', '@include', '-@Include'])} ${missing ? 'missing' : target}`;
  return `${type(dice)} ${pick(dice, [word, word, `[${word}]`, word.toUpperCase()])} ${missing ? 'missing' : target}`;
};

const lineOf = (dice: Dice, of: string): string => {
  const shown = often(dice, 8) ? of.toUpperCase() : of;
  return `${often(dice, 8) ? '-' : ''}${shown} ${control(dice)} ${module(dice)}`;
};

const module = (dice: Dice): string => {
  if (often(dice, 5)) return 'pam_nosuch.so';
  if (often(dice, 4))
    return pick(dice, ['pam_limits.so', 'pam_warn.so', '$ISA/pam_permit.so', '/nowhere/pam_permit.so']);
  if (often(dice, 20)) return pick(dice, ['pam_permit.so', 'pam_permit.so', 'pam_deny.so']);
  return [
    'pam_debug.so',
    ...argument(dice, 'auth', 90),
    ...argument(dice, 'cred', 45),
    ...argument(dice, 'acct', 50),
  ].join(' ');
};

const argument = (dice: Dice, event: string, percent: number): readonly string[] => {
  if (!often(dice, percent)) return [];
  const word = `${event}=${often(dice, 3) ? 'nonsense' : code(dice)}`;
  return [often(dice, 4) ? `[${word}]` : word];
};

/** Success and its opposite are what stacks are about; every code has its turn, too. */
const code = (dice: Dice): string => {
  if (often(dice, 45)) return 'success';
  if (often(dice, 40))
    return pick(dice, ['auth_err', 'ignore', 'user_unknown', 'new_authtok_reqd', 'perm_denied']);
  return CODES[dice(CODES.length)] ?? 'success';
};

const control = (dice: Dice): string => {
  if (often(dice, 50)) {
    const word = pick(dice, ['required', 'requisite', 'sufficient', 'optional']);
    return pick(dice, [word, word, word, word.toUpperCase(), `[${word}]`]);
  }
  const pairs = times(1 + dice(4), () => {
    const name = pick(dice, [
      'success',
      'success',
      'default',
      code(dice),
      CODES[dice(CODES.length)] ?? 'success',
    ]);
    return `${name}${pick(dice, ['=', '=', '=', ' = ', '= '])}${action(dice)}`;
  });
  return `[${pairs.join(pick(dice, [' ', ' ', ' ', '  ', '\t', '']))}]`;
};

const action = (dice: Dice): string =>
  often(dice, 35)
    ? pick(dice, ['1', '1', '2', '2', '3', '4', '7', '01', '99'])
    : pick(dice, ['ok', 'ok', 'done', 'done', 'bad', 'die', 'ignore', 'ignore', 'reset']);

/** Lines that are wrong, and how libpam takes them. The missing name after `include` is left out: it crashes libpam. */
const oddLine = (dice: Dice, { includes }: Kind): string =>
  pick<() => string>(dice, [
    () => 'auth',
    () => 'auth required',
    () => `session ${control(dice)}`,
    () => 'atuh required pam_permit.so',
    () => `required ${module(dice)}`,
    () => `auth mandatory ${module(dice)}`,
    () => `auth [success=okay default=bad] ${module(dice)}`,
    () => `auth [success=0 default=ignore] ${module(dice)}`,
    () => `auth [success=-1 default=ignore] ${module(dice)}`,
    () => `auth [success=99999999999 default=ignore] ${module(dice)}`,
    () => `auth [Success=ok default=ignore] ${module(dice)}`,
    () => `auth [] ${module(dice)}`,
    () => `auth [default=ok success] ${module(dice)}`,
    () => `auth [default=ignore ${module(dice)}`,
    () => `auth required [pam_debug.so] [auth=\\]success]`,
    () => `[auth] required ${module(dice)}`,
    () => `auth required pam_debug.so ${'x'.repeat(900 + dice(200))} auth=auth_err`,
    () => `# ${'a comment '.repeat(100 + dice(5))} auth required pam_deny.so`,
    () => `auth required ${' '.repeat(980 + dice(60))}pam_permit.so`,
    () => `auth required \\\n${'  '.repeat(dice(520))}\\\n pam_permit.so`,
    () => `auth required \\\n# a comment\n pam_permit.so`,
    () => `auth required \\\n\n${module(dice)}`,
    () => `auth sufficient ${module(dice)} \\`,
    () => '\\',
    () => `\\\n${lineOf(dice, 'auth')}`,
    () => `auth required pam_permit.so\u00e9`,
    () => `auth\u00a0required pam_permit.so`,
    () => `session substack ${includes[0] ?? 'missing'}`,
    () => `password include missing`,
  ])();

/** The same line with other blanks, a comment, or over several lines. */
const dressed = (dice: Dice, words: string): string => {
  let text = words;
  if (often(dice, 8))
    text = text.replace(' ', pick(dice, ['\t', '  ', ' \t ', ' \\\n', '\\\n', ' \\ \t\n\t']));
  if (often(dice, 5)) text = text.replace(/ (?=pam_|\$ISA)/, pick(dice, [' \\\n    ', '\\\n ']));
  if (often(dice, 8)) text = `${pick(dice, [' ', '\t', '   '])}${text}`;
  if (often(dice, 8)) text += pick(dice, [' # why', '#why', ' ', '\t', ' # \\']);
  return text;
};
