// The desktop's keyring, through keytar in a process of its own: a keyring that waits to be unlocked keeps its thread, and a
// process with such a thread neither goes on nor ends. That one can be killed.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { reveal, Secret } from '../core/secret.ts';

/** Entries named without a service belong to this one. */
export const KEYRING_SERVICE = 'duo-fleet';
const KEYRING_TIMEOUT_MS = 5_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
/** All that it takes to find the keyring; the others may hold secrets, or have Node load something. */
const VARIABLES =
  'HOME USER LOGNAME PATH LANG LD_LIBRARY_PATH DBUS_SESSION_BUS_ADDRESS XDG_RUNTIME_DIR XDG_DATA_HOME XDG_CURRENT_DESKTOP DISPLAY WAYLAND_DISPLAY XAUTHORITY'.split(
    ' ',
  );

export interface KeyringEntry {
  readonly service: string;
  readonly account: string;
}

/** `missing`: keytar is not installed or not built; `no-bus`: no D-Bus session; `late`: no answer in time. */
export type KeyringProblem = 'missing' | 'no-bus' | 'late' | 'failed';

export type KeyringAnswer<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: KeyringProblem };

/** The keyring of whoever runs this. Nothing is thrown. */
export interface Keyring {
  /** `null`: there is no such entry, or its keyring is locked: to keytar that is one. */
  readonly get: (entry: KeyringEntry) => Promise<KeyringAnswer<Secret | null>>;
  readonly set: (entry: KeyringEntry, secret: Secret) => Promise<KeyringAnswer<null>>;
  /** Whether there was one. */
  readonly delete: (entry: KeyringEntry) => Promise<KeyringAnswer<boolean>>;
  /** The accounts of a service. */
  readonly list: (service: string) => Promise<KeyringAnswer<readonly string[]>>;
}

/** `NAME` or `SERVICE/NAME`. */
export const keyringEntry = (name: string): KeyringEntry => {
  const slash = name.indexOf('/');
  return {
    service: slash === -1 ? KEYRING_SERVICE : name.slice(0, slash),
    account: name.slice(slash + 1),
  };
};

/** What to say of a keyring that cannot be used, and what to do in its place. */
export const keyringTrouble = (
  problem: KeyringProblem,
): { readonly message: string; readonly remedy: string } => {
  const others = 'Or name the secret as env:NAME, file:PATH, command:... or prompt:...';
  switch (problem) {
    case 'missing':
      return {
        message: 'the keyring cannot be used: the optional package keytar is not installed, or was not built',
        remedy: `Install libsecret (on Debian: libsecret-1-dev, make, g++), then run npm install keytar. ${others}`,
      };
    case 'no-bus':
      return {
        message: 'the keyring cannot be reached: there is no D-Bus session here',
        remedy: `A login over SSH often has none: run in a desktop session, or under dbus-run-session. ${others}`,
      };
    case 'late':
      return {
        message: `the keyring did not answer within ${KEYRING_TIMEOUT_MS / 1000} seconds; most often it waits to be unlocked`,
        remedy: `Unlock it in a desktop session. ${others}`,
      };
    case 'failed':
      return {
        message: 'the keyring cannot be reached',
        remedy: `See that gnome-keyring or another Secret Service runs in this session, and is unlocked. ${others}`,
      };
    default:
      return problem satisfies never;
  }
};

/** What using a keyring takes; the later three are for tests. */
export interface KeyringWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform?: NodeJS.Platform;
  readonly limitMs?: number;
  /** Path of keytar; `null`: there is none. */
  readonly keytar?: string | null;
}

/** The keyring of this account; keytar is looked for when it is used first. */
export const makeKeyring = (world: KeyringWorld): Keyring => ({
  get: async (entry) => {
    const answer = await ask(world, { call: 'getPassword', words: [entry.service, entry.account] });
    if (!answer.ok) return answer;
    return { ok: true, value: typeof answer.value === 'string' ? new Secret(answer.value) : null };
  },
  set: async (entry, secret) => {
    const words = [entry.service, entry.account, reveal(secret)];
    const answer = await ask(world, { call: 'setPassword', words });
    if (!answer.ok) return answer;
    // A keyring that takes it and does not have it afterwards is worse than one that refuses.
    return answer.value === true ? { ok: true, value: null } : { ok: false, problem: 'failed' };
  },
  delete: async (entry) => {
    const answer = await ask(world, { call: 'deletePassword', words: [entry.service, entry.account] });
    return answer.ok ? { ok: true, value: answer.value === true } : answer;
  },
  list: async (service) => {
    const answer = await ask(world, { call: 'findCredentials', words: [service] });
    if (!answer.ok) return answer;
    return { ok: true, value: Array.isArray(answer.value) ? answer.value.map(String).toSorted() : [] };
  },
});

interface Order {
  readonly call: 'getPassword' | 'setPassword' | 'deletePassword' | 'findCredentials';
  readonly words: readonly string[];
}

/** What the other process does: one call, over its stdin and stdout, which nobody else sees. */
const CHILD = `
let text = '';
process.stdin.setEncoding('utf8').on('data', (chunk) => { text += chunk; }).on('end', async () => {
  let answer = { problem: 'missing' };
  try {
    const keytar = require(process.argv[1]);
    answer = { problem: 'failed' };
    const { call, words } = JSON.parse(text);
    let value = await keytar[call](...words);
    if (call === 'setPassword') value = (await keytar.getPassword(words[0], words[1])) === words[2];
    if (call === 'findCredentials') value = value.map(({ account }) => account);
    answer = { value };
  } catch {}
  process.stdout.write(JSON.stringify(answer), () => process.exit());
});
`;

const failed = (problem: KeyringProblem): KeyringAnswer<never> => ({ ok: false, problem });

const ask = (world: KeyringWorld, order: Order): Promise<KeyringAnswer<unknown>> => {
  const { env, limitMs = KEYRING_TIMEOUT_MS, keytar = keytarPath() } = world;
  if (keytar === null) return Promise.resolve(failed('missing'));
  if (hasNoBus(world)) return Promise.resolve(failed('no-bus'));
  return new Promise((settle) => {
    const child = spawn(process.execPath, ['-e', CHILD, keytar], {
      env: Object.fromEntries(VARIABLES.map((name) => [name, env[name]])),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    let text = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      settle(failed('late'));
    }, limitMs);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.length > ANSWER_BYTES_MAX) child.kill('SIGKILL');
    });
    // Whoever does not start, or dies early, cannot be written to: told by its end.
    child.stdin.on('error', () => undefined);
    child.on('error', () => settle(failed('failed')));
    child.on('close', () => {
      clearTimeout(timer);
      settle(answerIn(text));
    });
    child.stdin.end(JSON.stringify(order));
  });
};

const answerIn = (text: string): KeyringAnswer<unknown> => {
  try {
    const answer = JSON.parse(text) as { readonly value?: unknown; readonly problem?: 'missing' | 'failed' };
    return answer.problem === undefined
      ? { ok: true, value: answer.value }
      : { ok: false, problem: answer.problem };
  } catch {
    return { ok: false, problem: 'failed' };
  }
};

const keytarPath = (): string | null => {
  try {
    return createRequire(import.meta.url).resolve('keytar');
  } catch {
    return null;
  }
};

/** libsecret needs a session bus, and without one keytar says no more than that something failed. */
const hasNoBus = ({ env, platform = process.platform }: KeyringWorld): boolean => {
  const runtime = env['XDG_RUNTIME_DIR'] ?? '';
  const isThere = [env['DBUS_SESSION_BUS_ADDRESS'], env['DISPLAY']].some((value) => (value ?? '') !== '');
  return platform === 'linux' && !isThere && (runtime === '' || !existsSync(join(runtime, 'bus')));
};
