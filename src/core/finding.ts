// A breach of policy, or something an administrator should know before it becomes one.

export interface Finding {
  /** Stable, kebab-case: `key-login-lost`, `group-unresolved`. */
  readonly rule: string;
  /** Whom it concerns: a persona's or account's name, or `host`. */
  readonly persona: string;
  /** What is wrong, with the line that causes it and the remedy. */
  readonly message: string;
  /** A breach refuses the host; a warning is told and no more. */
  readonly severity: 'breach' | 'warning';
}
