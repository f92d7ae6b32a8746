// A private key's file: whether it can be used, and if not, exactly why.
import { readFile, stat } from 'node:fs/promises';
import ssh2, { type ParsedKey } from 'ssh2';
import { keyTypeOf } from './known-hosts.ts';

/** No private key is larger. */
const KEY_BYTES_MAX = 64 * 1024;

export type KeyFile =
  | { readonly kind: 'usable'; readonly key: ParsedKey }
  /** `unlock` opens it; `null` for a passphrase that does not. */
  | {
      readonly kind: 'encrypted';
      readonly publicKey: Uint8Array | null;
      readonly unlock: (passphrase: string) => ParsedKey | null;
    }
  /** A `.pub` file: its private half is the agent's. */
  | { readonly kind: 'public'; readonly publicKey: Uint8Array }
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly why: string };

/** Reads one. Never throws. */
export const readKeyFile = async (path: string): Promise<KeyFile> => {
  const bytes = await readOrNull(path);
  if (bytes === null) return { kind: 'absent' };
  if (!(bytes instanceof Uint8Array)) return { kind: 'unusable', why: bytes };
  if (bytes.length > KEY_BYTES_MAX) return { kind: 'unusable', why: 'it is too large for a key' };
  const text = bytes.toString('latin1');
  const publicOnly = /^-----BEGIN/m.test(text) ? null : publicKeyBlob(bytes);
  if (publicOnly !== null) return { kind: 'public', publicKey: publicOnly };
  const firstWord = unspokenKey(/^[a-z][\w@.-]+(?= )/.exec(text)?.[0] ?? '');
  if (firstWord !== null) return { kind: 'unusable', why: `it is ${firstWord}` };
  const mode = await modeForOthers(path);
  if (mode !== '') return { kind: 'unusable', why: `it is open to others (mode ${mode}): chmod 600 ${path}` };
  const foreign = unspokenKey(keyTypeOf(opensshPublicKey(text) ?? new Uint8Array()));
  if (foreign !== null) return { kind: 'unusable', why: `it is ${foreign}` };
  if (isEncrypted(text)) {
    const beside = await readOrNull(`${path}.pub`);
    const publicKey = opensshPublicKey(text) ?? (beside instanceof Uint8Array ? publicKeyBlob(beside) : null);
    return { kind: 'encrypted', publicKey, unlock: (passphrase) => privateKeyOf(bytes, passphrase) };
  }
  const key = privateKeyOf(bytes);
  return key === null
    ? { kind: 'unusable', why: 'it is no private key of a kind that we can read' }
    : { kind: 'usable', key };
};

/** Whether there is a certificate beside a key file, which ssh would show (ssh_config(5), CertificateFile). */
export const certificateBeside = async (path: string): Promise<string | null> => {
  const beside = `${path}-cert.pub`;
  return (await readOrNull(beside)) === null ? null : beside;
};

/** What ssh2 1.17 cannot sign with, of the types that OpenSSH has (mscdex/ssh2#551, #1486); `null` for the others. */
export const unspokenKey = (type: string): string | null => {
  if (type.includes('-cert-')) return `an OpenSSH certificate (${type})`;
  if (type.startsWith('sk-') || type.startsWith('webauthn-')) return `a FIDO key (${type})`;
  return type.startsWith('ssh-xmss') || type === 'ssh-dss'
    ? `a key of a type that is not spoken (${type})`
    : null;
};

const privateKeyOf = (bytes: Buffer, passphrase?: string): ParsedKey | null => {
  const parsed: unknown = ssh2.utils.parseKey(bytes, passphrase);
  const key: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  return !(key instanceof Error) && (key as ParsedKey).isPrivateKey() ? (key as ParsedKey) : null;
};

/** A public key's blob; `null` for a text that is none. */
const publicKeyBlob = (text: Uint8Array): Uint8Array | null => {
  const parsed: unknown = ssh2.utils.parseKey(Buffer.from(text));
  const key: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
  return key instanceof Error ? null : (key as ParsedKey).getPublicSSH();
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
