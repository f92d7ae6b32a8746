import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GuardCall, HostSession } from '../../../src/core/remote.ts';
import type { Settings } from '../../../src/core/settings.ts';
import { jumpAt, knownAt, localRemote } from '../../support/local-remote.ts';
import { startLocalSshd, type LocalSshd } from '../../support/local-sshd.ts';
import { countTurns } from '../../support/turn-counter.ts';

/** A guard that only shows how it was called. */
const GUARD = `
echo "called $*"
case $1 in
claim) echo '#mark task-started pam-sshd'; echo between; echo '#mark task-ended pam-sshd'; exit 75 ;;
lease) while read -r word rest; do case $word in renew) echo ok ;; revert) echo 'put back'; echo 'done 0' ;; esac; done ;;
esac
`;
const call = (changes: Partial<GuardCall> = {}): GuardCall => ({
  operation: 'status',
  tx: 't1',
  args: [],
  files: {},
  deadlineMs: 10_000,
  ...changes,
});
const claim = call({ operation: 'claim', args: ['a b'], files: { 'guard.sh': Buffer.from(GUARD) } });

let sshd: LocalSshd;
const sessions: HostSession[] = [];
beforeAll(async () => {
  sshd = await startLocalSshd();
});
afterAll(async () => {
  for (const session of sessions) session.close();
  await sshd.stop();
});
const open = async (
  connection: Partial<Settings['connection']> = {},
  remote = localRemote(sshd),
): Promise<HostSession> => {
  const session = await remote.connect(sshd.settings(connection), { deadlineMs: 10_000 });
  sessions.push(session);
  return session;
};
const failing = async (
  connection: Partial<Settings['connection']>,
  remote = localRemote(sshd),
  deadlineMs = 10_000,
) =>
  remote.connect(sshd.settings(connection), { deadlineMs }).then(
    () => expect.unreachable('it got in'),
    (error: unknown) => error,
  );

describe('a root session', () => {
  test('runs the guard as root with its files in place; marks come apart from lines', async () => {
    const session = await open();
    const marks: string[] = [];
    const reply = await session.guard({ ...claim, onMark: (mark) => marks.push(mark) });
    expect(reply).toEqual({ code: 75, lines: ['called claim t1 a b', 'between'] });
    expect(marks).toEqual(['task-started pam-sshd', 'task-ended pam-sshd']);
    expect(session.sourceAddress).toBe('127.0.0.1');
  });

  test('leaves no content of a file in any process’s words', async () => {
    const session = await open();
    const secret = 'skey = 0123456789-secret';
    const look =
      'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n" | grep -c 0123456789-secre[t]';
    const reply = await session.guard(
      call({
        operation: 'claim',
        tx: 't2',
        files: { 'new/1': Buffer.from(secret), 'guard.sh': Buffer.from(look) },
      }),
    );
    expect(reply.lines).toEqual(['0']);
    expect(await readFile(join(sshd.varLib, 'duo-fleet/tx/t2/in/new/1'), 'utf8')).toBe(secret);
  });

  test('is told apart from what a login shell’s profile writes', async () => {
    const session = await open({ user: 'noisy' });
    expect((await session.guard(claim)).lines).toEqual(['called claim t1 a b', 'between']);
    const lease = await session.holdLease({ tx: 't1', everyMs: 1_000, leaseS: 60 });
    lease.close();
  });

  test('needs no sudo where the login is root’s', async () => {
    const session = await open({ user: 'root', become: false });
    expect((await session.guard(claim)).code).toBe(75);
  });

  test('that sudo refuses is our own login refused, in sudo’s words', async () => {
    const session = await open({ user: 'nosudo' });
    await expect(session.guard(call())).rejects.toMatchObject({
      reason: 'auth',
      message: expect.stringMatching(/sudo -n gives no root shell on web1.*sudo: .*NOPASSWD/) as string,
    });
  });

  test('holds a lease on a channel of its own, over which a revert can be asked for too', async () => {
    const session = await open();
    await session.guard(claim);
    const lease = await session.holdLease({ tx: 't1', everyMs: 20, leaseS: 60 });
    expect(await lease.revert(5_000)).toEqual({ code: 0, lines: ['put back'] });
    lease.close();
  });

  test('that dies takes its open calls with it, and its lease says so', async () => {
    const session = await open();
    await session.guard(claim);
    const lease = await session.holdLease({ tx: 't1', everyMs: 1_000, leaseS: 60 });
    // The session's own sshd is the nearest ancestor of that name.
    const suicide = `
      p=$$
      until case $(cat /proc/$p/comm) in sshd*) true ;; *) false ;; esac; do p=$(cut -d ' ' -f 4 /proc/$p/stat); done
      kill -9 $p; sleep 60`;
    const files = { 'guard.sh': Buffer.from(suicide) };
    await expect(session.guard(call({ operation: 'claim', tx: 't3', files }))).rejects.toMatchObject({
      reason: 'link',
      message: expect.stringContaining('may have happened') as string,
    });
    expect(await lease.lost).toContain('web1');
  });
});

describe('the way to a session', () => {
  test('takes nine round trips from the first packet to the first answer, and one more for any number of pipelined calls', async () => {
    const proxy = await countTurns({ host: '127.0.0.1', port: sshd.port }, 40);
    const session = await open(
      { port: proxy.port },
      localRemote(sshd, { hostKeys: knownAt(sshd, proxy.port) }),
    );
    await session.guard(claim);
    // TCP's own handshake is not seen by the proxy: one more on a real line. The guard call stands for observe: one frame each.
    expect(1 + proxy.turns()).toBeLessThanOrEqual(9);
    proxy.reset();
    await Promise.all([1, 2, 3, 4, 5].map(async () => session.guard(call())));
    expect(proxy.turns()).toBe(1);
    await proxy.close();
  });

  test('that goes dead without a word ends as a timeout that leaves open what has happened', async () => {
    const proxy = await countTurns({ host: '127.0.0.1', port: sshd.port }, 0);
    const session = await open(
      { port: proxy.port },
      localRemote(sshd, { hostKeys: knownAt(sshd, proxy.port) }),
    );
    await session.guard(claim);
    proxy.freeze();
    await expect(session.guard(call({ deadlineMs: 200 }))).rejects.toMatchObject({
      reason: 'timeout',
      message: expect.stringContaining('may have happened') as string,
    });
    await proxy.close();
  });

  test('that is cut fails what was open as a lost link', async () => {
    const proxy = await countTurns({ host: '127.0.0.1', port: sshd.port }, 0);
    const session = await open(
      { port: proxy.port },
      localRemote(sshd, { hostKeys: knownAt(sshd, proxy.port) }),
    );
    await session.guard(claim);
    const reply = session.guard(call());
    const cut = expect(reply).rejects.toMatchObject({ reason: 'link' });
    proxy.cut();
    await cut;
    await proxy.close();
  });

  test('leads through jump hosts, each with its own host key check', async () => {
    const session = await open({ jumps: [jumpAt(sshd), jumpAt(sshd, { user: 'nosudo' })] });
    expect((await session.guard(claim)).code).toBe(75);
    expect(session.sourceAddress).toBe('');
    const blocked = await failing({ jumps: [jumpAt(sshd, { address: '::1' })] });
    expect(blocked).toMatchObject({ reason: 'link' });
  });

  test('through a jump host that is a stranger ends there', async () => {
    const other = await startLocalSshd();
    const failure = await failing({ jumps: [jumpAt(other)] });
    expect(failure).toMatchObject({
      reason: 'auth',
      message: expect.stringMatching(
        new RegExp(`^jump host gate .*host key of .* port ${other.port}`),
      ) as string,
    });
    await other.stop();
  });

  test.each([
    ['a stranger’s key', { privateKeyFile: '~/stranger' }, 'auth'],
    ['an encrypted key and no agent', { privateKeyFile: '~/locked' }, 'auth'],
    ['a key file that is not there', { privateKeyFile: '~/nothing' }, 'auth'],
    ['no key at all', { privateKeyFile: null }, 'auth'],
    ['a closed port', { port: 1 }, 'link'],
    ['a name without an address', { address: 'no-such-host.invalid' }, 'link'],
  ] as const)('is closed to %s', async (_what, connection, reason) => {
    expect(await failing(connection)).toMatchObject({ reason, beforeBanner: false });
  });

  test('is open to a password, where one is configured', async () => {
    const session = await open({
      user: 'nosudo',
      privateKeyFile: null,
      password: { kind: 'env', text: 'X' },
      become: false,
    });
    expect((await session.guard(call())).code).not.toBe(0);
  });

  test('is closed to a host that is not on file, or has another key on file', async () => {
    const strange = localRemote(sshd, {
      hostKeys: { mode: 'strict', sources: [{ file: 'kh', text: '' }], append: () => undefined },
    });
    expect(await failing({}, strange)).toMatchObject({
      reason: 'auth',
      message: expect.stringContaining('ssh-keyscan') as string,
    });
    const other = sshd.knownHosts.replace(
      /ssh-ed25519 .*/,
      (await readFile(join(sshd.folder, 'id.pub'), 'utf8')).trim(),
    );
    const changed = localRemote(sshd, {
      hostKeys: { mode: 'accept-new', sources: [{ file: 'kh', text: other }], append: () => undefined },
    });
    expect(await failing({}, changed)).toMatchObject({
      reason: 'auth',
      message: expect.stringContaining('NOT THE ONE ON FILE') as string,
    });
  });

  test('asks a host for the key type that is on file, not for the one it would rather show', async () => {
    const ecdsa = (await readFile(join(sshd.folder, 'host_ecdsa.pub'), 'utf8')).trim();
    const text = `[127.0.0.1]:${sshd.port} ${ecdsa}`;
    await open(
      {},
      localRemote(sshd, {
        hostKeys: { mode: 'strict', sources: [{ file: 'kh', text }], append: () => undefined },
      }),
    );
  });

  test('writes an unknown host’s key down in mode accept-new', async () => {
    const appended: string[] = [];
    await open(
      {},
      localRemote(sshd, {
        hostKeys: {
          mode: 'accept-new',
          sources: [{ file: 'kh', text: '' }],
          append: (line) => appended.push(line),
        },
      }),
    );
    expect(`${appended.join('\n')}\n`).toBe(sshd.knownHosts);
  });
});

const listen = async (
  onConnection: Parameters<typeof createServer>[1],
): Promise<{ server: Server; port: number }> => {
  const server = createServer(onConnection);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
};

describe('a server that hangs up before its banner', () => {
  test('is asked again, and said to have hung up', async () => {
    let connections = 0;
    const { server, port } = await listen((socket) => {
      connections += 1;
      socket.end('Exceeded MaxStartups\r\n');
    });
    const failure = await failing({ port }, localRemote(sshd), 2_000);
    expect(failure).toMatchObject({
      reason: 'link',
      beforeBanner: true,
      message: expect.stringContaining('Exceeded MaxStartups') as string,
    });
    expect(connections).toBeGreaterThan(1);
    server.close();
  });

  test('because too many connect at once (MaxStartups) lets all in by and by', async () => {
    const crowded = await startLocalSshd(['MaxStartups 2:100:2']);
    const remote = localRemote(crowded, { handshakesPerHopMax: 20, random: Math.random });
    const all = await Promise.all(
      Array.from({ length: 8 }, async () => remote.connect(crowded.settings(), { deadlineMs: 60_000 })),
    );
    expect(await crowded.log()).toContain('MaxStartups');
    for (const session of all) session.close();
    await crowded.stop();
  });

  test('or never says anything is a timeout', async () => {
    const { server, port } = await listen(() => undefined);
    expect(await failing({ port }, localRemote(sshd), 300)).toMatchObject({ reason: 'timeout' });
    server.close();
  });
});
