import { BSON } from 'bson';
import { describe, expect, test } from 'vitest';
import {
  encodeAnswer,
  isSigned,
  ok,
  parseParameters,
  sign,
  type DuoRequest,
} from '../../support/duo-protocol.ts';

/** The worked example of Duo's own description of signature version 2. */
const EXAMPLE: DuoRequest = {
  method: 'POST',
  path: '/accounts/v1/account/list',
  parameters: { username: 'root', realname: 'First Last' },
  host: 'api-xxxxxxxx.duosecurity.com',
  authorization: 'Basic RElXSjhYNkFFWU9SNU9NQzZUUTE6MmQ5N2Q2MTY2MzE5NzgxYjVhM2EwN2FmMzlkMzY2ZjQ5MTIzNGVkYw==',
  date: 'Tue, 21 Aug 2012 17:29:18 -0000',
};
const KEYS = { ikey: 'DIWJ8X6AEYOR5OMC6TQ1', skey: 'Zh5eGmUq9zpfQnyUIu5OL9iWoMMv5ZNmk3zLJ4Ep' };

const basic = (ikey: string, signature: string): string =>
  `Basic ${Buffer.from(`${ikey}:${signature}`).toString('base64')}`;

describe('signatures', () => {
  test("Duo's worked example is accepted", () => {
    expect(isSigned(EXAMPLE, KEYS)).toBe(true);
  });

  test.each(['sha1', 'sha512'] as const)('a request signed with %s and no date is accepted', (algorithm) => {
    const request = { ...EXAMPLE, date: '' };
    expect(
      isSigned({ ...request, authorization: basic(KEYS.ikey, sign(request, KEYS.skey, algorithm)) }, KEYS),
    ).toBe(true);
  });

  test.each([
    ['another secret', EXAMPLE, { ...KEYS, skey: KEYS.skey.replace('Z', 'Y') }],
    ['another integration', EXAMPLE, { ...KEYS, ikey: 'DIXXXXXXXXXXXXXXXXXX' }],
    ['a changed parameter', { ...EXAMPLE, parameters: { username: 'admin', realname: 'First Last' } }, KEYS],
    ['a changed path', { ...EXAMPLE, path: '/auth/v2/auth' }, KEYS],
    ['a changed method', { ...EXAMPLE, method: 'GET' }, KEYS],
    ['a changed date', { ...EXAMPLE, date: 'Tue, 21 Aug 2012 17:29:19 -0000' }, KEYS],
    ['no authorization', { ...EXAMPLE, authorization: '' }, KEYS],
  ])('%s is refused', (_, request, keys) => {
    expect(isSigned(request, keys)).toBe(false);
  });

  test('a port in the Host header is not part of what is signed', () => {
    expect(isSigned({ ...EXAMPLE, host: `${EXAMPLE.host}:4443` }, KEYS)).toBe(true);
  });
});

describe('encoding', () => {
  test('parameters come back as they were written, also with a plus, an equals sign and broken escapes', () => {
    expect(parseParameters('user=a%40b&pushinfo=Server%2BIP%3D1&empty=&plus=a+b&broken=%zz')).toEqual({
      user: 'a@b',
      pushinfo: 'Server+IP=1',
      empty: '',
      plus: 'a+b',
      broken: '%zz',
    });
  });

  test('a path that ends in .bson gets BSON, any other JSON', () => {
    const bson = encodeAnswer(ok({ result: 'allow' }), '/rest/v1/preauth.bson');
    const json = encodeAnswer(ok({ result: 'allow' }), '/auth/v2/preauth');
    const document = { stat: 'OK', response: { result: 'allow' } };
    expect([BSON.deserialize(bson.body), JSON.parse(Buffer.from(json.body).toString())]).toEqual([
      document,
      document,
    ]);
  });
});
