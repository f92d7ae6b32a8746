// What the real libpam of this machine, or of another system's root folder, says of stacks.
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { PAM_CODES, type PamCode } from '../../src/auth/pam-code.ts';
import type { PamCall } from '../../src/auth/pam-situation.ts';
import type { PamScene } from './pam-random.ts';

/** A scene, and who stands before it: nobody, with nothing to type, where that is not said. */
export interface LibpamQuestion extends PamScene {
  readonly user?: string;
  /** What is typed wherever something is asked for; `null`: nothing can be. */
  readonly password?: string | null;
}

/** The codes by our names of the calls; where libpam cannot even start, PAM_ABORT. */
export type LibpamSays = Readonly<Record<PamCall, PamCode>>;

/** Whether this machine can be asked: root, mount namespaces, and a Python that reaches libpam. */
export const canAskLibpam = (): boolean =>
  spawnSync('unshare', ['-m', 'python3', '-c', "import ctypes; ctypes.CDLL('libpam.so.0')"]).status === 0;

/**
 * Asks in a mount namespace, with a folder of its own over /etc/pam.d. `root` is '' or another root folder with python3;
 * `prepare` is shell that runs in the namespace before, with the root folder as $1.
 */
export const askLibpam = async (
  questions: readonly LibpamQuestion[],
  options: { readonly root?: string; readonly prepare?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<readonly LibpamSays[]> => {
  const { root = '', prepare = ':', env = {} } = options;
  const program = readFileSync(new URL('pam-ask.py', import.meta.url), 'utf8');
  const script = `set -e\nmount -t tmpfs none "$1/etc/pam.d"\n${prepare}\nexec chroot "$1/" python3 -c "$2"`;
  const child = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', root, program], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const said: LibpamSays[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => said.push(answerIn(line)));
  // A libpam that has crashed does not read on: told below.
  child.stdin.on('error', () => undefined);
  for (const question of questions) child.stdin.write(`${JSON.stringify(question)}\n`);
  child.stdin.end();
  const status = await ended;
  if (status !== 0 || said.length !== questions.length) {
    throw new Error(
      `libpam was asked about ${questions.length} stacks and answered ${said.length} (${status}); the next one: ` +
        JSON.stringify(questions[said.length]),
    );
  }
  return said;
};

const NAMES = Object.keys(PAM_CODES) as readonly PamCode[];

const answerIn = (line: string): LibpamSays => {
  const answer = JSON.parse(line) as Record<string, number | null>;
  const code = (key: string): PamCode => NAMES[answer[key] ?? PAM_CODES.PAM_ABORT] ?? 'PAM_ABORT';
  return {
    authenticate: code('authenticate'),
    setcred: code('setcred'),
    'setcred-alone': code('alone'),
    acct_mgmt: code('account'),
  };
};
