// Every key that pam_duo.conf takes, and how each is written and checked.
// Source: duosecurity/duo_unix lib/util.c (duo_common_ini_handler) and pam_duo/pam_duo.c, tag duo_unix-2.2.3.

export type DuoOptionKind =
  /** Written `yes` or `no`. */
  | 'boolean'
  | { readonly from: number; readonly to: number }
  | 'absolute-path'
  /** `[http://]host[:port]`. */
  | 'proxy'
  /** One punctuation mark other than a colon. */
  | 'delimiter';

export interface DuoOption {
  /** The key in pam_duo.conf; the variable is `duo_<key>`. */
  readonly key: string;
  readonly kind: DuoOptionKind;
  /** Written even when the operator says nothing; `null`: written only when set. */
  readonly preset: string | null;
}

/** In the order in which they are written, after ikey, skey, host, failmode and groups. */
export const DUO_OPTIONS: readonly DuoOption[] = [
  { key: 'pushinfo', kind: 'boolean', preset: 'yes' },
  // The module only ever lowers its three prompts, and takes 0 and less for 1.
  { key: 'prompts', kind: { from: 1, to: 3 }, preset: '3' },
  { key: 'autopush', kind: 'boolean', preset: 'yes' },
  { key: 'verified_push', kind: 'boolean', preset: null },
  // Without it a Duo that takes the request and never answers is waited for until sshd's LoginGraceTime ends the login,
  // whatever failmode says: measured with 1.11.3, 120 s and refused; with 10, in after 34 s. It does not bound the wait for
  // somebody's approval (lib/duo.c: preauth has it, auth_status has none).
  { key: 'https_timeout', kind: { from: 0, to: 600 }, preset: '10' },
  { key: 'http_proxy', kind: 'proxy', preset: null },
  { key: 'cafile', kind: 'absolute-path', preset: null },
  { key: 'noverify', kind: 'boolean', preset: null },
  { key: 'fallback_local_ip', kind: 'boolean', preset: null },
  { key: 'accept_env_factor', kind: 'boolean', preset: null },
  { key: 'send_gecos', kind: 'boolean', preset: null },
  { key: 'gecos_delim', kind: 'delimiter', preset: null },
  { key: 'gecos_username_pos', kind: { from: 1, to: 100 }, preset: null },
];

/** Keys that are refused, with the reason and the remedy: `duo_<key>` is an error that says so. */
export const REFUSED_DUO_OPTIONS: Readonly<
  Record<string, { readonly why: string; readonly remedy: string }>
> = {
  motd: {
    why: 'is a key of login_duo.conf: in pam_duo.conf it is a parse error, and pam_duo lets everybody in on a parse error',
    remedy: 'Remove it.',
  },
  gecos_parsed: {
    why: 'does nothing: the module ignores it and logs an error',
    remedy: 'Remove it; duo_gecos_username_pos and duo_gecos_delim do what it used to.',
  },
  dev_fips_mode: {
    why: 'was removed from the module, and older ones refuse every login when OpenSSL has no FIPS mode',
    remedy: 'Remove it.',
  },
  groups: {
    why: 'is written from ad_server_access_group and ad_sudo_group',
    remedy: 'Remove it and set those two.',
  },
  group: {
    why: 'is written from ad_server_access_group and ad_sudo_group',
    remedy: 'Remove it and set those two.',
  },
  host: { why: "is this program's duo_api_host", remedy: 'Rename it to duo_api_host.' },
};

/**
 * A line of pam_duo.conf must be shorter than this, in bytes.
 * The parser reads with a buffer of 200 (lib/ini.c MAX_LINE); what follows is taken for a new line.
 */
export const DUO_LINE_BYTES_MAX = 199;
