// The least that has to be shown to get past something, found by trying every choice of proofs.
import type { AccountFacts } from '../core/facts.ts';
import type { Proof } from '../core/login-table.ts';
import type { PamVerdict } from './pam-situation.ts';

/** What came of one try. */
export interface Passage {
  readonly passed: boolean;
  /** `false`: it hangs on something that is not known. */
  readonly sure: boolean;
  /** PAM's verdict that decided: the last one when it passed, the refusing one when not; `null` where PAM had no say. */
  readonly walk: PamVerdict | null;
  /** Why it is not passed, or not surely, where no PAM stack is the reason; ''. */
  readonly why: string;
}

export interface Way {
  /** Without repetition, in the order key, password, duo. */
  readonly proofs: readonly Proof[];
  readonly sure: boolean;
  readonly walk: PamVerdict | null;
  readonly why: string;
}

const ORDER: readonly Proof[] = ['key', 'password', 'duo'];

/**
 * The least sets of `proofs` that pass. A set that passes surely makes all larger ones superfluous; one that only may
 * pass does not, since it is not known to be a way in.
 */
export const leastWays = (
  proofs: readonly Proof[],
  pass: (shown: readonly Proof[]) => Passage,
): readonly Way[] => {
  const ways: Way[] = [];
  for (const shown of subsets(proofs)) {
    const below = ways.filter((way) => way.proofs.every((proof) => shown.includes(proof)));
    if (below.some(({ sure }) => sure)) continue;
    const { passed, sure, walk, why } = pass(shown);
    if (passed && (sure || below.length === 0)) ways.push({ proofs: shown, sure, walk, why });
  }
  return ways;
};

/**
 * What somebody types who knows the password or does not. An empty one is another thing than a wrong one only where the
 * account may have none.
 */
export const passwordsFor = (
  shown: readonly Proof[],
  account: AccountFacts,
): readonly ('right' | 'wrong' | 'empty')[] => {
  if (shown.includes('password')) return ['right'];
  return account.password === 'set' || account.password === 'locked' ? ['wrong'] : ['wrong', 'empty'];
};

/** All choices of them, small ones first. */
const subsets = (proofs: readonly Proof[]): readonly (readonly Proof[])[] => {
  const sorted = ORDER.filter((proof) => proofs.includes(proof));
  return sorted
    .reduce<readonly (readonly Proof[])[]>(
      (sets, proof) => [...sets, ...sets.map((set) => [...set, proof])],
      [[]],
    )
    .toSorted((a, b) => a.length - b.length);
};
