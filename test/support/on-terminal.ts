// A program on a terminal of its own (util-linux' script makes one), and somebody at it who answers what it asks.
import { spawn } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

/** What a program on a terminal came to. */
export interface TerminalRun {
  readonly code: number;
  /** All that was seen, without what moves the cursor. */
  readonly seen: string;
  /** How often each prompt was answered. */
  readonly answered: Readonly<Record<string, number>>;
}

/** Runs a shell's command; each time a prompt stands at the end of what is seen, its answer is typed. */
export const onTerminal = async (
  command: string,
  answers: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Promise<TerminalRun> => {
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    env: { ...process.env, TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const answered: Record<string, number> = {};
  let seen = '';
  let fresh = '';
  child.stdout.on('data', (bytes: Buffer) => {
    const text = stripVTControlCharacters(bytes.toString('utf8'));
    seen += text;
    fresh += text;
    for (const [prompt, answer] of Object.entries(answers)) {
      if (!fresh.trimEnd().endsWith(prompt)) continue;
      fresh = '';
      answered[prompt] = (answered[prompt] ?? 0) + 1;
      child.stdin.write(`${answer}\r`);
    }
  });
  const code = await new Promise<number>((resolve) => {
    child.once('close', (status) => resolve(status ?? -1));
  });
  return { code, seen, answered };
};
