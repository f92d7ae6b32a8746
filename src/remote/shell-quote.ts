// Words become shell text here and nowhere else.
import { Failure } from '../core/failure.ts';

/** Words that every shell reads as they stand, also csh and fish, which may be an account's login shell. */
const PLAIN = /^[A-Za-z0-9_./:@%+,-]+$/;

/**
 * One word as POSIX shell text that stands for exactly that word. A single-quoted text has no special character but
 * the quote itself (POSIX.1-2017, XCU 2.2.2), so it is closed, escaped and opened again around each.
 * @throws Failure `bug` for a NUL byte, which no shell word can hold
 */
export const shellQuote = (word: string): string => {
  if (word.includes('\0')) throw new Failure('bug', 'a NUL byte cannot be part of a shell word');
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
};

/** A list of words as one shell command. */
export const shellCommand = (words: readonly string[]): string => words.map(shellQuote).join(' ');
