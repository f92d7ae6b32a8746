import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { afterEach, describe, expect, test } from 'vitest';
import { GUARD_EXIT } from '../../../src/core/remote.ts';
import { guardFrame } from '../../../src/remote/guard-frame.ts';
import { OUTPUT_BYTES_MAX, RootChannel } from '../../../src/remote/root-channel.ts';
import { shellCommand } from '../../../src/remote/shell-quote.ts';
import { deadlineIn, systemTimer } from '../../../src/remote/timer.ts';

const started: ChildProcess[] = [];
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});

const channelTo = (argv: readonly string[]) => {
  const child = spawn(argv[0] ?? '/bin/sh', argv.slice(1), { stdio: 'pipe' });
  started.push(child);
  child.stdin.on('error', () => undefined);
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  // A killed shell closes its pipes in the middle; `closed` tells it.
  stream.on('error', () => undefined);
  const root = new RootChannel(
    {
      stream,
      stderr: child.stderr,
      closed: new Promise((resolve) => {
        child.on('close', (code) => resolve(code));
      }),
      close: () => child.kill('SIGKILL'),
    },
    { host: 'web1', nonce: 'f'.repeat(32), become: true, lost: new Promise(() => undefined) },
  );
  const run = async (body: string, ms = 10_000) => root.run(body, { deadline: deadlineIn(systemTimer, ms) });
  const said = async (body: string): Promise<string> =>
    Buffer.from((await run(body)).output).toString('latin1');
  return { root, run, said, child };
};

const SHELLS = [['/bin/dash'], ['/bin/bash', '--posix'], ['/bin/busybox', 'sh']].filter(([path]) =>
  existsSync(path ?? ''),
);

describe.each(SHELLS)('commands over one shell: %s', (...shell) => {
  test('each comes back with its own status, output and stderr, sent all at once', async () => {
    const { run } = channelTo(shell);
    const results = await Promise.all(
      [0, 1, 2, 3, 4, 5].map(async (n) => run(`echo out${n}; echo err${n} >&2; exit ${n}`)),
    );
    for (const [n, result] of results.entries()) {
      expect(result.status).toBe(n);
      expect(Buffer.from(result.output).toString()).toBe(`out${n}\n`);
      expect(result.stderr).toBe(`err${n}\n`);
    }
  });

  test.each([
    ['a syntax error', 'if then fi ('],
    ['an open quote', `echo "abc 'def`],
    ['an open here-document', 'cat <<EOF\nabc'],
    ['an exit', 'exit 3'],
    ['a read of stdin', 'cat; read -r line; head -c 100'],
    ['another folder and mask', 'cd /tmp; umask 000; set -eu; trap "echo no" EXIT; exec 1>&- 2>&-'],
    ['an exec', 'exec /bin/true'],
    ['a comment at the end', 'echo x # comment'],
    ['a backslash at the end', 'echo x \\'],
    ['a closing parenthesis', 'echo x )'],
    ['a kill of its own subshell', `sh -c 'kill -9 $PPID'; true`],
  ])('%s does not reach the next command', async (_what, body) => {
    const { run, said } = channelTo(shell);
    const first = run(body).catch(() => null);
    const next = said('pwd; umask; echo "$-"; echo still here');
    await first;
    expect(await next).toMatch(/^\/\n0?077\n[^e]*\nstill here\n$/);
  });

  test('bytes of every value come back as they are', async () => {
    const { said } = channelTo(shell);
    const octal = Array.from(
      { length: 256 },
      (_unused, value) => `\\${value.toString(8).padStart(3, '0')}`,
    ).join('');
    const expected = Buffer.from(Array.from({ length: 256 }, (_unused, value) => value)).toString('latin1');
    expect(await said(`printf '${octal}'`)).toBe(expected);
  });

  test('quoted words reach a program unchanged', async () => {
    const { said } = channelTo(shell);
    const words = [
      '',
      ' ',
      "it's",
      '"',
      '$HOME',
      '`id`',
      '$(id)',
      '\\',
      'a\nb',
      '*',
      '~',
      '-n',
      '!',
      '#x',
      'ä',
      "'''",
      '\t',
      ';',
      '&&',
      '|',
      '>x',
      '{a,b}',
    ];
    expect(await said(shellCommand(['printf', '<%s>', ...words]))).toBe(
      Buffer.from(words.map((word) => `<${word}>`).join('')).toString('latin1'),
    );
  });

  test('too much output fails its command and no other', async () => {
    const { run, said } = channelTo(shell);
    const tooMuch = expect(run(`head -c ${OUTPUT_BYTES_MAX + 1} /dev/zero`, 60_000)).rejects.toMatchObject({
      reason: 'exit',
    });
    expect(await said('echo fine')).toBe('fine\n');
    await tooMuch;
  });

  test('a large command arrives whole', async () => {
    const { said } = channelTo(shell);
    const text = 'x'.repeat(1_000_000);
    expect((await said(`printf %s ${text} | wc -c`)).trim()).toBe('1000000');
  });

  test('a shell that is killed fails every open command as a lost link', async () => {
    const { run, said, child } = channelTo(shell);
    await said('true');
    const open = [run('sleep 1'), run('true')].map(async (result) => result.catch((error: unknown) => error));
    child.kill('SIGKILL');
    for (const result of open) expect(await result).toMatchObject({ reason: 'link' });
    await expect(run('true')).rejects.toMatchObject({ reason: 'link' });
  });

  test('a command that takes too long is a timeout, and the next one still gets its own answer', async () => {
    const { run, said } = channelTo(shell);
    await expect(run('sleep 0.3; echo late', 50)).rejects.toMatchObject({ reason: 'timeout' });
    expect(await said('echo mine')).toBe('mine\n');
  });

  test('a guard’s files are there, private and whole, when it runs', async () => {
    const { said } = channelTo(shell);
    const home = await mkdtemp(join(tmpdir(), 'duo-fleet-guard-'));
    const content = Buffer.from(Array.from({ length: 5_000 }, (_unused, at) => (at * 7) % 256));
    const frame = guardFrame({
      operation: 'claim',
      tx: 't1',
      args: ["it's"],
      files: {
        'guard.sh': Buffer.from('echo "$@"; exit 9'),
        'new/3': content,
        'pkg/a/b': new Uint8Array(),
      },
    }).replaceAll('/var/lib/duo-fleet', home);
    const lines = (
      await said(`${frame}; echo "status $?"; cd '${home}'; find . -printf '%m %y %p\\n' | sort`)
    ).split('\n');
    expect(lines.slice(0, 2)).toEqual(["claim t1 it's", 'status 9']);
    expect(lines.slice(2).filter((line) => !/^(700 d|600 f) /.test(line))).toEqual(['']);
    expect(await readFile(join(home, 'tx/t1/in/new/3'))).toEqual(content);
    await rm(home, { recursive: true });
  });

  test('a transaction that has ended is answered for by the host’s newest guard, where it has one', async () => {
    const { run } = channelTo(shell);
    const home = await mkdtemp(join(tmpdir(), 'duo-fleet-guard-'));
    const ask = async (operation: 'status' | 'activate') => {
      const frame = guardFrame({ operation, tx: 't1', args: ['x'], files: {} });
      const { status, output } = await run(frame.replaceAll('/var/lib/duo-fleet', home));
      return { status, said: Buffer.from(output).toString() };
    };
    expect((await ask('status')).status).toBe(GUARD_EXIT.absent);
    await writeFile(join(home, 'guard.sh'), 'echo "newest $*"');
    expect(await ask('status')).toEqual({ status: 0, said: 'newest status t1 x\n' });
    expect((await ask('activate')).status).toBe(GUARD_EXIT.absent);
    await rm(home, { recursive: true });
  });

  test('a file that cannot be written keeps the guard from running', async () => {
    const { run } = channelTo(shell);
    const frame = guardFrame({
      operation: 'claim',
      tx: 't1',
      args: [],
      files: { 'guard.sh': Buffer.from('echo ran'), 'new/1': Buffer.alloc(9_000) },
    });
    for (const home of ['/proc/nowhere', '/dev/full']) {
      const result = await run(frame.replaceAll('/var/lib/duo-fleet', home));
      expect(result.status).toBe(1);
      expect(Buffer.from(result.output).toString()).toMatch(/cannot write .*: nothing was run/);
      expect(Buffer.from(result.output).toString()).not.toContain('ran\n');
    }
  });
});

describe('a root shell that never was', () => {
  test('is a refusal, with the words of whoever refused', async () => {
    const { run } = channelTo([
      '/bin/sh',
      '-c',
      'echo welcome; echo "sudo: a password is required" >&2; exit 1',
    ]);
    await expect(run('true')).rejects.toMatchObject({
      reason: 'auth',
      message: expect.stringContaining('sudo: a password is required') as string,
    });
  });

  test('is a lost link when it did not end by itself', async () => {
    const { run, child } = channelTo(['/bin/sleep', '60']);
    const open = run('true').catch((error: unknown) => error);
    child.kill('SIGKILL');
    expect(await open).toMatchObject({ reason: 'link' });
  });
});
