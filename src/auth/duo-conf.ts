// pam_duo.conf and login_duo.conf as the module itself reads them.
import { printable } from '../core/printable.ts';
import { splitDuoGroups, type DuoVersion } from './duo-groups.ts';
import { duoIniEntries, duoIniText } from './duo-ini.ts';

/** What the module knows once it has read its file, or why it did not get to the end. */
export type DuoConfReading =
  | { readonly kind: 'read'; readonly conf: DuoConf }
  /**
   * The module asks nobody: it answers by the failmode that it had read up to there. `line` is 0 where no line is at
   * fault (no file, permissions, a missing key).
   */
  | {
      readonly kind: 'broken';
      readonly failmode: 'safe' | 'secure';
      /** 1-based, as an editor counts. */
      readonly line: number;
      /** What is wrong, for people, printable: `an unknown key, 'integration_key'`. */
      readonly reason: string;
      /** What the module logs of it, `%s` standing for the file's path. Its line numbers count pieces of 199 bytes. */
      readonly complaint?: string;
      /** It does not even answer by failmode: it dies, and the login or sudo that asked it with it. */
      readonly crashes?: true;
    };

type BrokenDuoConf = Extract<DuoConfReading, { readonly kind: 'broken' }>;

export interface DuoConf {
  readonly failmode: 'safe' | 'secure';
  /** Pattern lists as tokenised at blanks: one user's match of any of them is enough. Empty: everybody meets Duo. */
  readonly groups: readonly string[];
  /** The API's host as written, with a port where there is one. */
  readonly host: string;
  readonly prompts: number;
  readonly autopush: boolean;
  /** TLS is not verified: an empty cafile, or noverify. */
  readonly unverified: boolean;
  /** The file with the roots that are trusted instead of the compiled-in ones; a missing one denies everybody. */
  readonly cafile?: string;
  /** `http_proxy` has a scheme other than http: the module gives up, whatever failmode says. */
  readonly refusesProxy?: true;
  /** `dev_fips_mode`: without a FIPS build of OpenSSL the module gives up, whatever failmode says. */
  readonly fipsMode?: true;
  /** Duo is asked about the name in the account's GECOS field, which users may be able to change (chfn). */
  readonly asksByGecos?: true;
}

/** What of a file decides over its reading. */
export interface DuoConfFile {
  /** A text counts by its UTF-8 bytes. Keys that were masked as `[secret]` are there all the same. */
  readonly bytes: Uint8Array | string;
  /** Permission bits as stat gives them; `null`: there is no such file. */
  readonly mode: number | null;
  /** `motd` is known to login_duo alone; the rest is the same for both. */
  readonly kind: 'pam' | 'login';
  /** `v2` unless told. */
  readonly version?: DuoVersion;
}

/**
 * Reads a file as Duo Unix does: duo_parse_config (lib/duo.c), ini_parse (lib/ini.c, an old inih) and
 * duo_common_ini_handler (lib/util.c). Compared with the real 1.11.3 in the tests; 2.2 has the same parser, and differs in
 * `verified_push`, in escaped blanks and in how many group lists it takes, by its source (see DuoVersion).
 */
export const readDuoConf = (file: DuoConfFile): DuoConfReading => {
  if (file.mode === null) {
    return broken('safe', 0, 'there is no such file', "Couldn't open %s: No such file or directory");
  }
  if ((file.mode & READABLE_BY_OTHERS) !== 0) {
    const mode = (file.mode & 0o7777).toString(8).padStart(4, '0');
    const reason = `its mode is ${mode}: a file that its group or others may read is not read at all, so it must be 0600`;
    return broken('safe', 0, reason, "%s must be readable only by user 'root'");
  }
  const draft = newDraft();
  for (const entry of duoIniEntries(file.bytes)) {
    const fault = entry.kind === 'fault' ? entry.reason : setKey(draft, entry.key, entry.value, file);
    if (fault === null) continue;
    return fault === CRASH
      ? {
          ...broken('secure', entry.line, 'groups end in a backslash, on which the module crashes', ''),
          crashes: true,
        }
      : broken(draft.failmode, entry.line, fault, `Parse error in %s, line ${entry.count}`);
  }
  return finish(draft);
};

/** S_IRGRP and S_IROTH: nothing else of mode or owner is looked at (lib/duo.c, duo_parse_config). */
const READABLE_BY_OTHERS = 0o044;

const broken = (
  failmode: Draft['failmode'],
  line: number,
  reason: string,
  complaint: string,
): BrokenDuoConf => ({
  kind: 'broken',
  failmode,
  line,
  reason,
  complaint,
});

/** What has been read so far: struct duo_config, with what only the reading needs. Texts are binary strings. */
interface Draft {
  readonly texts: Map<string, string>;
  failmode: 'safe' | 'secure';
  groups: string[];
  prompts: number;
  gecosPosition: boolean;
}

const PROMPTS_MAX = 3;

const newDraft = (): Draft => ({
  texts: new Map(),
  failmode: 'safe',
  groups: [],
  prompts: PROMPTS_MAX,
  gecosPosition: false,
});

function finish(draft: Draft): DuoConfReading {
  const text = (key: string): string => draft.texts.get(key) ?? '';
  const isOn = (key: string): boolean => TRUE_WORDS.has(text(key));
  const missing = ['host', 'ikey', 'skey'].filter((key) => text(key) === '');
  if (missing.length > 0) {
    return broken(
      draft.failmode,
      0,
      `it has no ${missing.join(' and no ')}`,
      'Missing host, ikey, or skey in %s',
    );
  }
  if (isOn('autopush') && isOn('verified_push')) {
    const complaint = 'autopush and verified_push cannot both be enabled in %s';
    return broken(draft.failmode, 0, 'autopush and verified_push are both on', complaint);
  }
  const cafile = isOn('noverify') ? '' : draft.texts.get('cafile');
  const proxy = text('http_proxy');
  return {
    kind: 'read',
    conf: {
      failmode: draft.failmode,
      groups: draft.groups.map(duoIniText),
      host: duoIniText(text('host')),
      prompts: draft.prompts,
      autopush: isOn('autopush'),
      unverified: cafile === '',
      ...(cafile === undefined || cafile === '' ? {} : { cafile: duoIniText(cafile) }),
      ...(proxy.includes('://') && !proxy.startsWith('http://') ? { refusesProxy: true } : {}),
      ...(isOn('dev_fips_mode') ? { fipsMode: true } : {}),
      ...(isOn('send_gecos') || draft.gecosPosition ? { asksByGecos: true } : {}),
    },
  };
}

/** Case counts, and every other word, `True` and `YES` among them, is false (lib/util.c, duo_set_boolean_option). */
const TRUE_WORDS: ReadonlySet<string> = new Set(['yes', 'true', 'on', '1']);

const CRASH = 'crash';

const TEXT_KEYS: readonly string[] = ['ikey', 'skey', 'host', 'cafile', 'http_proxy'];
const BOOLEAN_KEYS: readonly string[] = [
  'pushinfo',
  'noverify',
  'autopush',
  'accept_env_factor',
  'fallback_local_ip',
  'send_gecos',
  'gecos_parsed',
  'dev_fips_mode',
];
const IGNORED_KEYS: readonly string[] = ['https_timeout'];

/** struct duo_config takes one key: `null`, or what is wrong with it, in words. */
function setKey(draft: Draft, key: string, value: string, file: DuoConfFile): string | null {
  const version = file.version ?? 'v2';
  if (
    TEXT_KEYS.includes(key) ||
    BOOLEAN_KEYS.includes(key) ||
    (key === 'verified_push' && version === 'v2')
  ) {
    draft.texts.set(key, value);
    return null;
  }
  switch (key) {
    case 'groups':
    case 'group':
      return addGroups(draft, value, version);
    case 'failmode':
      if (value !== 'safe' && value !== 'secure') return "a failmode that is neither 'safe' nor 'secure'";
      draft.failmode = value;
      return null;
    case 'prompts':
      draft.prompts = Math.min(draft.prompts, Math.max(1, atoi(value)));
      return null;
    case 'gecos_delim':
      return /^[!-/;-@[-`{-~]$/.test(value)
        ? null
        : "a gecos_delim that is not one punctuation mark, or is ':'";
    case 'gecos_username_pos':
      if (atoi(value) < 1) return 'a gecos_username_pos below 1';
      draft.gecosPosition = true;
      return null;
    default:
      if (IGNORED_KEYS.includes(key) || (key === 'motd' && file.kind === 'login')) return null;
      return `an unknown key, '${printable(duoIniText(key), 60)}'`;
  }
}

/** MAX_GROUPS. 1.11.3 fails at the list after the last, 2.2 at the last one already. */
const LISTS_MAX: Readonly<Record<DuoVersion, number>> = { v1: 256, v2: 255 };

function addGroups(draft: Draft, value: string, version: DuoVersion): string | null {
  const lists = splitDuoGroups(value, version);
  if (lists === 'crash') return CRASH;
  draft.groups.push(...lists);
  return draft.groups.length > LISTS_MAX[version] ? `more than ${LISTS_MAX[version]} lists of groups` : null;
}

/** C's atoi on 64-bit Linux: strtol's value, cut down to an int. */
const atoi = (text: string): number => {
  const digits = /^[ \t\n\v\f\r]*([+-]?\d+)/.exec(text)?.[1] ?? '0';
  const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];
  const long = BigInt(digits.replace('+', ''));
  return Number(BigInt.asIntN(32, long < least ? least : long > most ? most : long));
};
