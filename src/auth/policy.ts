// Who must and must not be able to get in: a host's doors before and after a plan, held against that.
import type { Finding } from '../core/finding.ts';
import type { Persona } from './persona.ts';
import { personasOf, withPassword } from './personas.ts';
import { findingsOf, type Break, type PolicyInput } from './policy-breaks.ts';
import { isMember, sshBreaks } from './policy-ssh.ts';
import { sudoBreaks } from './policy-sudo.ts';
import { shortGrace, silentMembers, untriedBreakGlass } from './policy-warnings.ts';

/**
 * What the model of a host finds wrong, each with who, the line that causes it and the remedy:
 *
 * - `door-without-proof`, `stack-without-proof`: somebody gets in with no verified key or password; by sshd as it is set, or
 *   through its PAM stack were sshd's settings ever loosened
 * - `duo-not-asked`, `duo-refusal-ignored`, `failmode-secure-open`: a member gets past Duo, at SSH or sudo
 * - `automation-shut-out`, `automation-sudo-asks`, `break-glass-shut-out`, `break-glass-elsewhere`, `break-glass-sudo`
 * - `stack-shuts-out`: nobody passes a stack with everything that it asks for
 * - `sudo-without-password`, `weaker-than-before`
 * - warnings: `open-door-closed`, `sudo-nopasswd-member`, `login-grace-short`, `break-glass-no-sudo`, `break-glass-untried`
 *
 * That members get in without Duo while it is away and failmode is safe is as declared, and no finding.
 * @param options.sshdIsTold others have said what is wrong with sshd's settings, so that is not said again
 */
export const policyFindings = (
  input: PolicyInput,
  options: { readonly sshdIsTold?: boolean } = {},
): readonly Finding[] => {
  const breaks = breaksOf(input).filter((one) => options.sshdIsTold !== true || !isOfSshd(one));
  return findingsOf(breaks.some(({ severity }) => severity === 'breach') ? markedOld(breaks, input) : breaks);
};

/** Everything that is wrong, persona by persona, not yet put together. */
export const breaksOf = (input: PolicyInput): readonly Break[] => [
  ...personasOf(input.facts, input.settings, [input.before.host.files, input.after.host.files])
    .map(judgedAs)
    .flatMap((persona) => [
      ...sshBreaks(input, persona),
      ...sudoBreaks(input, persona),
      ...(isMember(persona) ? shortGrace(input, persona) : untriedBreakGlass(input, persona)),
    ]),
  ...silentMembers(input),
];

/** Two breaks with one name are the same thing wrong with the same account. */
export const nameOfBreak = ({ rule, persona, what }: Break): string =>
  [rule, persona.user, persona.label, what].join('\n');

/** What is broken today in the same way was not made by the plan: that is said, and it is a breach all the same. */
const markedOld = (breaks: readonly Break[], input: PolicyInput): readonly Break[] => {
  if (input.before === input.after) return breaks;
  const today = new Set(breaksOf({ ...input, after: input.before }).map(nameOfBreak));
  return breaks.map((one) =>
    one.severity === 'breach' && today.has(nameOfBreak(one))
      ? { ...one, what: `${one.what}, as today already` }
      : one,
  );
};

/** Whether this very account of many has a password is the census's matter; of automation and break-glass it is ours. */
export const judgedAs = (persona: Persona): Persona =>
  isMember(persona) || persona.kind === 'local user' ? withPassword(persona) : persona;

/** Methods in a wrong order show as a stack's refusal, too. */
const isOfSshd = ({ rule, cause, severity }: Break): boolean =>
  severity === 'breach' && (cause.kind === 'sshd' || rule === 'stack-shuts-out');
