import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { answer, newDuoState, type DuoState } from '../../support/duo-answers.ts';
import { startDuoCloud, type DuoCloud } from '../../support/duo-cloud.ts';
import {
  LAB_PASSCODE,
  sign,
  type DuoAnswer,
  type DuoDecision,
  type DuoDocument,
} from '../../support/duo-protocol.ts';

const KEYS = { ikey: 'DITESTTESTTESTTESTTE', skey: 'secret' };
const NOW_MS = Date.parse('2026-11-22T06:00:00Z');
const DATE = 'Sun, 22 Nov 2026 06:00:00 +0000';

/** A request signed the way module 2.2 signs; without a date as modules before 2.0.4 do. */
function signed(
  method: string,
  path: string,
  parameters: Readonly<Record<string, string>> = {},
  date: string = DATE,
) {
  const bare = { method, path, parameters, host: 'api.test', authorization: '', date };
  const credentials = `${KEYS.ikey}:${sign(bare, KEYS.skey, 'sha512')}`;
  return { ...bare, authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

const response = (reply: DuoAnswer | null): DuoDocument => {
  const body = reply?.body;
  return (typeof body === 'object' ? body['response'] : undefined) as DuoDocument;
};

describe('answers', () => {
  let state: DuoState;
  const ask = (
    method: string,
    path: string,
    parameters: Readonly<Record<string, string>> = {},
  ): DuoAnswer | null =>
    answer(state, signed(method, path, parameters), { keys: KEYS, nowMs: NOW_MS, txid: () => 'tx1' });

  beforeEach(() => {
    state = newDuoState();
  });

  test.each([
    ['allow', 'auth', 'allow'],
    ['deny', 'auth', 'deny'],
  ] as const)('%s: preauth says %s, and a push ends with %s', (decision, preauth, auth) => {
    state.decisions.set('u', decision);
    const first = response(ask('POST', '/auth/v2/preauth', { username: 'u' }));
    const second = response(
      ask('POST', '/auth/v2/auth', { username: 'u', factor: 'prompt', prompt: 'push1', async: '0' }),
    );
    expect([first['result'], second['result']]).toEqual([preauth, auth]);
  });

  test.each([
    ['bypass', 'allow'],
    ['locked-out', 'deny'],
    ['enroll', 'enroll'],
  ] as const)('%s: preauth says %s in both versions of the API', (decision, result) => {
    state.decisions.set('u', decision);
    const v1 = response(ask('POST', '/rest/v1/preauth.json', { user: 'u' }));
    const v2 = response(ask('POST', '/auth/v2/preauth', { username: 'u' }));
    expect([v1['result'], v2['result']]).toEqual([result, result]);
  });

  test('a user whom nobody has told it about has to enrol', () => {
    expect(response(ask('POST', '/auth/v2/preauth', { username: 'stranger' }))['result']).toBe('enroll');
  });

  test('a decision for everybody wins over one for a user', () => {
    state.decisions.set('u', 'allow');
    state.decisions.set('*', '403');
    expect(ask('POST', '/auth/v2/preauth', { username: 'u' })?.status).toBe(403);
  });

  test.each(['401', '403', '429', '500'] as const)('%s is that HTTP status', (decision) => {
    state.decisions.set('u', decision);
    expect(ask('POST', '/auth/v2/preauth', { username: 'u' })?.status).toBe(Number(decision));
  });

  test('hang is no answer', () => {
    state.decisions.set('u', 'hang');
    expect(ask('POST', '/auth/v2/preauth', { username: 'u' })).toBeNull();
  });

  test.each([
    [LAB_PASSCODE, 'allow'],
    ['111111', 'deny'],
  ])('passcode %s: %s', (prompt, result) => {
    state.decisions.set('u', 'allow');
    expect(response(ask('POST', '/auth/v2/auth', { username: 'u', prompt, async: '0' }))['result']).toBe(
      result,
    );
  });

  test('a transaction waits once, then says what was decided when it began', () => {
    state.decisions.set('u', 'allow');
    const begun = response(ask('POST', '/auth/v2/auth', { username: 'u', prompt: 'push1', async: '1' }));
    state.decisions.set('u', 'deny');
    const polls = [1, 2].map(
      () =>
        response(ask('GET', '/auth/v2/auth_status', { txid: JSON.stringify(begun['txid']).slice(1, -1) }))[
          'result'
        ],
    );
    expect(polls).toEqual(['waiting', 'allow']);
  });

  test('an unsigned request is refused, but for ping', () => {
    expect(
      ['/auth/v2/ping', '/auth/v2/check'].map((path) => {
        const unsigned = { ...signed('GET', path), authorization: '' };
        return answer(state, unsigned, { keys: KEYS, nowMs: NOW_MS, txid: () => '' })?.status;
      }),
    ).toEqual([200, 401]);
  });

  test('a date that is more than five minutes off is refused', () => {
    const statuses = [299_000, -299_000, 301_000, -301_000].map(
      (ms) =>
        answer(state, signed('GET', '/auth/v2/check'), { keys: KEYS, nowMs: NOW_MS + ms, txid: () => '' })
          ?.status,
    );
    expect(statuses).toEqual([200, 200, 401, 401]);
  });

  test('what is decided for everybody holds for check, too, and what is decided for one does not', () => {
    state.decisions.set('u', '500');
    expect(ask('GET', '/auth/v2/check')?.status).toBe(200);
    state.decisions.set('*', '500');
    expect(ask('GET', '/auth/v2/check')?.status).toBe(500);
  });

  test('a path or a method that the API does not have is not found', () => {
    expect([ask('GET', '/auth/v3/ping')?.status, ask('GET', '/auth/v2/auth')?.status]).toEqual([404, 404]);
  });
});

describe('the server', () => {
  let folder = '';
  let cloud: DuoCloud;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'duo-cloud-'));
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
    const make = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=api.test';
    execFileSync('openssl', [...make.split(' '), '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const [certificate, certificateKey] = [readFileSync(cert), readFileSync(key)];
    cloud = await startDuoCloud({ address: '127.0.0.1', port: 0, certificate, certificateKey, keys: KEYS });
  });
  afterAll(async () => {
    await cloud.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function post(
    path: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<{ status: number; text: string }> {
    // The server's clock is the real one, so that no date of ours would do.
    const { authorization } = signed('POST', path, parameters, '');
    const headers = { Host: `api.test:${cloud.port}`, Authorization: authorization };
    return new Promise((resolve, reject) => {
      const where = { host: '127.0.0.1', port: cloud.port, path, method: 'POST', headers };
      const outgoing = request({ ...where, rejectUnauthorized: false, agent: false }, (incoming) => {
        let text = '';
        incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
      });
      outgoing.on('error', reject);
      outgoing.end(new URLSearchParams(parameters).toString());
    });
  }

  test('what it was asked is in its log, and the signature is not', async () => {
    cloud.forget();
    cloud.decide('alice', 'bypass' satisfies DuoDecision);
    const reply = await post('/auth/v2/preauth', { username: 'alice' });
    const log = cloud.requests();
    expect({ reply, log }).toMatchObject({
      reply: { status: 200, text: expect.stringContaining('"allow"') as string },
      log: [{ method: 'POST', path: '/auth/v2/preauth', user: 'alice', status: 200, hasCredentials: true }],
    });
    expect(JSON.stringify(log)).not.toContain(
      signed('POST', '/auth/v2/preauth', { username: 'alice' }).authorization,
    );
  });

  test('out of reach it refuses connections, and back in reach it has forgotten nothing', async () => {
    cloud.decide('bob', 'bypass');
    await cloud.setReachable(false);
    await expect(post('/auth/v2/preauth', { username: 'bob' })).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
    await cloud.setReachable(true);
    expect((await post('/auth/v2/preauth', { username: 'bob' })).text).toContain('"allow"');
  });

  test('a request that is larger than any module sends gets no answer', async () => {
    await expect(post('/auth/v2/preauth', { username: 'x'.repeat(100_000) })).rejects.toHaveProperty('code');
  });
});
