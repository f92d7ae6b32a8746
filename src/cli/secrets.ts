// Resolves the inventory's secret references, all of them before the first connection.
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import pLimit from 'p-limit';
import type { Diagnostic } from '../core/diagnostic.ts';
import type { InventoryHost } from '../core/inventory.ts';
import { errorAt } from '../core/inventory-groups.ts';
import { reveal, Secret, type SecretRef } from '../core/secret.ts';
import { secretProblem } from '../core/secret-ref.ts';
import type { OpenSecret, Settings } from '../core/settings.ts';
import type { SecretVariable } from '../core/variables.ts';
import { splitWords } from '../core/words.ts';

/** Entries named without a service belong to this one. */
export const KEYRING_SERVICE = 'duo-fleet';
const KEYRING_TIMEOUT_MS = 5_000;
/** Long enough for a person to touch a token. */
const COMMAND_TIMEOUT_MS = 30_000;
const COMMAND_OUTPUT_BYTES_MAX = 64 * 1024;
const FILE_BYTES_MAX = 64 * 1024;
/** References resolved at the same time: a command may be a slow password manager. */
const RESOLVE_CONCURRENCY = 4;

/** The part of keytar that is used. */
export interface Keyring {
  getPassword(service: string, account: string): Promise<string | null>;
}

/** What resolving needs of the machine. */
export interface SecretWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For `~/`. */
  readonly homeDirectory: string;
  /** Relative paths begin here. */
  readonly workingDirectory: string;
  /** Numeric id of the account that runs this program. */
  readonly uid: number;
  /** Rejects when there is no keyring; see {@link loadKeytar}. */
  readonly loadKeyring: () => Promise<Keyring>;
  /** Lower in tests. */
  readonly timeouts?: { readonly keyringMs: number; readonly commandMs: number };
}

/** A secret that somebody wrote into the inventory. */
export interface SecretUse {
  readonly variable: SecretVariable;
  readonly ref: SecretRef;
  readonly host: InventoryHost;
}

type Resolved =
  | { readonly ok: true; readonly value: Secret }
  | { readonly ok: false; readonly message: string; readonly remedy: string };

const failed = (message: string, remedy: string): Resolved => ({ ok: false, message, remedy });

/** Loads keytar, an optional dependency: it needs libsecret and a compiler where there is no ready-made build. */
export const loadKeytar = async (): Promise<Keyring> => {
  // A name in a variable: the compiler must not look for a package that may not be installed.
  const name: string = 'keytar';
  const loaded = (await import(name)) as { readonly default?: Keyring } & Partial<Keyring>;
  const keyring = loaded.default ?? loaded;
  if (typeof keyring.getPassword !== 'function') throw new Error('keytar has no getPassword');
  return keyring as Keyring;
};

/** The settled value of a promise, or `null` when it takes longer; the timer does not keep the program alive. */
const within = async <T>(promise: Promise<T>, limitMs: number): Promise<{ readonly value: T } | null> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((settle) => {
    timer = setTimeout(() => settle(null), limitMs);
  });
  try {
    return await Promise.race([promise.then((value) => ({ value })), late]);
  } finally {
    clearTimeout(timer);
  }
};

const fromEnvironment = (name: string, world: SecretWorld): Resolved => {
  const value = world.env[name];
  return value === undefined
    ? failed(`the environment variable ${name} is not set`, `Export ${name} before you start duo-fleet.`)
    : { ok: true, value: new Secret(value) };
};

const readOwnFile = async (file: FileHandle, path: string, uid: number): Promise<Resolved> => {
  const status = await file.stat();
  if (!status.isFile()) return failed(`${path} is no regular file`, 'Name the file itself.');
  if (status.uid !== uid && status.uid !== 0) {
    return failed(`${path} belongs to somebody else (uid ${status.uid})`, `Run: chown ${uid} ${path}`);
  }
  if ((status.mode & 0o077) !== 0) {
    const mode = (status.mode & 0o777).toString(8).padStart(4, '0');
    return failed(`${path} is open to others (mode ${mode})`, `Run: chmod 600 ${path}`);
  }
  if (status.size > FILE_BYTES_MAX) return failed(`${path} is longer than ${FILE_BYTES_MAX} bytes`, '');
  const buffer = Buffer.alloc(FILE_BYTES_MAX);
  const { bytesRead } = await file.read(buffer, 0, FILE_BYTES_MAX, 0);
  const text = buffer.toString('utf8', 0, bytesRead).replace(/\r?\n$/, '');
  buffer.fill(0);
  return { ok: true, value: new Secret(text) };
};

const fromFile = async (name: string, world: SecretWorld): Promise<Resolved> => {
  const home = name.startsWith('~/') ? resolve(world.homeDirectory, name.slice(2)) : name;
  const path = resolve(world.workingDirectory, home);
  let file: FileHandle;
  try {
    // Non-blocking: a named pipe must not hold everything up before it is seen to be no file.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (thrown) {
    const code = (thrown as NodeJS.ErrnoException).code ?? 'unknown';
    return code === 'ELOOP'
      ? failed(`${path} is a symbolic link`, 'Name the file itself.')
      : failed(`${path} cannot be opened (${code})`, 'See that the file is there and that you may read it.');
  }
  try {
    return await readOwnFile(file, path, world.uid);
  } finally {
    await file.close();
  }
};

const otherSources = 'Or use env:NAME, file:PATH or command:... in its place.';

const fromKeyring = async (name: string, world: SecretWorld): Promise<Resolved> => {
  const slash = name.indexOf('/');
  const service = slash === -1 ? KEYRING_SERVICE : name.slice(0, slash);
  const account = name.slice(slash + 1);
  let keyring: Keyring;
  try {
    keyring = await world.loadKeyring();
  } catch {
    return failed(
      'the keyring cannot be used: the optional package keytar is not installed, or was not built',
      `Install libsecret (on Debian: libsecret-1-dev), then run npm install keytar. ${otherSources}`,
    );
  }
  const limitMs = world.timeouts?.keyringMs ?? KEYRING_TIMEOUT_MS;
  try {
    const answer = await within(keyring.getPassword(service, account), limitMs);
    if (answer === null) {
      const message = `the keyring did not answer within ${limitMs / 1000} seconds; most often it waits to be unlocked`;
      return failed(message, `Unlock it in a desktop session. ${otherSources}`);
    }
    return answer.value === null
      ? failed(`the keyring has no entry ${service}/${account}`, 'Add it, or see how it is spelled.')
      : { ok: true, value: new Secret(answer.value) };
  } catch {
    return failed(
      'the keyring cannot be reached',
      `Without a desktop session there is often none. ${otherSources}`,
    );
  }
};

const fromCommand = (line: string, world: SecretWorld, env: NodeJS.ProcessEnv): Promise<Resolved> => {
  const [program = '', ...words] = splitWords(line) ?? [];
  const limitMs = world.timeouts?.commandMs ?? COMMAND_TIMEOUT_MS;
  return new Promise((settle) => {
    // What it says on stderr is not shown: nobody knows what is in there.
    const child = spawn(program, words, {
      env,
      cwd: world.workingDirectory,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (result: Resolved): void => {
      clearTimeout(timer);
      child.stdout.destroy();
      settle(result);
    };
    const kill = (message: string): void => {
      child.kill('SIGKILL');
      end(failed(message, 'Run it by hand to see what it does.'));
    };
    const timer = setTimeout(() => kill(`${program} did not end within ${limitMs / 1000} seconds`), limitMs);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > COMMAND_OUTPUT_BYTES_MAX)
        kill(`${program} printed more than ${COMMAND_OUTPUT_BYTES_MAX} bytes`);
      else chunks.push(chunk);
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      end(
        failed(`${program} could not be started (${error.code ?? 'unknown'})`, 'See that it is installed.'),
      );
    });
    child.on('close', (code, signal) => {
      if (code !== 0) {
        end(
          failed(
            `${program} ended with ${signal ?? `status ${code}`}`,
            'Run it by hand to see what it says.',
          ),
        );
        return;
      }
      const [first = ''] = Buffer.concat(chunks).toString('utf8').split(/\r?\n/, 1);
      end({ ok: true, value: new Secret(first) });
    });
  });
};

const keyOf = (ref: Exclude<SecretRef, { kind: 'literal' }>): string => `${ref.kind}:${ref.text}`;

const resolveOne = async (
  ref: Exclude<SecretRef, { kind: 'literal' }>,
  world: SecretWorld,
  env: NodeJS.ProcessEnv,
): Promise<Resolved> => {
  switch (ref.kind) {
    case 'env':
      return fromEnvironment(ref.text, world);
    case 'file':
      return fromFile(ref.text, world);
    case 'keyring':
      return fromKeyring(ref.text, world);
    case 'command':
      return fromCommand(ref.text, world, env);
    default:
      return ref.kind satisfies never;
  }
};

/** Every secret that these settings name, with the host for its place. */
export const secretUsesOf = (
  settings: readonly Settings[],
  hosts: readonly InventoryHost[],
): readonly SecretUse[] => {
  const byName = new Map(hosts.map((host) => [host.name, host]));
  return settings.flatMap((each) => {
    const host = byName.get(each.host);
    if (host === undefined) return [];
    const password: SecretVariable = host.variables.has('ansible_password')
      ? 'ansible_password'
      : 'ansible_ssh_pass';
    const named: readonly (readonly [SecretVariable, SecretRef | null])[] = [
      ['duo_skey', each.duo.skey],
      ['canary_passcode', each.canary?.passcode ?? null],
      ['break_glass_password', each.breakGlass?.password ?? null],
      [password, each.connection.password],
    ];
    return named.flatMap(([variable, ref]) => (ref === null ? [] : [{ variable, ref, host }]));
  });
};

const useDiagnostic = (use: SecretUse, message: string, remedy: string): Diagnostic =>
  errorAt(
    use.host.variables.get(use.variable)?.place ?? use.host.place,
    `${use.variable}: ${message}`,
    remedy,
  );

/**
 * Resolves all secrets, each reference once however many hosts share it. All that cannot be had is in `diagnostics`,
 * each place once; `open` throws for a secret that was not among `uses` or could not be had.
 */
export const resolveSecrets = async (
  uses: readonly SecretUse[],
  world: SecretWorld,
): Promise<{ readonly open: OpenSecret; readonly diagnostics: readonly Diagnostic[] }> => {
  const refs = new Map<string, Exclude<SecretRef, { kind: 'literal' }>>();
  for (const { ref } of uses) if (ref.kind !== 'literal') refs.set(keyOf(ref), ref);
  // A program that prints one secret has no need to see the others.
  const env: NodeJS.ProcessEnv = { ...world.env };
  for (const ref of refs.values()) if (ref.kind === 'env') delete env[ref.text];
  const limit = pLimit(RESOLVE_CONCURRENCY);
  const entries = [...refs].map(([key, ref]) =>
    limit(async () => [key, await resolveOne(ref, world, env)] as const),
  );
  const resolved = new Map<string, Resolved>(await Promise.all(entries));
  const diagnostics = new Map<string, Diagnostic>();
  for (const use of uses) {
    const result = use.ref.kind === 'literal' ? null : (resolved.get(keyOf(use.ref)) ?? null);
    if (result === null) continue;
    const problem = result.ok ? secretProblem(use.variable, reveal(result.value)) : '';
    if (result.ok && problem === '') continue;
    const told = result.ok
      ? useDiagnostic(use, `what its reference gives ${problem}`, '')
      : useDiagnostic(use, result.message, result.remedy);
    diagnostics.set(`${told.file}\n${told.line}\n${told.column}\n${told.message}`, told);
  }
  const openSecret: OpenSecret = (ref) => {
    if (ref.kind === 'literal') return ref.value;
    const result = resolved.get(keyOf(ref));
    if (result?.ok !== true) throw new Error(`the secret ${ref.kind}: was not resolved`);
    return result.value;
  };
  return { open: openSecret, diagnostics: [...diagnostics.values()] };
};
