import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostSession, LoginAttempt, LoginFactor } from '../../../src/core/remote.ts';
import { Secret } from '../../../src/core/secret.ts';
import { knownAt, localRemote } from '../../support/local-remote.ts';
import { LOCAL_PASSWORD, startLocalSshd, type LocalSshd } from '../../support/local-sshd.ts';
import { countTurns } from '../../support/turn-counter.ts';

const run = promisify(execFile);
const right = new Secret(LOCAL_PASSWORD);
const wrong = new Secret('wrong');
const byKey: LoginFactor = { kind: 'publickey', keys: 'connection' };
const byPassword = (password: Secret): LoginFactor => ({ kind: 'password', password });
const byAnswer = (answer: Secret | null): LoginFactor => ({ kind: 'keyboard-interactive', answer });
const attempt = (factors: readonly LoginFactor[], changes: Partial<LoginAttempt> = {}): LoginAttempt => ({
  title: 'a test',
  user: 'nosudo',
  factors,
  command: null,
  stdin: null,
  gate: 'candidate',
  network: 'live',
  ...changes,
});

/** A guard whose rehearsal is an sshd by the configuration named like the gate. */
const guard = (folder: string): string => `
case $1:$3 in
rehearse:candidate) exec /usr/sbin/sshd -i -f ${folder}/candidate ;;
rehearse:pam-only) echo 'fenced: reverted' >&2; exit 76 ;;
esac
`;
/** @param keys where the key lies that the session was opened with: it is the operator's in the rehearsal too */
const common = (folder: string, keys: string): readonly string[] => [
  `HostKey ${folder}/host_ecdsa`,
  `AuthorizedKeysFile ${keys}/authorized_keys`,
  'StrictModes no',
  'UsePAM yes',
  'KbdInteractiveAuthentication yes',
];

/** The same login, over a new connection and through a rehearsed sshd. */
const WAYS = ['login', 'rehearse'] as const;

describe.each([
  ['as it comes', [], 'refused'],
  ['with a key and answers wanted', ['AuthenticationMethods publickey,keyboard-interactive'], 'refused'],
  ['that takes one try', ['MaxAuthTries 1'], 'unproven'],
] as const)('an sshd %s', (_what, config, overNetwork) => {
  let sshd: LocalSshd;
  let session: HostSession;
  beforeAll(async () => {
    sshd = await startLocalSshd(config);
    // Root's way in stays plain: the session is the means here, not the matter.
    const means = await startLocalSshd();
    const candidate = [...config, ...common(sshd.folder, means.folder), ''];
    await writeFile(join(sshd.folder, 'candidate'), candidate.join('\n'));
    session = await localRemote(means).connect(means.settings(), { deadlineMs: 10_000 });
    await session.guard({
      operation: 'status',
      tx: 't1',
      args: [],
      files: { 'guard.sh': Buffer.from(guard(sshd.folder)) },
      deadlineMs: 10_000,
    });
    stops.push(async () => {
      session.close();
      await means.stop();
      await sshd.stop();
    });
  });
  const stops: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const stop of stops) await stop();
  });
  const go = async (way: (typeof WAYS)[number], tried: LoginAttempt) =>
    way === 'login'
      ? localRemote(sshd).login(sshd.settings(), tried, 20_000)
      : session.rehearse('t1', tried, 20_000);

  test.each(WAYS)('refuses wrong and empty passwords: %s', async (way) => {
    for (const password of [wrong, new Secret('')]) {
      const outcome = await go(way, attempt([byPassword(password), byAnswer(password)]));
      // A server that hangs up after one try was not asked the rest; a rehearsal asks another one.
      expect(outcome.kind).toBe(way === 'login' ? overNetwork : 'refused');
    }
  });

  test.each(WAYS)('lets in who has all it wants, and runs a command: %s', async (way) => {
    const twoFactors = config[0]?.startsWith('Auth') === true;
    const outcome = await go(
      way,
      attempt(twoFactors ? [byKey, byAnswer(right)] : [byAnswer(right)], { command: 'id -un; exit 3' }),
    );
    expect(outcome).toEqual({
      kind: 'in',
      exitCode: 3,
      output: 'nosudo\n',
      prompts: [expect.stringMatching(/^Password:/) as string],
    });
  });

  test.each(WAYS)(
    'does not take a right key with a wrong answer for in where both are wanted: %s',
    async (way) => {
      const outcome = await go(way, attempt([byKey, byAnswer(wrong)]));
      expect(outcome.kind).toBe(config[0]?.startsWith('Auth') === true ? 'refused' : 'in');
    },
  );
});

describe('a login that could not be judged', () => {
  let sshd: LocalSshd;
  beforeAll(async () => {
    sshd = await startLocalSshd();
  });
  afterAll(async () => sshd.stop());

  test('since the rehearsal did not start is unproven, in the guard’s words', async () => {
    const session = await localRemote(sshd).connect(sshd.settings(), { deadlineMs: 10_000 });
    await session.guard({
      operation: 'status',
      tx: 't1',
      args: [],
      files: { 'guard.sh': Buffer.from(guard(sshd.folder)) },
      deadlineMs: 10_000,
    });
    const outcome = await session.rehearse('t1', attempt([byPassword(wrong)], { gate: 'pam-only' }), 10_000);
    expect(outcome).toEqual({
      kind: 'unproven',
      message: expect.stringContaining('status 76); it said: fenced: reverted') as string,
    });
    session.close();
  });

  test('since nobody answers, or the host is a stranger, is unproven', async () => {
    const dead = await localRemote(sshd).login(
      sshd.settings({ port: 1 }),
      attempt([byPassword(wrong)]),
      5_000,
    );
    expect(dead.kind).toBe('unproven');
    const hostKeys = {
      mode: 'strict',
      sources: [{ file: 'kh', text: '' }],
      append: () => undefined,
    } as const;
    const strange = await localRemote(sshd, { hostKeys }).login(
      sshd.settings(),
      attempt([byPassword(wrong)]),
      5_000,
    );
    expect(strange.kind).toBe('unproven');
  });

  test('in time is unproven', async () => {
    const proxy = await countTurns({ host: '127.0.0.1', port: sshd.port }, 300);
    const remote = localRemote(sshd, { hostKeys: knownAt(sshd, proxy.port) });
    const late = await remote.login(sshd.settings({ port: proxy.port }), attempt([byPassword(wrong)]), 2_100);
    // So far that the password was on its way.
    expect(proxy.turns()).toBeGreaterThanOrEqual(4);
    expect(late.kind).toBe('unproven');
    await proxy.close();
  });

  test('since it ran a command that did not end is still in: who got in got in', async () => {
    const outcome = await localRemote(sshd).login(
      sshd.settings(),
      attempt([byKey], { command: 'echo started; sleep 60' }),
      1_500,
    );
    expect(outcome).toMatchObject({
      kind: 'in',
      exitCode: null,
      output: expect.stringContaining('started') as string,
    });
  });
});

describe('the operator’s agent', () => {
  let sshd: LocalSshd;
  let socket = '';
  let agent: ChildProcess | undefined;
  beforeAll(async () => {
    sshd = await startLocalSshd();
    socket = join(sshd.folder, 'agent');
    const spawned = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    agent = spawned;
    await new Promise((resolve) => {
      spawned.stdout.once('data', resolve);
    });
    const askpass = join(sshd.folder, 'askpass');
    await writeFile(askpass, "#!/bin/sh\necho 'a passphrase'\n", { mode: 0o755 });
    const env = { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' };
    for (const key of ['stranger', 'locked']) await run('ssh-add', [join(sshd.folder, key)], { env });
  });
  afterAll(async () => {
    agent?.kill();
    await sshd.stop();
  });

  test('lets us in with any of its keys', async () => {
    const session = await localRemote(sshd, { agentSocket: socket }).connect(
      sshd.settings({ privateKeyFile: null }),
      { deadlineMs: 10_000 },
    );
    session.close();
  });

  test('stands in for a configured key file that is encrypted, and offers that key alone', async () => {
    const before = (await sshd.log()).length;
    const session = await localRemote(sshd, { agentSocket: socket }).connect(
      sshd.settings({ privateKeyFile: '~/locked' }),
      { deadlineMs: 10_000 },
    );
    session.close();
    expect((await sshd.log()).slice(before)).not.toContain('Failed publickey');
  });

  test('without the key that is wanted is no refusal but our own lack', async () => {
    await run('ssh-add', ['-D'], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    const remote = localRemote(sshd, { agentSocket: socket });
    await expect(
      remote.connect(sshd.settings({ privateKeyFile: '~/locked' }), { deadlineMs: 10_000 }),
    ).rejects.toMatchObject({
      reason: 'auth',
      message: expect.stringContaining('ssh-add') as string,
    });
    expect(
      (await remote.login(sshd.settings({ privateKeyFile: '~/locked' }), attempt([byKey]), 10_000)).kind,
    ).toBe('unproven');
  });

  test('that is gone is said so', async () => {
    const remote = localRemote(sshd, { agentSocket: '/nonexistent' });
    await expect(
      remote.connect(sshd.settings({ privateKeyFile: null }), { deadlineMs: 10_000 }),
    ).rejects.toMatchObject({
      reason: 'auth',
      message: expect.stringContaining('agent') as string,
    });
  });
});
