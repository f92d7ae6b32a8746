// What OpenSSH's own client would do to reach a host: the answer of `ssh -G`, read.
import type { SshDetails } from './settings.ts';

/**
 * What `ssh -G` is asked about: what stands on Ansible's command line for ssh, since that goes before ssh_config there.
 * `null`: the inventory does not say.
 */
export interface SshQuestion {
  readonly host: string;
  readonly user: string | null;
  readonly port: number | null;
}

/** What it answers, as far as it matters here. */
export interface SshAnswer {
  /** HostName. */
  readonly address: string;
  readonly user: string;
  readonly port: number;
  /** ProxyJump as it is written; `null` without one. */
  readonly proxyJump: string | null;
  readonly details: SshDetails;
}

/** Gives what was answered to a question; `null` where ssh's configuration says nothing of this host, or is not asked. */
export type AskSsh = (question: SshQuestion) => SshAnswer | null;

/** What is true of this machine and of who runs this: what the tokens and variables in a path stand for. */
export interface Here {
  readonly home: string;
  /** `null`: an account without a name. */
  readonly account: string | null;
  readonly uid: number;
  readonly hostName: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Keywords, in lower case, and their values in the order in which ssh prints them. */
export type SshFields = ReadonlyMap<string, readonly string[]>;

/** The lines of `ssh -G`: a keyword, a blank, the rest. */
export const parseSshFields = (text: string): SshFields => {
  const fields = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(' ');
    if (at < 1) continue;
    const keyword = line.slice(0, at).toLowerCase();
    const values = fields.get(keyword) ?? [];
    values.push(line.slice(at + 1).trim());
    fields.set(keyword, values);
  }
  return fields;
};

/**
 * Reads the answer to one question. ssh prints defaults and settings alike, so it is held against the answer that the same
 * ssh gives without any configuration: what is equal there was not set.
 * @param plain `ssh -F none -G` of any host
 */
export const parseSshAnswer = (
  fields: SshFields,
  plain: SshFields,
  { question, here }: { readonly question: SshQuestion; readonly here: Here },
): SshAnswer => {
  const all = (keyword: string): readonly string[] => fields.get(keyword) ?? [];
  const set = (keyword: string): readonly string[] | null => {
    const values = all(keyword);
    return values.length === 0 || values.join('\n') === (plain.get(keyword) ?? []).join('\n') ? null : values;
  };
  const address = all('hostname')[0] ?? question.host;
  const user = all('user')[0] ?? question.user ?? '';
  const port = Number(all('port')[0] ?? 22);
  const alias = set('hostkeyalias')?.[0] ?? null;
  const place: Place = { address, user, port, argument: question.host, alias: alias ?? address };
  const expand = (value: string): string => expandPath(value, place, here);
  const files = (keyword: string): readonly string[] | null =>
    set(keyword)?.flatMap(wordsOf).map(expand) ?? null;
  return {
    address,
    user,
    port,
    proxyJump: set('proxyjump')?.[0] ?? null,
    details: {
      identityFiles: set('identityfile')?.map(expand) ?? null,
      identitiesOnly: all('identitiesonly')[0] === 'yes',
      identityAgent: agentOf(set('identityagent')?.[0] ?? null, { expand, here }),
      certificateFiles: set('certificatefile')?.map(expand) ?? [],
      hostKeyAlias: alias,
      userKnownHostsFiles: files('userknownhostsfile'),
      globalKnownHostsFiles: files('globalknownhostsfile'),
      proxyCommand: expandCommand(set('proxycommand')?.[0] ?? null, place),
    },
  };
};

/** Paths in one value are parted by blanks; one with a blank in it stands in quotes (ssh prints them as it read them). */
const wordsOf = (value: string): readonly string[] =>
  (value.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''));

/** What tokens mean for one station. */
interface Station {
  readonly address: string;
  readonly user: string;
  readonly port: number;
  /** As it was named. */
  readonly argument: string;
}

interface Place extends Station {
  /** %k: what its host key is on file for. */
  readonly alias: string;
}

/** A token that has no meaning here stays as it is: a path with a `%` that is not there is told by its name. */
const tokens = (place: Station): Readonly<Record<string, string>> => ({
  '%%': '%',
  '%h': place.address,
  '%n': place.argument,
  '%p': String(place.port),
  '%r': place.user,
});

/** ssh_config(5), TOKENS and ENVIRONMENT VARIABLES; `~` too, which ssh prints as it stands for key files. */
const expandPath = (value: string, place: Place, here: Here): string => {
  const known: Readonly<Record<string, string>> = {
    ...tokens(place),
    '%d': here.home,
    '%i': String(here.uid),
    '%k': place.alias,
    '%L': here.hostName.split('.')[0] ?? '',
    '%l': here.hostName,
    '%u': here.account ?? '',
  };
  const path = value.replaceAll(/%[%A-Za-z]|\$\{(\w+)\}/g, (token, name?: string) =>
    name === undefined ? (known[token] ?? token) : (here.env[name] ?? token),
  );
  return path === '~' || path.startsWith('~/') ? `${here.home}${path.slice(1)}` : path;
};

/** ProxyCommand with its tokens replaced; `null` for none. */
export const expandCommand = (command: string | null, place: Station): string | null => {
  if (command === null || command.toLowerCase() === 'none') return null;
  const known = tokens(place);
  return command.replaceAll(/%[%A-Za-z]/g, (token) => known[token] ?? token);
};

/** IdentityAgent: a path, `none`, `SSH_AUTH_SOCK` for the usual one, or `$NAME` of a variable that has the path. */
const agentOf = (
  value: string | null,
  { expand, here }: { readonly expand: (value: string) => string; readonly here: Here },
): SshDetails['identityAgent'] => {
  if (value === null || value === 'SSH_AUTH_SOCK') return 'usual';
  if (value.toLowerCase() === 'none') return null;
  if (value.startsWith('$') && !value.startsWith('${')) return { path: here.env[value.slice(1)] ?? value };
  return { path: expand(value) };
};
