// What a server's questions are answered with (keyboard-interactive, RFC 4256).
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import type { Secret } from '../core/secret.ts';
import type { ServerQuestions } from './asker.ts';
import type { Offer } from './auth-sequence.ts';

/** A server's question is shown up to this length. */
export const PROMPT_CHARS_MAX = 200;

/** An offer to answer questions. */
export type QuestionOffer = Extract<Offer, { readonly kind: 'keyboard-interactive' | 'asked' }>;

/** The answers to one round, in their order, or why there are none. */
export const answersTo = async (
  questions: ServerQuestions,
  offer: QuestionOffer,
  { where, user }: { readonly where: string; readonly user: string },
): Promise<readonly Secret[] | Failure> => {
  const { prompts } = questions;
  if (prompts.length === 0) return [];
  const asked = printable(prompts.map(({ prompt }) => prompt).join(' '), PROMPT_CHARS_MAX);
  const none = (why: string): Failure => new Failure('auth', `${where} asks ${user} "${asked}", and ${why}`);
  if (offer.kind === 'asked') {
    const answers = await offer.ask(questions);
    return 'why' in answers ? none(answers.why) : answers;
  }
  const { answer } = offer;
  return answer === null ? none('there is no answer') : prompts.map(() => answer);
};
