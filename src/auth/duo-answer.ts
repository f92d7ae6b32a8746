// How Duo's cloud may stand towards one user: the cases that the module tells apart.

/**
 * - `allow` the second factor is approved; `deny` it is denied, or the user is locked out at Duo
 * - `bypass` Duo's policy lets the user pass unasked (preauth `allow`)
 * - `unknown-user` not enrolled (preauth `enroll`)
 * - `unreachable` no name, no connection, no TLS, or a server that hangs
 * - `badkeys` HTTP 401; `forbidden` any other 4xx; `error` HTTP 5xx or an answer that is none
 */
export const DUO_ANSWERS = [
  'allow',
  'deny',
  'bypass',
  'unknown-user',
  'unreachable',
  'badkeys',
  'forbidden',
  'error',
] as const;
export type DuoAnswer = (typeof DUO_ANSWERS)[number];
