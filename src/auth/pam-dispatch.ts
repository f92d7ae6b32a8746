// libpam's way along a chain: what becomes of the stack when a line's module has answered.
import { PAM_CODES, type PamCode } from './pam-code.ts';
import type { PamAction } from './pam-control.ts';
import type { PamHandler } from './pam-stack.ts';

/** What libpam returns for a line that is wrong, and when nobody said success (PAM_MUST_FAIL_CODE). */
export const MUST_FAIL: PamCode = 'PAM_PERM_DENIED';

/** What libpam makes of the lines so far. */
interface Impression {
  readonly impression: 'none' | 'good' | 'bad';
  readonly status: PamCode;
}

/** Where libpam is in a chain; a value, so that one walk can be taken further in several ways. */
export interface PamPosition extends Impression {
  /** Index of the next line. */
  readonly at: number;
  /** Level of the line before. */
  readonly previous: number;
  /** What was made of the lines before each substack that is open, by level; `reset` goes back to it. */
  readonly before: readonly Impression[];
}

const NOTHING: Impression = { impression: 'none', status: MUST_FAIL };

/** Before the first line. */
export const PAM_START: PamPosition = { ...NOTHING, at: 0, previous: 0, before: [NOTHING] };

/** The code that the whole chain comes to, at its end. */
export const resultAt = ({ impression, status }: PamPosition): PamCode =>
  status === 'PAM_SUCCESS' && impression !== 'good' ? MUST_FAIL : status;

/** The action of a line for an answer. */
export const actionOf = (handler: PamHandler, code: PamCode): PamAction =>
  handler.control[PAM_CODES[code]] ?? 'bad';

/**
 * The position after line `position.at`. `code` is what its module answered, `decisive` the answer that chooses the
 * action: the same one, but in setcred the one that authenticate had from this line (libpam/pam_dispatch.c,
 * _pam_dispatch_aux, "frozen chain"). A jump counts as no answer in both, as Debian and Linux-PAM 1.7 have it (Debian's
 * patch 045_pam_dispatch_jump_is_ignore). PAM_INCOMPLETE never comes here.
 */
export const advance = (
  chain: readonly PamHandler[],
  position: PamPosition,
  { code, decisive }: { readonly code: PamCode; readonly decisive: PamCode },
): PamPosition => {
  const here = enter(chain, position);
  const handler = chain[here.at];
  if (handler === undefined) return here;
  const next = { ...here, at: here.at + 1, previous: handler.level };
  const action = actionOf(handler, decisive);
  const frozenIgnore = code === 'PAM_IGNORE' && decisive !== code;
  switch (action) {
    case 'ignore':
      return next;
    case 'reset':
      return { ...next, ...(here.before[handler.level] ?? NOTHING) };
    case 'ok':
    case 'done': {
      const counts =
        here.impression === 'none' || (here.impression === 'good' && here.status === 'PAM_SUCCESS');
      const after = counts && !frozenIgnore ? { ...next, impression: 'good' as const, status: code } : next;
      return action === 'done' && after.impression === 'good' ? leave(chain, after, handler.level) : after;
    }
    case 'bad':
    case 'die': {
      const status = code === 'PAM_IGNORE' ? MUST_FAIL : code;
      const after = here.impression === 'bad' ? next : { ...next, impression: 'bad' as const, status };
      return action === 'die' ? leave(chain, after, handler.level) : after;
    }
    default:
      return jump(chain, next, { lines: action, level: handler.level });
  }
};

/** Takes down what was made of the lines before, where the next line begins a substack. */
export const enter = (chain: readonly PamHandler[], position: PamPosition): PamPosition => {
  const level = chain[position.at]?.level ?? 0;
  if (level <= position.previous) return position;
  const before = [...position.before];
  before[level] = { impression: position.impression, status: position.status };
  return { ...position, before };
};

/** The end of this stack or substack: what follows on its level and deeper is not run. */
const leave = (chain: readonly PamHandler[], position: PamPosition, level: number): PamPosition => {
  let at = position.at;
  while ((chain[at]?.level ?? -1) >= level) at += 1;
  return { ...position, at };
};

/** Over so many lines of this level, a substack being one; further than there are is "bad jump in stack". */
const jump = (
  chain: readonly PamHandler[],
  position: PamPosition,
  { lines, level }: { readonly lines: number; readonly level: number },
): PamPosition => {
  let at = position.at;
  let left = lines;
  for (; left > 0 && (chain[at]?.level ?? -1) >= level; left -= 1) {
    at += 1;
    while ((chain[at]?.level ?? -1) > level) at += 1;
  }
  return left === 0 ? { ...position, at } : { ...position, at, impression: 'bad', status: MUST_FAIL };
};
