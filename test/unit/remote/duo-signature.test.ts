import { describe, expect, test } from 'vitest';
import { Secret } from '../../../src/core/secret.ts';
import {
  duoAuthorization,
  duoDate,
  duoParameters,
  type DuoRequest,
} from '../../../src/remote/duo-signature.ts';
import { isSigned } from '../../support/duo-protocol.ts';

/** The vector that Duo's own clients are tested with (duo_client_python, tests/test_client.py; HMAC-SHA512). */
const VECTOR: DuoRequest = {
  date: 'Fri, 07 Dec 2012 17:18:00 -0000',
  method: 'POST',
  host: 'foO.BAr52.cOm',
  path: '/Foo/BaR2/qux',
  parameters: {
    '\u469a\u287b\u35d0\u8ef3\u6727\u502a\u0810\ud091\u00c8\uc170':
      '\u0f45\u1a76\u341a\u654c\uc23f\u9b09\uabe2\u8343\u1b27\u60d0',
    '\u7449\u7e4b\uccfb\u59ff\ufe5f\u83b7\uadcc\u900c\ucfd1\u7813':
      '\u8db7\u5022\u92d3\u42ef\u207d\u8730\uacfe\u5617\u0946\u4e30',
    '\u7470\u9314\u901c\u9eae\u40d8\u4201\u82d8\u8c70\u1d31\ua042':
      '\u17d9\u0ba8\u9358\uaadf\ua42a\u48be\ufb96\u6fe9\ub7ff\u32f3',
    '\uc2c5\u2c1d\u2620\u3617\u96b3F\u8605\u20e8\uac21\u5934':
      '\ufba9\u41aa\ubd83\u840b\u2615\u3e6e\u652d\ua8b5\ud56bU',
  },
};
const SIGNATURE =
  '0508065035a03b2a1de2f453e629e791d180329e157f65df6b3e0f08299d4321e1c5c7a7c7ee6b9e5fc80d1fb6fbf3ad5eb7c44dd3b3985a02c37aca53ec3698';

describe('the signature of a request', () => {
  test('is that of the vector which Duo tests its clients with', () => {
    const skey = new Secret('gtdfxv9YgVBYcF6dl2Eq17KUQJN2PLM2ODVTkvoT');
    const [scheme, credentials = ''] = duoAuthorization(VECTOR, { ikey: 'test_ikey', skey }).split(' ');
    expect(scheme).toBe('Basic');
    expect(Buffer.from(credentials, 'base64').toString('utf8')).toBe(`test_ikey:${SIGNATURE}`);
  });

  test('is taken by the stand-in of Duo’s cloud, whatever signs a name has', () => {
    const keys = { ikey: 'DIXXXXXXXXXXXXXXXXXX', skey: 'k' };
    const parameters = { username: "o'neil (x)*!~ +&=%@é", b: '' };
    const request: DuoRequest = { ...VECTOR, path: '/auth/v2/preauth', parameters };
    const authorization = duoAuthorization(request, { ...keys, skey: new Secret(keys.skey) });
    expect(isSigned({ ...request, authorization }, keys)).toBe(true);
    expect(isSigned({ ...request, authorization, path: '/auth/v2/auth' }, keys)).toBe(false);
  });

  test('has its parameters sorted and encoded as RFC 3986 says', () => {
    expect(duoParameters({ realname: 'First Last', username: "a~!*'()" })).toBe(
      'realname=First%20Last&username=a~%21%2A%27%28%29',
    );
    expect(duoParameters({})).toBe('');
  });

  test('has its date as RFC 2822 has it', () => {
    expect(duoDate(1_345_570_158)).toBe('Tue, 21 Aug 2012 17:29:18 +0000');
  });
});
