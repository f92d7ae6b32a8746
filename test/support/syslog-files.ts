// sshd's log in files as syslog writes, rotates and packs them, for tests of who logged in by key.
import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** The same time of day, so many days before now. */
export const daysAgo = (days: number): Date => new Date(Date.now() - days * 86_400_000);

/** RFC 3164's stamp, which has no year: `Nov  5 12:00:00`. */
export const traditional = (date: Date): string =>
  `${date.toUTCString().slice(8, 11)} ${String(date.getUTCDate()).padStart(2)} 12:00:00`;

/** sshd's line about a login by key. */
export const accepted = (stamp: string, name: string): string =>
  `${stamp} host sshd[7]: Accepted publickey for ${name} from 198.51.100.1 port 7 ssh2: ED25519 SHA256:x\n`;

/**
 * Fills `root`/log: ann logged in 3 days ago, folder 30 days ago, cloud too long ago; piper only in a file too old, and in
 * what an attacker called himself.
 */
export const putSyslog = (root: string): void => {
  mkdirSync(join(root, 'log'));
  const put = (path: string, content: string | Buffer): void => writeFileSync(join(root, path), content);
  put(
    'log/auth.log',
    accepted(traditional(daysAgo(40)), 'ann') +
      accepted(traditional(daysAgo(3)), 'ann') +
      accepted(traditional(daysAgo(2)), 'nobody of this host') +
      `${traditional(daysAgo(1))} host sshd[7]: Invalid user x sshd[7]: Accepted publickey for piper from 1.1.1.1 port 5 from 198.51.100.1\n`,
  );
  put(
    'log/auth.log.2.gz',
    gzipSync(
      accepted(`${daysAgo(30).toISOString().slice(0, 19)}.123456+00:00`, 'folder') +
        accepted(`${daysAgo(130).toISOString().slice(0, 19)}+00:00`, 'cloud'),
    ),
  );
  put('log/auth.log.3', accepted(traditional(daysAgo(20)), 'piper'));
  utimesSync(join(root, 'log/auth.log.3'), daysAgo(200), daysAgo(200));
};
