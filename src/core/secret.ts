// A value that nobody sees by accident.

const values = new WeakMap<Secret, string>();

/**
 * A secret text. Printing, logging, JSON and template strings show `[secret]`; only {@link reveal} opens it.
 * The text lives in a module-private map, so neither `Object.values` nor a debugger's inspect call meets it.
 */
export class Secret {
  constructor(value: string) {
    values.set(this, value);
    Object.freeze(this);
  }
  toString(): string {
    return '[secret]';
  }
  toJSON(): string {
    return '[secret]';
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return '[secret]';
  }
}

/** Opens a secret. Called where bytes leave for a host or a login, and nowhere else. */
export const reveal = (secret: Secret): string => {
  const value = values.get(secret);
  if (value === undefined) throw new Error('not a secret');
  return value;
};

/**
 * Where a secret comes from. Resolved once, late, by cli/secrets.ts.
 * `literal` is a value written in the inventory itself; the others are `env:NAME`, `file:PATH`, `keyring:NAME`,
 * `command:...` and `prompt:WORDS` as in the inventory contract.
 */
export type SecretRef =
  | { readonly kind: 'literal'; readonly value: Secret }
  | { readonly kind: 'env' | 'file' | 'keyring' | 'command' | 'prompt'; readonly text: string };
