// How long the controller waits, in milliseconds. The host's own patience is the lease; these only bound ours.

export const DEADLINES = {
  /** TCP, handshake, login and `sudo -n`, retries of a connection closed before the banner included. */
  connectMs: 30_000,
  observeMs: 60_000,
  /** Names that do not resolve take 15 s, addresses that do not answer 10, TLS that stalls 10, an answer 10. */
  preflightMs: 50_000,
  /** What is added for asking Duo about hundreds of users, one after the other. */
  enrolmentMs: 120_000,
  /** Lock, or putting back what an earlier run left, packages included. */
  claimMs: 240_000,
  /** The guard waits up to 120 s for the dpkg lock, then downloads. */
  prepareMs: 420_000,
  /** One nested login; pam_unix delays a refusal by two seconds, a member's Duo answer takes longer. */
  rehearseMs: 60_000,
  /** A login that meets Duo: its push waits 60 s for its answer (duo.com/docs/authapi, /auth), and the login comes before. */
  duoLoginMs: 75_000,
  /** The host waits up to 10 s for its logger, after what else its root shell has to do. */
  duoLogMs: 90_000,
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
export const REHEARSALS_AT_ONCE = 14;
/** With fewer sessions than this for each connection, the rehearsal gets one of its own. */
export const SESSIONS_ENOUGH = 6;
