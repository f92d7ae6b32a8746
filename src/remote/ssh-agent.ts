// The operator's ssh-agent, as far as ssh2 has to do with it.
import ssh2, {
  type KnownPublicKeys,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';

/** An agent of which only one key may be used, or all; tells when there is none to use, which ssh2 keeps to itself. */
export class ChosenAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #agent: ssh2.OpenSSHAgent;
  readonly #only: Uint8Array | null;
  readonly #onNone: () => void;

  /** @param only the public key's blob, `null` for all of them */
  constructor(socket: string, only: Uint8Array | null, onNone: () => void) {
    super();
    this.#agent = new ssh2.OpenSSHAgent(socket);
    this.#only = only;
    this.#onNone = onNone;
  }

  getIdentities(callback: (error?: Error | null, keys?: KnownPublicKeys<ParsedKey>) => void): void {
    this.#agent.getIdentities((error, keys) => {
      if (error !== undefined && error !== null) {
        callback(error);
        return;
      }
      const only = this.#only;
      const chosen = (keys ?? []).filter((key) => only === null || blobOf(key).equals(Buffer.from(only)));
      if (chosen.length === 0) this.#onNone();
      callback(null, chosen);
    });
  }

  sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    if (typeof options === 'function') this.#agent.sign(key, data, options);
    else this.#agent.sign(key, data, options, callback);
  }
}

const blobOf = (key: unknown): Buffer => {
  const parsed: unknown = ssh2.utils.parseKey(key as Buffer);
  return parsed instanceof Error ? Buffer.alloc(0) : (parsed as ParsedKey).getPublicSSH();
};
