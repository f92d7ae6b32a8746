// One way through a PAM stack as people read it: each line, what it answered and why, and what libpam made of that.
import type { ModuleAnswer, PamStep, PamVerdict } from '../auth/pam-situation.ts';
import type { Paint } from './paint.ts';
import { shown } from './words.ts';
import { wrapText } from './wrap-text.ts';

/** How deep in the window a line of a substack may stand; libpam takes deeper ones. */
const DEPTH_SHOWN_MAX = 6;

/** The walk's lines and, last, what the stack comes to. */
export const walkLines = (
  verdict: PamVerdict,
  { width, paint }: { readonly width: number; readonly paint: Paint },
): readonly string[] => [
  ...verdict.steps.flatMap((step, at) => stepLines(step, { verdict, at, width, paint })),
  ...wrapText(verdictText(verdict), width).map((line) => paint[verdictTone(verdict)](line)),
];

/** `PAM_SUCCESS`, and what else it may be where a module is not known. */
export const verdictText = ({ result, sure, possible }: PamVerdict): string => {
  if (sure) return `The stack answers ${result}.`;
  const others = possible.filter((code) => code !== result);
  return others.length === 0
    ? `The stack answers ${result}, as far as is known.`
    : `The stack may answer ${[result, ...others].join(' or ')}: something on the way is not known.`;
};

const verdictTone = ({ result, sure }: PamVerdict): 'good' | 'bad' | 'warn' => {
  if (!sure) return 'warn';
  return result === 'PAM_SUCCESS' ? 'good' : 'bad';
};

interface At {
  readonly verdict: PamVerdict;
  readonly at: number;
  readonly width: number;
  readonly paint: Paint;
}

const stepLines = (step: PamStep, { verdict, at, width, paint }: At): readonly string[] => {
  const indent = '  '.repeat(Math.min(step.depth, DEPTH_SHOWN_MAX));
  const place = step.line === 0 ? shown(step.file) : `${shown(step.file)}:${step.line}`;
  const said = hanging(`${place}  ${shown(step.text)}`, indent, { width, by: 4 });
  if (step.answer === null) {
    return isEntered(step, verdict.steps.slice(at + 1))
      ? said
      : [...said, `${indent}      not run`].map((line) => paint.dim(line));
  }
  const became = outcome(step, verdict.steps.slice(at + 1));
  const answered = `${answerText(step.answer)}${became === '' ? '' : ` -> ${became}`}`;
  const tone = toneOf(step);
  return [
    ...said,
    ...hanging(answered, `${indent}      `, { width, by: 2 }).map((line) =>
      tone === null ? line : paint[tone](line),
    ),
  ];
};

/** What decides against, and what is not known, is to be found at a glance. */
const toneOf = ({ answer, action }: PamStep): 'bad' | 'warn' | null => {
  if (answer?.kind === 'unknown') return 'warn';
  return action === 'bad' || action === 'die' ? 'bad' : null;
};

/** A substack's own line answers nothing; what it holds comes after it. */
const isEntered = ({ depth }: PamStep, later: readonly PamStep[]): boolean =>
  within(depth, later).some(hasRun);

/** The steps that follow, up to the first that is no deeper. */
const within = (depth: number, later: readonly PamStep[]): readonly PamStep[] => {
  const end = later.findIndex((step) => step.depth <= depth);
  return end < 0 ? later : later.slice(0, end);
};

const hasRun = ({ answer }: PamStep): boolean => answer !== null;

const answerText = (answer: ModuleAnswer): string => {
  const why = answer.why === '' ? '' : ` (${shown(answer.why)})`;
  return answer.kind === 'returns'
    ? `${answer.code}${why}`
    : `not known, may be ${answer.codes.length > 4 ? 'anything' : answer.codes.join(' or ')}${why}`;
};

/** What libpam made of an answer, in words (pam.conf(5), the actions of `[value=action]`). */
const outcome = ({ action, depth }: PamStep, later: readonly PamStep[]): string => {
  switch (action) {
    case 'ok':
      return 'ok, goes on';
    case 'done':
      return runsOn(depth, later) ? 'done, but a line before has failed: goes on' : `done, ${end(depth)}`;
    case 'bad':
      return 'bad, goes on, but the stack fails';
    case 'die':
      return `die, ${end(depth)}`;
    case 'ignore':
      return 'does not count';
    case 'reset':
      return 'reset, forgets what was before';
    case '':
      return '';
    default: {
      const lines = /^jump (\d+)$/.exec(action)?.[1];
      return lines === undefined ? shown(action) : `skips ${lines === '1' ? 'one line' : `${lines} lines`}`;
    }
  }
};

const end = (depth: number): string => (depth === 0 ? 'the stack ends here' : 'this substack ends here');

/** Whether a line of the same stack was still run. */
const runsOn = (depth: number, later: readonly PamStep[]): boolean =>
  within(depth - 1, later).some((step) => step.depth === depth && hasRun(step));

/** Wrapped, the second and further lines a little to the right. */
const hanging = (
  text: string,
  indent: string,
  { width, by }: { readonly width: number; readonly by: number },
): readonly string[] =>
  wrapText(text, Math.max(20, width - indent.length - by)).map(
    (line, at) => `${indent}${at === 0 ? '' : ' '.repeat(by)}${line}`,
  );
