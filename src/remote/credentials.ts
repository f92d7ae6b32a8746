// What the operator has to log in with: key files, the agent, the usual key files.
import { join } from 'node:path';
import type { ParsedKey } from 'ssh2';
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import type { KeySource } from '../core/remote.ts';
import { reveal } from '../core/secret.ts';
import type { ConnectionSettings, SshDetails } from '../core/settings.ts';
import { agentIdentities, type AgentIdentity } from './agent-identities.ts';
import type { Asker } from './asker.ts';
import type { Offer } from './auth-sequence.ts';
import { certificateBeside, readKeyFile, unspokenKey, type KeyFile } from './key-file.ts';

/** The operator's keys, in the order OpenSSH tries them (ssh_config(5), IdentityFile), of the types that ssh2 can sign with. */
const DEFAULT_KEY_FILES = ['id_ed25519', 'id_ecdsa', 'id_rsa'] as const;
/** As ssh does (NumberOfPasswordPrompts). */
const PASSPHRASE_TRIES_MAX = 3;

export interface CredentialOptions {
  /** The operator's home folder. */
  readonly home: string;
  /** The agent's socket (SSH_AUTH_SOCK), `null` without one. */
  readonly agentSocket: string | null;
  /** Asks for passphrases; `null`: there is nobody to ask. */
  readonly asker?: Asker | null;
}

/** An offer but for the factor that it belongs to. */
export type Credential =
  | { readonly kind: 'key'; readonly title: string; readonly key: ParsedKey }
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

/** What is said of a station's keys. */
export interface KeysWanted {
  readonly privateKeyFile: string | null;
  readonly ssh?: SshDetails | null;
}

/** Finds credentials; each file is read, and each passphrase asked for, once in a run, however many hosts use it. */
export class CredentialStore {
  readonly #options: CredentialOptions;
  readonly #files = new Map<string, Promise<KeyFile>>();
  readonly #unlocked = new Map<string, Promise<ParsedKey | null>>();
  readonly #agents = new Map<string, Promise<readonly AgentIdentity[] | null>>();

  constructor(options: CredentialOptions) {
    this.#options = options;
  }

  /**
   * A host's key file that the inventory names is the only one that is offered; else what ssh's configuration names and the
   * agent's keys; else the agent's keys, then the usual files.
   * @throws Failure `auth` when the inventory's file cannot be used
   */
  async find({ privateKeyFile, ssh = null }: KeysWanted): Promise<Credentials> {
    if (privateKeyFile !== null) return { keys: [await this.#configured(privateKeyFile, ssh)], notes: [] };
    const files = ssh?.identityFiles ?? null;
    const named = await this.#named(files ?? [], ssh);
    const agent = ssh?.identitiesOnly === true ? NO_CREDENTIALS : await this.#agentKeys(ssh);
    const usual = files === null ? await this.#usual(ssh) : NO_CREDENTIALS;
    return together([named, agent, usual, { keys: [], notes: certificateNotes(ssh) }]);
  }

  /** The same for a jump host: its own, and then the key of the host behind it, which is often the same account's. */
  async findForJump({ privateKeyFile, ssh = null }: KeysWanted): Promise<Credentials> {
    const own = await this.find({ privateKeyFile: null, ssh });
    if (privateKeyFile === null) return own;
    const key = await this.#configured(privateKeyFile, ssh);
    return (ssh?.identityFiles ?? null) === null
      ? { keys: [key, ...own.keys], notes: own.notes }
      : { keys: [...own.keys, key], notes: own.notes };
  }

  /** The same for a login that is tried: see {@link KeySource}. */
  async findFor(source: KeySource, connection: ConnectionSettings): Promise<Credentials> {
    if (source === 'connection') return this.find(connection);
    return this.find({ privateKeyFile: source === 'own' ? null : source.file });
  }

  async #configured(configured: string, ssh: SshDetails | null): Promise<Credential> {
    const path = configured.startsWith('~/') ? join(this.#options.home, configured.slice(2)) : configured;
    const file = await this.#read(path);
    switch (file.kind) {
      case 'usable':
        return { kind: 'key', title: path, key: file.key };
      case 'public':
      case 'encrypted': {
        const credential = await this.#locked(path, file, ssh);
        if (credential !== null) return credential;
        throw new Failure('auth', `${lockedNote(path, file)}, and try again`);
      }
      case 'absent':
        throw new Failure('auth', `the private key ${path} is not there`);
      case 'unusable':
        throw new Failure('auth', `the private key ${path} cannot be used: ${file.why}`);
      default:
        return file satisfies never;
    }
  }

  /** The files that ssh's configuration names; ssh passes over one that is not there, and so does this. */
  async #named(files: readonly string[], ssh: SshDetails | null): Promise<Credentials> {
    return together(await Promise.all(files.map(async (path) => this.#oneOf(path, ssh))));
  }

  async #oneOf(path: string, ssh: SshDetails | null): Promise<Credentials> {
    const file = await this.#read(path);
    const certificate = await certificateBeside(path);
    const notes = certificate === null ? [] : [certificateNote(certificate)];
    switch (file.kind) {
      case 'usable':
        return { keys: [{ kind: 'key', title: path, key: file.key }], notes };
      case 'public':
      case 'encrypted': {
        const credential = await this.#locked(path, file, ssh);
        return credential === null
          ? { keys: [], notes: [...notes, lockedNote(path, file)] }
          : { keys: [credential], notes };
      }
      case 'absent':
        return { keys: [], notes: [`${path}, which ssh's configuration names, is not there`] };
      case 'unusable':
        return { keys: [], notes: [...notes, `${path} cannot be used: ${file.why}`] };
      default:
        return file satisfies never;
    }
  }

  /** The usual files. One that is locked is the agent's to offer; a passphrase is asked for where nothing else is there. */
  async #usual(ssh: SshDetails | null): Promise<Credentials> {
    const all: Credentials[] = [];
    const hasAgent = this.#socketOf(ssh) !== null;
    for (const name of DEFAULT_KEY_FILES) {
      const path = join(this.#options.home, '.ssh', name);
      const file = await this.#read(path);
      if (file.kind === 'usable') {
        all.push({ keys: [{ kind: 'key', title: path, key: file.key }], notes: [] });
      } else if (file.kind === 'encrypted' && !hasAgent) {
        const credential = await this.#locked(path, file, ssh);
        all.push(
          credential === null
            ? { keys: [], notes: [lockedNote(path, file)] }
            : { keys: [credential], notes: [] },
        );
      } else if (file.kind === 'unusable') {
        all.push({ keys: [], notes: [`${path} cannot be used: ${file.why}`] });
      }
    }
    return together(all);
  }

  /** A key whose file cannot be used as it is: by the agent where it holds it, else by its passphrase; `null` by neither. */
  async #locked(
    path: string,
    file: Extract<KeyFile, { readonly kind: 'encrypted' | 'public' }>,
    ssh: SshDetails | null,
  ): Promise<Credential | null> {
    const { publicKey } = file;
    const socket = this.#socketOf(ssh);
    const asker = this.#options.asker ?? null;
    const held = socket === null ? null : await this.#identities(socket);
    const isHeld = publicKey !== null && held?.some(({ blob }) => blob.equals(publicKey)) === true;
    if (file.kind === 'encrypted' && asker !== null && !isHeld) {
      const key = await this.#unlock(path, file, asker);
      return key === null ? null : { kind: 'key', title: path, key };
    }
    if (socket === null || publicKey === null) return null;
    const advice = file.kind === 'encrypted' ? ` (encrypted; ssh-add ${path} adds it)` : '';
    return { kind: 'agent', title: `the agent with the key of ${path}${advice}`, socket, only: publicKey };
  }

  async #unlock(
    path: string,
    file: Extract<KeyFile, { readonly kind: 'encrypted' }>,
    asker: Asker,
  ): Promise<ParsedKey | null> {
    const unlocking = this.#unlocked.get(path) ?? askPassphrase(path, file, asker);
    this.#unlocked.set(path, unlocking);
    return unlocking;
  }

  /** All of the agent's keys; what it holds and we cannot use is named. */
  async #agentKeys(ssh: SshDetails | null): Promise<Credentials> {
    const socket = this.#socketOf(ssh);
    if (socket === null) return NO_CREDENTIALS;
    const identities = (await this.#identities(socket)) ?? [];
    const notes = identities.flatMap(({ type, comment }) => {
      const what = unspokenKey(type);
      return what === null
        ? []
        : [`the agent's key ${JSON.stringify(printable(comment, 80))} is ${what}: ${PLAIN_KEY_ADVICE}`];
    });
    const isHopeless = identities.length > 0 && notes.length === identities.length;
    return {
      keys: isHopeless ? [] : [{ kind: 'agent', title: "the agent's keys", socket, only: null }],
      notes,
    };
  }

  #socketOf(ssh: SshDetails | null): string | null {
    const agent = ssh?.identityAgent ?? (ssh === null ? 'usual' : null);
    if (agent === null) return null;
    return agent === 'usual' ? this.#options.agentSocket : agent.path;
  }

  async #identities(socket: string): Promise<readonly AgentIdentity[] | null> {
    const asking = this.#agents.get(socket) ?? agentIdentities(socket);
    this.#agents.set(socket, asking);
    return asking;
  }

  async #read(path: string): Promise<KeyFile> {
    const reading = this.#files.get(path) ?? readKeyFile(path);
    this.#files.set(path, reading);
    return reading;
  }
}

const NO_CREDENTIALS: Credentials = { keys: [], notes: [] };

const PLAIN_KEY_ADVICE =
  'this program speaks neither FIDO keys nor certificates; give the account a plain key (ssh-keygen -t ed25519)';

const together = (all: readonly Credentials[]): Credentials => ({
  keys: all.flatMap(({ keys }) => keys),
  notes: [...new Set(all.flatMap(({ notes }) => notes))],
});

const certificateNote = (path: string): string => `the certificate ${path} is not shown: ${PLAIN_KEY_ADVICE}`;

const certificateNotes = (ssh: SshDetails | null): readonly string[] =>
  (ssh?.certificateFiles ?? []).map(certificateNote);

const lockedNote = (path: string, { kind }: KeyFile): string =>
  kind === 'public'
    ? `${path} is a public key, and no agent is there to sign with it: start ssh-agent and add its private key`
    : `the private key ${path} is encrypted, and its passphrase was not given here: start ssh-agent, add the key (ssh-add ${path})`;

/** Asked a few times, as ssh does; `null` when none opens it, or nobody answers. */
const askPassphrase = async (
  path: string,
  file: Extract<KeyFile, { readonly kind: 'encrypted' }>,
  asker: Asker,
): Promise<ParsedKey | null> => {
  const shown = printable(path);
  for (let tried = 1; tried <= PASSPHRASE_TRIES_MAX; tried += 1) {
    const lines = tried === 1 ? [] : ['That passphrase does not open it.'];
    const passphrase = await asker.passphrase(lines, `Passphrase for the key ${shown}: `);
    if (passphrase === null || reveal(passphrase) === '') return null;
    const key = file.unlock(reveal(passphrase));
    if (key !== null) return key;
  }
  return null;
};

/** Credentials as alternatives of one factor. */
export const offersOf = (credentials: readonly Credential[], factor: number): readonly Offer[] =>
  credentials.map((credential) => ({ ...credential, factor }));
