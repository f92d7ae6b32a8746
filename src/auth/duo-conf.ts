// pam_duo.conf and login_duo.conf as the module itself reads them.

/** What the module knows once it has read its file, or why it did not get to the end. */
export type DuoConfReading =
  | { readonly kind: 'read'; readonly conf: DuoConf }
  /**
   * The module asks nobody: it answers by the failmode that it had read up to there. `line` is 0 where no line is at
   * fault (no file, permissions, a missing key).
   */
  | {
      readonly kind: 'broken';
      readonly failmode: 'safe' | 'secure';
      readonly line: number;
      readonly reason: string;
    };

export interface DuoConf {
  readonly failmode: 'safe' | 'secure';
  /** Pattern lists as tokenised at blanks: one user's match of any of them is enough. Empty: everybody meets Duo. */
  readonly groups: readonly string[];
  /** The API's host as written, with a port where there is one. */
  readonly host: string;
  readonly prompts: number;
  readonly autopush: boolean;
  /** TLS is not verified: an empty cafile, or noverify. */
  readonly unverified: boolean;
}
