// Whether the other side ever spoke SSH. ssh2 tells a drop before the banner by its text only; this looks at the bytes.
import type { Readable } from 'node:stream';

/** RFC 4253, 4.2: other lines may come before the one that begins with `SSH-`; ssh2 gives up after 8 KiB of them too. */
const GREETING_BYTES_MAX = 8_192;

/** Looks on while somebody else reads the stream. Call it before any byte was read, and in the same turn as the reader. */
export const watchBanner = (
  stream: Readable,
): { readonly seen: () => boolean; readonly greeting: () => string } => {
  let bytes = Buffer.alloc(0);
  let seen = false;
  const look = (chunk: Uint8Array): void => {
    bytes = Buffer.concat([bytes, chunk]);
    seen = bytes.subarray(0, 4).equals(BANNER) || bytes.includes(LINE_THEN_BANNER);
    if (seen || bytes.length > GREETING_BYTES_MAX) stream.off('data', look);
  };
  stream.on('data', look);
  return { seen: () => seen, greeting: () => (seen ? '' : bytes.toString('utf8')) };
};

const BANNER = Buffer.from('SSH-');
const LINE_THEN_BANNER = Buffer.from('\nSSH-');
