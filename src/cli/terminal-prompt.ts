// One question on the terminal itself, past whatever draws on stdout.
import { closeSync, openSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { ReadStream } from 'node:tty';
import type { TerminalQuestion } from './surroundings.ts';

const TERMINAL = '/dev/tty';
/** No passphrase and no passcode is longer. */
const ANSWER_CHARS_MAX = 1_024;
/** A screen of its own, and back to the one before (xterm, DECSET 1049): the picture of a run stays whole. */
const OTHER_SCREEN = '\u001b[?1049h\u001b[H';
const FIRST_SCREEN = '\u001b[?1049l';

/**
 * Asks and reads one line; what is typed is shown only where `echo` says so. Ctrl-C is Ctrl-C, for the whole program.
 * While it waits, nothing that goes to stdout is drawn: it follows when the answer is there.
 * @returns `null` on Ctrl-C, Ctrl-D and where there is no terminal after all
 */
export const promptOnTerminal = async (question: TerminalQuestion): Promise<string | null> => {
  let output: number;
  let input: ReadStream;
  try {
    output = openSync(TERMINAL, 'w');
    input = new ReadStream(openSync(TERMINAL, 'r'));
  } catch {
    return null;
  }
  const hasScreens = question.isMidRun && process.env['TERM'] !== 'dumb';
  process.stdout.cork();
  input.setRawMode(true);
  try {
    const text = [...question.lines, question.prompt].join('\r\n');
    writeSync(output, `${hasScreens ? OTHER_SCREEN : ''}${text}`);
    return await readLine(input, (shown) => writeSync(output, question.echo ? shown : ''));
  } finally {
    writeSync(output, `\r\n${hasScreens ? FIRST_SCREEN : ''}`);
    input.setRawMode(false);
    input.destroy();
    closeSync(output);
    process.stdout.uncork();
  }
};

const CTRL_C = '\u0003';
const CTRL_D = '\u0004';
const CTRL_U = '\u0015';
const ERASE = ['\u007f', '\b'];

/** In raw mode every key comes as it is: the few that a line needs are minded here. */
const readLine = async (input: ReadStream, show: (text: string) => void): Promise<string | null> =>
  new Promise((resolve) => {
    const decoder = new StringDecoder('utf8');
    let line: string[] = [];
    const erase = (count: number): void => {
      show('\b \b'.repeat(Math.min(count, line.length)));
      line = line.slice(0, Math.max(0, line.length - count));
    };
    const press = (key: string): void => {
      if (key === '\r' || key === '\n') resolve(line.join(''));
      else if (key === CTRL_C) {
        resolve(null);
        process.kill(process.pid, 'SIGINT');
      } else if (key === CTRL_D && line.length === 0) resolve(null);
      else if (key === CTRL_U) erase(line.length);
      else if (ERASE.includes(key)) erase(1);
      else if (key >= ' ' && line.length < ANSWER_CHARS_MAX) {
        line.push(key);
        show(key);
      }
    };
    input.on('data', (bytes: Buffer) => {
      for (const key of decoder.write(bytes)) press(key);
    });
    input.on('error', () => resolve(null));
    input.on('end', () => resolve(null));
  });
