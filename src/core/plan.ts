// Facts + steps -> ordered changes for one host: a printable value with a digest; no changes = unchanged.
import type { Change } from './change.ts';
import type { Finding } from './finding.ts';

export interface Plan {
  readonly host: string;
  /** In activation order. */
  readonly changes: readonly Change[];
  /** Breaches refuse the host before anything is touched. */
  readonly findings: readonly Finding[];
  /** sha256 (hex) over the changes, contents included. */
  readonly digest: string;
}
