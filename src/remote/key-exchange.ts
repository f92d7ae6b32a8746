// What a server offers for the key exchange, and whether we have anything in common with it.

/** A server's lists (RFC 4253, 7.1), best first; those of the direction to the server. */
export interface KeyExchange {
  readonly kex: readonly string[];
  readonly serverHostKey: readonly string[];
  readonly cipher: readonly string[];
  readonly hmac: readonly string[];
}

const KEXINIT = 20;
/** Packet length, padding length, message number, cookie. */
const LISTS_AT = 4 + 1 + 1 + 16;
const LENGTH_BYTES = 4;
/** A server's list is shown up to this many names. */
const NAMES_SHOWN_MAX = 8;

/** Reads the first packet of a connection; `null` as long as it is not whole, or where it is something else. */
export const parseKeyExchange = (bytes: Uint8Array): KeyExchange | null => {
  const packet = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (packet.length < LISTS_AT || packet[5] !== KEXINIT) return null;
  let at = LISTS_AT;
  const list = (): readonly string[] | null => {
    if (at + LENGTH_BYTES > packet.length) return null;
    const from = at + LENGTH_BYTES;
    const to = from + packet.readUInt32BE(at);
    if (to > packet.length) return null;
    at = to;
    return packet
      .toString('latin1', from, to)
      .split(',')
      .filter((name) => name !== '');
  };
  const [kex, serverHostKey, cipher, , hmac] = [list(), list(), list(), list(), list()];
  return kex && serverHostKey && cipher && hmac ? { kex, serverHostKey, cipher, hmac } : null;
};

/** Post-quantum hybrids, by the names that OpenSSH and the drafts behind it give them. */
const POST_QUANTUM = /mlkem|sntrup|kyber/;
/** These bring their own integrity: with one of them no list of MACs matters (RFC 5647). */
const AUTHENTICATED = /-gcm@|^chacha20-poly1305/;

/** Where two sides cannot come together: the end of a sentence with what to do; `null` where they can. */
export const noAgreement = (theirs: KeyExchange, ours: KeyExchange): string | null => {
  const kex = theirs.kex.filter((name) => !/^(?:ext-info-|kex-strict-)/.test(name));
  if (!haveCommon(kex, ours.kex)) {
    return kex.every((name) => POST_QUANTUM.test(name))
      ? `takes post-quantum key exchange only (${shown(kex)}), which this program does not speak: have its sshd's KexAlgorithms take curve25519-sha256 too`
      : `takes for the key exchange only ${shown(kex)}: have its sshd's KexAlgorithms take one of ${shown(ours.kex)}`;
  }
  if (!haveCommon(theirs.serverHostKey, ours.serverHostKey)) {
    return `shows a host key only as ${shown(theirs.serverHostKey)}, and none of them can be checked here (certificates and SHA-1 are not): give it an ed25519 host key (ssh-keygen -A)`;
  }
  if (!haveCommon(theirs.cipher, ours.cipher)) {
    return `takes only the ciphers ${shown(theirs.cipher)}: have its sshd's Ciphers take one of ${shown(ours.cipher)}`;
  }
  const cipher = ours.cipher.find((name) => theirs.cipher.includes(name)) ?? '';
  if (!AUTHENTICATED.test(cipher) && !haveCommon(theirs.hmac, ours.hmac)) {
    return `takes only the MACs ${shown(theirs.hmac)}: have its sshd's MACs take one of ${shown(ours.hmac)}`;
  }
  return null;
};

const haveCommon = (theirs: readonly string[], ours: readonly string[]): boolean =>
  theirs.some((name) => ours.includes(name));

/** Names come from the server: only such as RFC 4250 lets be names are shown. */
const shown = (names: readonly string[]): string => {
  const sound = names.filter((name) => /^[\w@.+/=-]{1,64}$/.test(name));
  const more = names.length - Math.min(sound.length, NAMES_SHOWN_MAX);
  return `${sound.slice(0, NAMES_SHOWN_MAX).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};
