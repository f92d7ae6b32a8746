// Questions to the operator while logging in: a passphrase, a one-time password, which way Duo shall ask.
import pLimit from 'p-limit';
import { printable } from '../core/printable.ts';
import type { Secret } from '../core/secret.ts';

/** One question, printable. */
export interface Question {
  /** Who asks, and what was said before: `jump host gate asks ann`. */
  readonly lines: readonly string[];
  readonly prompt: string;
  /** Whether what is typed may be seen. */
  readonly echo: boolean;
  /** The run is under way. */
  readonly isMidRun: boolean;
}

/** Asks on the terminal; `null` where the operator gave up (Ctrl-C, end of input). */
export type AskOperator = (question: Question) => Promise<Secret | null>;

/** One question of a server (RFC 4256). */
export interface ServerPrompt {
  readonly prompt: string;
  readonly echo: boolean;
}

/** What a server asks in one round, untrusted. */
export interface ServerQuestions {
  readonly name: string;
  readonly instructions: string;
  readonly prompts: readonly ServerPrompt[];
}

const LINE_CHARS_MAX = 200;
/** Duo's own list of factors has some ten lines. */
const INSTRUCTION_LINES_MAX = 20;

/** The operator's attention is one: whoever asks waits for the others. */
export class Asker {
  readonly #ask: AskOperator;
  readonly #turn = pLimit(1);
  /** Set when the run begins. */
  isMidRun = false;

  constructor(ask: AskOperator) {
    this.#ask = ask;
  }

  /** @param lines who asks */
  async passphrase(lines: readonly string[], prompt: string): Promise<Secret | null> {
    return this.#turn(async () => this.#ask({ lines, prompt, echo: false, isMidRun: this.isMidRun }));
  }

  /** All answers of one round, in their order; `null` where the operator gave up. */
  async answers(who: string, questions: ServerQuestions): Promise<readonly Secret[] | null> {
    return this.#turn(async () => {
      const answers: Secret[] = [];
      let lines: readonly string[] = [
        who,
        ...saidLines(questions.name),
        ...saidLines(questions.instructions),
      ];
      for (const { prompt, echo } of questions.prompts) {
        const [last = '', ...before] = saidLines(prompt).toReversed();
        const said = [...lines, ...before.toReversed()];
        const answer = await this.#ask({ lines: said, prompt: `${last} `, echo, isMidRun: this.isMidRun });
        if (answer === null) return null;
        answers.push(answer);
        lines = [];
      }
      return answers;
    });
  }
}

/** What a server said, line by line, made harmless. */
const saidLines = (text: string): readonly string[] =>
  text
    .split(/\r?\n/)
    .slice(0, INSTRUCTION_LINES_MAX)
    .map((line) => printable(line, LINE_CHARS_MAX))
    .filter((line) => line !== '');
