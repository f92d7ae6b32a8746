import { describe, expect, test } from 'vitest';
import { GUARD_EXIT, type GuardReply, type HostSession } from '../../../src/core/remote.ts';
import { ask, busyMessage, ownerOf } from '../../../src/engine/ask.ts';
import type { TransactionContext } from '../../../src/engine/held.ts';

/** What a person reads when the guard ends with these lines. */
const told = async (...lines: readonly string[]): Promise<string> => {
  const reply: GuardReply = { code: GUARD_EXIT.failed, lines };
  const session = { guard: () => Promise.resolve(reply) } as Partial<HostSession> as HostSession;
  const ctx = {
    settings: { host: 'web1' },
    rows: { mark: () => undefined },
  } as unknown as TransactionContext;
  const asked = ask(ctx, session, 'activate', { tx: 't', deadlineMs: 1_000 });
  return asked.then(
    () => 'nothing went wrong',
    (thrown: unknown) => (thrown as Error).message,
  );
};

describe('what a guard says when it cannot go on', () => {
  test('begins with what could not be done, then why; chatter, warnings and repetitions are left out', async () => {
    expect(
      await told(
        'Selecting previously unselected package duo-unix.',
        'dpkg: error processing package duo-unix (--configure):',
        ' installed duo-unix package post-installation script subprocess returned error exit status 1',
        'Errors were encountered while processing:',
        ' duo-unix',
        'W: Some error that is a warning',
        'E: Sub-process /usr/bin/dpkg returned an error code (1)',
        'apt could not install the packages',
      ),
    ).toBe(
      'web1: apt could not install the packages (dpkg: error processing package duo-unix (--configure); ' +
        'installed duo-unix package post-installation script subprocess returned error exit status 1)',
    );
  });

  test('has no end of its own, since a sentence follows it', async () => {
    expect(await told('the module does not load: ignored.')).toBe('web1: the module does not load: ignored');
  });

  test('stays short however much the tools say', async () => {
    expect((await told(`E: ${'x'.repeat(4_000)}`, 'apt cannot get the packages')).length).toBeLessThan(600);
  });

  test('is put together in a moment, however long its lines are and whatever they end in', async () => {
    const lines = Array.from({ length: 2_000 }, () => `${'.'.repeat(16_000)}x`);
    expect((await told(...lines)).length).toBeLessThan(600);
  });

  test('a guard that says nothing is told as such', async () => {
    expect(await told('', ' ')).toBe('web1: activate failed and said nothing');
  });
});

describe('whoever holds a host', () => {
  test.each(['99999999999999999999', '-8640000000001', '1e300', 'Infinity', 'NaN', '\u001b[2J', ''])(
    'since a moment that is none (%j) is told all the same',
    (since) => {
      const owner = ownerOf([`since=${since}`, 'operator=ann@bastion', 'run=r1']);
      expect(busyMessage('web1', owner)).toMatch(
        /^web1 is held by ann@bastion since .+ \(run r1\); nothing was/,
      );
    },
  );
});
