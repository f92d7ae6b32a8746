// What the model of a host's doors says about a plan: who could get in with what before it, and after it.
import type { Change } from '../core/change.ts';
import type { Finding } from '../core/finding.ts';
import { doorModels } from '../auth/door-model.ts';
import { policyFindings } from '../auth/policy.ts';
import type { StepContext } from './step.ts';

/** Rules that name the very setting of sshd that opens or shuts a door; saying whom it concerns too would be saying it twice. */
const SSHD_RULES: readonly string[] = [
  'sshd-open-door',
  'sshd-overridden',
  'sshd-earlier-setting',
  'sshd-foreign-match',
  'sshd-include',
  'sshd-unread',
  'automation-shut-out',
];

/** With these a plan leaves out what it should change, so that there is no host after it to be judged. */
const INCOMPLETE_RULES: readonly string[] = [
  'pam-line',
  'pam-file-missing',
  'pam-file-unreadable',
  'template-broken',
  'not-a-plain-file',
];

/**
 * Breaches of policy on the host as the changes leave it, and what of today's holes they close.
 * @param told what the steps have found already
 */
export const doorFindings = (
  { facts, settings, platform }: StepContext,
  changes: readonly Change[],
  told: readonly Finding[],
): readonly Finding[] => {
  const isTold = (rules: readonly string[]): boolean =>
    told.some(({ rule, severity }) => severity === 'breach' && rules.includes(rule));
  if (isTold(INCOMPLETE_RULES)) return [];
  const { before, after } = doorModels(facts, settings, { changes, places: platform });
  return policyFindings({ before, after, facts, settings }, { sshdIsTold: isTold(SSHD_RULES) }).filter(
    ({ rule, persona }) => !told.some((other) => other.rule === rule && other.persona === persona),
  );
};
