// known_hosts as OpenSSH reads it: sshd(8), SSH_KNOWN_HOSTS FILE FORMAT.
import { createHmac } from 'node:crypto';
import { matchesHostPatterns } from '../core/host-patterns.ts';

/** A known_hosts file's path, for messages, and its text. */
export interface KnownHostsSource {
  readonly file: string;
  readonly text: string;
}

/** What is dialled, as the operator wrote it: a name or an address, and the port. */
export interface HostName {
  readonly address: string;
  readonly port: number;
}

/** What the files say about a key that a host has shown. */
export type HostKeyJudgement =
  | { readonly kind: 'known' }
  /** `authority`: a line that vouches for this host by certificates, which ssh2 does not speak. */
  | { readonly kind: 'unknown'; readonly authority: Place | null }
  /** Other keys are on file for this host, first of them at this place. */
  | { readonly kind: 'changed'; readonly file: string; readonly line: number }
  | { readonly kind: 'revoked'; readonly file: string; readonly line: number };

/** Where something stands. */
export interface Place {
  readonly file: string;
  readonly line: number;
}

/** A line that could be read. */
interface Entry extends Place {
  readonly marker: 'none' | '@revoked' | '@cert-authority';
  readonly hosts: string;
  readonly keyType: string;
  readonly key: Buffer;
}

const SSH_PORT = 22;

/** The name under which a host is on file: `[host]:port` where the port is not 22 (sshd(8)); lower case, as OpenSSH writes it. */
export const knownHostsName = ({ address, port }: HostName): string => {
  const name = address.toLowerCase();
  return port === SSH_PORT ? name : `[${name}]:${port}`;
};

/** A line to be added to known_hosts, without its line end. */
export const knownHostsLine = (host: HostName, key: Uint8Array): string =>
  `${knownHostsName(host)} ${keyTypeOf(key)} ${Buffer.from(key).toString('base64')}`;

/** The key type that an SSH public key blob names itself with (RFC 4253, 6.6); '' when it is none. */
export const keyTypeOf = (key: Uint8Array): string => {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  if (bytes.length < 4) return '';
  const length = bytes.readUInt32BE(0);
  return length > 0 && length <= 64 && bytes.length >= 4 + length
    ? bytes.toString('latin1', 4, 4 + length)
    : '';
};

/** The files of one run, with what was learned since. */
export class KnownHosts {
  readonly #entries: Entry[];
  /** Hashed names cost an HMAC for each line, so what was found is kept; bounded by the fleet's size. */
  readonly #found = new Map<string, readonly Entry[]>();

  constructor(sources: readonly KnownHostsSource[]) {
    this.#entries = sources.flatMap(readEntries);
  }

  /** What is to be thought of this key of this host. A revoked key stays so even where another line names it as good. */
  judge(host: HostName, key: Uint8Array): HostKeyJudgement {
    const bytes = Buffer.from(key);
    const exact = this.#lookup(knownHostsName(host));
    const bare = host.port === SSH_PORT ? exact : this.#lookup(host.address.toLowerCase());
    const revoked = [...exact, ...bare].find(
      (entry) => entry.marker === '@revoked' && entry.key.equals(bytes),
    );
    if (revoked !== undefined) return { kind: 'revoked', file: revoked.file, line: revoked.line };
    const keys = exact.filter(isPlain);
    if (keys.some((entry) => entry.key.equals(bytes))) return { kind: 'known' };
    const other = keys[0];
    if (other !== undefined) return { kind: 'changed', file: other.file, line: other.line };
    // As ssh does: a host that is on file without a port is the same host on another one, if its key is the same.
    if (bare.some((entry) => isPlain(entry) && entry.key.equals(bytes))) return { kind: 'known' };
    const authority = [...exact, ...bare].find(({ marker }) => marker === '@cert-authority') ?? null;
    return { kind: 'unknown', authority };
  }

  /** Key types on file for a host, so that the server is asked for a key that can be checked; empty when it is not on file. */
  keyTypes(host: HostName): readonly string[] {
    const exact = this.keyTypesOf(knownHostsName(host));
    return exact.length > 0 ? exact : this.keyTypesOf(host.address.toLowerCase());
  }

  /** Key types of the lines that mean exactly this name: `web1`, `[web1]:2222`. */
  keyTypesOf(name: string): readonly string[] {
    const entries = this.#lookup(name).filter(isPlain);
    return [...new Set(entries.map((entry) => entry.keyType))];
  }

  /** Takes a key as known from now on. */
  learn(host: HostName, key: Uint8Array, file: string): void {
    this.#entries.push({
      file,
      line: 0,
      marker: 'none',
      hosts: knownHostsName(host),
      keyType: keyTypeOf(key),
      key: Buffer.from(key),
    });
    this.#found.delete(knownHostsName(host));
    this.#found.delete(host.address.toLowerCase());
  }

  #lookup(name: string): readonly Entry[] {
    const found = this.#found.get(name) ?? this.#entries.filter((entry) => matchesHosts(name, entry.hosts));
    this.#found.set(name, found);
    return found;
  }
}

/** A certificate authority's line vouches for certificates: it says nothing about a plain key. */
const isPlain = ({ marker }: Entry): boolean => marker === 'none';

/** Lines that OpenSSH would not use either (comments, keys that do not decode) are passed over, as it does. */
const readEntries = (source: KnownHostsSource): readonly Entry[] => {
  const entries: Entry[] = [];
  for (const [at, line] of source.text.split('\n').entries()) {
    const fields = line.trim().split(/[ \t]+/);
    const marker = fields[0]?.startsWith('@') === true ? fields.shift() : undefined;
    if (marker !== undefined && marker !== '@revoked' && marker !== '@cert-authority') continue;
    const [hosts, keyType, encoded] = fields;
    if (hosts === undefined || hosts.startsWith('#') || keyType === undefined || encoded === undefined)
      continue;
    const key = Buffer.from(encoded, 'base64');
    if (keyTypeOf(key) !== keyType) continue;
    entries.push({
      file: source.file,
      line: at + 1,
      marker: marker ?? 'none',
      hosts,
      keyType,
      key,
    });
  }
  return entries;
};

/** Whether a line's first field means this name: a hash, or patterns of which none negated may match. */
const matchesHosts = (name: string, hosts: string): boolean => {
  if (hosts.startsWith('|')) return matchesHash(name, hosts);
  return matchesHostPatterns(name, hosts.toLowerCase().split(','));
};

/** `|1|salt|hash`: base64 of an HMAC-SHA1 of the name, keyed with the salt. */
const matchesHash = (name: string, hosts: string): boolean => {
  const [, version, salt, hash] = hosts.split('|');
  if (version !== '1' || salt === undefined || hash === undefined) return false;
  const mine = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return mine.equals(Buffer.from(hash, 'base64'));
};
