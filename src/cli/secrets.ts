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
import { keyringEntry, keyringTrouble, type Keyring } from './keyring.ts';
import type { Surroundings } from './surroundings.ts';

/** Long enough for a person to touch a token. */
const COMMAND_TIMEOUT_MS = 30_000;
const COMMAND_OUTPUT_BYTES_MAX = 64 * 1024;
const FILE_BYTES_MAX = 64 * 1024;
/** References resolved at the same time: a command may be a slow password manager. */
const RESOLVE_CONCURRENCY = 4;

/** What resolving needs of the machine. */
export interface SecretWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** For `~/`. */
  readonly homeDirectory: string;
  /** Relative paths begin here. */
  readonly workingDirectory: string;
  /** Numeric id of the account that runs this program. */
  readonly uid: number;
  readonly keyring: Keyring;
  /** Asks on the terminal, what is typed unseen; `null` when there is none. */
  readonly prompt: Surroundings['prompt'];
  /** Lower in tests. */
  readonly commandTimeoutMs?: number;
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

const fromKeyring = async (name: string, { keyring }: SecretWorld): Promise<Resolved> => {
  const entry = keyringEntry(name);
  const answer = await keyring.get(entry);
  if (!answer.ok) {
    const { message, remedy } = keyringTrouble(answer.problem);
    return failed(message, remedy);
  }
  if (answer.value !== null) return { ok: true, value: answer.value };
  const message = `the keyring has no entry ${entry.service}/${entry.account}, or is locked`;
  return failed(message, `Add it: duo-fleet secret set ${name}`);
};

const fromPrompt = async (name: string, { prompt }: SecretWorld): Promise<Resolved> => {
  const others = 'Name the secret as env:NAME, file:PATH, keyring:NAME or command:... in its place.';
  if (prompt === null) return failed(`there is no terminal to ask for ${name} on`, others);
  const typed = await prompt({ lines: [], prompt: `${name}: `, echo: false, isMidRun: false });
  if (typed === null || typed === '') return failed(`nothing was typed for ${name}`, '');
  return { ok: true, value: new Secret(typed) };
};

const fromCommand = (line: string, world: SecretWorld, env: NodeJS.ProcessEnv): Promise<Resolved> => {
  const [program = '', ...words] = splitWords(line) ?? [];
  const limitMs = world.commandTimeoutMs ?? COMMAND_TIMEOUT_MS;
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
    case 'prompt':
      return fromPrompt(ref.text, world);
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

/** The environment for programs that are started: one that prints a secret, or makes a connection, has no need to see the others. */
export const environmentWithout = (
  uses: readonly SecretUse[],
  env: Readonly<Record<string, string | undefined>>,
): NodeJS.ProcessEnv => {
  const rest: NodeJS.ProcessEnv = { ...env };
  for (const { ref } of uses) if (ref.kind === 'env') delete rest[ref.text];
  return rest;
};

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
  const env = environmentWithout(uses, world.env);
  const resolved = new Map<string, Resolved>();
  // One question after the other, and before a command can have one of its own.
  for (const [key, ref] of refs) {
    if (ref.kind === 'prompt') resolved.set(key, await resolveOne(ref, world, env));
  }
  const limit = pLimit(RESOLVE_CONCURRENCY);
  const others = [...refs].filter(([key]) => !resolved.has(key));
  await Promise.all(
    others.map(([key, ref]) => limit(async () => resolved.set(key, await resolveOne(ref, world, env)))),
  );
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
