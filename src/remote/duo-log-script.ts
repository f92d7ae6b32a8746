// What is run on a host to read Duo's module in the log of logins.
import { readFileSync } from 'node:fs';
import { shellQuote } from './shell-quote.ts';

/** Asks where the log ends now, or for what came after that. */
export type DuoLogQuestion =
  { readonly what: 'mark' } | { readonly what: 'since'; readonly since: string; readonly user: string };

let template: string | null = null;

const duoLogTemplate = (): string => {
  template ??= readFileSync(new URL('../../templates/duo-log.sh', import.meta.url), 'utf8');
  return template;
};

/** The script for the root channel: POSIX sh, it writes nothing and ends within some seconds. */
export const duoLogScript = (question: DuoLogQuestion): string => {
  const since = question.what === 'since' ? question.since : '';
  const user = question.what === 'since' ? question.user : '';
  return `what=${question.what}\nsince=${shellQuote(since)}\nuser=${shellQuote(user)}\n${duoLogTemplate()}\n`;
};
