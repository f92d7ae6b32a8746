import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const FILES_MAX = 64;
/** A whole Node is started, which takes its time on a busy machine. */
const TIMEOUT_MS = 60_000;

/** A process that has opened all the files that it may, and then dials. */
const OUT_OF_FILES = `
  const { openSync } = await import('node:fs');
  const { dialTcp } = await import('./src/remote/tcp-dial.ts');
  const { systemTimer, deadlineIn } = await import('./src/remote/timer.ts');
  const deadline = deadlineIn(systemTimer, 5000);
  try { for (;;) openSync('/dev/null'); } catch {}
  await dialTcp({ host: '127.0.0.1', port: 1, where: 'web1' }, deadline).catch(({ reason, message }) =>
    process.stdout.write(reason + ': ' + message));
`;

test(
  'a connection that this machine has no file descriptor for is not the host’s fault, and says what to do',
  () => {
    const words = ['--import', 'tsx', '--input-type=module', '--eval', OUT_OF_FILES];
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', `ulimit -n ${FILES_MAX}; exec node "$@"`, 'sh', ...words],
      {
        encoding: 'utf8',
        // A file of tsx's cache that is written beside this, and closed, would be a descriptor again.
        env: { ...process.env, TSX_DISABLE_CACHE: '1' },
      },
    );
    expect([stdout, stderr]).toEqual([
      'exit: web1 was not tried: it is this machine that has no file descriptor left: lower --forks, or raise the limit (ulimit -n) (EMFILE)',
      '',
    ]);
  },
  TIMEOUT_MS,
);
