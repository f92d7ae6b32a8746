// Templates to text: an isolated Handlebars in which every value passes a helper that knows what it may hold.
import Handlebars from 'handlebars';

/** Text of each template by name, without `.hbs`; read by the rim and passed in. */
export type Templates = Readonly<Record<string, string>>;

/** Renders a template, one of ours by name or any other. Throws where a value is missing or could mean more than itself in the file. */
export type Render = (
  template: string | { readonly text: string },
  data: Readonly<Record<string, unknown>>,
) => string;

const text = (value: unknown, what: string, allowed: RegExp): string => {
  // The value itself is not in the message: it may be a secret.
  if (typeof value !== 'string' || !allowed.test(value)) {
    throw new Error(`template: a value is not ${what}`);
  }
  return value;
};

const each = (values: unknown, what: string, allowed: RegExp): string => {
  if (!Array.isArray(values) || values.length === 0)
    throw new Error(`template: a value is no list of ${what}`);
  return values.map((value) => text(value, what, allowed)).join(',');
};

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@+-]*$/;
const ADDRESS = /^!?[0-9A-Fa-f.:*?/]+$/;

/**
 * The helpers, by which a template names the kind of a value:
 * - `word` a user or group name; `words` several, with commas (sshd_config(5), Match)
 * - `addresses` addresses, networks or patterns, with commas
 * - `path` an absolute path without blanks; `number` a whole number; `key` a keyword of pam_duo.conf
 * - `ini` a value of pam_duo.conf: no control characters, no blanks around it, nothing that begins a comment there
 * - `sourceLine` a line of an apt source list
 * - `flag` a condition for `#if`, `list` a list for `#each`: Handlebars itself takes a misspelt name for "no"
 */
export const HELPERS = {
  word: (value: unknown): string => text(value, 'a plain name', NAME),
  words: (values: unknown): string => each(values, 'plain names', NAME),
  addresses: (values: unknown): string => each(values, 'addresses', ADDRESS),
  path: (value: unknown): string => text(value, 'a plain path', /^(?:\/[A-Za-z0-9_.+-]+)+$/),
  key: (value: unknown): string => text(value, 'a keyword', /^[a-z][a-z_]*$/),
  ini: (value: unknown): string => text(value, 'a plain value', /^(?!;)(?!.* ;)[!-~](?:[ -~]*[!-~])?$/),
  sourceLine: (value: unknown): string =>
    text(value, 'a source line', /^deb \[[ A-Za-z0-9=/._-]+\] https?:\/\/[!-Z\\^-~[\]]+ [a-z0-9-]+ main$/),
  number: (value: unknown): string => {
    if (!Number.isSafeInteger(value)) throw new Error('template: a value is not a whole number');
    return String(value);
  },
  flag: (value: unknown): boolean => {
    if (typeof value !== 'boolean') throw new Error('template: a condition is neither true nor false');
    return value;
  },
  list: (value: unknown): readonly unknown[] => {
    if (!Array.isArray(value)) throw new Error('template: a value is not a list');
    return value;
  },
} as const;

/** The options that every template is compiled with; the test that walks the templates uses them too. */
export const COMPILE_OPTIONS = {
  // Escaping is for HTML and would corrupt secrets: `=` becomes `&#x3D;`.
  noEscape: true,
  strict: true,
  preventIndent: true,
  knownHelpersOnly: true,
  knownHelpers: Object.fromEntries(Object.keys(HELPERS).map((name) => [name, true])),
} as const;

const ours = (templates: Templates, name: string): string => {
  const source = templates[name];
  if (typeof source !== 'string') throw new Error(`template: there is no ${name}.hbs`);
  return source;
};

/** A renderer over the given templates; each is compiled once, when first used. */
export const makeRender = (templates: Templates): Render => {
  const handlebars = Handlebars.create();
  for (const [name, helper] of Object.entries(HELPERS)) handlebars.registerHelper(name, helper);
  const compiled = new Map<string, (data: unknown) => string>();
  return (which, data) => {
    const source = typeof which === 'string' ? ours(templates, which) : which.text;
    const template = compiled.get(source) ?? handlebars.compile(source, COMPILE_OPTIONS);
    compiled.set(source, template);
    return template(data);
  };
};
