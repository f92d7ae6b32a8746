// How a request to Duo's Auth API is signed.
import { createHmac } from 'node:crypto';
import { reveal, type Secret } from '../core/secret.ts';

/** What is signed of a request. */
export interface DuoRequest {
  readonly method: 'GET' | 'POST';
  /** Without a port. */
  readonly host: string;
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** As in the header X-Duo-Date; see {@link duoDate}. */
  readonly date: string;
}

/**
 * The value of `Authorization`. HMAC-SHA512 over date, method, host, path and the sorted parameters, as modules from 2.0.4 on
 * sign (duo_unix lib/duo.c; sig_version 2 of duo_client_python; duo.com/docs/authapi, Authentication).
 */
export const duoAuthorization = (
  request: DuoRequest,
  keys: { readonly ikey: string; readonly skey: Secret },
): string => {
  const { date, method, host, path } = request;
  const lines = [date, method, host.toLowerCase(), path, duoParameters(request.parameters)];
  const signature = createHmac('sha512', reveal(keys.skey)).update(lines.join('\n')).digest('hex');
  return `Basic ${Buffer.from(`${keys.ikey}:${signature}`).toString('base64')}`;
};

/** Parameters as they are signed and sent: RFC 3986, sorted. */
export const duoParameters = (parameters: Readonly<Record<string, string>>): string =>
  Object.entries(parameters)
    .map(([key, value]) => `${encode(key)}=${encode(value)}`)
    .toSorted()
    .join('&');

/** A moment as RFC 2822 has it: `Tue, 21 Aug 2012 17:29:18 +0000`. */
export const duoDate = (epochS: number): string =>
  new Date(epochS * 1000).toUTCString().replace('GMT', '+0000');

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
