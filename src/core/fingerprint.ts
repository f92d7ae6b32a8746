// What makes two files of a host the same, in one word of its guard.

/** `absent`, `DIGEST:MODE:UID:GID`, `link:DIGEST` or `other`: two plain files with one word are the same. */
export type Fingerprint = string;

/** The digest of a plain file's content, `absent`, or `null` for what is neither. */
export const digestIn = (print: Fingerprint): string | null =>
  print === 'absent' ? print : (/^([0-9a-f]{64}):/.exec(print)?.[1] ?? null);
