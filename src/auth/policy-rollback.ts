// Who must and must not be able to get in when a host goes back to what it was before a run: Duo is gone then, on purpose.
import type { Finding } from '../core/finding.ts';
import { printable } from '../core/printable.ts';
import { breaksOf, nameOfBreak } from './policy.ts';
import { findingsOf, type Break, type PolicyInput } from './policy-breaks.ts';

/** Nobody may be locked out, whatever the host was before. */
const SHUT_OUT: readonly string[] = [
  'automation-shut-out',
  'automation-sudo-asks',
  'break-glass-shut-out',
  'break-glass-sudo',
  'stack-shuts-out',
];
/** Ways in without a proof: one that was there before Duo is what the operator asked for, with a word about it. */
const DOORS: readonly string[] = [
  'door-without-proof',
  'stack-without-proof',
  'sudo-without-password',
  'break-glass-elsewhere',
];

/** Files named in a message; more are counted. */
const PATHS_MAX = 4;

/**
 * What is wrong with a host as a rollback makes it. That Duo is not asked any more, and that less is asked for than today, is
 * what a rollback is for. What is so today already is told and no reason to refuse.
 * @param input.before the host as it is; `after` as it would be
 * @param changedSince files that the rollback leaves and that were others before the run: with any of them nobody knows whether
 *   a door was there then, and it is a breach
 */
export const rollbackPolicyFindings = (
  input: PolicyInput,
  changedSince: readonly string[],
): readonly Finding[] => {
  const today = new Set(breaksOf({ ...input, after: input.before }).map(nameOfBreak));
  return findingsOf(
    breaksOf(input).flatMap((one): readonly Break[] => {
      if (one.severity !== 'breach') return [];
      const isToday = today.has(nameOfBreak(one));
      if (isToday && (SHUT_OUT.includes(one.rule) || DOORS.includes(one.rule))) {
        return [toldOnly(one, 'as today already')];
      }
      if (SHUT_OUT.includes(one.rule)) return [one];
      if (!DOORS.includes(one.rule)) return [];
      return changedSince.length === 0
        ? [toldOnly(one, 'as before that run')]
        : [{ ...one, what: `${one.what}, and ${listed(changedSince)} changed since that run` }];
    }),
  );
};

/** What would be done about it is to bring the host back to what is declared, which is not wanted now. */
const toldOnly = (one: Break, since: string): Break => ({
  ...one,
  severity: 'warning',
  what: `${one.what}, ${since}`,
  cause: { ...one.cause, remedy: 'apply closes that again' },
});

const listed = (paths: readonly string[]): string => {
  const more = paths.length - PATHS_MAX;
  const names = paths.slice(0, PATHS_MAX).map((path) => printable(path, 80));
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};
