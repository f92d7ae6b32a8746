// What `secret` is asked.
import { nearestName } from '../core/nearest-name.ts';
import { KEYRING_NAME } from '../core/secret-ref.ts';
import { flagReader, type RawOptions } from './flag-reader.ts';
import type { Surroundings } from './surroundings.ts';

export const SECRET_ACTIONS = ['set', 'get', 'list', 'delete'] as const;
export type SecretAction = (typeof SECRET_ACTIONS)[number];

export type SecretOptions =
  | { readonly action: 'list' }
  | {
      readonly action: Exclude<SecretAction, 'list'>;
      /** NAME or SERVICE/NAME. */
      readonly name: string;
      /** Of `get`: print the secret itself. */
      readonly reveal: boolean;
    };

/** @throws UsageError naming all that is wrong */
export const readSecretOptions = (raw: RawOptions, surroundings: Surroundings): SecretOptions => {
  const reader = flagReader('secret', raw, surroundings);
  const word = textOf(raw['action']);
  const action = SECRET_ACTIONS.find((each) => each === word);
  const name = raw['name'] === undefined ? null : textOf(raw['name']);
  const reveal = reader.flag('reveal');
  if (action === undefined) {
    const nearest = nearestName(word, SECRET_ACTIONS);
    const meant = nearest === null ? '' : `; did you mean ${nearest}?`;
    reader.problem(`secret takes one of ${SECRET_ACTIONS.join(', ')}${meant}`);
  } else if (action === 'list') {
    if (name !== null) reader.problem('secret list takes no name');
  } else if (name === null) {
    reader.problem(`secret ${action} needs the name of the secret`);
  } else if (!KEYRING_NAME.test(name)) {
    // What is no name may well be the secret itself.
    reader.problem('a secret’s name has letters, digits and . - _ @ only, as NAME or SERVICE/NAME');
  }
  if (reveal && action !== 'get') reader.problem('--reveal belongs to secret get');
  reader.end();
  return action === undefined || action === 'list'
    ? { action: 'list' }
    : { action, name: name ?? '', reveal };
};

/** yargs makes a number of what looks like one. */
const textOf = (word: unknown): string =>
  typeof word === 'string' || typeof word === 'number' ? `${word}` : '';
