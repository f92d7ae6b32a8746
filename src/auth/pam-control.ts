// What a line's control value makes of each return code of its module.
import { PAM_CODES, type PamCode } from './pam-code.ts';
import type { PamReader } from './pam-lines.ts';

/** What libpam does with an answer; a number is a jump over so many lines. */
export type PamAction = 'ignore' | 'ok' | 'done' | 'bad' | 'die' | 'reset' | number;

/** Actions by the number of the return code. */
export type PamControl = readonly PamAction[];

/** All return codes, by number. */
export const ALL_CODES = Object.keys(PAM_CODES) as readonly PamCode[];

/** Names in control values, by number (libpam/pam_tokens.h): the constants' own, but for one. */
const TOKENS: readonly string[] = ALL_CODES.map((code) =>
  code === 'PAM_AUTHTOK_RECOVERY_ERR' ? 'authtok_recover_err' : code.slice('PAM_'.length).toLowerCase(),
);

/** The return code by its name in control values and in pam_debug's arguments; case counts. */
export const codeOfToken = (token: string): PamCode | null => ALL_CODES[TOKENS.indexOf(token)] ?? null;

/** Everything fails: what libpam takes a value for that it cannot read. */
export const ALL_BAD: PamControl = ALL_CODES.map(() => 'bad');

const control = (named: Readonly<Record<string, PamAction>>, others: PamAction): PamControl =>
  TOKENS.map((token) => named[token] ?? others);

/** pam.conf(5); libpam/pam_handlers.c, _pam_parse_conf_file. */
const WORDS: Readonly<Record<string, PamControl>> = {
  required: control({ success: 'ok', new_authtok_reqd: 'ok', ignore: 'ignore' }, 'bad'),
  requisite: control({ success: 'ok', new_authtok_reqd: 'ok', ignore: 'ignore' }, 'die'),
  optional: control({ success: 'ok', new_authtok_reqd: 'ok' }, 'ignore'),
  sufficient: control({ success: 'done', new_authtok_reqd: 'done' }, 'ignore'),
};

/** The meaning of one word, brackets taken off: libpam does not tell `[required]` from `required`. */
export const parseControl = (word: string, reader: PamReader): PamControl => {
  const lower = word.toLowerCase();
  return (Object.hasOwn(WORDS, lower) ? WORDS[lower] : null) ?? parsePairs(word, reader);
};

const ACTIONS = ['ignore', 'ok', 'done', 'bad', 'die', 'reset'] as const;
const JUMP_MAX = 2 ** 31 - 1;
const BLANKS = /[ \t\n\v\f\r]*/y;

/**
 * `success=1 default=ignore` as libpam/pam_misc.c, _pam_parse_control reads it: names are compared by their beginning,
 * no blank is needed between pairs, `default` fills what has no action yet, and any mistake makes all of it bad.
 */
const parsePairs = (word: string, reader: PamReader): PamControl => {
  const actions: (PamAction | null)[] = ALL_CODES.map(() => null);
  const names = [...TOKENS, 'default'];
  let at = 0;
  const skip = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const found = pattern.exec(word)?.[0] ?? '';
    at += found.length;
    return found;
  };
  for (;;) {
    skip(BLANKS);
    if (at >= word.length) break;
    const name = names.findIndex((known) => word.startsWith(known, at));
    if (name < 0) return ALL_BAD;
    at += names[name]?.length ?? 0;
    skip(BLANKS);
    if (word[at] !== '=') return ALL_BAD;
    at += 1;
    skip(BLANKS);
    const action = ACTIONS.find((known) => word.startsWith(known, at)) ?? jump(skip(/[0-9]*/y), reader);
    if (action === null) return ALL_BAD;
    if (typeof action === 'string') at += action.length;
    if (name < TOKENS.length) actions[name] = action;
    else for (const [code, known] of actions.entries()) actions[code] = known ?? action;
  }
  return actions.map((action) => action ?? 'bad');
};

/** Up to 1.5 a number may overflow a C int; none that people write does, and a jump so far ends in failure in any case. */
const jump = (digits: string, reader: PamReader): number | null => {
  const lines = Number(digits);
  if (digits === '' || lines === 0) return null;
  if (lines <= JUMP_MAX) return lines;
  return reader === 'to-1.5' ? JUMP_MAX : null;
};
