// `ssh -G`: what OpenSSH's own client makes of its configuration for one host.
import { execFile } from 'node:child_process';
import type { SshQuestion } from '../core/ssh-answer.ts';

/** It reads files and connects to nobody; a `Match exec` of the operator's may take a while. */
const ANSWER_MS = 10_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

/** Its output, or why there is none; `absent`: there is no ssh here. */
export type SshReply =
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'failed'; readonly why: string }
  | { readonly kind: 'absent' };

/** @param config a file in place of the usual ones, or `none`; `null`: the usual ones */
export const askSsh = async (
  { host, user, port }: SshQuestion,
  config: string | null,
  env: Readonly<Record<string, string | undefined>>,
): Promise<SshReply> => {
  const words = [
    '-G',
    ...(config === null ? [] : ['-F', config]),
    ...(user === null ? [] : ['-l', user]),
    ...(port === null ? [] : ['-p', String(port)]),
    '--',
    host,
  ];
  return new Promise((resolve) => {
    const child = execFile(
      'ssh',
      words,
      { timeout: ANSWER_MS, maxBuffer: ANSWER_BYTES_MAX, env },
      (error, stdout, stderr) => {
        if (error === null) resolve({ kind: 'answer', text: stdout });
        else if (error.code === 'ENOENT') resolve({ kind: 'absent' });
        else if (error.killed === true)
          resolve({ kind: 'failed', why: `it did not answer within ${ANSWER_MS / 1000} s` });
        else resolve({ kind: 'failed', why: stderr.trim() === '' ? error.message : stderr });
      },
    );
    child.stdin?.end();
  });
};
