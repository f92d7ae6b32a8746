// What templates/guard.sh must do and could fail to do: the one place where the fake host is given a bug.

/** Each is true of the script; a seeded bug makes one of them false. */
export interface GuardDuties {
  /** The watcher puts the host back when the lease has lapsed. */
  readonly firesWhenLapsed: boolean;
  /** The lease runs from the claim on, whether or not anybody heard of it. */
  readonly armsUnheard: boolean;
  /** A confirmation counts only while its transaction still holds the host. */
  readonly fencesConfirm: boolean;
  /** A confirmation counts only with the nonce of its transaction. */
  readonly comparesNonce: boolean;
  /** A revert stops whoever writes. */
  readonly fencesWriters: boolean;
  /** sshd is made to read what was put back. */
  readonly reloadsAfterRestore: boolean;
  /** An armed transaction that is found at boot is put back. */
  readonly restoresAtBoot: boolean;
  /** The record of an end is written when everything is back, and not before. */
  readonly recordsLast: boolean;
}

export const ALL_DUTIES: GuardDuties = {
  firesWhenLapsed: true,
  armsUnheard: true,
  fencesConfirm: true,
  comparesNonce: true,
  fencesWriters: true,
  reloadsAfterRestore: true,
  restoresAtBoot: true,
  recordsLast: true,
};
