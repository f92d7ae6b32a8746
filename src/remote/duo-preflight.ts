// Duo as one host reaches it: name, addresses, TLS, clock and keys, through pipes that begin on the host.
import { X509Certificate } from 'node:crypto';
import { asFailure, Failure } from '../core/failure.ts';
import {
  ENROLMENT_ASKED_MAX,
  PREFLIGHT_ADDRESSES_MAX,
  type AddressFacts,
  type PreflightFacts,
  type PreflightRequest,
} from '../core/preflight.ts';
import { printable } from '../core/printable.ts';
import { passProxy, reachDuo, type DuoConnection, type DuoPeer, type Reached } from './duo-connection.ts';
import { askEnrolment, askKeys, type DuoAsker } from './duo-questions.ts';
import { readRelay, relayWords, type Relay, type RelayHead } from './duo-relay.ts';
import { duoRoots } from './duo-roots.ts';
import type { ExecChannel } from './exec-channel.ts';
import { deadlineIn, remainingMs, type Deadline } from './timer.ts';

/** TLS from its first byte to its last; the module waits five seconds for each of its parts (lib/https.c). */
const TLS_MS = 10_000;
const PROXY_MS = 5_000;

/** What a preflight needs of a session. */
export interface PreflightTools {
  /** Starts a program as root. */
  readonly exec: (words: readonly string[], deadline: Deadline) => Promise<ExecChannel>;
  readonly nonce: () => string;
}

/** Looks at Duo from a host. Never rejects but for a bug: what could not be tried is `unproven`, with the reason. */
export const preflightDuo = async (
  request: PreflightRequest,
  tools: PreflightTools,
  deadline: Deadline,
): Promise<PreflightFacts> => {
  const target = targetOf(request);
  const start = async (address: string | null): Promise<Relay> => {
    const nonce = tools.nonce();
    const lifeS = Math.ceil(remainingMs(deadline) / 1000) + 1;
    const { name, port } = target;
    const words = relayWords({ nonce, name, port, cafile: request.cafile, address, lifeS });
    return readRelay(await tools.exec(words, deadline), nonce, deadline);
  };
  let first: Relay | null = null;
  try {
    first = await start(null);
    const head = await first.head;
    const headAtMs = deadline.timer.nowMs();
    const seen = await seeAddresses({ request, head, first, start, deadline, headAtMs });
    return { target, unproven: null, ...seen };
  } catch (error) {
    const failure = asFailure(error);
    if (failure.reason === 'bug') throw failure;
    return { ...NOTHING_SEEN, target, unproven: printable(failure.message) };
  } finally {
    first?.close();
  }
};

const NOTHING_SEEN: Omit<PreflightFacts, 'target'> = {
  unproven: null,
  addresses: [],
  addressesLeft: 0,
  cafile: 'unused',
  clock: null,
  keys: { kind: 'unproven', why: 'Duo could not be asked' },
  enrolment: {},
};

interface Seeing {
  readonly request: PreflightRequest;
  readonly head: RelayHead;
  readonly first: Relay;
  readonly start: (address: string | null) => Promise<Relay>;
  readonly deadline: Deadline;
  /** When the head came in, by the deadline's timer. */
  readonly headAtMs: number;
}

const seeAddresses = async (seeing: Seeing): Promise<Omit<PreflightFacts, 'target' | 'unproven'>> => {
  const { request, head, first, start, deadline } = seeing;
  const addresses = [...new Set(head.addresses)];
  const tried = addresses.slice(0, PREFLIGHT_ADDRESSES_MAX);
  const cafile = cafileOf(request, head);
  const peer = peerOf(request, head, cafile);
  const relays: Promise<Relay>[] = tried.map((address, at) =>
    at === 0 ? Promise.resolve(first) : start(address),
  );
  try {
    const reaching = relays.map((relay) => reach(relay, { request, peer, deadline }));
    // The first that is trusted is asked while the others are still tried.
    const asking = firstTrusted(reaching).then((found) => {
      if (found === null) return null;
      const reopen = async (): Promise<DuoConnection> => {
        const again = start(tried[found.at] ?? null);
        relays.push(again);
        const reached = await reach(again, { request, peer, deadline });
        if (reached.kind === 'trusted') return reached.connection;
        throw new Failure('link', 'Duo ended the connection, and another could not be made');
      };
      return askAll(seeing, { connection: found.connection, peer, reopen });
    });
    const [reached, asked] = await Promise.all([Promise.all(reaching), asking]);
    return {
      ...NOTHING_SEEN,
      addresses: reached.map((one, at) => addressFacts(tried[at] ?? '', one)),
      addressesLeft: addresses.length - tried.length,
      cafile,
      ...asked,
    };
  } finally {
    for (const relay of relays) relay.then(({ close }) => close()).catch(() => undefined);
  }
};

const addressFacts = (address: string, reached: Reached): AddressFacts =>
  reached.kind === 'trusted' ? { address, kind: 'trusted' } : { ...reached, address };

const reach = async (
  starting: Promise<Relay>,
  options: { readonly request: PreflightRequest; readonly peer: DuoPeer; readonly deadline: Deadline },
): Promise<Reached> => {
  const { request, peer, deadline } = options;
  try {
    const end = await (await starting).end;
    if (end.kind === 'failed') return { kind: 'unproven', why: end.why };
    if (end.kind !== 'open') return end;
    const { timer } = deadline;
    const step = (ms: number): Deadline => deadlineIn(timer, Math.min(ms, remainingMs(deadline)));
    if (request.proxy !== null) {
      const refusal = await passProxy(end.stream, peer, step(PROXY_MS));
      if (refusal !== null) return refusal;
    }
    return await reachDuo(end.stream, peer, step(TLS_MS));
  } catch (error) {
    const failure = asFailure(error);
    if (failure.reason === 'bug') throw failure;
    return { kind: 'unproven', why: printable(failure.message) };
  }
};

/** With its place among them; `null` when all have ended and none is trusted. */
const firstTrusted = async (
  reaching: readonly Promise<Reached>[],
): Promise<{ readonly at: number; readonly connection: DuoConnection } | null> => {
  try {
    return await Promise.any(
      reaching.map(async (one, at) => {
        const reached = await one;
        if (reached.kind === 'trusted') return { at, connection: reached.connection };
        throw new Error(reached.kind);
      }),
    );
  } catch {
    return null;
  }
};

const askAll = async (
  { request, head, deadline, headAtMs }: Seeing,
  over: {
    readonly connection: DuoConnection;
    readonly peer: DuoPeer;
    readonly reopen: () => Promise<DuoConnection>;
  },
): Promise<Pick<PreflightFacts, 'clock' | 'keys' | 'enrolment'>> => {
  const { connection, peer, reopen } = over;
  const hostEpochS = (): number =>
    (head.epochS ?? 0) + Math.round((deadline.timer.nowMs() - headAtMs) / 1000);
  const asker: DuoAsker = { connection, host: peer.host, ikey: request.ikey, skey: request.skey, deadline };
  const { keys, duoEpochS, offsetS } = await askKeys(asker, hostEpochS);
  const clock = duoEpochS === null || head.epochS === null ? null : { hostEpochS: hostEpochS(), duoEpochS };
  const users = request.enrolment.slice(0, ENROLMENT_ASKED_MAX);
  const enrolment =
    keys.kind === 'refused'
      ? Object.fromEntries(users.map((user) => [user, { kind: 'unproven', why: keys.why } as const]))
      : await askEnrolment(asker, users, { epochS: () => hostEpochS() + offsetS, reopen });
  return { clock, keys, enrolment };
};

/** Host and port of `NAME[:PORT]`, as the module parts them: at the first colon (lib/https.c). */
const hostAndPort = (text: string, port: number): { readonly name: string; readonly port: number } => {
  const [name = '', given] = text.split(':');
  return { name, port: given === undefined ? port : Number(given) };
};

const HTTPS_PORT = 443;
const PROXY_PORT = 80;

const targetOf = ({ apiHost, proxy }: PreflightRequest): PreflightFacts['target'] =>
  proxy === null
    ? { ...hostAndPort(apiHost, HTTPS_PORT), isProxy: false }
    : { ...hostAndPort(proxy.replace(/^http:\/\//, '').replace(/\/.*$/, ''), PROXY_PORT), isProxy: true };

const peerOf = (request: PreflightRequest, head: RelayHead, cafile: PreflightFacts['cafile']): DuoPeer => {
  const { name: host, port } = hostAndPort(request.apiHost, HTTPS_PORT);
  if (cafile === 'unused') {
    const { certificates, missing } = duoRoots();
    return { host, port, certificates, missing };
  }
  const certificates = cafile === 'usable' && head.cafile !== null ? certificatesOf(head.cafile) : [];
  return { host, port, certificates, missing: [] };
};

const cafileOf = (request: PreflightRequest, head: RelayHead): PreflightFacts['cafile'] => {
  if (request.cafile === null) return 'unused';
  if (head.cafile === null) return 'missing';
  return certificatesOf(head.cafile).length > 0 ? 'usable' : 'unusable';
};

/** The certificates of a file that can be read as such; OpenSSL passes over what stands between them too. */
const certificatesOf = (text: string): readonly string[] =>
  pemsOf(text).filter((pem) => {
    try {
      return new X509Certificate(pem).raw.length > 0;
    } catch {
      return false;
    }
  });

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';

/** Each end with the last beginning before it: one look at a text that the host decides. */
const pemsOf = (text: string): readonly string[] =>
  text
    .split(END)
    .slice(0, -1)
    .flatMap((before) => {
      const at = before.lastIndexOf(BEGIN);
      return at < 0 ? [] : [before.slice(at) + END];
    });
