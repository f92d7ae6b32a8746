// What the conditions of PAM stacks (pam_succeed_if) make of accounts: who is singled out by name, group, uid or shell.
import type { AccountFacts } from '../core/facts.ts';
import { moduleName, parsePamFile } from './pam-file.ts';
import type { PamFolder } from './pam-situation.ts';
import { answerOfSucceedIf } from './pam-succeed-if.ts';

/**
 * A word for an account that is the same for all whom no condition of the stacks tells from each other. The files of all
 * services count, whichever of them a login goes by.
 */
export const stackConditions = (
  stacks: readonly PamFolder[],
): ((user: string, account: AccountFacts) => string) => {
  const conditions = new Map(
    [...new Set(stacks)].flatMap(conditionsOf).map((args) => [args.join('\n'), args] as const),
  );
  const all = [...conditions.values()];
  return (user, account) =>
    all
      .map((args) => {
        const answer = answerOfSucceedIf(args, { ...NOTHING_KNOWN, user, account });
        return answer.kind === 'returns' ? answer.code : '?';
      })
      .join(' ');
};

const NOTHING_KNOWN = {
  service: '',
  password: undefined,
  duo: undefined,
  authInfo: undefined,
  rhost: undefined,
} as const;

/** Folders are values that nobody changes, and a fleet has few. */
const KNOWN = new WeakMap<PamFolder, readonly (readonly string[])[]>();

const conditionsOf = (folder: PamFolder): readonly (readonly string[])[] => {
  const known = KNOWN.get(folder);
  if (known !== undefined) return known;
  const found = Object.values(folder)
    .filter((text) => text.includes('pam_succeed_if'))
    .flatMap((text) => parsePamFile(text).lines)
    .flatMap(({ says }) =>
      says.kind === 'rule' && moduleName(says.module) === 'pam_succeed_if.so' ? [says.args] : [],
    );
  KNOWN.set(folder, found);
  return found;
};
