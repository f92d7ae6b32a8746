// What the operator has to log in with: a key file, the agent, the usual key files, a password.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../core/failure.ts';
import type { KeySource } from '../core/remote.ts';
import type { ConnectionSettings } from '../core/settings.ts';
import type { Offer } from './auth-sequence.ts';
import { isUsableKey, publicKeyBlob } from './ssh-agent.ts';

/** The operator's keys, in the order OpenSSH tries them (ssh_config(5), IdentityFile), of the types that ssh2 can sign with. */
const DEFAULT_KEY_FILES = ['id_ed25519', 'id_ecdsa', 'id_rsa'] as const;
/** No private key is larger. */
const KEY_BYTES_MAX = 64 * 1024;

export interface CredentialOptions {
  /** The operator's home folder. */
  readonly home: string;
  /** The agent's socket (SSH_AUTH_SOCK), `null` without one. */
  readonly agentSocket: string | null;
}

/** An offer but for the factor that it belongs to. */
export type Credential =
  | { readonly kind: 'key'; readonly title: string; readonly key: Uint8Array }
  | {
      readonly kind: 'agent';
      readonly title: string;
      readonly socket: string;
      readonly only: Uint8Array | null;
    };

/** The operator's credentials for one host. */
export interface Credentials {
  /** Alternatives for the method publickey, best first. */
  readonly keys: readonly Credential[];
  /** What was found and cannot be used, for the message when nothing else gets us in; sentences. */
  readonly notes: readonly string[];
}

/** Finds the keys that a login is tried with. @throws Failure `auth` when a named file cannot be used */
export type KeysOf = (source: KeySource) => Promise<readonly Credential[]>;

type KeyFile =
  | { readonly kind: 'usable'; readonly key: Uint8Array }
  | { readonly kind: 'encrypted'; readonly publicKey: Uint8Array | null }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly why: string };

/** Finds credentials; each file is read once in a run, however many hosts use it. */
export class CredentialStore {
  readonly #options: CredentialOptions;
  readonly #files = new Map<string, Promise<KeyFile>>();

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  /**
   * A configured key file is the only one that is offered; else the agent's keys, then the usual files.
   * @throws Failure `auth` when the configured file cannot be used
   */
  async find(connection: Pick<ConnectionSettings, 'privateKeyFile'>): Promise<Credentials> {
    if (connection.privateKeyFile !== null) {
      return { keys: [await this.#configured(connection.privateKeyFile)], notes: [] };
    }
    const keys: Credential[] = [];
    const notes: string[] = [];
    const socket = this.#options.agentSocket;
    if (socket !== null) keys.push({ kind: 'agent', title: "the agent's keys", socket, only: null });
    for (const name of DEFAULT_KEY_FILES) {
      const path = join(this.#options.home, '.ssh', name);
      const file = await this.#read(path);
      if (file.kind === 'usable') keys.push({ kind: 'key', title: path, key: file.key });
      // An encrypted one is offered by the agent already, if it is there.
      if (file.kind === 'encrypted' && socket === null)
        notes.push(`${path} is encrypted: add it to ssh-agent (ssh-add ${path})`);
      if (file.kind === 'unusable') notes.push(`${path} cannot be used: ${file.why}`);
    }
    return { keys, notes };
  }

  /** The same for a login that is tried: see {@link KeySource}. */
  async findFor(source: KeySource, connection: ConnectionSettings): Promise<Credentials> {
    if (source === 'connection') return this.find(connection);
    return this.find({ privateKeyFile: source === 'own' ? null : source.file });
  }

  async #configured(configured: string): Promise<Credential> {
    const path = configured.startsWith('~/') ? join(this.#options.home, configured.slice(2)) : configured;
    const file = await this.#read(path);
    switch (file.kind) {
      case 'usable':
        return { kind: 'key', title: path, key: file.key };
      case 'encrypted': {
        const { agentSocket } = this.#options;
        if (agentSocket === null || file.publicKey === null) {
          throw new Failure(
            'auth',
            `the private key ${path} is encrypted, and no passphrase is asked for here: start ssh-agent, add the key (ssh-add ${path}) and try again`,
          );
        }
        return {
          kind: 'agent',
          title: `the agent with the key of ${path} (encrypted; ssh-add ${path} adds it)`,
          socket: agentSocket,
          only: file.publicKey,
        };
      }
      case 'absent':
        throw new Failure('auth', `the private key ${path} is not there`);
      case 'unusable':
        throw new Failure('auth', `the private key ${path} cannot be used: ${file.why}`);
      default:
        return file satisfies never;
    }
  }

  async #read(path: string): Promise<KeyFile> {
    const reading = this.#files.get(path) ?? readKeyFile(path);
    this.#files.set(path, reading);
    return reading;
  }
}

/** Credentials as alternatives of one factor. */
export const offersOf = (credentials: readonly Credential[], factor: number): readonly Offer[] =>
  credentials.map((credential) => ({ ...credential, factor }));

const readKeyFile = async (path: string): Promise<KeyFile> => {
  const bytes = await readOrNull(path);
  if (bytes === null) return { kind: 'absent' };
  if (!(bytes instanceof Uint8Array)) return { kind: 'unusable', why: bytes };
  const mode = await modeForOthers(path);
  if (mode !== '') return { kind: 'unusable', why: `it is open to others (mode ${mode}): chmod 600 ${path}` };
  if (bytes.length > KEY_BYTES_MAX) return { kind: 'unusable', why: 'it is too large for a key' };
  const text = bytes.toString('latin1');
  if (isEncrypted(text)) {
    const beside = await readOrNull(`${path}.pub`);
    const publicKey = opensshPublicKey(text) ?? (beside instanceof Uint8Array ? publicKeyBlob(beside) : null);
    return { kind: 'encrypted', publicKey };
  }
  return isUsableKey(bytes)
    ? { kind: 'usable', key: bytes }
    : { kind: 'unusable', why: 'it is no private key of a kind that we can read' };
};

/** The bytes; `null` for a file that is not there; why it could not be read. */
const readOrNull = async (path: string): Promise<Buffer | string | null> => {
  try {
    return await readFile(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    return error instanceof Error ? error.message : String(error);
  }
};

/** The mode of a file of ours that others may open, else ''; another's is its owner's business, as ssh has it (authfile.c). */
const modeForOthers = async (path: string): Promise<string> => {
  const { uid, mode } = await stat(path);
  return uid === process.getuid?.() && (mode & 0o077) !== 0
    ? (mode & 0o777).toString(8).padStart(4, '0')
    : '';
};

/** By the file's own headers: PEM's (RFC 1421, RFC 5958) or the cipher named in OpenSSH's format (PROTOCOL.key). */
const isEncrypted = (text: string): boolean =>
  /^-----BEGIN ENCRYPTED PRIVATE KEY-----/m.test(text) ||
  /^Proc-Type: 4,ENCRYPTED/m.test(text) ||
  (opensshFields(text)?.cipher ?? 'none') !== 'none';

const opensshPublicKey = (text: string): Uint8Array | null => opensshFields(text)?.publicKey ?? null;

/** PROTOCOL.key: magic, cipher, kdf and its options as strings, the number of keys, the first public key as a string. */
const opensshFields = (text: string): { readonly cipher: string; readonly publicKey: Uint8Array } | null => {
  const encoded = /-----BEGIN OPENSSH PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END/.exec(text)?.[1];
  if (encoded === undefined) return null;
  const bytes = Buffer.from(encoded, 'base64');
  const magic = Buffer.from('openssh-key-v1\0');
  if (!bytes.subarray(0, magic.length).equals(magic)) return null;
  const fields: Buffer[] = [];
  let at = magic.length;
  for (const skip of [0, 0, 0, 4]) {
    at += skip;
    if (at + 4 > bytes.length) return null;
    const length = bytes.readUInt32BE(at);
    fields.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  const [cipher, , , publicKey] = fields;
  return cipher === undefined || publicKey === undefined
    ? null
    : { cipher: cipher.toString('latin1'), publicKey };
};
