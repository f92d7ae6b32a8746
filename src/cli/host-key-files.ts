// known_hosts files: read before the run, appended to when a new host is accepted.
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { HostKeyOptions } from '../remote/host-key-check.ts';
import type { ConnectOptions } from './options.ts';
import { UsageError } from './surroundings.ts';

/** The machine's own list, which ssh reads after the account's (ssh_config(5), GlobalKnownHostsFile). */
const GLOBAL_KNOWN_HOSTS = '/etc/ssh/ssh_known_hosts';

/** @throws UsageError when a file is there and cannot be read */
export const hostKeyOptions = ({ hostKeys, knownHosts }: ConnectOptions): HostKeyOptions => {
  const sources = [knownHosts, GLOBAL_KNOWN_HOSTS].map((file) => ({ file, text: readOrEmpty(file) }));
  let endsOpen = sources[0]?.text !== '' && sources[0]?.text.endsWith('\n') === false;
  return {
    mode: hostKeys,
    sources,
    append: (line) => {
      mkdirSync(dirname(knownHosts), { recursive: true, mode: 0o700 });
      // A last line without its end would swallow the new one.
      appendFileSync(knownHosts, `${endsOpen ? '\n' : ''}${line}\n`, { mode: 0o600 });
      endsOpen = false;
    },
  };
};

const readOrEmpty = (file: string): string => {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT') return '';
    throw new UsageError(
      `--known-hosts ${file}: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    );
  }
};
