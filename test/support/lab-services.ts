// The program that runs in the bastion's namespace: the Duo cloud, the package repository, and a socket to steer both.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { startDuoCloud, type DuoCloud } from './duo-cloud.ts';
import { DUO_DECISIONS, type DuoDecision } from './duo-protocol.ts';
import {
  duoRepository,
  REPOSITORY_KINDS,
  repositoryFile,
  type DuoRepository,
  type RepositoryKind,
} from './duo-repository.ts';
import { LAB_IKEY, LAB_SKEY } from './lab-hosts.ts';

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

async function main([
  folder = '',
  repositoryAddress = '',
  duoAddress = '',
]: readonly string[]): Promise<void> {
  const pki = (file: string): Buffer => readFileSync(join(folder, 'pki', file));
  const cloud = await startDuoCloud({
    address: duoAddress,
    port: HTTPS_PORT,
    certificate: pki('server.pem'),
    certificateKey: pki('server.key'),
    keys: { ikey: LAB_IKEY, skey: LAB_SKEY },
  });
  // Made by whoever started us; asked for nothing here, it only tells where things are.
  const shelf: Shelf = { repository: await duoRepository([]), kind: 'good', kindFor: new Map() };
  createServer((request, response) => {
    void serveFile(shelf, request, response);
  }).listen(HTTP_PORT, repositoryAddress);
  createServer((request, response) => {
    steer(cloud, shelf, request).then(
      (text) => response.end(text),
      (error: unknown) => {
        response.writeHead(400);
        response.end(error instanceof Error ? error.message : String(error));
      },
    );
  }).listen(join(folder, 'control.sock'));
  process.on('SIGTERM', () => process.exit(0));
}

/** The repository and what it holds at the moment. */
interface Shelf {
  readonly repository: DuoRepository;
  kind: RepositoryKind;
  /** By the address of who asks, for those to whom it is not what it is to all. */
  readonly kindFor: Map<string, RepositoryKind>;
}

async function serveFile(shelf: Shelf, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const kind = shelf.kindFor.get(request.socket.remoteAddress ?? '') ?? shelf.kind;
  const file = repositoryFile(shelf.repository, kind, path);
  const bytes = file === null ? null : await readFile(file).catch(() => null);
  if (bytes === null) {
    response.writeHead(404).end();
    return;
  }
  response
    .writeHead(200, { 'Content-Length': bytes.length })
    .end(request.method === 'HEAD' ? undefined : bytes);
}

async function steer(cloud: DuoCloud, shelf: Shelf, request: IncomingMessage): Promise<string> {
  const body = await readJson(request);
  switch (`${request.method} ${request.url}`) {
    case 'GET /ready':
      return 'ready';
    case 'GET /duo/requests':
      return JSON.stringify(cloud.requests());
    case 'DELETE /duo/requests':
      cloud.forget();
      return '';
    case 'POST /duo/decisions':
      await decide(cloud, body['user'] ?? '', body['decision'] ?? '');
      return '';
    case 'POST /repository':
      setKind(shelf, oneOf(REPOSITORY_KINDS, body['kind'] ?? ''), body['address']);
      return '';
    default:
      throw new Error('there is no such thing to steer');
  }
}

function setKind(shelf: Shelf, kind: RepositoryKind, address: string | undefined): void {
  if (address === undefined) shelf.kind = kind;
  else shelf.kindFor.set(address, kind);
}

async function decide(cloud: DuoCloud, user: string, decision: string): Promise<void> {
  if (decision === 'refuse') {
    if (user !== '*')
      throw new Error("'refuse' is for '*' only: before TLS nobody knows which user it is about");
    await cloud.setReachable(false);
    return;
  }
  await cloud.setReachable(true);
  cloud.decide(user, decision === 'default' ? null : oneOf<DuoDecision>(DUO_DECISIONS, decision));
}

function oneOf<T extends string>(table: Readonly<Record<T, string>>, word: string): T {
  if (Object.hasOwn(table, word)) return word as T;
  throw new Error(`'${word}' is none of ${Object.keys(table).join(', ')}`);
}

async function readJson(request: IncomingMessage): Promise<Readonly<Record<string, string>>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8');
  return text === '' ? {} : (JSON.parse(text) as Record<string, string>);
}

await main(process.argv.slice(2));
