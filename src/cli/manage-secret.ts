// Keeps, shows, lists and forgets secrets in the keyring.
import { reveal, Secret } from '../core/secret.ts';
import { SECRET_LENGTH_MAX, secretProblem } from '../core/secret-ref.ts';
import type { Ending } from './ending.ts';
import {
  KEYRING_SERVICE,
  keyringEntry,
  keyringTrouble,
  makeKeyring,
  type Keyring,
  type KeyringAnswer,
} from './keyring.ts';
import type { SecretOptions } from './secret-options.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** UTF-8 takes up to four bytes for a character. */
const INPUT_BYTES_MAX = SECRET_LENGTH_MAX * 4;

const done: Ending = { exitCode: 0, endNow: false };

/** @throws UsageError when the keyring cannot be used, or there is no secret to keep */
export const manageSecret = async (
  options: SecretOptions,
  surroundings: Surroundings,
  keyring: Keyring = makeKeyring({ env: surroundings.env }),
): Promise<Ending> => {
  const { stdout } = surroundings;
  switch (options.action) {
    case 'list': {
      const names = opened(await keyring.list(KEYRING_SERVICE));
      await stdout.write(names.map((name) => `${name}\n`).join(''));
      return done;
    }
    case 'set': {
      const secret = await newSecret(options.name, surroundings);
      opened(await keyring.set(keyringEntry(options.name), secret));
      await stdout.write(
        `${spelled(options.name)} is kept (${lengthOf(secret)}). In the inventory it is keyring:${options.name}.\n`,
      );
      return done;
    }
    case 'get': {
      const secret = opened(await keyring.get(keyringEntry(options.name)));
      if (secret === null) return missing(options.name, surroundings);
      const told = `${spelled(options.name)} is there (${lengthOf(secret)}). --reveal prints it.`;
      await stdout.write(`${options.reveal ? reveal(secret) : told}\n`);
      return done;
    }
    case 'delete': {
      const isGone = opened(await keyring.delete(keyringEntry(options.name)));
      if (!isGone) return missing(options.name, surroundings);
      await stdout.write(`${spelled(options.name)} is deleted.\n`);
      return done;
    }
    default:
      return options satisfies never;
  }
};

const opened = <T>(answer: KeyringAnswer<T>): T => {
  if (answer.ok) return answer.value;
  const { message, remedy } = keyringTrouble(answer.problem);
  throw new UsageError(`${message}\n${remedy}`);
};

const spelled = (name: string): string => {
  const { service, account } = keyringEntry(name);
  return `${service}/${account}`;
};

const lengthOf = (secret: Secret): string => {
  const { length } = reveal(secret);
  return `${length} ${length === 1 ? 'character' : 'characters'}`;
};

const missing = async (name: string, { stderr }: Surroundings): Promise<Ending> => {
  await stderr.write(`duo-fleet: the keyring has no entry ${spelled(name)}, or is locked\n`);
  return { exitCode: 1, endNow: false };
};

/** Typed twice, unseen, where there is a terminal; else all of stdin, without the line end that most programs add. */
const newSecret = async (name: string, { prompt, readInput }: Surroundings): Promise<Secret> => {
  let text: string;
  if (prompt === null) {
    text = (await readInput(INPUT_BYTES_MAX)).replace(/\r?\n$/, '');
  } else {
    const ask = (words: string) => prompt({ lines: [], prompt: words, echo: false, isMidRun: false });
    text = (await ask(`${name}: `)) ?? '';
    if (text !== '' && text !== (await ask(`${name} again: `))) {
      throw new UsageError('the two are not the same: nothing is kept');
    }
  }
  const problem = secretProblem('', text);
  if (problem !== '') throw new UsageError(`what was given for ${name} ${problem}: nothing is kept`);
  return new Secret(text);
};
