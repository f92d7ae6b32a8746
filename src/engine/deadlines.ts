// How long the controller waits, in milliseconds. The host's own patience is the lease; these only bound ours.

export const DEADLINES = {
  /** TCP, handshake, login and `sudo -n`, retries of a connection closed before the banner included. */
  connectMs: 30_000,
  observeMs: 60_000,
  /** Lock, or putting back what an earlier run left, packages included. */
  claimMs: 240_000,
  /** The guard waits up to 120 s for the dpkg lock, then downloads. */
  prepareMs: 420_000,
  /** One nested login; pam_unix delays a refusal by two seconds, a member's Duo answer takes longer. */
  rehearseMs: 60_000,
  activateMs: 300_000,
  /** The canary's login and its confirmation. */
  confirmMs: 30_000,
  /** A revert over the lifeline, packages included. */
  revertMs: 240_000,
  statusMs: 15_000,
  /** After the lease has lapsed: how long the host may take to put itself back before we call it stranded. */
  settleMs: 180_000,
  /** Between two looks at a host that has not ended yet. */
  pollMs: 1_000,
} as const;

/** Nested logins at a time over one connection; the lifeline and the lease have two of sshd's ten sessions (MaxSessions). */
export const REHEARSALS_AT_ONCE = 12;
/** With fewer sessions than this for each connection, the rehearsal gets one of its own. */
export const SESSIONS_ENOUGH = 6;
