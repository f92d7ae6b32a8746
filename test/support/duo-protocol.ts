// Duo's Auth API as the modules speak it: how a request is signed, what an answer looks like. Pure.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { BSON } from 'bson';

/** What the cloud says of a user; `hang` never answers, numbers are HTTP statuses. */
export type DuoDecision =
  | 'allow'
  | 'deny'
  | 'enroll'
  | 'bypass'
  | 'locked-out'
  | '401'
  | '403'
  | '429'
  | '500'
  | 'auth-500'
  | 'garbage'
  | 'hang';

/** All decisions, with what a login sees. */
export const DUO_DECISIONS: Readonly<Record<DuoDecision, string>> = {
  allow: 'a second factor is asked for, and approved',
  deny: 'a second factor is asked for, and denied',
  enroll: 'the user is unknown and has to enrol',
  bypass: 'no second factor is needed',
  'locked-out': 'the user is locked out',
  '401': 'the keys are wrong',
  '403': 'the application may not do this',
  '429': 'too many requests',
  '500': 'the service is broken',
  'auth-500': 'the service breaks after the first question',
  garbage: 'an answer that is neither JSON nor BSON',
  hang: 'no answer at all',
};

/** The one passcode that is approved for a user whose decision is `allow`. */
export const LAB_PASSCODE = '424242';

/** One request, as far as the protocol is concerned. */
export interface DuoRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** The Host header as it came, with a port when it has one. */
  readonly host: string;
  readonly authorization: string;
  /** X-Duo-Date; empty when there is none. */
  readonly date: string;
}

/** An answer before it is encoded; `status` is HTTP's. */
export interface DuoAnswer {
  readonly status: number;
  readonly body: DuoDocument | string;
}

/** What JSON and BSON both can say. */
export interface DuoDocument {
  readonly [key: string]: string | number | DuoDocument;
}

/** Reads `a=b&c=d` with percent-encoding, where a `+` stays a plus (RFC 3986, as libduo encodes). */
export function parseParameters(text: string): Readonly<Record<string, string>> {
  const pairs = text.split('&').filter((pair) => pair !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      return at === -1 ? [decode(pair), ''] : [decode(pair.slice(0, at)), decode(pair.slice(at + 1))];
    }),
  );
}

/**
 * Whether a request is signed with `skey` for `ikey`, in any of the forms that modules use: HMAC-SHA1 over method,
 * host, path and parameters (up to 2.0.0), the same with SHA-512 (2.0.1 to 2.0.3), and SHA-512 with the date's line
 * before it (from 2.0.4 on; duo_client_python's sig_version 2).
 */
export function isSigned(
  request: DuoRequest,
  keys: { readonly ikey: string; readonly skey: string },
): boolean {
  const [scheme, credentials] = request.authorization.split(' ');
  if (scheme !== 'Basic' || credentials === undefined) return false;
  const [ikey, signature = ''] = Buffer.from(credentials, 'base64').toString('utf8').split(':');
  if (ikey !== keys.ikey) return false;
  const algorithm = signature.length === SHA1_HEX_LENGTH ? 'sha1' : 'sha512';
  const expected = sign(request, keys.skey, algorithm);
  const [given, wanted] = [Buffer.from(signature.toLowerCase()), Buffer.from(expected)];
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

const SHA1_HEX_LENGTH = 40;

/** The signature of a request, lower-case hex. */
export function sign(request: DuoRequest, skey: string, algorithm: 'sha1' | 'sha512'): string {
  const parameters = Object.entries(request.parameters)
    .map(([key, value]) => `${encode(key)}=${encode(value)}`)
    .toSorted();
  const host = request.host.toLowerCase().replace(/:\d+$/, '');
  const lines = [request.method.toUpperCase(), host, request.path, parameters.join('&')];
  if (request.date !== '') lines.unshift(request.date);
  return createHmac(algorithm, skey).update(lines.join('\n')).digest('hex');
}

/** Encodes an answer as the path's ending asks for: `.bson`, or JSON. */
export function encodeAnswer(
  answer: DuoAnswer,
  path: string,
): { readonly type: string; readonly body: Uint8Array } {
  if (typeof answer.body === 'string') return { type: 'text/plain', body: Buffer.from(answer.body) };
  if (path.endsWith('.bson')) return { type: 'application/bson', body: BSON.serialize(answer.body) };
  return { type: 'application/json', body: Buffer.from(JSON.stringify(answer.body)) };
}

/** A successful answer. */
export const ok = (response: DuoDocument | string): DuoAnswer => ({
  status: 200,
  body: { stat: 'OK', response },
});

/** A failure as the API words it: an HTTP status and a code that begins with it. */
export const fail = (status: number, message: string): DuoAnswer => ({
  status,
  body: { stat: 'FAIL', code: status * 100 + 1, message },
});

/** RFC 3986's unreserved characters stay. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
