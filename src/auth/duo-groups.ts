// Who meets Duo: the patterns of `groups` as the module takes them apart and matches them.

/**
 * Whose code reads: `v1` is 1.11.3, as Debian and Ubuntu still ship it; `v2` is Duo's own 2.2.0 to 2.2.3. What is said of v1
 * was compared with the real module; what is said of v2 rests on reading its source (duosecurity/duo_unix).
 */
export type DuoVersion = 'v1' | 'v2';

/**
 * Takes the value of one `groups` line apart at blanks (no other white space), where `\ ` is a blank within a name
 * (lib/util.c, duo_common_ini_handler). `crash`: the value ends in a backslash, at which 1.11.3 looks for the next word
 * where there is none and dies of it, with the program that asked it.
 */
export const splitDuoGroups = (value: string, version: DuoVersion): readonly string[] | 'crash' =>
  version === 'v1' ? splitAtWords(value) : splitByCharacter(value);

/** Words first, then those that end in a backslash are joined with the next: several blanks after it count as one. */
const splitAtWords = (value: string): readonly string[] | 'crash' => {
  const lists: string[] = [];
  let joined = '';
  for (const word of value.split(' ').filter((part) => part !== '')) {
    joined += word;
    if (joined.endsWith('\\')) {
      joined = `${joined.slice(0, -1)} `;
      continue;
    }
    lists.push(joined);
    joined = '';
  }
  return joined === '' ? lists : 'crash';
};

/** Since #289 (2024): character by character, so that a backslash at the end is one, and `a\  b` is two lists. */
const splitByCharacter = (value: string): readonly string[] =>
  value.match(/(?:\\ |[^ ])+/g)?.map((list) => list.replaceAll('\\ ', ' ')) ?? [];

/**
 * Whether somebody in `groups` is asked for Duo by pattern lists as tokenised; no lists, everybody is (lib/util.c,
 * duo_check_groups). Within one list commas separate patterns, and one that begins with `!` and matches any of the groups
 * takes the whole list away; between lists one that matches is enough. Case counts, and `?` is one byte.
 * Source: compat/groupaccess.c and compat/match.c, OpenSSH's of 2008.
 */
export const matchesDuoGroups = (lists: readonly string[], groups: readonly string[]): boolean => {
  if (lists.length === 0) return true;
  const names = groups.map(bytesOf);
  return lists.some((list) => {
    const results = names.map((name) => matchList(name, list));
    return results.includes('match') && !results.includes('veto');
  });
};

/** The module copies a pattern into a buffer of 1024 bytes and gives the list up when one does not fit. */
const PATTERN_BYTES_MAX = 1022;

const matchList = (name: Uint8Array, list: string): 'match' | 'veto' | 'none' => {
  let matched = false;
  for (const item of list.split(',')) {
    const isNegated = item.startsWith('!');
    const pattern = bytesOf(isNegated ? item.slice(1) : item);
    if (pattern.length > PATTERN_BYTES_MAX) return 'none';
    if (!matchPattern(name, pattern)) continue;
    if (isNegated) return 'veto';
    matched = true;
  }
  return matched ? 'match' : 'none';
};

const STAR = 0x2a;
const ANY = 0x3f;

/**
 * Whole-name match with `*` and `?`. A star that is not the last thing in a pattern wants something left to match, so that
 * `a**` does not match `a`. Row by row from the pattern's end: no pattern takes longer than
 * its length and the name's make it.
 */
const matchPattern = (name: Uint8Array, pattern: Uint8Array): boolean => {
  const places = [...name.keys(), name.length];
  // row[i]: what is left of the pattern matches what is left of the name from i on.
  let row: readonly boolean[] = places.map((at) => at === name.length);
  for (let left = pattern.length - 1; left >= 0; left -= 1) {
    const wanted = pattern[left];
    const rest = row;
    if (wanted === STAR) {
      const isLast = left === pattern.length - 1;
      row = places.map((at) => isLast || rest.slice(at, -1).includes(true));
    } else {
      row = places.map(
        (at) => at < name.length && (wanted === ANY || wanted === name[at]) && rest[at + 1] === true,
      );
    }
  }
  return row[0] === true;
};

const encoder = new TextEncoder();
const bytesOf = (text: string): Uint8Array => encoder.encode(text);
