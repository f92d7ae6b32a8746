// One round trip that reads a host: the request becomes a script, the script's output becomes Facts.
import { readFileSync } from 'node:fs';
import type { Facts } from '../core/facts.ts';
import { Failure } from '../core/failure.ts';
import { GUARD_HOME, type ObserveRequest } from '../core/remote.ts';
import { readAccounts, readGroups } from './observe-accounts.ts';
import { readFiles } from './observe-files.ts';
import {
  readLock,
  readModuleError,
  readOs,
  readPending,
  readSpace,
  readSudo,
  readSystemd,
} from './observe-host.ts';
import { readDuoSources, readPackages } from './observe-packages.ts';
import { malformed, only, readSections } from './observe-sections.ts';
import { readSshd } from './observe-sshd.ts';
import { shellCommand, shellQuote } from './shell-quote.ts';

/** Of a file's text, bytes; of a file's digest, bytes: a larger one counts as something else than a settings file. */
const TEXT_MAX = 256 * 1024;
const DIGEST_MAX = 16 * 1024 * 1024;
/** Every connection is one `sshd -T` process, all at the same time. */
const CONNECTIONS_MAX = 32;
const WORDS_MAX = 500;

/** What has a meaning to none of the tools that the words are handed to. */
const PATH = /^\/[A-Za-z0-9_@%+=,./~-]*$/;
const PACKAGE = /^[a-z0-9][a-z0-9+.-]*$/;
/** No control characters, no colon (the separator of passwd and group), no option. */
const NAME = /^[^-\x00-\x1f\x7f:][^\x00-\x1f\x7f:]*$/;
/** sshd -T -C separates its parts with commas and takes no quotes. */
const SPEC = /^[^\x00-\x20\x7f,=]+$/;
const ADDRESS = /^[0-9A-Za-z.:%_-]+$/;
const NONCE = /^[0-9a-z]{16,64}$/;

const demand = (words: readonly string[], pattern: RegExp, what: string): readonly string[] => {
  if (words.length > WORDS_MAX) throw new Failure('bug', `more than ${WORDS_MAX} of: ${what}`);
  for (const word of words)
    if (!pattern.test(word)) throw new Failure('bug', `not usable as ${what}: ${JSON.stringify(word)}`);
  return words;
};

/** A shell function that calls its arguments with these words added. */
const wordsFunction = (name: string, words: readonly string[]): string =>
  `${name}() { "$@" ${shellCommand(words)}; }`;

const unique = (words: readonly string[]): readonly string[] => [...new Set(words)];

const assignments = (request: ObserveRequest, nonce: string): readonly string[] => {
  demand([nonce], NONCE, 'nonce');
  const paths = unique(request.files.map(({ path }) => path));
  const texts = unique(request.files.filter(({ text }) => text).map(({ path }) => path));
  const labels = request.connections.map(({ label }) => label);
  if (unique(labels).length < labels.length) throw new Failure('bug', 'two connections have the same label');
  if (labels.length > CONNECTIONS_MAX) throw new Failure('bug', `more than ${CONNECTIONS_MAX} connections`);
  const specs = request.connections.map(({ user, address }) => {
    demand([user], SPEC, 'user of a connection');
    demand([address], ADDRESS, 'address of a connection');
    return `user=${user},host=${address},addr=${address}`;
  });
  const scalars: Readonly<Record<string, string>> = {
    nonce,
    repository: request.repositoryUrl.replace(/^[a-z+]+:\/\//, '').replace(/\/+$/, ''),
    module: request.modulePath,
    guard_home: GUARD_HOME,
    census: request.census ? 'yes' : 'no',
    text_paths: ` ${texts.join(' ')} `,
    text_max: String(TEXT_MAX),
    digest_max: String(DIGEST_MAX),
  };
  demand([request.modulePath], PATH, 'path of the module');
  demand([scalars['repository'] ?? ''], SPEC, 'address of the repository');
  return [
    ...Object.entries(scalars).map(([name, value]) => `${name}=${shellQuote(value)}`),
    wordsFunction('with_packages', demand(unique(request.packages), PACKAGE, 'package')),
    wordsFunction('with_files', demand(paths, PATH, 'path')),
    wordsFunction('with_groups', demand(unique(request.groups), NAME, 'group')),
    wordsFunction('with_accounts', demand(unique(request.accounts), NAME, 'account')),
    wordsFunction('with_labels', demand(labels, NAME, 'label')),
    wordsFunction('with_connections', specs),
    wordsFunction('with_spaces', demand(unique(request.spacePaths), PATH, 'path')),
  ];
};

let template: string | null = null;

/** observe.sh without comments and indentation: a third of its bytes, so that the request fits TCP's first flight. */
const observeTemplate = (): string => {
  template ??= readFileSync(new URL('../../templates/observe.sh', import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
  return template;
};

/**
 * The script that reads one host: POSIX sh, run as root with stdin from /dev/null; it writes nothing. One round trip,
 * 60 to 120 ms on a host with two cores: one process each for all packages, modes, digests, and lock files, and one
 * `sshd -T` for each connection, in three branches side by side. A directory service adds a query for each asked-for group.
 * `nonce` is 16 to 64 random letters and digits, new for every session. Throws a Failure (`bug`) on words that no
 * tool could take.
 */
export const buildObserveScript = (request: ObserveRequest, nonce: string): string =>
  `${assignments(request, nonce).join('\n')}\n${observeTemplate()}\n`;

/**
 * What the script said, as facts. Pure. Throws a Failure: `exit` when the answer is cut, mixed with something else or
 * lacks a part, `timeout` when the host's directory service or its accounts' files did not answer in time.
 */
export const parseObserveOutput = (output: Uint8Array, nonce: string): Facts => {
  const sections = readSections(output, nonce);
  const clock = only(sections, 'clock').words;
  if (!/^\d{1,12}$/.test(clock)) throw malformed('the clock is no number');
  const { architecture, packages, systemdVersion } = readPackages(sections);
  return {
    os: readOs(only(sections, 'os')),
    architecture,
    epochS: Number(clock),
    systemd: readSystemd(sections, systemdVersion),
    packages,
    files: readFiles(sections),
    sshd: readSshd(sections),
    sudo: readSudo(only(sections, 'sudo')),
    pam: { modules: null, nologin: null },
    groups: readGroups(sections),
    accounts: readAccounts(sections),
    dpkgLockHolder: readLock(only(sections, 'lock')),
    dpkgInterrupted: only(sections, 'audit').lines.some((line) => line.trim() !== ''),
    dpkgScriptsRun: only(sections, 'scripts').words === 'yes',
    space: readSpace(sections),
    pending: readPending(only(sections, 'pending')),
    duoSources: readDuoSources(sections),
    moduleError: readModuleError(only(sections, 'module')),
  };
};
