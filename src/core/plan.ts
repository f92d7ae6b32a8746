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
  /** Set where the changes put back what a kept snapshot has. */
  readonly rollback?: RollbackSource;
}

/** Where a rollback's contents come from. */
export interface RollbackSource {
  /** The transaction that made the snapshot, and its run. */
  readonly tx: string;
  readonly run: string;
  /** Files by which logins are decided, which the rollback leaves as they are and which were others before that run. */
  readonly changedSince: readonly string[];
}

/** Lower-case hex of the bytes; passed in, since the pure ring has no node:crypto. */
export type Sha256 = (bytes: Uint8Array) => string;

/** The plan of one host: findings that say the same once, and a digest that two plans share only if they do the same. */
export const makePlan = (
  host: string,
  parts: {
    readonly changes: readonly Change[];
    readonly findings: readonly Finding[];
    readonly rollback?: RollbackSource;
  },
  sha256: Sha256,
): Plan => {
  const findings = new Map(parts.findings.map((finding) => [JSON.stringify(finding), finding]));
  const changes = parts.changes.map((change) => changeDigest(change, sha256));
  return {
    host,
    changes: parts.changes,
    findings: [...findings.values()],
    digest: planDigest(changes, sha256),
    ...(parts.rollback === undefined ? {} : { rollback: parts.rollback }),
  };
};

/** sha256 (hex) over the digests of a plan's changes in their order. */
export const planDigest = (changes: readonly string[], sha256: Sha256): string =>
  sha256(new TextEncoder().encode(JSON.stringify(changes)));

/** sha256 (hex) over what one change does, contents included. */
export const changeDigest = (change: Change, sha256: Sha256): string =>
  sha256(new TextEncoder().encode(JSON.stringify(digestible(change, sha256))));

/** A change with digests in place of bytes. Why it is needed is not part of it: it may name what changes by the minute. */
const digestible = (change: Change, sha256: Sha256): readonly unknown[] => {
  const head = [change.kind, change.step, change.target];
  switch (change.kind) {
    case 'file':
      return [...head, change.mode, sha256(change.content)];
    case 'packages':
      return [
        ...head,
        change.install,
        change.purge,
        change.minimumVersion,
        change.sourceLine,
        sha256(change.keyring),
      ];
    case 'restore':
      return [...head, change.copy];
    case 'restore-packages':
      return [...head, change.install, change.purge];
    case 'absent':
    case 'reload':
      return head;
    default:
      return change satisfies never;
  }
};
