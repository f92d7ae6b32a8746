// known_hosts files: read before the run, appended to when a new host is accepted.
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { Failure } from '../core/failure.ts';
import type { HostKeyFiles, HostKeyOptions, NamedFiles } from '../remote/host-key-check.ts';
import type { ConnectOptions } from './options.ts';
import { UsageError } from './surroundings.ts';

/** The machine's own list, which ssh reads after the account's (ssh_config(5), GlobalKnownHostsFile). */
const GLOBAL_KNOWN_HOSTS = ['/etc/ssh/ssh_known_hosts'];

/** @throws UsageError when a file is there and cannot be read */
export const hostKeyOptions = (options: ConnectOptions): HostKeyOptions => {
  const { hostKeys, knownHosts, isKnownHostsGiven } = options;
  const filesAt = ({ user, global }: NamedFiles): HostKeyFiles =>
    hostKeyFiles([...(user ?? [knownHosts]), ...(global ?? GLOBAL_KNOWN_HOSTS)], readOrSay);
  return {
    mode: hostKeys,
    ...hostKeyFiles([knownHosts, ...GLOBAL_KNOWN_HOSTS], readOrRefuse),
    ...(isKnownHostsGiven ? {} : { filesAt }),
  };
};

/** What is learned goes to the first of the files. */
const hostKeyFiles = (files: readonly string[], read: (file: string) => string): HostKeyFiles => {
  const sources = files.map((file) => ({ file, text: read(file) }));
  const [first = { file: '/dev/null', text: '' }] = sources;
  let endsOpen = first.text !== '' && !first.text.endsWith('\n');
  return {
    sources,
    append: (line) => {
      mkdirSync(dirname(first.file), { recursive: true, mode: 0o700 });
      // A last line without its end would swallow the new one.
      appendFileSync(first.file, `${endsOpen ? '\n' : ''}${line}\n`, { mode: 0o600 });
      endsOpen = false;
    },
  };
};

/** '' for a file that is not there. @throws UsageError */
const readOrRefuse = (file: string): string => {
  const read = readOrWhy(file);
  if ('text' in read) return read.text;
  throw new UsageError(`--known-hosts ${file}: ${read.why}`);
};

/** A file that ssh's configuration names, read in the middle of a login. @throws Failure */
const readOrSay = (file: string): string => {
  const read = readOrWhy(file);
  if ('text' in read) return read.text;
  throw new Failure('auth', `${file}, which ssh's configuration names for host keys: ${read.why}`);
};

const readOrWhy = (file: string): { readonly text: string } | { readonly why: string } => {
  try {
    return { text: readFileSync(file, 'utf8') };
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return { text: '' };
    return { why: thrown instanceof Error ? thrown.message : String(thrown) };
  }
};
