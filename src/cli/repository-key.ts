// The key that signs Duo's packages: fetched once by the controller, checked against its pins, then pushed to hosts.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { KEY_FILE_BYTES_MAX, pinnedKeyring } from '../core/openpgp-key.ts';
import type { RepositorySettings, Settings } from '../core/settings.ts';
import { UsageError } from './surroundings.ts';

/** The vendor's server, redirects included. */
const FETCH_TIMEOUT_MS = 20_000;

/** Finds the checked keyring for a host's settings. */
export type KeyringOf = (settings: Settings) => Uint8Array;

/**
 * Gets every distinct key that the hosts need.
 * @throws UsageError when one cannot be had, or holds a key that is not pinned
 */
export const fetchKeyrings = async (
  hosts: readonly Settings[],
  options: { readonly nowMs: number; readonly say: (text: string) => void },
): Promise<KeyringOf> => {
  const wanted = new Map(hosts.map(({ repository }) => [nameOf(repository), repository]));
  const keyrings = new Map<string, Uint8Array>();
  for (const [name, repository] of wanted) {
    const checked = pinnedKeyring(await read(repository.key), {
      sha1: (bytes) => createHash('sha1').update(bytes).digest(),
      pinned: repository.fingerprints,
      nowS: Math.floor(options.nowMs / 1000),
    });
    if ('refused' in checked) throw new UsageError(`duo_repo_key ${repository.key}: ${checked.refused}`);
    for (const note of checked.notes) options.say(`duo_repo_key ${repository.key}: ${note}`);
    keyrings.set(name, checked.keyring);
  }
  return ({ repository }) => {
    const keyring = keyrings.get(nameOf(repository));
    if (keyring === undefined) throw new Error(`no keyring was fetched for ${repository.key}`);
    return keyring;
  };
};

const nameOf = ({ key, fingerprints }: RepositorySettings): string => JSON.stringify([key, fingerprints]);

const read = async (location: string): Promise<Uint8Array> => {
  try {
    return location.startsWith('/') ? await readFile(location) : await fetchBytes(location);
  } catch (thrown) {
    if (thrown instanceof UsageError) throw thrown;
    throw new UsageError(
      `duo_repo_key ${location} could not be read: ${reasonOf(thrown)}. A copy of the key in a file does as well: duo_repo_key: /path`,
    );
  }
};

/** fetch says "fetch failed" and keeps the reason in `cause`. */
const reasonOf = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? thrown.cause.message : thrown.message;
};

const fetchBytes = async (url: string): Promise<Uint8Array> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS), redirect: 'follow' });
  if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.byteLength;
    if (length > KEY_FILE_BYTES_MAX) throw new Error('it is too large for a key file');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};
