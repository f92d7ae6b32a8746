// A stand-in for Duo's cloud: HTTPS around the answers, a log, and a line that can be cut.
import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, newDuoState, userOf, type DuoState, type LoggedRequest } from './duo-answers.ts';
import { encodeAnswer, parseParameters, type DuoDecision, type DuoRequest } from './duo-protocol.ts';

/** Where it listens, what it shows, whose signatures it takes. */
export interface DuoCloudOptions {
  readonly address: string;
  /** 0: any free one, see `port`. */
  readonly port: number;
  readonly certificate: Buffer;
  readonly certificateKey: Buffer;
  readonly keys: { readonly ikey: string; readonly skey: string };
  /** How far its clock is ahead of this machine's, in seconds (0). */
  readonly aheadS?: number;
  /** Requests after which it ends a connection; 0: never. */
  readonly requestsPerConnectionMax?: number;
}

/** A cloud that is up. */
export interface DuoCloud {
  readonly port: number;
  /** What to say of a user from now on; `*` is everybody, and `null` takes it back. */
  readonly decide: (user: string, decision: DuoDecision | null) => void;
  /** Whether connections are refused: the service is unreachable rather than unwilling. */
  readonly setReachable: (reachable: boolean) => Promise<void>;
  /** What was asked, oldest first; the last 10000. */
  readonly requests: () => readonly LoggedRequest[];
  readonly forget: () => void;
  readonly close: () => Promise<void>;
}

const REQUESTS_MAX = 10_000;
const BODY_BYTES_MAX = 64 * 1024;

/** Starts a cloud that knows the lab's accounts. */
export async function startDuoCloud(options: DuoCloudOptions): Promise<DuoCloud> {
  const state = newDuoState();
  const log: LoggedRequest[] = [];
  const server = createServer(
    { cert: options.certificate, key: options.certificateKey },
    (request, response) => {
      const { keys, aheadS = 0 } = options;
      serve(request, response, { state, log, keys, aheadS }).catch(() => response.destroy());
    },
  );
  // A request that never gets an answer is a decision, not a fault of the connection.
  server.requestTimeout = 0;
  server.maxRequestsPerSocket = options.requestsPerConnectionMax ?? 0;
  await listen(server, options.port, options.address);
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : options.port;
  return {
    port,
    decide: (user, decision) => {
      if (decision === null) state.decisions.delete(user);
      else state.decisions.set(user, decision);
    },
    setReachable: async (reachable) => {
      if (reachable === server.listening) return;
      await (reachable ? listen(server, port, options.address) : close(server));
    },
    requests: () => [...log],
    forget: () => void log.splice(0),
    close: () => close(server),
  };
}

interface Serving {
  readonly state: DuoState;
  readonly log: LoggedRequest[];
  readonly keys: { readonly ikey: string; readonly skey: string };
  readonly aheadS: number;
}

async function serve(incoming: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const request = await readRequest(incoming);
  const atMs = Date.now() + serving.aheadS * 1000;
  const reply = answer(serving.state, request, {
    keys: serving.keys,
    nowMs: atMs,
    txid: () => `tx${randomBytes(8).toString('hex')}`,
  });
  serving.log.push({
    atMs,
    method: request.method,
    path: request.path,
    parameters: request.parameters,
    user: userOf(request),
    hasCredentials: request.authorization !== '',
    userAgent: incoming.headers['user-agent'] ?? '',
    status: reply?.status ?? 0,
  });
  if (serving.log.length > REQUESTS_MAX) serving.log.shift();
  if (reply === null) return;
  const { type, body } = encodeAnswer(reply, request.path);
  // libduo reads by Content-Length only.
  response.writeHead(reply.status, {
    Date: new Date(atMs).toUTCString(),
    'Content-Type': type,
    'Content-Length': body.length,
  });
  response.end(body);
}

async function readRequest(incoming: IncomingMessage): Promise<DuoRequest> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error('duo cloud: the request is too large');
    chunks.push(chunk);
  }
  const [path = '', query = ''] = (incoming.url ?? '').split('?', 2);
  const date = incoming.headers['x-duo-date'];
  return {
    method: incoming.method ?? '',
    path,
    parameters: parseParameters(incoming.method === 'GET' ? query : Buffer.concat(chunks).toString('utf8')),
    host: incoming.headers.host ?? '',
    authorization: incoming.headers.authorization ?? '',
    date: typeof date === 'string' ? date : '',
  };
}

function listen(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
