import { describe, expect, test } from 'vitest';
import type { Keyring } from '../../../src/cli/keyring.ts';
import { manageSecret } from '../../../src/cli/manage-secret.ts';
import { parseArgv } from '../../../src/cli/parse-argv.ts';
import type { Surroundings } from '../../../src/cli/surroundings.ts';
import { fakeKeyring } from '../../support/fake-keyring.ts';
import { testSurroundings } from '../../support/surroundings.ts';

const call = async (line: string, keyring: Keyring, overrides: Partial<Surroundings> = {}) => {
  const surroundings = testSurroundings({ argv: line.split(' '), ...overrides });
  const invocation = await parseArgv(surroundings);
  if (invocation.kind !== 'secret') throw new Error('not of secrets');
  const { exitCode } = await manageSecret(invocation.options, surroundings, keyring);
  return { exitCode, ...surroundings.written };
};

const typing = (...answers: readonly string[]): Partial<Surroundings> => {
  const left = [...answers];
  return { prompt: async () => left.shift() ?? null };
};

describe('duo-fleet secret', () => {
  test('set takes stdin without its line end, get tells that it is there, list names it, delete forgets it', async () => {
    const entries = new Map<string, string>();
    const keyring = fakeKeyring(entries);
    const kept = await call('secret set skey', keyring, { readInput: async () => 's3cret word\n' });
    expect(kept.stdout).toBe(
      'duo-fleet/skey is kept (11 characters). In the inventory it is keyring:skey.\n',
    );
    expect(entries.get('duo-fleet/skey')).toBe('s3cret word');
    expect(await call('secret get skey', keyring)).toMatchObject({
      exitCode: 0,
      stdout: 'duo-fleet/skey is there (11 characters). --reveal prints it.\n',
    });
    expect((await call('secret get skey --reveal', keyring)).stdout).toBe('s3cret word\n');
    expect((await call('secret list', keyring)).stdout).toBe('skey\n');
    expect((await call('secret delete skey', keyring)).stdout).toBe('duo-fleet/skey is deleted.\n');
    for (const action of ['get', 'delete']) {
      const gone = await call(`secret ${action} skey`, keyring);
      expect(gone).toMatchObject({ exitCode: 1, stdout: '' });
      expect(gone.stderr).toContain('has no entry duo-fleet/skey');
    }
  });

  test('set asks twice on a terminal, and keeps nothing where the two differ', async () => {
    const entries = new Map<string, string>();
    await call('secret set corp/pw', fakeKeyring(entries), typing('a b', 'a b'));
    expect([...entries]).toStrictEqual([['corp/pw', 'a b']]);
    await expect(call('secret set pw', fakeKeyring(entries), typing('one', 'two'))).rejects.toThrow(
      'not the same: nothing is kept',
    );
    expect(entries.size).toBe(1);
  });

  test.each([
    ['', 'is empty'],
    ['\n', 'is empty'],
    ['two\nlines\n', 'has a line break'],
    ['x'.repeat(4097), 'is longer than 4096 characters'],
  ])('set keeps nothing of what is no secret', async (text, words) => {
    const entries = new Map<string, string>();
    const input = { readInput: async () => text };
    await expect(call('secret set pw', fakeKeyring(entries), input)).rejects.toThrow(words);
    expect(entries.size).toBe(0);
  });

  test('a keyring that cannot be used is told with the other ways', async () => {
    for (const line of ['secret list', 'secret get a', 'secret delete a']) {
      await expect(call(line, fakeKeyring(new Map(), 'no-bus'))).rejects.toThrow(
        /no D-Bus session[\s\S]*env:NAME, file:PATH, command:\.\.\. or prompt:/,
      );
    }
  });

  test.each([
    ['secret', 'secret takes one of set, get, list, delete'],
    ['secret ste skey', 'did you mean set?'],
    ['secret set', 'secret set needs the name of the secret'],
    ['secret list skey', 'secret list takes no name'],
    ['secret delete skey --reveal', '--reveal belongs to secret get'],
    ['secret get skey --host web1', '--host belongs to'],
  ])('%s is told', async (line, words) => {
    await expect(call(line, fakeKeyring())).rejects.toThrow(words);
  });

  test('a secret on the command line is refused and not said again', async () => {
    for (const line of ['secret set skey hunter2', 'secret set hunter2/hunter2/hunter2']) {
      const told = await call(line, fakeKeyring()).catch((thrown: unknown) => String(thrown));
      expect(told).toMatch(/never an argument|name has letters/);
      expect(told).not.toContain('hunter2');
    }
  });
});
