// What one round trip reads from a host. Plain data: produced by remote/observe.ts, consumed by steps/ and auth/.

export interface Facts {
  readonly os: OsFacts;
  /** dpkg's word: `amd64`, `arm64`; empty where there is no dpkg. */
  readonly architecture: string;
  /** The host's clock in seconds since the epoch, and its uptime, both when it was observed. */
  readonly epochS: number;
  readonly systemd: { readonly running: boolean; readonly version: number | null };
  /** By package name; a package that dpkg has never heard of is absent. */
  readonly packages: Readonly<Record<string, PackageFacts>>;
  /** By absolute path; every requested path is present. */
  readonly files: Readonly<Record<string, FileFacts>>;
  readonly sshd: SshdFacts;
  readonly sudo: SudoFacts;
  readonly pam: PamFacts;
  /** By requested group name; `null` when `getent group` does not know it. */
  readonly groups: Readonly<
    Record<string, { readonly gid: number; readonly members: readonly string[] } | null>
  >;
  /**
   * Accounts that were asked for by name, every account with authorized keys or a login by key of late, whatever its shell
   * (SFTP needs none), every local account with a password, those of `sshd.users`, and whoever sudo was asked about.
   */
  readonly accounts: Readonly<Record<string, AccountFacts | null>>;
  /**
   * How far `keyLoginDaysAgo` goes. `cut`: the log was too large to be read in time, or more than 300 accounts are in it; the
   * newest logins were counted. `not read`: not asked for, or our drop-in is live already.
   */
  readonly keyLoginLog: 'whole' | 'cut' | 'not read';
  /** Who holds the dpkg or apt lock, as `command[pid]`; `null` when it is free. */
  readonly dpkgLockHolder: string | null;
  /** `dpkg --audit` said something: an earlier package operation was interrupted. */
  readonly dpkgInterrupted: boolean;
  /** dpkg can run packages' scripts: /var is not mounted noexec. */
  readonly dpkgScriptsRun: boolean;
  /** Free space by path asked for (`/etc`, `/var/lib`, `/usr`, `/run`). */
  readonly space: Readonly<
    Record<string, { readonly freeKiB: number; readonly freeInodes: number; readonly readOnly: boolean }>
  >;
  /** An unfinished transaction of this program, dead or alive. */
  readonly pending: PendingFacts | null;
  /** Apt source files that name the Duo repository: path -> its active lines. */
  readonly duoSources: Readonly<Record<string, readonly string[]>>;
  /** The loader's complaint about the module at the path given, '' when it loads, `null` when there is no such file. */
  readonly moduleError: string | null;
}

export interface OsFacts {
  /** os-release ID: `debian`, `ubuntu`. */
  readonly id: string;
  readonly idLike: readonly string[];
  readonly versionId: string;
  /** VERSION_CODENAME, or UBUNTU_CODENAME for derivatives of Ubuntu. */
  readonly codename: string;
  readonly prettyName: string;
}

export interface PackageFacts {
  /** dpkg's third status word: `installed`, `config-files`, `half-configured`, ... */
  readonly status: string;
  readonly version: string;
  /** Repository URLs that `apt-cache policy` lists for the installed version; empty when unknown. */
  readonly origins: readonly string[];
}

export type FileFacts =
  | { readonly kind: 'absent' }
  | {
      readonly kind: 'file';
      readonly mode: number;
      readonly owner: string;
      readonly group: string;
      /** Lower-case hex of the file's bytes. */
      readonly sha256: string;
      /** UTF-8 text, secrets masked by the host before it left; `null` when not asked for, too large or no text. */
      readonly text: string | null;
    }
  | { readonly kind: 'other'; readonly what: string };

export interface SshdFacts {
  /** `OpenSSH_9.2p1`'s `9.2`; empty when unknown. */
  readonly version: string;
  /**
   * `sshd -T -C` by connection label (`*` is no particular user), keyword in lower case -> values of each line.
   * Empty when `sshd -T` failed; then `error` says why.
   */
  readonly effective: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly error: string;
  /**
   * By label of a connection or a persona: the account that is meant; a label is absent where the host has nobody of its kind.
   * A persona may be here and not in `effective`: then no foreign Match block tells it from `*`, and besides what holds for `*`
   * only our own drop-in counts.
   */
  readonly users: Readonly<Record<string, string>>;
  /** systemd unit that serves: `ssh` or `sshd`; and whether service and socket are active. */
  readonly unit: string;
  readonly serviceActive: boolean;
  readonly socketActive: boolean;
  /** How systemd starts it, over all of its units: `/usr/sbin/sshd -D $SSHD_OPTS`; empty where there is no systemd. */
  readonly start: {
    readonly commands: readonly string[];
    /** `Environment=` as systemctl prints it, and the files of `EnvironmentFile=`. */
    readonly environment: readonly string[];
    readonly environmentFiles: readonly string[];
  };
}

export interface PamFacts {
  /** File names in the folders that libpam searches for a bare module name (`pam_unix.so`); `null`: not read. */
  readonly modules: readonly string[] | null;
  /** /etc/nologin or /run/nologin is there: nobody but root may log in; `null`: not read. */
  readonly nologin: boolean | null;
}

export interface SudoFacts {
  readonly implementation: 'sudo' | 'sudo-rs' | 'none';
  readonly version: string;
  /** What root's `sudo -V` says holds for everybody; `null` where it does not say (sudo-rs, sudoers that do not parse). */
  readonly defaults: {
    /** `authenticate`: whether it asks at all where a rule does not say so. */
    readonly authenticate: boolean;
    readonly timestampTimeoutMin: number;
    /** PAM services that it goes by: `sudo` and `sudo-i`. */
    readonly services: readonly string[];
  } | null;
}

export interface AccountFacts {
  readonly uid: number;
  readonly home: string;
  readonly shell: string;
  /** Names of all groups, primary first. */
  readonly groups: readonly string[];
  /** `set`, `locked` (! or *), `empty`, `none` (no shadow entry, e.g. a directory account) or `unknown`. */
  readonly password: 'set' | 'locked' | 'empty' | 'none' | 'unknown';
  /** Its local account has expired (shadow(5), `chage -E`): PAM lets it in by no means, a key included. */
  readonly expired: boolean;
  /** Lines of its AuthorizedKeysFile files that are keys. */
  readonly authorizedKeys: number;
  /** Days since sshd's log last told of a login by key; `null`: none in the time looked at, or not looked at. */
  readonly keyLoginDaysAgo: number | null;
  readonly sudo: SudoRights;
}

/** What `sudo -l -U` says that an account may do; each rule as sudo prints it, `(ALL) NOPASSWD: ALL`. */
export type SudoRights =
  /**
   * Not asked, or sudo did not say. sudo is asked about the accounts of the request and of `sshd.users`, and about others (at most 40
   * in all) only where some sudoers line that may be theirs lets sudo ask nobody.
   */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'none' }
  | {
      readonly kind: 'some';
      /** Rules for which sudo asks its PAM stack. A rule that a later one for ALL overrides is left out (sudoers(5): the last match counts). */
      readonly asking: readonly string[];
      /** Rules for which it does not: NOPASSWD, `!authenticate` in Defaults, or its exempt_group. */
      readonly silent: readonly string[];
      /**
       * Defaults for this account by which sudo asks for somebody else's password (`rootpw`) or goes by another PAM service
       * (`pam_service=su`), as sudo prints them; absent: none.
       */
      readonly elsewhere?: readonly string[];
    };

export interface PendingFacts {
  readonly tx: string;
  readonly run: string;
  readonly operator: string;
  /** Seconds since the epoch, host's clock. */
  readonly sinceS: number;
  /** The guard's watcher is alive: the transaction is running, not left behind. */
  readonly alive: boolean;
  /** The guard's state word. */
  readonly state: string;
}
