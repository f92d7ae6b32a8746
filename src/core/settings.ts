// One host's validated variables, with defaults: what the operator wants of it.
import type { Secret, SecretRef } from './secret.ts';

export interface Settings {
  /** The inventory's name of the host; the only name shown to people. */
  readonly host: string;
  readonly connection: ConnectionSettings;
  readonly duo: DuoSettings;
  /** Lower-case group names whose members meet Duo at SSH login (and, sudoGroup, at sudo). */
  readonly serverAccessGroup: string;
  readonly sudoGroup: string;
  readonly breakGlass: BreakGlassSettings | null;
  readonly keyOnlyUsers: readonly string[];
  readonly keyOnlyGroups: readonly string[];
  /** Accounts whose key-only login may end: `key_login_loss_accepted`. */
  readonly keyLoginLossAccepted: readonly string[];
  readonly canary: CanarySettings | null;
  /** Minutes, -1 to 10080; sudo's timestamp_timeout. */
  readonly sudoTimestampTimeoutMin: number;
  readonly repository: RepositorySettings;
  readonly sshdConfig: 'managed' | 'check';
  /** The operator's own auth lines of a PAM service; `null`: ours. */
  readonly pamTemplates: Readonly<Record<TemplateService, PamTemplate | null>>;
}

/** PAM services whose auth lines may come from a template of the operator's. */
export const TEMPLATE_SERVICES = ['sshd', 'sudo'] as const;
export type TemplateService = (typeof TEMPLATE_SERVICES)[number];

export interface PamTemplate {
  /** As the inventory names it. */
  readonly path: string;
  /** The file's whole text, Handlebars. */
  readonly text: string;
}

export interface ConnectionSettings {
  /** What is dialled: ansible_host or the inventory name. */
  readonly address: string;
  readonly port: number;
  /** The automation account: logs in by key, `sudo -n` asks nothing. */
  readonly user: string;
  readonly privateKeyFile: string | null;
  readonly password: SecretRef | null;
  /** Jump hosts in the order they are passed. */
  readonly jumps: readonly JumpHost[];
  /** false: the login is root's already, no sudo. */
  readonly become: boolean;
  /** What ssh's configuration says of this host; absent: nothing. */
  readonly ssh?: SshDetails;
}

/** A host that others are reached through. */
export interface JumpHost {
  /** As it was named, for messages. */
  readonly name: string;
  /** What is dialled; for all but the first by the jump host before it. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly ssh?: SshDetails;
}

/** What ssh's configuration says of how a host is logged in to (ssh_config(5)), paths expanded. */
export interface SshDetails {
  /** IdentityFile in its order; `null`: the usual files. */
  readonly identityFiles: readonly string[] | null;
  readonly identitiesOnly: boolean;
  /** `usual`: SSH_AUTH_SOCK's; `null`: no agent is asked. */
  readonly identityAgent: 'usual' | { readonly path: string } | null;
  readonly certificateFiles: readonly string[];
  /** The name under which the host key is on file in place of the address. */
  readonly hostKeyAlias: string | null;
  /** `null`: the usual files. */
  readonly userKnownHostsFiles: readonly string[] | null;
  readonly globalKnownHostsFiles: readonly string[] | null;
  /** A shell's command whose standard input and output are the connection, tokens replaced; `null`: TCP. */
  readonly proxyCommand: string | null;
}

export interface DuoSettings {
  readonly ikey: string;
  readonly skey: SecretRef;
  readonly apiHost: string;
  readonly failmode: 'safe' | 'secure';
  /**
   * Every other key of pam_duo.conf in the order to be written, as it is to be written (booleans `yes`/`no`):
   * pushinfo, autopush, prompts, https_timeout, http_proxy, cafile, ...
   */
  readonly options: readonly (readonly [key: string, value: string])[];
}

export interface BreakGlassSettings {
  readonly user: string;
  /** Addresses, CIDR networks or sshd patterns; empty: from anywhere. */
  readonly allowedSources: readonly string[];
  readonly password: SecretRef | null;
}

/** A member of Duo's groups whose login shows that Duo is asked: in Duo's bypass state, or with a passcode. */
export interface CanarySettings {
  readonly user: string;
  readonly passcode: SecretRef | null;
  /** Path of its private key here; `null`: the operator's own keys. */
  readonly privateKeyFile: string | null;
}

export interface RepositorySettings {
  /** Without a trailing slash: https://pkg.duosecurity.com */
  readonly url: string;
  /** URL or absolute path of the armoured or binary key. */
  readonly key: string;
  /** Upper-case hex, 40 characters each: all that may be in the key file. */
  readonly fingerprints: readonly string[];
}

/** Opens a reference; given by cli/, which resolved all of them before the first connection. */
export type OpenSecret = (ref: SecretRef) => Secret;
