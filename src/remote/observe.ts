// One round trip that reads a host: the request becomes a script, the script's output becomes Facts.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Facts } from '../core/facts.ts';
import { Failure } from '../core/failure.ts';
import { GUARD_HOME, type ObserveRequest } from '../core/remote.ts';
import { readAccounts, readGroups } from './observe-accounts.ts';
import { readFiles } from './observe-files.ts';
import { readKeyLogins } from './observe-key-logins.ts';
import {
  readLock,
  readModuleError,
  readOs,
  readPam,
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
const LABEL = /^[a-z][a-z-]*$/;
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
  const texts = new Set(request.files.filter(({ text }) => text).map(({ path }) => path));
  demandDropIns(request);
  const labels = request.connections.map(({ label }) => label);
  const allLabels = [...labels, ...request.personas.map(({ label }) => label)];
  if (unique(allLabels).length < allLabels.length)
    throw new Failure('bug', 'two connections have the same label');
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
    drop_in: request.dropInPath,
    digest_only: ` ${paths.filter((path) => !texts.has(path)).join(' ')} `,
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
    wordsFunction('with_personas', request.personas.map(personaLine)),
    wordsFunction('with_spaces', demand(unique(request.spacePaths), PATH, 'path')),
  ];
};

/** `LABEL ADDRESS KIND NAME`; a name may hold blanks, hence last. */
const personaLine = ({ label, who, address }: ObserveRequest['personas'][number]): string => {
  const [name] = 'name' in who ? [who.name] : 'group' in who ? [who.group] : [];
  demand([label], LABEL, 'label of a persona');
  demand([address], ADDRESS, 'address of a persona');
  demand(name === undefined ? [] : [name], NAME, 'persona');
  return [label, address, who.kind, name ?? ''].join(' ').trimEnd();
};

/** observe.sh reads every drop-in of sshd by itself, but for our own: any other one would come twice. */
const demandDropIns = ({ files, dropInPath }: ObserveRequest): void => {
  demand(dropInPath === '' ? [] : [dropInPath], PATH, 'path of our drop-in');
  for (const { path } of files)
    if (path.startsWith('/etc/ssh/sshd_config.d/') && path !== dropInPath)
      throw new Failure('bug', `drop-ins of sshd are read unasked: ${path}`);
};

let template: string | null = null;

/**
 * observe.sh without comments and indentation, packed: a third of its bytes, so that the request fits TCP's first flight. Unpacking
 * it costs the host two processes (gzip is an essential package of Debian, base64 is coreutils'); another flight would cost
 * every host a turn.
 */
const observeTemplate = (): string => {
  if (template !== null) return template;
  const text = readFileSync(new URL('../../templates/observe.sh', import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join('\n');
  const packed = gzipSync(text, { level: 9 }).toString('base64');
  template = `PATH=/usr/sbin:/usr/bin:/sbin:/bin\neval "$(printf %s ${packed} | base64 -d | gzip -dc)"`;
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
    pam: readPam(sections),
    groups: readGroups(sections),
    accounts: readAccounts(sections, Number(clock)),
    keyLoginLog: readKeyLogins(sections).log,
    dpkgLockHolder: readLock(only(sections, 'lock')),
    dpkgInterrupted: only(sections, 'audit').lines.some((line) => line.trim() !== ''),
    dpkgScriptsRun: only(sections, 'scripts').words === 'yes',
    space: readSpace(sections),
    pending: readPending(only(sections, 'pending')),
    duoSources: readDuoSources(sections),
    moduleError: readModuleError(only(sections, 'module')),
  };
};
