import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/core/secret.ts';
import type { AskOperator, Question } from '../../../src/remote/asker.ts';
import { jumpAt, localRemote } from '../../support/local-remote.ts';
import { LOCAL_PASSWORD, startLocalSshd, type LocalSshd } from '../../support/local-sshd.ts';

const run = promisify(execFile);
const DEADLINE = { deadlineMs: 30_000 };

let plain: LocalSshd;
let twoFactors: LocalSshd;
let answersOnly: LocalSshd;
beforeAll(async () => {
  plain = await startLocalSshd();
  twoFactors = await startLocalSshd(['AuthenticationMethods publickey,keyboard-interactive']);
  answersOnly = await startLocalSshd(['AuthenticationMethods keyboard-interactive']);
});
afterAll(async () => {
  for (const sshd of [plain, twoFactors, answersOnly]) await sshd.stop();
});

/** An operator who answers what is asked, in this order, and then no more. */
const operator = (
  ...answers: readonly string[]
): { readonly ask: AskOperator; readonly asked: Question[] } => {
  const asked: Question[] = [];
  return {
    asked,
    ask: async (question) => {
      asked.push(question);
      const answer = answers[asked.length - 1];
      return answer === undefined ? null : new Secret(answer);
    },
  };
};
const remoteOf = (sshds: readonly LocalSshd[], ask: AskOperator | null, agentSocket: string | null = null) =>
  localRemote(plain, {
    ask,
    agentSocket,
    home: '/nonexistent',
    hostKeys: {
      mode: 'strict',
      sources: [{ file: 'known_hosts', text: sshds.map(({ knownHosts }) => knownHosts).join('') }],
      append: () => undefined,
    },
  });

describe('a key with a passphrase', () => {
  test('is asked for before the run, once for all hosts', async () => {
    const { ask, asked } = operator('wrong', 'a passphrase');
    const remote = remoteOf([plain], ask);
    const settings = plain.settings({ privateKeyFile: join(plain.folder, 'locked') });
    await remote.prepare([settings, settings]);
    expect(asked.map(({ prompt, echo, isMidRun }) => [prompt, echo, isMidRun])).toEqual([
      [`Passphrase for the key ${plain.folder}/locked: `, false, false],
      [`Passphrase for the key ${plain.folder}/locked: `, false, false],
    ]);
    for (let at = 0; at < 3; at += 1) (await remote.connect(settings, DEADLINE)).close();
    expect(asked).toHaveLength(2);
  });

  test('that nobody gives is our own lack, with what to do', async () => {
    const { ask } = operator();
    const settings = plain.settings({ privateKeyFile: join(plain.folder, 'locked') });
    await expect(remoteOf([plain], ask).connect(settings, DEADLINE)).rejects.toMatchObject({
      reason: 'auth',
      message: expect.stringContaining(`ssh-add ${plain.folder}/locked`) as string,
    });
  });
});

describe('a server that asks questions', () => {
  test('as a jump host is answered by the operator once, before the run, for all hosts behind it', async () => {
    const { ask, asked } = operator(LOCAL_PASSWORD);
    const remote = remoteOf([plain, answersOnly], ask);
    const settings = plain.settings({ jumps: [jumpAt(answersOnly)] });
    await remote.prepare([settings, settings]);
    const sessions = await Promise.all([1, 2, 3, 4].map(async () => remote.connect(settings, DEADLINE)));
    expect(asked.map(({ lines, prompt, echo }) => [lines, prompt, echo])).toEqual([
      [[`jump host gate (127.0.0.1 port ${answersOnly.port}) asks auto:`], 'Password: ', false],
    ]);
    for (const session of sessions) session.close();
    remote.close();
  });

  test('after a key that it took is answered; where no key was taken nobody is asked for the account’s password', async () => {
    const { ask, asked } = operator(LOCAL_PASSWORD);
    const remote = remoteOf([plain, twoFactors], ask);
    (await remote.connect(twoFactors.settings({ user: 'auto' }), DEADLINE)).close();
    expect(asked).toHaveLength(1);
    const strange = plain.settings({ privateKeyFile: join(plain.folder, 'stranger') });
    await expect(remote.connect(strange, DEADLINE)).rejects.toMatchObject({ reason: 'auth' });
    expect(asked).toHaveLength(1);
  });

  test('is not answered where it let us in without before: what was unattended has to stay so', async () => {
    const host = await startLocalSshd();
    const { ask, asked } = operator(LOCAL_PASSWORD);
    const remote = remoteOf([host], ask);
    (await remote.connect(host.settings(), DEADLINE)).close();
    await host.reconfigure(['AuthenticationMethods publickey,keyboard-interactive']);
    await expect(remote.connect(host.settings(), DEADLINE)).rejects.toMatchObject({ reason: 'auth' });
    expect(asked).toEqual([]);
    await host.stop();
  });

  test('is not answered for more than five hosts of a run', async () => {
    const more = ['AuthenticationMethods publickey,keyboard-interactive'];
    const servers = [
      twoFactors,
      ...(await Promise.all(Array.from({ length: 5 }, async () => startLocalSshd(more)))),
    ];
    const { ask, asked } = operator(...Array.from({ length: 20 }, () => LOCAL_PASSWORD));
    const remote = remoteOf(servers, ask);
    for (const sshd of servers.slice(0, 5)) (await remote.connect(sshd.settings(), DEADLINE)).close();
    // One of the five, again.
    (await remote.connect(twoFactors.settings(), DEADLINE)).close();
    expect(asked).toHaveLength(6);
    const sixth = servers[5];
    if (sixth === undefined) throw new Error('too few servers');
    await expect(remote.connect(sixth.settings(), DEADLINE)).rejects.toThrow(
      /5 hosts of this run have asked already/,
    );
    expect(asked).toHaveLength(6);
    for (const sshd of servers.slice(1)) await sshd.stop();
  });

  test('without anybody to answer is told so', async () => {
    const settings = plain.settings({ jumps: [jumpAt(answersOnly)] });
    await expect(remoteOf([plain, answersOnly], null).connect(settings, DEADLINE)).rejects.toMatchObject({
      reason: 'auth',
      message: expect.stringMatching(/jump host gate .*run this on a terminal/) as string,
    });
  });
});

describe('what ssh2 cannot', () => {
  test('a server that takes post-quantum key exchange only is said to be one', async () => {
    const modern = await startLocalSshd(['KexAlgorithms sntrup761x25519-sha512@openssh.com']);
    await expect(remoteOf([modern], null).connect(modern.settings(), DEADLINE)).rejects.toMatchObject({
      reason: 'auth',
      message: expect.stringMatching(/post-quantum key exchange only \(sntrup761x25519/) as string,
    });
    await modern.stop();
  });

  test('a host that is on file by a certificate authority alone is said to be so', async () => {
    const ca = plain.knownHosts.replace(/^\S+/, '@cert-authority *');
    const remote = localRemote(plain, {
      hostKeys: { mode: 'strict', sources: [{ file: 'kh', text: ca }], append: () => undefined },
    });
    await expect(remote.connect(plain.settings(), DEADLINE)).rejects.toThrow(
      /kh:1 vouches for it by a certificate authority/,
    );
  });

  describe('an agent', () => {
    let socket = '';
    let agent: ChildProcess | undefined;
    beforeAll(async () => {
      socket = join(plain.folder, 'agent2');
      const spawned = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
      agent = spawned;
      await new Promise((resolve) => {
        spawned.stdout.once('data', resolve);
      });
      const folder = plain.folder;
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, 'ca')]);
      await run('ssh-keygen', [
        '-q',
        '-t',
        'ed25519',
        '-N',
        '',
        '-C',
        'signed',
        '-f',
        join(folder, 'signed'),
      ]);
      await run('ssh-keygen', [
        '-q',
        '-s',
        join(folder, 'ca'),
        '-I',
        'x',
        '-n',
        'auto',
        join(folder, 'signed.pub'),
      ]);
      await run('ssh-add', ['-q', join(folder, 'signed')], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
      });
    });
    afterAll(() => {
      agent?.kill();
    });

    test('that holds a certificate has its plain key tried, and the refusal names the certificate', async () => {
      const settings = plain.settings({ privateKeyFile: null });
      await expect(remoteOf([plain], null, socket).connect(settings, DEADLINE)).rejects.toThrow(
        /with the agent's keys.*the agent's key "signed" is an OpenSSH certificate \(ssh-ed25519-cert-v01@openssh\.com\)/,
      );
    });

    test('of which a public key’s file chooses one signs with that one', async () => {
      const id = await readFile(join(plain.folder, 'id'));
      await writeFile(join(plain.folder, 'chosen'), id, { mode: 0o600 });
      await run('ssh-add', ['-q', join(plain.folder, 'chosen')], {
        env: { ...process.env, SSH_AUTH_SOCK: socket },
      });
      const settings = plain.settings({ privateKeyFile: join(plain.folder, 'id.pub') });
      (await remoteOf([plain], null, socket).connect(settings, DEADLINE)).close();
    });
  });
});
