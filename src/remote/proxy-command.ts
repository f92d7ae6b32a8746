// A connection made by a program: ssh_config's ProxyCommand.
import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import { Tail } from './exec-channel.ts';

const STDERR_BYTES_MAX = 4 * 1024;

/**
 * Starts the command as ssh does, by the shell (sshconnect.c, ssh_proxy_connect); its standard input and output are the
 * connection. It has no terminal: an ssh in it that wants to ask something fails, and says so on its standard error.
 * What it said last is the end's error.
 * @param options.env the program's environment
 */
export const proxyStream = (
  command: string,
  where: string,
  options: { readonly env: Readonly<Record<string, string | undefined>> },
): Duplex => {
  const child = spawn('/bin/sh', ['-c', `exec ${command}`], {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A session of its own: no terminal to ask on, and Ctrl-C is ours to answer, not the connection's.
    detached: true,
    env: { ...options.env, SSH_ASKPASS_REQUIRE: 'never' },
  });
  const words = new Tail(STDERR_BYTES_MAX);
  child.stderr.on('data', (bytes: Uint8Array) => words.add(bytes));
  // Writing to a program that has ended is no news: its end is told below.
  child.stdin.on('error', () => undefined);
  const stream = new Duplex({
    read: () => void child.stdout.resume(),
    write: (chunk: Uint8Array, _encoding, done) => void child.stdin.write(chunk, () => done()),
    final: (done) => void child.stdin.end(() => done()),
    destroy: (error, done) => {
      child.kill('SIGTERM');
      done(error);
    },
  });
  child.stdout.on('data', (bytes: Uint8Array) => {
    if (!stream.push(bytes)) child.stdout.pause();
  });
  stream.on('error', () => undefined);
  const ended = (how: string): void => {
    const said = printable(words.text);
    const failure = `the ProxyCommand to ${where} ${how}${said === '' ? '' : `: ${said}`}`;
    stream.destroy(new Failure('link', failure));
  };
  child.once('error', (error: NodeJS.ErrnoException) => ended(`cannot be started (${error.code ?? ''})`));
  // Not its output's end: what it said on its standard error comes with its own.
  child.once('close', (status, signal) => ended(`ended with ${signal ?? `status ${status}`}`));
  return stream;
};
