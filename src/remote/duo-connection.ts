// TLS and HTTP to Duo over a pipe, as the module would trust it.
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { Failure } from '../core/failure.ts';
import type { AddressFacts } from '../core/preflight.ts';
import { printable } from '../core/printable.ts';
import { deferred } from '../core/deferred.ts';
import { within, type Deadline } from './timer.ts';

const BODY_BYTES_MAX = 64 * 1024;
const WORDS_CHARS_MAX = 200;

/** Whom the certificate must be for, and who may have signed it. */
export interface DuoPeer {
  readonly host: string;
  readonly port: number;
  readonly certificates: readonly string[];
  /** Names of authorities that count too and whose certificates we do not have. */
  readonly missing: readonly string[];
}

/** An answer over HTTP. */
export interface DuoReply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface DuoRequestLine {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One connection; requests go one after another, and a connection that has ended fails them with `link`. */
export interface DuoConnection {
  readonly ask: (line: DuoRequestLine, deadline: Deadline) => Promise<DuoReply>;
}

/** What became of an address that TCP reaches. */
export type Reached =
  | { readonly kind: 'trusted'; readonly connection: DuoConnection }
  | Exclude<WithoutAddress<AddressFacts>, { readonly kind: 'trusted' }>;
type WithoutAddress<T> = T extends unknown ? Omit<T, 'address'> : never;

/** TLS over a pipe. Never rejects but for a bug; what was not trusted is closed. */
export const reachDuo = async (stream: Duplex, peer: DuoPeer, deadline: Deadline): Promise<Reached> => {
  const { host } = peer;
  const ended = deferred<never>();
  ended.promise.catch(() => undefined);
  const secure = connect({
    socket: stream,
    host,
    // SNI takes no addresses (RFC 6066, section 3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    minVersion: 'TLSv1.2',
    ca: [...peer.certificates],
    // Judged below, by what OpenSSL found: nothing is sent to a peer that is not trusted.
    rejectUnauthorized: false,
  });
  secure.on('error', (error) => ended.reject(new Failure('link', printable(error.message, WORDS_CHARS_MAX))));
  secure.on('close', () => ended.reject(new Failure('link', 'the connection was closed')));
  const shaken = new Promise<void>((resolve) => {
    secure.once('secureConnect', resolve);
  });
  try {
    await within(deadline, Promise.race([shaken, ended.promise]), () => 'no answer in time');
  } catch (error) {
    secure.destroy();
    return { kind: 'no-tls', why: messageOf(error) };
  }
  if (secure.authorized) return { kind: 'trusted', connection: connectionOver(secure, peer, ended.promise) };
  const distrust = judged(secure, peer);
  secure.destroy();
  return distrust;
};

const judged = (secure: TLSSocket, peer: DuoPeer): Reached => {
  const error: unknown = secure.authorizationError;
  // Node gives OpenSSL's name of the error: UNABLE_TO_GET_ISSUER_CERT_LOCALLY, CERT_HAS_EXPIRED.
  const code = error instanceof Error ? error.message : String(error);
  const issuer = topIssuer(secure);
  if (peer.missing.includes(issuer)) {
    const why = `its certificate is by ${printable(issuer)}, which the module trusts and this Node.js does not know`;
    return { kind: 'unproven', why };
  }
  const names = secure.getPeerCertificate().subjectaltname ?? 'no name';
  const why =
    code === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? `it is for ${names}, and not for ${peer.host}`
      : `${code}${issuer === '' ? '' : `, issued by ${issuer}`}`;
  return { kind: 'untrusted', why: printable(why, WORDS_CHARS_MAX) };
};

/** The name of who signed the last certificate that the peer has shown. */
const topIssuer = (secure: TLSSocket): string => {
  let certificate = secure.getPeerCertificate(true);
  // A self-signed one is its own issuer, and the chain of an unknown length.
  for (let depth = 0; depth < 10; depth += 1) {
    const issuer = certificate.issuerCertificate;
    if (issuer === undefined || issuer.fingerprint256 === certificate.fingerprint256) break;
    certificate = issuer;
  }
  if (certificate.raw === undefined) return '';
  return /^CN=(.*)$/m.exec(new X509Certificate(certificate.raw).issuer)?.[1] ?? '';
};

const connectionOver = (secure: TLSSocket, peer: DuoPeer, ended: Promise<never>): DuoConnection => {
  const agent = agentOver(secure);
  return {
    ask: async (line, deadline) => {
      if (secure.destroyed) return ended;
      const answered = deferred<DuoReply>();
      answered.promise.catch(() => undefined);
      const asking = httpRequest({
        agent,
        method: line.method,
        path: line.path,
        headers: {
          ...line.headers,
          Host: peer.port === 443 ? peer.host : `${peer.host}:${peer.port}`,
          'Content-Length': Buffer.byteLength(line.body),
        },
      });
      asking.on('error', (error) =>
        answered.reject(new Failure('link', printable(error.message, WORDS_CHARS_MAX))),
      );
      asking.on('response', (response) => {
        readBody(response).then(answered.resolve, answered.reject);
      });
      asking.end(line.body);
      try {
        return await within(
          deadline,
          Promise.race([answered.promise, ended]),
          () => 'no answer over HTTP in time',
        );
      } catch (error) {
        asking.destroy();
        throw error;
      }
    },
  };
};

/** Node's HTTP over a stream that is there already. Without an agent of its own `request` would dial from here. */
const agentOver = (stream: Duplex): Agent => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  agent.createConnection = () => stream;
  return agent;
};

const readBody = async (response: IncomingMessage): Promise<DuoReply> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Failure('exit', 'an answer that is too long for Duo');
    chunks.push(chunk);
  }
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString('utf8'),
  };
};

/**
 * Asks a proxy for a way to Duo over a pipe to it. `null`: the pipe leads to Duo now.
 * The module takes 200 and nothing else (duo_unix lib/https.c, https_open).
 */
export const passProxy = async (
  stream: Duplex,
  peer: DuoPeer,
  deadline: Deadline,
): Promise<Extract<Reached, { kind: 'no-tls' | 'proxy-refused' }> | null> => {
  const answered = deferred<number>();
  answered.promise.catch(() => undefined);
  const target = `${peer.host}:${peer.port}`;
  const asking = httpRequest({
    agent: agentOver(stream),
    method: 'CONNECT',
    path: target,
    headers: { Host: target },
  });
  // The pipe was handed over paused, and Node's parser does not start it.
  asking.on('socket', () => stream.resume());
  asking.on('connect', (response, _socket, head: Buffer) => {
    stream.pause();
    if (head.length > 0) stream.unshift(head);
    answered.resolve(response.statusCode ?? 0);
  });
  asking.on('response', (response) => answered.resolve(response.statusCode ?? 0));
  asking.on('error', (error) => answered.reject(error));
  asking.end();
  try {
    const status = await within(deadline, answered.promise, () => 'the proxy did not answer in time');
    if (status === 200) return null;
    stream.destroy();
    return { kind: 'proxy-refused', status };
  } catch (error) {
    stream.destroy();
    return { kind: 'no-tls', why: `the proxy: ${printable(messageOf(error), WORDS_CHARS_MAX)}` };
  }
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
