// What can be told of ssh's configuration without ssh: whether it matters here at all, and which hosts it treats alike.
import { matchesHostPatterns } from './host-patterns.ts';

/** The keywords of ssh_config(5) that change how a host is reached or logged in to by this program. */
const MATTERING: ReadonlySet<string> = new Set([
  'hostname',
  'user',
  'port',
  'identityfile',
  'identitiesonly',
  'identityagent',
  'certificatefile',
  'proxyjump',
  'proxycommand',
  'userknownhostsfile',
  'globalknownhostsfile',
  'hostkeyalias',
  'canonicalizehostname',
]);
/** With one of these, what holds for a host hangs on more than its name. */
const CONDITIONAL: ReadonlySet<string> = new Set(['match', 'canonicalizehostname']);

/** One file, read as far as it can be without knowing the host. */
export interface ScannedConfig {
  readonly matters: boolean;
  /** The patterns of each `Host` line. */
  readonly hostLines: readonly (readonly string[])[];
  readonly hasConditions: boolean;
  /** Files that it includes, as they are written. */
  readonly includes: readonly string[];
}

/** Reads one file's lines: a keyword, blanks or `=`, its arguments, some of them in quotes. */
export const scanSshConfig = (text: string): ScannedConfig => {
  let matters = false;
  let hasConditions = false;
  const hostLines: (readonly string[])[] = [];
  const includes: string[] = [];
  for (const line of text.split('\n')) {
    const [, word = '', rest = ''] = /^\s*"?([A-Za-z]+)"?(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? [];
    const keyword = word.toLowerCase();
    const words = (rest.match(/"[^"]*"|[^\s"]+/g) ?? []).map((argument) => argument.replaceAll('"', ''));
    if (keyword === 'host') hostLines.push(words);
    if (keyword === 'include') includes.push(...words);
    matters ||= MATTERING.has(keyword);
    hasConditions ||= CONDITIONAL.has(keyword);
  }
  return { matters, hostLines, hasConditions, includes };
};

/**
 * Which of the `Host` lines mean this host: hosts for which they are the same are told the same by ssh, but for what their
 * own names are put into.
 */
export const hostLinesMeaning = (host: string, hostLines: ScannedConfig['hostLines']): string =>
  hostLines.map((patterns) => (matchesHostPatterns(host, patterns) ? '1' : '0')).join('');
