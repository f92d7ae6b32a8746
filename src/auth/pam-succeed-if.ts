// pam_succeed_if's conditions, judged by what is known of an account.
import type { PamCode } from './pam-code.ts';
import type { ModuleAnswer, PamKnowledge } from './pam-situation.ts';

const FLAGS = ['debug', 'use_uid', 'quiet', 'quiet_fail', 'quiet_success', 'audit'];

/** What one condition comes to; `null` is not known. */
type Holds = PamCode | null;

/**
 * Conditions of three words each, which must all hold; the first that does not ends it
 * (modules/pam_succeed_if/pam_succeed_if.c). What is not known of the account makes the answer unknown.
 */
export const answerOfSucceedIf = (args: readonly string[], known: PamKnowledge): ModuleAnswer => {
  const words = args.filter((word) => !FLAGS.includes(word));
  if (args.includes('use_uid')) return unsure('it looks at the account that runs the program');
  let unknown = '';
  for (let at = 0; at < words.length; at += 3) {
    const [left, operator, right] = words.slice(at, at + 3);
    if (left === undefined || operator === undefined || right === undefined) {
      return { kind: 'returns', code: 'PAM_SERVICE_ERR', why: 'the last condition is incomplete' };
    }
    const condition = `${left} ${operator} ${right}`;
    const held = holds({ left: left.toLowerCase(), operator: operator.toLowerCase(), right }, known);
    if (held === null) unknown ||= condition;
    else if (held !== 'PAM_SUCCESS') {
      const why = `${condition} does not hold`;
      return unknown === '' || held === 'PAM_AUTH_ERR'
        ? { kind: 'returns', code: held, why }
        : unsure(unknown);
    }
  }
  if (unknown !== '') return unsure(`it is not known whether ${unknown}`);
  return { kind: 'returns', code: 'PAM_SUCCESS', why: words.length === 0 ? 'no condition' : words.join(' ') };
};

const unsure = (why: string): ModuleAnswer => ({
  kind: 'unknown',
  codes: ['PAM_SUCCESS', 'PAM_AUTH_ERR', 'PAM_SERVICE_ERR', 'PAM_USER_UNKNOWN'],
  why,
});

interface Condition {
  readonly left: string;
  readonly operator: string;
  readonly right: string;
}

const holds = ({ left, operator, right }: Condition, known: PamKnowledge): Holds => {
  const value = attribute(left, known);
  if (typeof value === 'object') return value.code;
  const compare = Object.hasOwn(NUMBERS, operator) ? NUMBERS[operator] : undefined;
  if (compare !== undefined) return value === undefined ? null : compareNumbers(value, right, compare);
  const said = Object.hasOwn(TEXTS, operator) ? TEXTS[operator] : undefined;
  if (said !== undefined) {
    const result = value === undefined ? null : said(value, right);
    return result === null ? null : judged(result);
  }
  // For `ruser` it is that account's groups which count, and nothing is known of them.
  const groups = left === 'ruser' ? undefined : groupsOf(known);
  switch (operator) {
    case 'ingroup':
    case 'notingroup':
      return groups === undefined
        ? null
        : judged(right.split(':').some((group) => groups.includes(group)) === (operator === 'ingroup'));
    case 'innetgr':
    case 'notinnetgr':
      return null;
    default:
      return 'PAM_SERVICE_ERR';
  }
};

const judged = (result: boolean): PamCode => (result ? 'PAM_SUCCESS' : 'PAM_AUTH_ERR');

const groupsOf = ({ account }: PamKnowledge): readonly string[] | undefined =>
  account === undefined ? undefined : (account?.groups ?? []);

/** The text that an attribute stands for, `undefined` where it is not known, or the code that ends it at once. */
const attribute = (left: string, known: PamKnowledge): string | undefined | { readonly code: PamCode } => {
  const { account } = known;
  switch (left) {
    case 'user':
    case 'login':
    case 'name':
      return known.user;
    case 'uid':
    case 'gid':
    case 'shell':
    case 'home':
    case 'dir':
    case 'homedir':
      if (account === null) return { code: 'PAM_USER_UNKNOWN' };
      if (account === undefined || left === 'gid') return undefined;
      if (left === 'uid') return String(account.uid);
      return left === 'shell' ? account.shell : account.home;
    case 'service':
      return known.service.slice(known.service.lastIndexOf('/') + 1).toLowerCase();
    case 'rhost':
      return known.rhost;
    case 'ruser':
    case 'tty':
      return undefined;
    default:
      return { code: 'PAM_SERVICE_ERR' };
  }
};

const NUMBERS: Readonly<Record<string, (left: bigint, right: bigint) => boolean>> = {
  '<': (left, right) => left < right,
  lt: (left, right) => left < right,
  '<=': (left, right) => left <= right,
  le: (left, right) => left <= right,
  '>': (left, right) => left > right,
  gt: (left, right) => left > right,
  '>=': (left, right) => left >= right,
  ge: (left, right) => left >= right,
  eq: (left, right) => left === right,
  ne: (left, right) => left !== right,
};

const TEXTS: Readonly<Record<string, (left: string, right: string) => boolean | null>> = {
  '=': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '=~': (left, right) => globs(left, right),
  glob: (left, right) => globs(left, right),
  '!~': (left, right) => opposite(globs(left, right)),
  noglob: (left, right) => opposite(globs(left, right)),
  in: (left, right) => `:${right}:`.includes(`:${left}:`),
  notin: (left, right) => !`:${right}:`.includes(`:${left}:`),
};

const opposite = (result: boolean | null): boolean | null => (result === null ? null : !result);

/** fnmatch(3) without flags; character classes and escapes are left unknown. */
const globs = (text: string, pattern: string): boolean | null => {
  if (/[[\\]/.test(pattern)) return null;
  const source = pattern
    .replaceAll(/[.+^${}()|\]/]/g, String.raw`\$&`)
    .replaceAll(/\*+/g, '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
};

const compareNumbers = (
  left: string,
  right: string,
  compare: (left: bigint, right: bigint) => boolean,
): Holds => {
  const [one, other] = [number(left), number(right)];
  return one === null || other === null ? 'PAM_SERVICE_ERR' : judged(compare(one, other));
};

const LONG_LONG_MAX = 2n ** 63n - 1n;

/** strtoll(3) with base 0, of a whole word. */
const number = (word: string): bigint | null => {
  const found = /^([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))$/.exec(word);
  if (found === null) return null;
  const [, sign, hexadecimal, octal, decimal] = found;
  const size =
    hexadecimal === undefined
      ? octal === undefined
        ? BigInt(decimal ?? 0)
        : BigInt(`0o${octal}`)
      : BigInt(`0x${hexadecimal}`);
  if (size > LONG_LONG_MAX) return null;
  return sign === '-' ? -size : size;
};
