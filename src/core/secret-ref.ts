// Text of the inventory -> where the secret is to be had.
import { Secret, type SecretRef } from './secret.ts';
import { splitWords } from './words.ts';

/** The ways to name a secret in an inventory, as `<kind>:<text>`. */
export const SECRET_SOURCES = ['env', 'file', 'keyring', 'command', 'prompt'] as const;

/** A text of more characters than this is neither a secret nor a reference to one. */
export const SECRET_LENGTH_MAX = 4096;

export type SecretRefResult =
  | { readonly ok: true; readonly ref: SecretRef }
  | { readonly ok: false; readonly message: string; readonly remedy: string };

/** Of an entry in the keyring: NAME or SERVICE/NAME. */
export const KEYRING_NAME = /^[A-Za-z0-9_.@-]+(?:\/[A-Za-z0-9_.@-]+)?$/;

const references: Record<(typeof SECRET_SOURCES)[number], { readonly form: RegExp; readonly say: string }> = {
  env: { form: /^[A-Za-z_][A-Za-z0-9_]*$/, say: 'env: takes the name of an environment variable' },
  file: { form: /^\S(?:.*\S)?$/u, say: 'file: takes the path of a file' },
  keyring: {
    form: KEYRING_NAME,
    say: 'keyring: takes the name of an entry, as NAME or SERVICE/NAME',
  },
  command: { form: /^\S(?:.*\S)?$/u, say: 'command: takes a program and its arguments, every quote closed' },
  prompt: { form: /^\S(?:.*\S)?$/u, say: 'prompt: takes the words to ask with' },
};

/**
 * Reads a secret variable's text. `env:`, `file:`, `keyring:`, `command:` and `prompt:` make a reference, whose `text` is what
 * follows the colon; all else is the secret itself. No message quotes the text.
 */
export const parseSecretRef = (text: string): SecretRefResult => {
  if (text.trim() === '') return { ok: false, message: 'is empty', remedy: '' };
  if (text.length > SECRET_LENGTH_MAX) {
    return { ok: false, message: `is longer than ${SECRET_LENGTH_MAX} characters`, remedy: '' };
  }
  if (/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(text)) {
    return { ok: false, message: 'must not have a line break or a control character in it', remedy: '' };
  }
  if (text.includes('{{') || text.includes('{%')) {
    return {
      ok: false,
      message: 'is a Jinja expression, and those are not evaluated',
      remedy: 'Give a reference in its place: env:NAME, file:PATH, keyring:NAME or command:...',
    };
  }
  for (const kind of SECRET_SOURCES) {
    if (!text.startsWith(`${kind}:`)) continue;
    const rest = text.slice(kind.length + 1).trim();
    const { form, say } = references[kind];
    const sound = form.test(rest) && (kind !== 'command' || splitWords(rest) !== null);
    return sound ? { ok: true, ref: { kind, text: rest } } : { ok: false, message: say, remedy: '' };
  }
  return { ok: true, ref: { kind: 'literal', value: new Secret(text) } };
};

/** Bytes of an skey that still fit on a line of pam_duo.conf, with room for `skey = `. */
const SKEY_LENGTH_MAX = 190;

/**
 * What is wrong with a resolved secret, as the end of a sentence that begins with its name; '' when nothing is.
 * An skey is written into pam_duo.conf, so that it must be one plain word; passwords only need to be one line.
 */
export const secretProblem = (variable: string, text: string): string => {
  if (text === '') return 'is empty';
  if (text.length > SECRET_LENGTH_MAX) return `is longer than ${SECRET_LENGTH_MAX} characters`;
  if (/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u.test(text)) return 'has a line break or a control character in it';
  if (variable !== 'duo_skey') return '';
  if (text.length > SKEY_LENGTH_MAX) return `is longer than ${SKEY_LENGTH_MAX} characters`;
  return /^[\x21-\x7e]+$/.test(text) && !/["'\\$`;#]/.test(text)
    ? ''
    : 'must be one word of letters and digits: it is written into pam_duo.conf as it is';
};
