// What the other side says before anything is encrypted: whether it speaks SSH at all, and what it offers for the key
// exchange. ssh2 tells both by the text of its errors only; this looks at the bytes.
import type { Readable } from 'node:stream';
import { parseKeyExchange, type KeyExchange } from './key-exchange.ts';

/** RFC 4253, 4.2: other lines may come before the one that begins with `SSH-`; ssh2 gives up after 8 KiB of them too. */
const GREETING_BYTES_MAX = 8_192;
/** RFC 4253, 6.1: a packet may have 35,000 bytes; a list of algorithms has some 1,500. */
const PACKET_BYTES_MAX = 35_000;

/** What was seen so far. */
export interface ServerWatch {
  readonly hasBanner: () => boolean;
  /** What came in the banner's place, '' with one. */
  readonly greeting: () => string;
  /** `null` as long as the server has not said. */
  readonly keyExchange: () => KeyExchange | null;
}

/** Looks on while somebody else reads the stream. Call it before any byte was read, and in the same turn as the reader. */
export const watchServer = (stream: Readable): ServerWatch => {
  let bytes = Buffer.alloc(0);
  let banner: number | null = null;
  let offered: KeyExchange | null = null;
  const look = (chunk: Uint8Array): void => {
    bytes = Buffer.concat([bytes, chunk]);
    banner ??= bannerAt(bytes);
    const end = banner === null ? -1 : bytes.indexOf('\n', banner);
    if (end !== -1) offered = parseKeyExchange(bytes.subarray(end + 1));
    const bytesMax = banner === null ? GREETING_BYTES_MAX : banner + GREETING_BYTES_MAX + PACKET_BYTES_MAX;
    if (offered !== null || bytes.length > bytesMax) stream.off('data', look);
  };
  stream.on('data', look);
  return {
    hasBanner: () => banner !== null,
    greeting: () => (banner === null ? bytes.toString('utf8') : ''),
    keyExchange: () => offered,
  };
};

/** Where the line with the banner begins; `null` as long as there is none. */
const bannerAt = (bytes: Buffer): number | null => {
  if (bytes.subarray(0, BANNER.length).equals(BANNER)) return 0;
  const at = bytes.indexOf(LINE_THEN_BANNER);
  return at === -1 ? null : at + 1;
};

const BANNER = Buffer.from('SSH-');
const LINE_THEN_BANNER = Buffer.from('\nSSH-');
