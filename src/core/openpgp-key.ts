// The repository's signing key: from what the vendor serves to the bytes that apt trusts, checked against pins.
// No signature is verified here: what is trusted is the fingerprint that the operator pinned.

/** A primary key as apt sees it: every one in the file is trusted for the repository. */
export interface OpenPgpKey {
  /** Upper-case hex, 40 characters. */
  readonly fingerprint: string;
  /** Seconds since the epoch. */
  readonly createdS: number;
  /** `null` where no self-signature names an expiry. */
  readonly expiresS: number | null;
}

export type PinnedKeyring =
  | {
      readonly keyring: Uint8Array;
      readonly keys: readonly OpenPgpKey[];
      /** Sentences an administrator should read: a key that has expired. */
      readonly notes: readonly string[];
    }
  | { readonly refused: string };

export interface KeyringTools {
  readonly sha1: (bytes: Uint8Array) => Uint8Array;
  readonly pinned: readonly string[];
  /** Controller's clock, seconds since the epoch; for the note about expired keys. */
  readonly nowS: number;
}

/** A vendor's key file is a few KiB; more than this is not one. */
export const KEY_FILE_BYTES_MAX = 256 * 1024;

/**
 * The dearmored keyring of a key file (armoured or binary), or a sentence why it is not to be trusted.
 * Every primary key in the file must be pinned: for apt's `signed-by` a second, foreign key appended to the file
 * counts as much as the first. Formats: RFC 4880 (armour, CRC24, v4 fingerprint), RFC 9580 (v6, refused).
 */
export const pinnedKeyring = (file: Uint8Array, tools: KeyringTools): PinnedKeyring => {
  try {
    if (file.length > KEY_FILE_BYTES_MAX) throw new KeyRefused('it is too large for a key file');
    const keyring = dearmor(file);
    const keys = readKeys(keyring, tools.sha1);
    if (keys.length === 0) throw new KeyRefused('it holds no public key');
    const foreign = keys.filter((key) => !tools.pinned.includes(key.fingerprint));
    if (foreign.length > 0) {
      const names = foreign.map((key) => key.fingerprint).join(', ');
      throw new KeyRefused(
        `it holds ${names}, which is not in duo_repo_key_fingerprints; compare it with the vendor's word, then pin it`,
      );
    }
    return { keyring, keys, notes: keys.flatMap((key) => expiryNote(key, tools.nowS)) };
  } catch (thrown) {
    if (thrown instanceof KeyRefused) return { refused: thrown.message };
    throw thrown;
  }
};

class KeyRefused extends Error {}

const expiryNote = (key: OpenPgpKey, nowS: number): readonly string[] =>
  key.expiresS !== null && key.expiresS <= nowS
    ? [`the repository key ${key.fingerprint} has expired; apt rejects what only it has signed`]
    : [];

// --- armour ---

const BLOCK =
  /^-----BEGIN PGP PUBLIC KEY BLOCK-----[ \t]*\n(?<body>[\s\S]*?)^-----END PGP PUBLIC KEY BLOCK-----[ \t]*$/gm;

/** The packets of an armoured file, all blocks one after another; a binary file as it is. */
const dearmor = (file: Uint8Array): Uint8Array => {
  // The first byte of a binary packet has its high bit set, armour is ASCII.
  if (((file[0] ?? 0) & 0x80) !== 0) return file;
  const text = new TextDecoder('latin1').decode(file).replaceAll('\r\n', '\n');
  const blocks = [...text.matchAll(BLOCK)].map((match) => dearmorBlock(match.groups?.['body'] ?? ''));
  if (blocks.length === 0) throw new KeyRefused('it is neither an armoured nor a binary OpenPGP public key');
  const whole = new Uint8Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
};

const dearmorBlock = (body: string): Uint8Array => {
  // Headers (`Comment: ...`) end with an empty line; without headers the block begins with one.
  const blank = /^[ \t]*$/m.exec(body);
  if (blank === null) throw new KeyRefused('its armour has no empty line after the headers');
  const lines = body
    .slice(blank.index)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const last = lines.at(-1) ?? '';
  const checksum = /^=[A-Za-z0-9+/]{4}$/.test(last) ? base64Bytes(last.slice(1)) : null;
  const bytes = base64Bytes((checksum === null ? lines : lines.slice(0, -1)).join(''));
  // RFC 9580 lets a writer leave the checksum out; a wrong one is a damaged download.
  if (checksum !== null && crc24(bytes) !== word24(checksum)) {
    throw new KeyRefused('its checksum is wrong: the file is damaged');
  }
  return bytes;
};

const base64Bytes = (text: string): Uint8Array => {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) {
    throw new KeyRefused('its armour is damaged');
  }
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
};

const word24 = (bytes: Uint8Array): number =>
  ((bytes[0] ?? 0) << 16) | ((bytes[1] ?? 0) << 8) | (bytes[2] ?? 0);

/** RFC 4880, 6.1. */
const crc24 = (bytes: Uint8Array): number => {
  let crc = 0xb704ce;
  for (const byte of bytes) {
    crc ^= byte << 16;
    for (let bit = 0; bit < 8; bit += 1) {
      crc <<= 1;
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb;
    }
  }
  return crc & 0xffffff;
};

// --- packets ---

interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
}

const TAG = { signature: 2, primary: 6, trust: 12, userId: 13, subkey: 14, attribute: 17 } as const;
const KNOWN_TAGS: readonly number[] = Object.values(TAG);
const SECRET_TAGS: readonly number[] = [5, 7];

const readKeys = (bytes: Uint8Array, sha1: KeyringTools['sha1']): readonly OpenPgpKey[] => {
  const keys: OpenPgpKey[] = [];
  for (const packet of packets(bytes)) {
    if (SECRET_TAGS.includes(packet.tag)) throw new KeyRefused('it holds a private key');
    // A compressed packet could carry further keys past this check, so nothing unknown is let through.
    if (!KNOWN_TAGS.includes(packet.tag)) throw new KeyRefused(`it holds a packet of kind ${packet.tag}`);
    if (packet.tag === TAG.primary) keys.push(primaryKey(packet.body, sha1));
    const key = keys.at(-1);
    if (key === undefined) throw new KeyRefused('it does not begin with a public key');
    if (packet.tag === TAG.signature) {
      const expiresS = expiryOf(packet.body, key.createdS);
      if (expiresS !== null) {
        keys[keys.length - 1] = { ...key, expiresS: Math.max(expiresS, key.expiresS ?? 0) };
      }
    }
  }
  return keys;
};

/** Packet headers in the old and the new format; RFC 4880, 4.2. */
const packets = (bytes: Uint8Array): readonly Packet[] => {
  const found: Packet[] = [];
  let at = 0;
  while (at < bytes.length) {
    const head = bytes[at] ?? 0;
    if ((head & 0x80) === 0) throw new KeyRefused('it is damaged: a packet does not begin where it should');
    const isNew = (head & 0x40) !== 0;
    const tag = isNew ? head & 0x3f : (head >> 2) & 0x0f;
    const size = isNew ? newLength(bytes, at + 1) : oldLength(bytes, at + 1, head & 0x03);
    const start = at + 1 + size.octets;
    if (start + size.length > bytes.length) throw new KeyRefused('it is cut short');
    found.push({ tag, body: bytes.subarray(start, start + size.length) });
    at = start + size.length;
  }
  return found;
};

const big = (bytes: Uint8Array, at: number, octets: number): number => {
  let value = 0;
  for (let i = 0; i < octets; i += 1) {
    const byte = bytes[at + i];
    if (byte === undefined) throw new KeyRefused('it is cut short');
    value = value * 256 + byte;
  }
  return value;
};

const newLength = (bytes: Uint8Array, at: number): { readonly octets: number; readonly length: number } => {
  const first = big(bytes, at, 1);
  if (first < 192) return { octets: 1, length: first };
  if (first < 224) return { octets: 2, length: (first - 192) * 256 + big(bytes, at + 1, 1) + 192 };
  if (first === 255) return { octets: 5, length: big(bytes, at + 1, 4) };
  throw new KeyRefused('it holds a packet of partial length, which no key has');
};

/** As a packet's, but without partial lengths, so that 224 to 254 begin two octets as well; RFC 4880, 5.2.3.1. */
const subpacketLength = (bytes: Uint8Array, at: number): { octets: number; length: number } => {
  const first = big(bytes, at, 1);
  if (first < 192) return { octets: 1, length: first };
  if (first < 255) return { octets: 2, length: (first - 192) * 256 + big(bytes, at + 1, 1) + 192 };
  return { octets: 5, length: big(bytes, at + 1, 4) };
};

const oldLength = (bytes: Uint8Array, at: number, kind: number): { octets: number; length: number } => {
  if (kind === 3) throw new KeyRefused('it holds a packet of unknown length, which no key has');
  const octets = 1 << kind;
  return { octets, length: big(bytes, at, octets) };
};

const primaryKey = (body: Uint8Array, sha1: KeyringTools['sha1']): OpenPgpKey => {
  const version = body[0] ?? 0;
  if (version === 5 || version === 6) {
    throw new KeyRefused(
      `it holds a version ${version} key, which apt on these hosts cannot use; a version 4 key is needed`,
    );
  }
  if (version !== 4) throw new KeyRefused(`it holds a version ${version} key; a version 4 key is needed`);
  // RFC 4880, 12.2: SHA-1 over 0x99, the length in two octets, and the packet's body.
  const hashed = new Uint8Array(body.length + 3);
  hashed.set([0x99, body.length >> 8, body.length & 0xff]);
  hashed.set(body, 3);
  const fingerprint = Array.from(sha1(hashed), (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
  return { fingerprint, createdS: big(body, 1, 4), expiresS: null };
};

/** The expiry that a v4 self-certification's hashed subpackets name (type 9, seconds after creation), else `null`. */
const expiryOf = (body: Uint8Array, createdS: number): number | null => {
  const [version, type] = [body[0] ?? 0, body[1] ?? 0];
  const certifies = (type >= 0x10 && type <= 0x13) || type === 0x1f;
  if (version !== 4 || !certifies) return null;
  const end = 6 + big(body, 4, 2);
  let at = 6;
  while (at < end) {
    const size = subpacketLength(body, at);
    const kind = big(body, at + size.octets, 1) & 0x7f;
    if (kind === 9 && size.length === 5) return createdS + big(body, at + size.octets + 1, 4);
    // A subpacket of length 0 would not even hold its kind; stepping over it keeps the loop finite.
    at += size.octets + size.length;
  }
  return null;
};
