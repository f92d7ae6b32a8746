// Whether a host is who it says it is: the operator's mode applied to what known_hosts says.
import { createHash } from 'node:crypto';
import { Failure } from '../core/failure.ts';
import type { SshDetails } from '../core/settings.ts';
import {
  KnownHosts,
  keyTypeOf,
  knownHostsLine,
  type HostName,
  type KnownHostsSource,
  type Place,
} from './known-hosts.ts';

/** `strict` refuses what is not on file, `accept-new` puts it on file, `off` asks nothing (and can be deceived). */
export type HostKeyMode = 'strict' | 'accept-new' | 'off';

export interface HostKeyOptions {
  readonly mode: HostKeyMode;
  /** Read in this order; what is learned goes to the first one. */
  readonly sources: readonly KnownHostsSource[];
  /** Adds a line (without its end) to the first source's file; called in mode `accept-new`. */
  readonly append: (line: string) => void;
  /** The files that ssh's configuration names for a host, in place of those; absent: nobody heeds it. */
  readonly filesAt?: (named: NamedFiles) => HostKeyFiles;
}

/** Where host keys are on file, and how one is added there. */
export type HostKeyFiles = Pick<HostKeyOptions, 'sources' | 'append'>;

/** `null`: the usual ones. */
export interface NamedFiles {
  readonly user: readonly string[] | null;
  readonly global: readonly string[] | null;
}

/** Whose key it is, and what ssh's configuration says of where it is on file. */
export type KeyHolder = HostName & { readonly ssh?: SshDetails | null };

/** The check of one run's host keys. */
export interface HostKeyCheck {
  /** Host key algorithms to offer, those that can be checked first. */
  readonly algorithms: (holder: KeyHolder) => readonly HostKeyAlgorithm[];
  /** `null` when the key is good, else why not. Learns it in mode `accept-new`. */
  readonly verify: (holder: KeyHolder, key: Uint8Array) => Failure | null;
}

/** What ssh2 speaks and is still sound: neither ssh-rsa (SHA-1) nor ssh-dss. */
export const HOST_KEY_ALGORITHMS = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
] as const;
export type HostKeyAlgorithm = (typeof HOST_KEY_ALGORITHMS)[number];

/** An RSA key's blob says `ssh-rsa`, its signatures are named after their hash (RFC 8332). */
const keyTypeOfAlgorithm = (algorithm: HostKeyAlgorithm): string =>
  algorithm.startsWith('rsa-sha2-') ? 'ssh-rsa' : algorithm;

export const createHostKeyCheck = (options: HostKeyOptions): HostKeyCheck => {
  const usual = bookOf(options);
  const others = new Map<string, Book>();
  const bookFor = ({ ssh }: KeyHolder): Book => {
    const named = { user: ssh?.userKnownHostsFiles ?? null, global: ssh?.globalKnownHostsFiles ?? null };
    if (options.filesAt === undefined || (named.user === null && named.global === null)) return usual;
    const key = JSON.stringify(named);
    const book = others.get(key) ?? bookOf(options.filesAt(named));
    others.set(key, book);
    return book;
  };
  return {
    algorithms: (holder) => {
      // Else a host that is on file by its RSA key alone shows its ed25519 key and looks like a stranger.
      const types = bookFor(holder).known.keyTypes(nameOnFile(holder));
      const checkable = HOST_KEY_ALGORITHMS.filter((algorithm) =>
        types.includes(keyTypeOfAlgorithm(algorithm)),
      );
      return [...new Set([...checkable, ...HOST_KEY_ALGORITHMS])];
    },
    verify: (holder, key) =>
      options.mode === 'off'
        ? null
        : judged(nameOnFile(holder), key, { book: bookFor(holder), mode: options.mode }),
  };
};

interface Book {
  readonly known: KnownHosts;
  /** What is learned goes there. */
  readonly file: string;
  readonly append: (line: string) => void;
}

const bookOf = ({ sources, append }: HostKeyFiles): Book => ({
  known: new KnownHosts(sources),
  file: sources[0]?.file ?? 'known_hosts',
  append,
});

/** An alias stands for the host whatever its port is (ssh_config(5), HostKeyAlias; sshconnect.c). */
const nameOnFile = ({ address, port, ssh }: KeyHolder): HostName =>
  ssh?.hostKeyAlias == null ? { address, port } : { address: ssh.hostKeyAlias, port: 22 };

const judged = (
  host: HostName,
  key: Uint8Array,
  { book, mode }: { readonly book: Book; readonly mode: Exclude<HostKeyMode, 'off'> },
): Failure | null => {
  const judgement = book.known.judge(host, key);
  switch (judgement.kind) {
    case 'known':
      return null;
    case 'changed':
      return changed(host, key, judgement);
    case 'revoked':
      return new Failure(
        'auth',
        `${where(host)} shows a host key (${fingerprint(key)}) that ${judgement.file}:${judgement.line} marks as revoked: do not trust this host. Nothing was sent to it`,
      );
    case 'unknown':
      if (mode === 'strict') return unknown(host, key, { file: book.file, authority: judgement.authority });
      book.known.learn(host, key, book.file);
      book.append(knownHostsLine(host, key));
      return null;
    default:
      return judgement satisfies never;
  }
};

const unknown = (
  host: HostName,
  key: Uint8Array,
  { file, authority }: { readonly file: string; readonly authority: Place | null },
): Failure => {
  const vouched =
    authority === null
      ? ''
      : `. ${authority.file}:${authority.line} vouches for it by a certificate authority (@cert-authority), and host certificates are not spoken here: its own key has to be on file, too`;
  return new Failure(
    'auth',
    `the host key of ${where(host)} is not in ${file} (it shows ${fingerprint(key)})${vouched}. Compare this fingerprint with the host's own (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub on its console), then add it: ssh-keyscan -p ${host.port} ${host.address} >> ${file}. Or accept new keys unseen with --host-keys accept-new`,
  );
};

const changed = (
  host: HostName,
  key: Uint8Array,
  at: { readonly file: string; readonly line: number },
): Failure =>
  new Failure(
    'auth',
    `THE HOST KEY OF ${where(host)} IS NOT THE ONE ON FILE. It shows ${fingerprint(key)}; ${at.file}:${at.line} has another. Somebody may be listening in, or the host was installed anew. Nothing was sent to it. Only if you know that it was installed anew: ssh-keygen -f ${at.file} -R '${host.port === 22 ? host.address : `[${host.address}]:${host.port}`}', then add its new key`,
  );

const where = (host: HostName): string =>
  host.port === 22 ? host.address : `${host.address} port ${host.port}`;

/** As `ssh-keygen -l` prints it. */
const fingerprint = (key: Uint8Array): string =>
  `${/^[a-z0-9@.-]+$/.test(keyTypeOf(key)) ? keyTypeOf(key) : 'an unknown type'} SHA256:${createHash('sha256')
    .update(key)
    .digest('base64')
    .replace(/=+$/, '')}`;
