import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { KEY_FILE_BYTES_MAX, pinnedKeyring } from '../../../src/core/openpgp-key.ts';

// Two keys of no value, made with `gpg --quick-gen-key ... ed25519 sign`; the first with an expiry of one year. Their
// fingerprints are gpg's own words, and LAB_EXPORT is `gpg --export` of the first.
const LAB = 'C7AF0B5A052E23E5CF5C9F2A688F7501683689EC';
const OTHER = '6236FEF346BDCD9DD112BF7E91FA8A6A6B024AD0';
const LAB_ARMOUR = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEZ3SFgBYJKwYBBAHaRw8BAQdAmPyXZKktv9z1EuugjJl3Tw+dEb5yv9DvJbir
DKqMz4G0HkxhYiBTaWduaW5nIDxsYWJAZXhhbXBsZS50ZXN0PoiWBBMWCAA+FiEE
x68LWgUuI+XPXJ8qaI91AWg2iewFAmd0hYACGwMFCQHh3EAFCwkIBwIGFQoJCAsC
BBYCAwECHgECF4AACgkQaI91AWg2iey4xgEAoyczj4hcitngDdwnIxxn499UojuJ
SvhwJClds2qcvdIA/jCPh0RlEDrBqQrj4wOCj/b8Cw2RhpGSeYRjYyttcsEO
=z/+k
-----END PGP PUBLIC KEY BLOCK-----
`;
const OTHER_ARMOUR = `-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawKLoBYJKwYBBAHaRw8BAQdAlyJWFjjGTTxM8aW8jX4WJGPrxXchK/WETylf
91Vwaze0Gk90aGVyIDxvdGhlckBleGFtcGxlLnRlc3Q+iJAEExYIADgWIQRiNv7z
Rr3NndESv36R+opqawJK0AUCawKLoAIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIX
gAAKCRCR+opqawJK0AgzAP9zl4H52grPKiH03D2+7rk7K4StmS1F/KRwFsbQ8D99
SwEA7OF5pgpMWIwKtB85Lr+SiLoNnh7lAjTRrH22VJ4Lpg8=
=dor2
-----END PGP PUBLIC KEY BLOCK-----
`;
const LAB_EXPORT =
  'mDMEZ3SFgBYJKwYBBAHaRw8BAQdAmPyXZKktv9z1EuugjJl3Tw+dEb5yv9DvJbirDKqMz4G0HkxhYiBTaWduaW5nIDxsYWJAZXhhbXBsZS50ZXN0PoiWBBMWCAA+FiEEx68LWgUuI+XPXJ8qaI91AWg2iewFAmd0hYACGwMFCQHh3EAFCwkIBwIGFQoJCAsCBBYCAwECHgECF4AACgkQaI91AWg2iey4xgEAoyczj4hcitngDdwnIxxn499UojuJSvhwJClds2qcvdIA/jCPh0RlEDrBqQrj4wOCj/b8Cw2RhpGSeYRjYyttcsEO';
const CREATED_S = 1_735_689_600;
const EXPIRES_S = 1_767_268_800;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const exported = (): Uint8Array => new Uint8Array(Buffer.from(LAB_EXPORT, 'base64'));
const check = (file: Uint8Array, pinned: readonly string[] = [LAB], nowS = CREATED_S) =>
  pinnedKeyring(file, {
    sha1: (input) => createHash('sha1').update(input).digest(),
    pinned,
    nowS,
  });
const refusal = (file: Uint8Array, pinned?: readonly string[]): string => {
  const result = check(file, pinned);
  return 'refused' in result ? result.refused : 'accepted';
};

describe('the repository key', () => {
  test('an armoured key is dearmored to the very bytes that gpg exports', () => {
    const result = check(bytes(LAB_ARMOUR));
    expect(result).toMatchObject({
      keys: [{ fingerprint: LAB, createdS: CREATED_S, expiresS: EXPIRES_S }],
      notes: [],
    });
    expect('keyring' in result && [...result.keyring]).toEqual([...exported()]);
  });
  test('a binary key is taken as it is', () => {
    const result = check(exported());
    expect('keyring' in result && [...result.keyring]).toEqual([...exported()]);
  });
  test('line ends of Windows, headers and a missing checksum do no harm', () => {
    const varied = LAB_ARMOUR.replace('BLOCK-----\n', 'BLOCK-----\nComment: a word\n')
      .replace(/^=.*\n/m, '')
      .replaceAll('\n', '\r\n');
    expect(check(bytes(varied))).toMatchObject({ keys: [{ fingerprint: LAB }] });
  });
  test('a key without an expiry has none', () => {
    expect(check(bytes(OTHER_ARMOUR), [OTHER])).toMatchObject({ keys: [{ expiresS: null }], notes: [] });
  });
  test('an expired key is told of', () => {
    const result = check(bytes(LAB_ARMOUR), [LAB], EXPIRES_S);
    expect('notes' in result && result.notes.join()).toContain(`${LAB} has expired`);
  });
  test('a key that is not pinned is refused by its fingerprint', () => {
    expect(refusal(bytes(LAB_ARMOUR), [OTHER])).toContain(LAB);
  });
  test.each([
    ['in a second block', bytes(LAB_ARMOUR + OTHER_ARMOUR)],
    ['appended to the binary', new Uint8Array([...exported(), ...binaryOf(OTHER_ARMOUR)])],
  ])('a second, foreign key %s is refused, since apt would trust it as well', (_where, file) => {
    expect(refusal(file)).toContain(OTHER);
    expect(check(file, [LAB, OTHER])).toMatchObject({ keys: [{ fingerprint: LAB }, { fingerprint: OTHER }] });
  });
  test('a damaged download is refused by its checksum', () => {
    expect(refusal(bytes(LAB_ARMOUR.replace('BBMWCAA', 'BBMWCAB')))).toContain('checksum');
  });
  test.each([0, 1, 40, 55, 100, 236])('a binary file cut after %i bytes is refused', (length) => {
    expect(refusal(exported().subarray(0, length))).not.toBe('accepted');
  });
  test.each([
    ['a web page', bytes('<html>not found</html>'), /neither an armoured nor a binary/],
    ['a version 6 key', new Uint8Array([0xc6, 0x05, 6, 0, 0, 0, 0]), /version 6/],
    ['a version 3 key', new Uint8Array([0xc6, 0x05, 3, 0, 0, 0, 0]), /version 3/],
    ['a private key', new Uint8Array([...exported(), 0xc5, 0x01, 4]), /private key/],
    ['a compressed packet, which could hide keys', new Uint8Array([...exported(), 0xc8, 0x01, 0]), /kind 8/],
    ['a packet of partial length', new Uint8Array([0xc6, 0xe1, 4, 0]), /partial/],
    ['a packet of unknown length', new Uint8Array([0x9b, 4, 0]), /unknown length/],
    ['a signature without a key', new Uint8Array([0xc2, 0x01, 4]), /does not begin with a public key/],
    ['a file too large for a key', new Uint8Array(KEY_FILE_BYTES_MAX + 1).fill(0x99), /too large/],
    ['a private key block', bytes(LAB_ARMOUR.replaceAll('PUBLIC', 'PRIVATE')), /neither/],
  ])('%s is refused', (_what, file, words) => {
    expect(refusal(file)).toMatch(words);
  });
  test('random bytes are refused or read, never a crash', () => {
    let state = 7;
    const next = (): number => (state = (state * 48_271) % 2_147_483_647);
    for (let round = 0; round < 500; round += 1) {
      const file = exported();
      for (let flips = 0; flips < 3; flips += 1) file[next() % file.length] = next() % 256;
      expect(() => check(file)).not.toThrow();
    }
  });
});

function binaryOf(armour: string): Uint8Array {
  const result = check(bytes(armour), [OTHER]);
  if ('refused' in result) throw new Error(result.refused);
  return result.keyring;
}
