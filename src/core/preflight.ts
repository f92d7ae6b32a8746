// Duo as one host reaches it, before anything is touched: what is asked for, and what was seen.
import type { Secret } from './secret.ts';

/** Addresses of Duo's that are tried; a name with more is told to have more. */
export const PREFLIGHT_ADDRESSES_MAX = 8;
/** Accounts that Duo is asked about for one host. */
export const ENROLMENT_ASKED_MAX = 500;

/** What a preflight needs to know: the module's own settings, and whom to ask Duo about. */
export interface PreflightRequest {
  /** A DNS name or an IPv4 address, with `:port` where it is not 443; as in pam_duo.conf. */
  readonly apiHost: string;
  readonly ikey: string;
  readonly skey: Secret;
  /** `http_proxy` of pam_duo.conf: `[http://]host[:port]`; `null` without one. */
  readonly proxy: string | null;
  /** `cafile` of pam_duo.conf: a path on the host; `null`: the roots that the module brings. */
  readonly cafile: string | null;
  /** Names as the module would send them, at most {@link ENROLMENT_ASKED_MAX}; nobody is sent a push. */
  readonly enrolment: readonly string[];
}

/** What one preflight saw, all of it from the host. Texts called `why` are for people and printable. */
export interface PreflightFacts {
  /** What was resolved and connected to: the API host, or the proxy before it. */
  readonly target: { readonly name: string; readonly port: number; readonly isProxy: boolean };
  /** Why nothing could be tried (no bash, no channel), or `null`. Then all else says nothing. */
  readonly unproven: string | null;
  /** In the order in which the host's getaddrinfo gave them; empty: the name did not resolve. */
  readonly addresses: readonly AddressFacts[];
  /** Addresses beyond {@link PREFLIGHT_ADDRESSES_MAX}, which were not tried. */
  readonly addressesLeft: number;
  /** Whether the host's `cafile` is there and has certificates in it; `unused` without one. */
  readonly cafile: 'unused' | 'usable' | 'missing' | 'unusable';
  /** The host's clock and Duo's at the same moment, seconds since the epoch; `null`: Duo told no time. */
  readonly clock: { readonly hostEpochS: number; readonly duoEpochS: number } | null;
  readonly keys: KeysFacts;
  /** By name; a name that is absent was not asked about. */
  readonly enrolment: Readonly<Record<string, EnrolmentFacts>>;
}

/** How one address answered the host. */
export type AddressFacts = { readonly address: string } & (
  | { readonly kind: 'trusted' }
  /** TLS, with a certificate that the module does not take for this name. */
  | { readonly kind: 'untrusted'; readonly why: string }
  /** TCP, but no TLS of 1.2 or newer came of it: cut off, silent, something else than TLS. */
  | { readonly kind: 'no-tls'; readonly why: string }
  /** The proxy answered `CONNECT` with this HTTP status. */
  | { readonly kind: 'proxy-refused'; readonly status: number }
  /** No TCP connection, and the host knew at once: refused, or no route. */
  | { readonly kind: 'refused' }
  /** No TCP connection within ten seconds, as long as the module waits. */
  | { readonly kind: 'silent' }
  /** It could not be tried. */
  | { readonly kind: 'unproven'; readonly why: string }
);

/** What Duo says of ikey and skey: `refused` is an HTTP 401 and nothing else. */
export type KeysFacts =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'unproven'; readonly why: string };

/** What Duo would do with a user's login: see `result` of /auth/v2/preauth (duo.com/docs/authapi). */
export type EnrolmentFacts =
  | { readonly kind: 'enrolled' }
  /** Let in unasked, by Duo's policy or the user's status. */
  | { readonly kind: 'bypass' }
  | { readonly kind: 'not-enrolled' }
  | { readonly kind: 'denied'; readonly why: string }
  | { readonly kind: 'unproven'; readonly why: string };
