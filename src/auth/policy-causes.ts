// The line that lets somebody pass or keeps them out, in words that an administrator understands.
import { printable } from '../core/printable.ts';
import { asksDuo, namesDuo, type DoorModel } from './door-model.ts';
import { moduleName, tokenize } from './pam-file.ts';
import type { PamStep, PamVerdict } from './pam-situation.ts';
import type { Proof } from '../core/login-table.ts';

/** Why something is as it is, and what to do about it. */
export interface Cause {
  /** `open`: a stack lets pass; `shut`: it keeps out; `unknown`: nobody knows; `conf`: Duo's own file; `sshd`: its settings. */
  readonly kind: 'open' | 'shut' | 'unknown' | 'conf' | 'sshd';
  /** With file:line where there is one. */
  readonly words: string;
  readonly remedy: string;
}

/** Of a line or a reason in a message. */
const CHARS_MAX = 160;

/** Why a stack lets somebody pass who has shown no more than these proofs. */
export const causeOfPassing = (
  walk: PamVerdict,
  shown: readonly Proof[],
  options: { readonly who: string },
): Cause => {
  const unknown = walk.steps.find(({ answer }) => answer?.kind === 'unknown');
  if (!walk.sure && unknown !== undefined) return causeOfUnknown(unknown);
  const deciding = walk.steps.findLast(isDeciding);
  const duo = walk.steps.find((step) => asksDuo(step) && passes(step));
  if (duo === undefined || deciding === undefined) {
    return {
      kind: 'open',
      words:
        deciding === undefined
          ? 'no line of the stack says why'
          : `${quoted(deciding)} is enough: ${reason(deciding)}`,
      remedy: 'let the stack end in the line that verifies the password (@include common-auth)',
    };
  }
  if (shown.includes('duo')) {
    return {
      kind: 'open',
      words: `${quoted(duo)}, once Duo has approved, is all that is asked on the way to ${quoted(deciding)}: neither a key nor a password is verified before`,
      remedy: 'let a line before it verify the first factor, as the stack of duo-fleet does',
    };
  }
  const pastDuo = `pam_duo answers success to whoever does not have to meet Duo (${reason(duo)})`;
  return duo === deciding
    ? {
        kind: 'open',
        words: `${quoted(duo)} is enough by itself before a password is verified: ${pastDuo}`,
        remedy: 'put it after the line that verifies the password, as `requisite`',
      }
    : {
        kind: 'open',
        words: `${quoted(duo)} is passed unasked, since ${pastDuo}, and ${quoted(deciding)} then ends the stack with success: no password is verified on that way`,
        remedy: `lead ${options.who} over these lines to the one that verifies the password (pam_succeed_if.so quiet user notingroup ...)`,
      };
};

/** Why a stack lets somebody pass whom Duo denies. */
export const causeOfPassingDuo = (walk: PamVerdict, model: DoorModel): Cause => {
  const unknown = walk.steps.find(({ answer }) => answer?.kind === 'unknown');
  if (!walk.sure && unknown !== undefined) return causeOfUnknown(unknown);
  const duo = walk.steps.find(asksDuo);
  if (duo !== undefined) return passes(duo) ? causeInConf(duo, model) : causeOfIgnoring(duo, walk);
  const remedy = "let the stack come by pam_duo.so for the members of Duo's groups";
  if (!walk.steps.some(namesDuo))
    return { kind: 'open', words: 'the stack has no line with pam_duo.so', remedy };
  const at =
    walk.steps.findLast(({ action, answer }) => answer !== null && action.startsWith('jump')) ??
    walk.steps.findLast(isDeciding);
  return {
    kind: 'open',
    words: `the stack goes past pam_duo.so${at === undefined ? '' : ` by ${quoted(at)}`}`,
    remedy,
  };
};

const causeOfIgnoring = (duo: PamStep, walk: PamVerdict): Cause => {
  const deciding = walk.steps.findLast(isDeciding);
  return {
    kind: 'open',
    words: `${quoted(duo)} is not heeded when it refuses${deciding === undefined ? '' : `, and ${quoted(deciding)} ends the stack with success`}`,
    remedy: 'make it `requisite`',
  };
};

/** pam_duo let a member pass without asking: by its file. */
const causeInConf = (duo: PamStep, model: DoorModel): Cause => {
  const path = duoConfPathOf(duo);
  const name = path ?? 'pam_duo.conf';
  const reading = model.host.duoConf(path);
  const words = (what: string, remedy: string): Cause => ({
    kind: 'conf',
    words: `${quoted(duo)} asks nobody: ${what}`,
    remedy,
  });
  if (reading.kind === 'broken') {
    return words(
      `it cannot read ${name}${reading.line > 0 ? `, line ${reading.line}` : ''} (${printable(reading.reason, CHARS_MAX)})`,
      'correct the file: until then failmode decides, and with safe everybody passes',
    );
  }
  const { groups } = reading.conf;
  if (groups.length > 0 && groups.every(isAllNegated)) {
    return words(
      `groups = ${printable(groups.join(' '), CHARS_MAX)} of ${name} only says who is left out, so it means nobody`,
      'begin the list with who is meant (`*,!admins`)',
    );
  }
  return words(
    `its groups in ${name} are ${printable(groups.join(' '), CHARS_MAX)}, and pam_duo tells cases apart: ${reason(duo)}`,
    'name the group there as the host spells it (id USER)',
  );
};

/** A list in which every pattern begins with `!` can veto, and match nobody (duo_unix compat/match.c). */
export const isAllNegated = (list: string): boolean =>
  list.split(',').every((pattern) => pattern.startsWith('!'));

/** Why a stack keeps somebody out who shows everything. */
export const causeOfRefusal = (walk: PamVerdict, model: DoorModel): Cause => {
  const run = walk.steps.filter(({ answer }) => answer !== null);
  const last = run.at(-1);
  const jump = /^jump (\d+)$/.exec(last?.action ?? '');
  if (last !== undefined && jump !== null) {
    return {
      kind: 'shut',
      words: `${quoted(last)} jumps over ${jump[1] ?? ''} lines, past the end of the stack, which libpam refuses (bad jump in stack)`,
      remedy: 'let it jump no further than to the last line',
    };
  }
  const bad = run.find(({ action }) => action === 'die' || action === 'bad') ?? last;
  if (bad === undefined) {
    const where = walk.steps.at(-1);
    return {
      kind: 'shut',
      words: where === undefined ? 'the stack has no line that says yes' : quoted(where),
      remedy: 'let one line verify the password (@include common-auth)',
    };
  }
  const module = moduleOf(bad);
  return module !== null && model.host.hasModule(module) === false
    ? {
        kind: 'shut',
        words: `${quoted(bad)} names a module that is not on the host`,
        remedy: 'install the package that has it, or take the line out',
      }
    : {
        kind: 'shut',
        words: `${quoted(bad)} refuses: ${reason(bad)}`,
        remedy: 'see what the line asks for, and change it or the account',
      };
};

const causeOfUnknown = (step: PamStep): Cause => ({
  kind: 'unknown',
  words: `${quoted(step)} is a module of which duo-fleet does not know how it answers`,
  remedy: 'take it out, or put a line that verifies the password after it with `requisite`',
});

/** `/etc/pam.d/sshd:3: "auth requisite pam_duo.so"`. */
export const quoted = ({ file, line, text }: PamStep): string =>
  `${file.startsWith('/') ? file : `/etc/pam.d/${file}`}${line > 0 ? `:${line}` : ''}${text === '' ? '' : ` (${printable(text, CHARS_MAX)})`}`;

const reason = ({ answer }: PamStep): string => printable(answer?.why ?? '', CHARS_MAX);

const passes = ({ answer }: PamStep): boolean => answer?.kind === 'returns' && answer.code === 'PAM_SUCCESS';

const isDeciding = (step: PamStep): boolean =>
  step.answer !== null && passes(step) && (step.action === 'ok' || step.action === 'done');

const moduleOf = ({ text }: PamStep): string | null =>
  tokenize(text).find((word) => moduleName(word).endsWith('.so')) ?? null;

const duoConfPathOf = ({ text }: PamStep): string | null =>
  tokenize(text)
    .findLast((word) => word.startsWith('conf='))
    ?.slice('conf='.length) ?? null;
