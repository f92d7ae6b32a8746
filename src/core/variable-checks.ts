// What one variable's value may be. Each check takes a variable and gives a value, or what is wrong and the remedy.
import { VAULTED, type Variable, type VariableValue } from './inventory.ts';
import { isDnsName, sourceProblem } from './ip-address.ts';
import { reveal, Secret, type SecretRef } from './secret.ts';
import { parseSecretRef } from './secret-ref.ts';

export interface Problem {
  /** The end of a sentence that begins with the variable's name. */
  readonly message: string;
  readonly remedy: string;
  /** The list's element that is wrong, 0-based. */
  readonly item?: number;
}

export type Checked<T> =
  | { readonly ok: true; readonly value: T; readonly warning?: Problem }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export type Check<T> = (variable: Variable) => Checked<T>;

/** What is wrong with a value that ansible-vault encrypted. */
export const VAULT_PROBLEM: Problem = {
  message: 'is encrypted with ansible-vault, which this program does not read',
  remedy:
    'Give a reference in its place: env:NAME, file:PATH, keyring:NAME, or command:... with the program that prints the secret (ansible-vault view FILE does, too).',
};

/** A value is shown in messages up to this length. */
const SHOWN_MAX = 60;
/** A list of more elements than this is refused. */
const LIST_MAX = 256;
/** Any text of ours is at most this long. */
const TEXT_MAX = 1024;

/** A value that is right. */
export const good = <T>(value: T, warning?: Problem): Checked<T> =>
  warning === undefined ? { ok: true, value } : { ok: true, value, warning };

/** A value that is wrong. */
export const bad = (message: string, remedy = ''): Checked<never> => ({
  ok: false,
  problems: [{ message, remedy }],
});

/** A value as messages show it: short, quoted, control characters escaped. */
export const shown = (value: VariableValue): string => {
  if (value instanceof Secret) return '[secret]';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'a mapping';
  const text = JSON.stringify(value).replaceAll(/\/\/[^/\s@]*@/g, '//[secret]@');
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
};

// Nothing that ends a line, a word or a quotation may reach a configuration file or a shell.
const unsafe = /[^\x20-\x7e]|["'\\$`;#]/;

const jinja = (text: string): boolean => text.includes('{{') || text.includes('{%');

const plainText = (value: VariableValue, written: string | null): Checked<string> => {
  if (value === VAULTED) return { ok: false, problems: [VAULT_PROBLEM] };
  const text = typeof value === 'number' && written === String(value) ? written : value;
  if (typeof text !== 'string') {
    const quotes = typeof value === 'number' || typeof value === 'boolean';
    return bad(
      `must be text, not ${written ?? shown(value)}`,
      quotes ? `YAML reads this as a ${typeof value}: put it in quotes.` : '',
    );
  }
  if (jinja(text)) {
    return bad('is a Jinja expression, and those are not evaluated', 'Write the value itself.');
  }
  if (text === '') return bad('is empty', 'Give it a value, or remove it.');
  if (text.length > TEXT_MAX) return bad(`is longer than ${TEXT_MAX} characters`);
  if (text.trim() !== text) return bad('begins or ends with a blank', 'Remove it.');
  return good(text);
};

const safeText = (value: VariableValue, written: string | null): Checked<string> => {
  const text = plainText(value, written);
  if (!text.ok) return text;
  const match = unsafe.exec(text.value);
  if (match === null) return text;
  return bad(
    `must not have ${shown(match[0])} in it: ${shown(text.value)}`,
    'Line breaks, control characters, letters outside ASCII and " \' \\ $ ` ; # are refused.',
  );
};

/** A text of printable ASCII without quotes and other signs of a shell. */
export const text: Check<string> = (variable) => safeText(variable.value, variable.written);

/** A text of a form; `expected` ends `must be ...`. */
export const textLike =
  (form: RegExp, expected: string, remedy = ''): Check<string> =>
  (variable) => {
    const checked = text(variable);
    if (!checked.ok || form.test(checked.value)) return checked;
    return bad(`must be ${expected}, not ${shown(checked.value)}`, remedy);
  };

/** One of some words, letter for letter. */
export const oneOf =
  <const T extends string>(words: readonly T[], remedy = ''): Check<T> =>
  (variable) => {
    const checked = text(variable);
    if (!checked.ok) return checked;
    const word = words.find((known) => known === checked.value);
    return word === undefined
      ? bad(`must be exactly ${words.join(' or ')}, not ${shown(checked.value)}`, remedy)
      : good(word);
  };

/** yes, no, true, false, on, off, in YAML or as a text. */
export const boolean: Check<boolean> = ({ value }) => {
  if (typeof value === 'boolean') return good(value);
  if (typeof value === 'string' && /^(?:yes|true|on)$/i.test(value)) return good(true);
  if (typeof value === 'string' && /^(?:no|false|off)$/i.test(value)) return good(false);
  if (typeof value === 'string' && jinja(value)) return plainText(value, null) as Checked<never>;
  return bad(`must be yes or no, not ${shown(value)}`);
};

/** A whole number between two bounds, in YAML or as a text. */
export const integer =
  (bounds: { readonly from: number; readonly to: number }, unit = ''): Check<number> =>
  ({ value, written }) => {
    if (typeof value === 'string' && jinja(value)) return plainText(value, null) as Checked<never>;
    const digits = typeof value === 'number' ? (written ?? String(value)) : value;
    const number =
      typeof digits === 'string' && /^-?(?:0|[1-9]\d{0,8})$/.test(digits) ? Number(digits) : null;
    return number !== null && number >= bounds.from && number <= bounds.to
      ? good(number)
      : bad(
          `must be a whole number from ${bounds.from} to ${bounds.to}${unit}, not ${written ?? shown(value)}`,
        );
  };

/** A list, or one text with commas; each element is given to a check, and every wrong one is pointed at. */
export const listOf =
  <T>(element: Check<T>): Check<readonly T[]> =>
  (variable) => {
    const { value } = variable;
    const isList = Array.isArray(value);
    const whole = isList ? good('') : plainText(value, variable.written);
    if (!whole.ok) return whole;
    const elements: readonly VariableValue[] = isList
      ? value
      : whole.value.split(',').map((part) => part.trim());
    if (elements.length > LIST_MAX) return bad(`has more than ${LIST_MAX} elements`);
    const values: T[] = [];
    const problems: Problem[] = [];
    let warning: Problem | undefined;
    for (const [item, each] of elements.entries()) {
      const written = typeof each === 'number' ? String(each) : null;
      const checked = element({ ...variable, value: each, written });
      if (!checked.ok) {
        problems.push(...checked.problems.map((problem) => (isList ? { ...problem, item } : problem)));
        continue;
      }
      warning ??= checked.warning;
      values.push(checked.value);
    }
    if (problems.length > 0) return { ok: false, problems };
    return good(values, warning);
  };

/** A secret or a reference to one; no message quotes it. */
export const secretRef: Check<SecretRef> = ({ value }) => {
  if (!(value instanceof Secret)) return bad('must be a text: the secret, or a reference to it');
  const parsed = parseSecretRef(reveal(value));
  return parsed.ok ? good(parsed.ref) : bad(parsed.message, parsed.remedy);
};

const userForm = /^(?=.*[^0-9])[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$/;

/** An account's name that sshd, PAM, sudo and a shell read as nothing but a name. */
export const userName: Check<string> = textLike(
  userForm,
  'the name of an account',
  'A name has letters, digits and _ . - only, begins with none of . and -, is no mere number, and has at most 64 characters.',
);

/** `@`, too, means nothing to them, and is in every group of a realm whose names are fully qualified (sssd.conf(5)). */
const groupForm = /^(?=.*[^0-9])[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}$/;

/**
 * A group's name in lower case (SSSD gives Active Directory's names so). What pam_succeed_if or pam_duo's `groups`
 * would read as more than a name (blank , ! * ? :) is refused: an exemption could hide in it.
 */
export const groupName: Check<string> = (variable) => {
  const checked = textLike(
    groupForm,
    'the name of a group',
    'A name has letters, digits and _ . - @ only: pam_duo and PAM give other signs a meaning of their own. For a group with such a name, make another one that contains it.',
  )(variable);
  return checked.ok ? good(checked.value.toLowerCase()) : checked;
};

/** An element of sshd's Match Address; `0.0.0.0/0` and the like are let through with a warning. */
export const sourceAddress: Check<string> = (variable) => {
  const checked = text(variable);
  if (!checked.ok) return checked;
  const problem = sourceProblem(checked.value);
  if (problem !== '') return bad(`${shown(checked.value)} ${problem}`);
  if (!/^[*?.:]+$|\/0$/.test(checked.value)) return checked;
  return good(checked.value, { message: `${shown(checked.value)} is every address there is`, remedy: '' });
};

/** A file on this machine: letters of any language, digits, blank and _ . , ~ / @ % + = : - only. */
export const localPath: Check<string> = (variable) => {
  const checked = plainText(variable.value, variable.written);
  if (!checked.ok || /^[\p{L}\p{M}\p{N} _.,~/@%+=:-]+$/u.test(checked.value)) return checked;
  return bad(
    `must be the path of a file, not ${shown(checked.value)}`,
    'Quotes, $ and other signs of a shell are refused.',
  );
};

/** A DNS name with an optional port. */
export const hostAndPort: Check<string> = (variable) => {
  const checked = text(variable);
  if (!checked.ok) return checked;
  const [host = '', port, ...more] = checked.value.split(':');
  const portGood = port === undefined || (/^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65_535);
  if (isDnsName(host) && portGood && more.length === 0) return checked;
  return bad(
    `must be a DNS name with an optional port, not ${shown(checked.value)}`,
    checked.value.includes('/') ? 'Leave out https:// and everything from the first / on.' : '',
  );
};

const webUrl = /^https?:\/\/([A-Za-z0-9.-]+)(?::\d{1,5})?(?:\/[A-Za-z0-9._~/%+-]*)?$/;

/** An http or https URL without credentials, query, quotes and blanks; without the slash at its end. */
export const httpUrl: Check<string> = (variable) => {
  const checked = text(variable);
  if (!checked.ok) return checked;
  if (/^[a-z+]+:\/\/[^/]*@/i.test(checked.value)) {
    return bad('must not have a user or password in it', 'It is shown in plans and written to source lists.');
  }
  if (!isDnsName(webUrl.exec(checked.value)?.[1] ?? '')) {
    return bad(`must be an http or https URL, not ${shown(checked.value)}`);
  }
  return good(checked.value.replace(/\/+$/, ''));
};
