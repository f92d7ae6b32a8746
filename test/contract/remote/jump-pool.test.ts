import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GuardCall, LoginAttempt } from '../../../src/core/remote.ts';
import { Secret } from '../../../src/core/secret.ts';
import type { JumpHost, Settings } from '../../../src/core/settings.ts';
import type { RemoteOptions } from '../../../src/remote/remote.ts';
import { jumpAt, localRemote } from '../../support/local-remote.ts';
import { startLocalSshd, type LocalSshd } from '../../support/local-sshd.ts';
import { countTurns } from '../../support/turn-counter.ts';

const DEADLINE = { deadlineMs: 60_000 };
const byKey: LoginAttempt = {
  title: 'a test',
  user: 'nosudo',
  factors: [{ kind: 'publickey', keys: 'connection' }],
  command: 'id -un',
  stdin: null,
  gate: 'candidate',
  network: 'live',
};

let gate: LocalSshd;
let target: LocalSshd;
beforeAll(async () => {
  // Its defaults, said aloud: ten sessions a connection, and no more than ten logins that are under way.
  gate = await startLocalSshd(['MaxSessions 10', 'MaxStartups 10:30:100']);
  target = await startLocalSshd(['MaxStartups 100:30:200']);
  await appendFile(join(gate.folder, 'authorized_keys'), await readFile(`${target.keyFile}.pub`));
});
afterAll(async () => {
  await gate.stop();
  await target.stop();
});

/** Both sshds are on file, whatever port they are reached by. */
const remoteFor = (changes: Partial<RemoteOptions> = {}, ports: readonly number[] = []) => {
  const lines = ports.map((port) => gate.knownHosts.replace(`:${gate.port} `, `:${port} `));
  const text = [gate.knownHosts, target.knownHosts, ...lines].join('');
  return localRemote(gate, {
    hostKeys: { mode: 'strict', sources: [{ file: 'known_hosts', text }], append: () => undefined },
    ...changes,
  });
};
const through = (...jumps: readonly JumpHost[]): Settings => target.settings({ jumps });
const accepted = async (sshd: LocalSshd): Promise<number> => countOf(await sshd.log(), 'Accepted publickey');
const countOf = (text: string, words: string): number => text.split(words).length - 1;
const GUARD = 'case $1 in status) echo here ;; claim) echo up; sleep 60 ;; esac\n';
const COMMAND = 'Starting session: command for nosudo';
const call = (operation: 'status' | 'claim', tx = 't1'): GuardCall => ({
  operation,
  tx,
  args: [],
  files: { 'guard.sh': Buffer.from(GUARD) },
  deadlineMs: 30_000,
});

describe('one connection to a jump host', () => {
  test('carries forty connections of many hosts, sessions and logins, each of them a login of its own at its host', async () => {
    const remote = remoteFor();
    const [atGate, atTarget] = [await accepted(gate), await accepted(target)];
    const settings = through(jumpAt(gate));
    const opened = await Promise.all(
      Array.from({ length: 20 }, async () => remote.connect(settings, DEADLINE)),
    );
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, async () => remote.login(settings, byKey, 60_000)),
    );
    expect(outcomes.map((outcome) => outcome.kind === 'in' && outcome.output)).toEqual(
      Array.from({ length: 20 }, () => 'nosudo\n'),
    );
    expect((await accepted(target)) - atTarget).toBe(40);
    expect((await accepted(gate)) - atGate).toBe(1);
    for (const session of opened) {
      expect((await session.guard(call('status'))).lines).toEqual(['here']);
      expect(session.sourceAddress).toBe('');
      session.close();
    }
    remote.close();
  });

  test('leads on to the next jump host, again by one login', async () => {
    const remote = remoteFor();
    const before = await accepted(gate);
    const settings = through(jumpAt(gate), jumpAt(gate, { user: 'nosudo' }));
    const opened = await Promise.all(
      Array.from({ length: 6 }, async () => remote.connect(settings, DEADLINE)),
    );
    expect((await accepted(gate)) - before).toBe(2);
    for (const session of opened) session.close();
    remote.close();
  });

  test('is joined by another where it is full, and replaced after a number of streams', async () => {
    const before = await accepted(gate);
    const crowd = remoteFor({ streamsMax: 2 });
    const settings = through(jumpAt(gate));
    const opened = await Promise.all(
      Array.from({ length: 5 }, async () => crowd.connect(settings, DEADLINE)),
    );
    expect((await accepted(gate)) - before).toBe(3);
    for (const session of opened) session.close();
    crowd.close();
    const shortLived = remoteFor({ streamsEverMax: 2 });
    for (let at = 0; at < 5; at += 1) {
      expect((await shortLived.login(settings, byKey, 30_000)).kind).toBe('in');
    }
    expect((await accepted(gate)) - before).toBe(3 + 3);
    shortLived.close();
  });

  test('has its room again after logins that were refused behind it', async () => {
    const remote = remoteFor({ streamsMax: 2 });
    const before = await accepted(gate);
    const wrong: LoginAttempt = {
      ...byKey,
      factors: [{ kind: 'password', password: new Secret('wrong') }],
    };
    for (let at = 0; at < 4; at += 1) {
      expect((await remote.login(through(jumpAt(gate)), wrong, 30_000)).kind).toBe('refused');
    }
    expect((await accepted(gate)) - before).toBe(1);
    remote.close();
  });

  test('that breaks is a lost link for all behind it, is made again, and concerns nobody else', async () => {
    const proxy = await countTurns({ host: '127.0.0.1', port: gate.port }, 0);
    const remote = remoteFor({}, [proxy.port]);
    const settings = through(jumpAt(gate, { port: proxy.port }));
    const [one, other, direct] = [
      await remote.connect(settings, DEADLINE),
      await remote.connect(settings, DEADLINE),
      await remote.connect(target.settings(), DEADLINE),
    ];
    await one.guard(call('status'));
    const commands = countOf(await target.log(), COMMAND);
    // Each a transaction of its own: one script must not be written while the other session runs it.
    const underWay = [one.guard(call('claim', 't1')), other.guard(call('claim', 't2'))];
    const ends = Promise.all(
      underWay.map(async (guard) =>
        guard.then(
          () => null,
          (error: unknown) => error,
        ),
      ),
    );
    const login = remote.login(settings, { ...byKey, command: 'sleep 60' }, 30_000);
    await waitFor(async () => countOf(await target.log(), COMMAND) > commands);
    proxy.cut();
    for (const end of await ends) {
      expect(end).toMatchObject({
        reason: 'link',
        message: expect.stringContaining('may have happened') as string,
      });
    }
    // Who had got in had got in; the command's end is not known.
    expect(await login).toMatchObject({ kind: 'in', exitCode: null });
    expect((await direct.guard(call('status'))).lines).toEqual(['here']);
    const again = await remote.connect(settings, DEADLINE);
    expect((await again.guard(call('status'))).lines).toEqual(['here']);
    for (const session of [one, other, direct, again]) session.close();
    remote.close();
    await proxy.close();
  });

  test('that goes while a login is tried leaves it unproven, never refused', async () => {
    const proxy = await countTurns({ host: '127.0.0.1', port: gate.port }, 150);
    const remote = remoteFor({}, [proxy.port]);
    const settings = through(jumpAt(gate, { port: proxy.port }));
    const session = await remote.connect(settings, DEADLINE);
    proxy.reset();
    const login = remote.login(
      settings,
      { ...byKey, factors: [{ kind: 'password', password: new Secret('wrong') }] },
      10_000,
    );
    // The stream, the banner, the key exchange: now the answer about the password is under way.
    await waitFor(async () => proxy.turns() >= 5);
    await proxy.close();
    expect((await login).kind).toBe('unproven');
    session.close();
    remote.close();
  });
});

describe('a jump host', () => {
  test('that refuses us is asked once for all hosts behind it, and is no answer about their logins', async () => {
    const remote = remoteFor();
    const before = countOf(await gate.log(), 'Failed publickey for root');
    const settings = through(jumpAt(gate, { user: 'root' }));
    const strange = {
      ...settings,
      connection: { ...settings.connection, privateKeyFile: join(gate.folder, 'stranger') },
    };
    const ends = await Promise.all(
      Array.from({ length: 5 }, async () =>
        remote.connect(strange, DEADLINE).catch((error: unknown) => error),
      ),
    );
    for (const end of ends)
      expect(end).toMatchObject({
        reason: 'auth',
        message: expect.stringContaining('jump host gate') as string,
      });
    expect((await remote.login(strange, byKey, 10_000)).kind).toBe('unproven');
    const refusals = async (): Promise<number> =>
      countOf(await gate.log(), 'Failed publickey for root') - before;
    await waitFor(async () => (await refusals()) > 0);
    expect(await refusals()).toBe(1);
    remote.close();
  });

  test('that forwards nothing is told so', async () => {
    const closed = await startLocalSshd(['AllowTcpForwarding no']);
    const text = closed.knownHosts + target.knownHosts;
    const remote = remoteFor({
      hostKeys: { mode: 'strict', sources: [{ file: 'known_hosts', text }], append: () => undefined },
    });
    await appendFile(join(closed.folder, 'authorized_keys'), await readFile(`${target.keyFile}.pub`));
    await expect(remote.connect(through(jumpAt(closed)), DEADLINE)).rejects.toMatchObject({
      reason: 'link',
      message: expect.stringContaining('AllowTcpForwarding') as string,
    });
    remote.close();
    await closed.stop();
  });

  test('is never given the password of a host behind it', async () => {
    const remote = remoteFor();
    const settings = through(jumpAt(gate, { user: 'nosudo' }));
    const noKey = {
      ...settings,
      connection: {
        ...settings.connection,
        privateKeyFile: null,
        password: { kind: 'env', text: 'X' } as const,
      },
    };
    const before = countOf(await gate.log(), 'password for nosudo');
    await expect(remote.connect(noKey, DEADLINE)).rejects.toMatchObject({ reason: 'auth' });
    expect(countOf(await gate.log(), 'password for nosudo')).toBe(before);
    remote.close();
  });
});

/** Looks again until it is so; the test's own time limit bounds it. */
const waitFor = async (isSo: () => Promise<boolean>): Promise<void> => {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 10));
};
