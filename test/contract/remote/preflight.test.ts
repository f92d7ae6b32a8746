// A host's look at Duo, over a real sshd, with every way in which Duo can be away, wrong or unwilling.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { connect as connectTcp, createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { PreflightFacts, PreflightRequest } from '../../../src/core/preflight.ts';
import type { HostSession } from '../../../src/core/remote.ts';
import { Secret } from '../../../src/core/secret.ts';
import { startDuoCloud, type DuoCloud } from '../../support/duo-cloud.ts';
import type { DuoDecision } from '../../support/duo-protocol.ts';
import { knownAt, localRemote } from '../../support/local-remote.ts';
import { startLocalSshd, type LocalSshd } from '../../support/local-sshd.ts';
import { makeSilentPort } from '../../support/silent-port.ts';
import { makeThrowawayPki, type ThrowawayPki } from '../../support/throwaway-pki.ts';
import { turnDepth } from '../../support/turn-depth.ts';

const NAME = 'api-good.duosecurity.test';
const KEYS = { ikey: 'DIXXXXXXXXXXXXXXXXXX', skey: 'the-secret-key-of-the-preflight-test' };
/** The stand-in's address, one where nothing listens, and one that never answers. */
const HOSTS = [
  `127.0.0.1 ${NAME} api-other.duosecurity.test`,
  `127.0.0.1 api-part.duosecurity.test`,
  `127.0.0.2 api-part.duosecurity.test`,
  `127.0.0.2 api-refused.duosecurity.test`,
  `127.0.0.1 api-slow.duosecurity.test`,
  `127.0.0.3 api-slow.duosecurity.test`,
  ...Array.from({ length: 10 }, (_, at) => `127.0.1.${at + 1} api-many.duosecurity.test`),
];

let pki: ThrowawayPki;
let sshd: LocalSshd;
let cloud: DuoCloud;
let session: HostSession;

beforeAll(async () => {
  pki = await makeThrowawayPki();
  const { certificate, key } = await pki.issue(NAME);
  sshd = await startLocalSshd([], HOSTS);
  cloud = await startDuoCloud({
    address: '127.0.0.1',
    port: 0,
    certificate,
    certificateKey: key,
    keys: KEYS,
  });
  session = await localRemote(sshd).connect(sshd.settings(), { deadlineMs: 10_000 });
});
afterAll(async () => {
  session.close();
  await cloud.close();
  await sshd.stop();
  await pki.remove();
});
afterEach(() => {
  cloud.decide('*', null);
  cloud.forget();
});

const request = (changes: Partial<PreflightRequest> = {}): PreflightRequest => ({
  apiHost: `${NAME}:${cloud.port}`,
  ikey: KEYS.ikey,
  skey: new Secret(KEYS.skey),
  proxy: null,
  cafile: pki.caFile,
  enrolment: [],
  ...changes,
});
const look = async (changes: Partial<PreflightRequest> = {}, deadlineMs = 30_000): Promise<PreflightFacts> =>
  session.preflight(request(changes), deadlineMs);
const kindsOf = ({ addresses }: PreflightFacts): readonly string[] => addresses.map(({ kind }) => kind);

/** The words and the environment of every process. */
const processes = async (): Promise<readonly string[]> => {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const files = ids.flatMap((id) => [`/proc/${id}/cmdline`, `/proc/${id}/environ`]);
  return Promise.all(files.map(async (path) => readFile(path, 'utf8').catch(() => '')));
};

/** Another server in the stand-in's place, on a port of its own. */
const serverOf = async (server: Server | HttpServer): Promise<number> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

describe('a Duo with which all is well', () => {
  test('is reached, trusted by the host’s own CA file, and takes the keys', async () => {
    const seen = await look();
    expect(seen).toMatchObject({
      target: { name: NAME, port: cloud.port, isProxy: false },
      unproven: null,
      addresses: [{ address: '127.0.0.1', kind: 'trusted' }],
      addressesLeft: 0,
      cafile: 'usable',
      keys: { kind: 'accepted' },
    });
    expect(Math.abs((seen.clock?.hostEpochS ?? 0) - (seen.clock?.duoEpochS ?? 99))).toBeLessThanOrEqual(2);
    expect(cloud.requests().map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /auth/v2/check']);
  });

  test('is reached by a login that is root’s own, and by an account whose shell talks', async () => {
    for (const connection of [{ user: 'root', become: false }, { user: 'noisy' }]) {
      const other = await localRemote(sshd).connect(sshd.settings(connection), { deadlineMs: 10_000 });
      expect(kindsOf(await other.preflight(request(), 20_000))).toEqual(['trusted']);
      other.close();
    }
  });

  test('costs four round trips: a channel, what the host knows, TLS, the answer', async () => {
    const proxy = await turnDepth({ host: '127.0.0.1', port: sshd.port }, 50);
    const remote = localRemote(sshd, { hostKeys: knownAt(sshd, proxy.port) });
    const other = await remote.connect(sshd.settings({ port: proxy.port }), { deadlineMs: 10_000 });
    // Whatever comes before the first answer of the root shell is not the preflight's.
    await other.guard({ operation: 'status', tx: 't1', args: [], files: {}, deadlineMs: 10_000 });
    const before = proxy.depth();
    expect(kindsOf(await other.preflight(request(), 20_000))).toEqual(['trusted']);
    expect(proxy.depth() - before).toBeLessThanOrEqual(4);
    other.close();
    proxy.close();
  });
});

describe('a way to Duo that is not there', () => {
  test('a name that the host does not know has no addresses', async () => {
    const seen = await look({ apiHost: 'no-such-name.duosecurity.invalid' });
    expect([seen.unproven, seen.addresses, seen.keys.kind]).toEqual([null, [], 'unproven']);
  });

  test('a port that refuses is told from one that never answers, and from a TLS that stalls; both are given up in time', async () => {
    const silent = await makeSilentPort('127.0.0.3', cloud.port);
    const stalls = createServer(() => undefined);
    const port = await serverOf(stalls);
    const [slow, stalled, refused] = await Promise.all([
      look({ apiHost: `api-slow.duosecurity.test:${cloud.port}` }),
      look({ apiHost: `${NAME}:${port}` }),
      look({ apiHost: `api-refused.duosecurity.test:${cloud.port}` }),
    ]);
    silent.close();
    stalls.close();
    expect(kindsOf(slow).toSorted()).toEqual(['silent', 'untrusted']);
    expect(stalled.addresses).toMatchObject([
      { kind: 'no-tls', why: expect.stringContaining('time') as string },
    ]);
    expect(kindsOf(refused)).toEqual(['refused']);
  });

  test('every address of a name is tried, eight at most, and the others are counted', async () => {
    const part = await look({ apiHost: `api-part.duosecurity.test:${cloud.port}` });
    expect([...part.addresses].map(({ address, kind }) => `${address} ${kind}`).toSorted()).toEqual([
      '127.0.0.1 untrusted',
      '127.0.0.2 refused',
    ]);
    const many = await look({ apiHost: `api-many.duosecurity.test:${cloud.port}` });
    expect([many.addresses.length, many.addressesLeft]).toEqual([8, 2]);
  });
});

describe('a TLS that the module would not trust', () => {
  test('a certificate for another name is untrusted, and nothing is asked', async () => {
    const seen = await look({ apiHost: `api-other.duosecurity.test:${cloud.port}` });
    expect(seen.addresses).toMatchObject([
      { kind: 'untrusted', why: expect.stringContaining(NAME) as string },
    ]);
    expect(cloud.requests()).toEqual([]);
  });

  test('one by an authority that is none of the module’s is untrusted, and its issuer is told', async () => {
    const seen = await look({ cafile: null });
    expect(seen.cafile).toBe('unused');
    expect(seen.addresses).toMatchObject([
      { kind: 'untrusted', why: expect.stringContaining('A throw-away authority') as string },
    ]);
    expect(cloud.requests()).toEqual([]);
  });

  test('a CA file that is missing, or has nothing in it, is told as that', async () => {
    const empty = join(sshd.folder, 'empty.pem');
    await writeFile(empty, 'no certificate\n');
    expect((await look({ cafile: `${empty}.not` })).cafile).toBe('missing');
    const seen = await look({ cafile: empty });
    expect([seen.cafile, ...kindsOf(seen)]).toEqual(['unusable', 'untrusted']);
  });

  test('something that speaks no TLS, or hangs up, is no TLS', async () => {
    const answers = createServer((socket) => socket.end('HTTP/1.0 400 no\r\n\r\n'));
    const hangsUp = createServer((socket) => socket.destroy());
    for (const server of [answers, hangsUp]) {
      const port = await serverOf(server);
      expect(kindsOf(await look({ apiHost: `${NAME}:${port}` }))).toEqual(['no-tls']);
      server.close();
    }
  });
});

describe('the keys', () => {
  test.each<[string, DuoDecision, PreflightFacts['keys']['kind']]>([
    ['a 401 is wrong keys', '401', 'refused'],
    ['a 403 proves nothing', '403', 'unproven'],
    ['a 429 proves nothing', '429', 'unproven'],
    ['a 500 proves nothing', '500', 'unproven'],
    ['a 200 that is not Duo’s proves nothing', 'garbage', 'unproven'],
  ])('%s', async (_, decision, kind) => {
    cloud.decide('*', decision);
    const seen = await look();
    expect([seen.keys.kind, ...kindsOf(seen)]).toEqual([kind, 'trusted']);
  });

  test('no answer proves nothing; meanwhile they are in no process’s words, and afterwards no process is left', async () => {
    cloud.decide('*', 'hang');
    const looking = look();
    await vi.waitFor(() => expect(cloud.requests()).toHaveLength(1), { timeout: 10_000 });
    const during = await processes();
    expect(during.filter((words) => words.includes(NAME)).length).toBeGreaterThan(0);
    expect(during.filter((words) => words.includes(KEYS.skey))).toEqual([]);
    expect((await looking).keys.kind).toBe('unproven');
    await vi.waitFor(
      async () => expect((await processes()).filter((words) => words.includes(NAME))).toEqual([]),
      { timeout: 10_000 },
    );
  });

  test('a wrong secret key is refused', async () => {
    const seen = await look({ skey: new Secret(`${KEYS.skey}-not`) });
    expect(seen.keys).toEqual({ kind: 'refused', why: expect.stringContaining('HTTP 401') as string });
  });

  test('are accepted where the clocks are an hour apart, and the difference is told', async () => {
    const { certificate, key } = await pki.issue(NAME);
    const early = await startDuoCloud({
      address: '127.0.0.1',
      port: 0,
      certificate,
      certificateKey: key,
      keys: KEYS,
      aheadS: 3600,
    });
    const seen = await look({ apiHost: `${NAME}:${early.port}` });
    expect(seen.keys).toEqual({ kind: 'accepted' });
    expect((seen.clock?.duoEpochS ?? 0) - (seen.clock?.hostEpochS ?? 0)).toBeGreaterThan(3590);
    await early.close();
  });
});

/** An HTTP proxy that answers CONNECT with a status, and with 200 leads to the stand-in. */
const proxyServer = (status: number): HttpServer =>
  createHttpServer().on('connect', (asked, socket) => {
    socket.write(`HTTP/1.1 ${status} As told\r\n\r\n`);
    if (status !== 200) {
      socket.end();
      return;
    }
    const port = Number((asked.url ?? '').split(':')[1]);
    const up = connectTcp(port, '127.0.0.1');
    socket.pipe(up).pipe(socket);
  });

describe('a proxy', () => {
  test('is gone through, by the name of Duo', async () => {
    const server = proxyServer(200);
    const port = await serverOf(server);
    const seen = await look({ proxy: `http://127.0.0.1:${port}` });
    expect(seen).toMatchObject({
      target: { name: '127.0.0.1', port, isProxy: true },
      addresses: [{ address: '127.0.0.1', kind: 'trusted' }],
      keys: { kind: 'accepted' },
    });
    server.closeAllConnections();
    server.close();
  });

  test('that does not let the host through is told with its answer', async () => {
    const server = proxyServer(403);
    const port = await serverOf(server);
    const seen = await look({ proxy: `127.0.0.1:${port}` });
    expect(seen.addresses).toEqual([{ address: '127.0.0.1', kind: 'proxy-refused', status: 403 }]);
    server.close();
  });
});

describe('enrolment', () => {
  test('is asked for each name without sending anybody a push', async () => {
    cloud.decide('lockedout', 'locked-out');
    cloud.decide('broken', '500');
    const seen = await look({ enrolment: ['alice', 'canary', 'zoe', 'lockedout', 'broken'] });
    expect(seen.enrolment).toEqual({
      alice: { kind: 'enrolled' },
      canary: { kind: 'bypass' },
      zoe: { kind: 'not-enrolled' },
      lockedout: { kind: 'denied', why: 'Your account is locked out' },
      broken: { kind: 'unproven', why: expect.stringContaining('HTTP 500') as string },
    });
    expect(new Set(cloud.requests().map(({ path }) => path))).toEqual(
      new Set(['/auth/v2/check', '/auth/v2/preauth']),
    );
  });

  test('goes on over another connection where a server ends one', async () => {
    const { certificate, key } = await pki.issue(NAME);
    const curt = await startDuoCloud({
      address: '127.0.0.1',
      port: 0,
      certificate,
      certificateKey: key,
      keys: KEYS,
      requestsPerConnectionMax: 2,
    });
    const seen = await look({
      apiHost: `${NAME}:${curt.port}`,
      enrolment: ['alice', 'bob', 'canary', 'zoe'],
    });
    expect(Object.values(seen.enrolment).map(({ kind }) => kind)).toEqual([
      'enrolled',
      'enrolled',
      'bypass',
      'not-enrolled',
    ]);
    await curt.close();
  });
});

describe('a preflight that cannot be made', () => {
  test('says so when the host does not answer in time, and the session lives on', async () => {
    const seen = await look({ apiHost: `${NAME}:${cloud.port}` }, 1);
    expect(seen.unproven).toContain('in time');
    expect(kindsOf(await look())).toEqual(['trusted']);
  });

  test('says so when the connection is lost', async () => {
    const other = await localRemote(sshd).connect(sshd.settings(), { deadlineMs: 10_000 });
    other.close();
    expect((await other.preflight(request(), 5_000)).unproven).toBeTruthy();
  });
});
