// The operator's mistake: collected, all at once, each with its place and the remedy.

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** 1-based; 0 where the place is not known (a missing variable has its host's place). */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  /** What to do about it, a sentence; '' when the message says it already. */
  readonly remedy: string;
  /** The offending line as it stands in the file, secrets masked; '' when there is none. */
  readonly source: string;
}
