// The algorithms of a connection.
import type { ConnectConfig } from 'ssh2';

/**
 * Sound algorithms that ssh2 1.17 speaks; its own default lists still hold SHA-1. Post-quantum key exchange it has not.
 * No group exchange: ssh2 takes any prime that the server names (lib/protocol/kex.js, `TODO: validate prime`), and looking at
 * one of 9,689 bits holds this whole program up for half a minute (measured), before anybody has shown a host key. Every
 * OpenSSH since 6.5 has the others.
 */
export const ALGORITHMS = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group14-sha256',
  ],
  cipher: [
    'aes128-gcm@openssh.com',
    'aes256-gcm@openssh.com',
    'chacha20-poly1305@openssh.com',
    'aes256-ctr',
    'aes192-ctr',
    'aes128-ctr',
  ],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} satisfies ConnectConfig['algorithms'];
