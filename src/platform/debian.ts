// What differs by operating system in the Debian family: where files lie, how services and Duo's repository are called.
import type { Facts } from '../core/facts.ts';
import { printable } from '../core/printable.ts';

/** Where things are on one host, and what Duo calls its release. Paths are absolute. */
export interface Platform {
  readonly id: 'debian' | 'ubuntu';
  readonly packageManager: 'apt';
  /** Folder of Duo's repository for this system: `<duo_repo_url>/Debian`. */
  readonly repositoryPath: 'Debian' | 'Ubuntu';
  /** Suite of Duo's repository: `bookworm`. */
  readonly codename: string;
  /** dpkg's architecture; the only one that Duo builds Linux packages for. */
  readonly architecture: 'amd64';
  /** The package that holds the module, and the distribution's outdated ones that it replaces. */
  readonly duoPackage: 'duo-unix';
  readonly legacyPackages: readonly string[];
  readonly keyringPath: string;
  readonly sourceListPath: string;
  /**
   * The module as Duo's package installs it: configure's choice for x86_64 hosts, which libpam on Debian does not
   * search, so a PAM line has to name the whole path.
   */
  readonly modulePath: string;
  readonly duoConfPath: string;
  readonly pamDir: string;
  readonly sudoersDir: string;
  readonly sudoersPath: string;
  readonly sshdConfigPath: string;
  readonly sshdDropInDir: string;
  /** Sorts before everything else in the folder: sshd keeps the first value of a keyword (sshd_config(5)). */
  readonly sshdDropInPath: string;
  /** systemd units of sshd, without suffix; see Facts.sshd.unit for the one that a host uses. */
  readonly sshService: string;
  readonly sshSocket: string;
}

/** Why a host cannot be served, as one sentence with the remedy; without the host's name. */
export interface PlatformRefusal {
  readonly refused: string;
}

/**
 * Releases in Duo's repository (CHANGES of duo_unix up to 2.2.3 and its issue 345; interim Ubuntu releases have
 * never been seen there), codename to version.
 */
const RELEASES = {
  debian: { bullseye: '11', bookworm: '12', trixie: '13' },
  ubuntu: { focal: '20.04', jammy: '22.04', noble: '24.04' },
} as const;

type Family = keyof typeof RELEASES;

/** Where Duo's own packages put the module, a folder that libpam does not search. */
export const PAM_MODULE_PATH = '/usr/lib64/security/pam_duo.so';

const COMMON = {
  packageManager: 'apt',
  architecture: 'amd64',
  duoPackage: 'duo-unix',
  legacyPackages: ['libpam-duo', 'login-duo'],
  keyringPath: '/etc/apt/keyrings/duo-security.gpg',
  sourceListPath: '/etc/apt/sources.list.d/duosecurity.list',
  modulePath: PAM_MODULE_PATH,
  duoConfPath: '/etc/duo/pam_duo.conf',
  pamDir: '/etc/pam.d',
  sudoersDir: '/etc/sudoers.d',
  sudoersPath: '/etc/sudoers.d/sudo_timestamp_timeout',
  sshdConfigPath: '/etc/ssh/sshd_config',
  sshdDropInDir: '/etc/ssh/sshd_config.d',
  sshdDropInPath: '/etc/ssh/sshd_config.d/00-duo-fleet.conf',
  sshService: 'ssh',
  sshSocket: 'ssh',
} as const;

const platforms: Readonly<Record<Family, Omit<Platform, 'codename'>>> = {
  debian: { ...COMMON, id: 'debian', repositoryPath: 'Debian' },
  ubuntu: { ...COMMON, id: 'ubuntu', repositoryPath: 'Ubuntu' },
};

const hasRelease = (family: Family, codename: string): boolean => Object.hasOwn(RELEASES[family], codename);

const listReleases = (family: Family): string =>
  Object.entries(RELEASES[family])
    .map(([codename, version]) => `${codename} (${version})`)
    .join(', ');

/** Of the host's own words in a refusal. */
const NAME_CHARS_MAX = 80;

const FAMILY_NAMES: Readonly<Record<Family, string>> = { debian: 'Debian', ubuntu: 'Ubuntu' };

/**
 * The family whose packages the host takes, or `null`. A derivative (Mint, Pop!_OS) counts as Ubuntu or Debian
 * when its os-release says that it is like it *and* names a codename of that family: os-release(5), ID_LIKE.
 */
const familyOf = (os: Facts['os']): Family | null => {
  if (os.id === 'debian' || os.id === 'ubuntu') return os.id;
  // Ubuntu first: derivatives of Ubuntu list both.
  for (const family of ['ubuntu', 'debian'] as const)
    if (os.idLike.includes(family) && hasRelease(family, os.codename)) return family;
  return null;
};

/**
 * The platform of an observed host, or why it is refused: not of the Debian family, a release or an architecture that
 * Duo has no packages for. Nothing is guessed: a wrong suite would only fail later, inside apt.
 */
export const platformOf = (facts: Pick<Facts, 'os' | 'architecture'>): Platform | PlatformRefusal => {
  const { os, architecture } = facts;
  const name =
    printable(os.prettyName === '' ? os.id : os.prettyName, NAME_CHARS_MAX) || 'an unknown operating system';
  const family = familyOf(os);
  if (family === null) {
    const like = os.idLike.some((id) => id === 'debian' || id === 'ubuntu');
    return {
      refused: like
        ? `runs ${name}, a derivative whose codename "${printable(os.codename, NAME_CHARS_MAX)}" is none that Duo has packages for; ` +
          `supported are Debian ${listReleases('debian')} and Ubuntu ${listReleases('ubuntu')}`
        : `runs ${name}; only Debian ${listReleases('debian')} and Ubuntu ${listReleases('ubuntu')} are supported`,
    };
  }
  if (!hasRelease(family, os.codename))
    return {
      refused:
        `runs ${name} (codename "${printable(os.codename, NAME_CHARS_MAX)}"), for which Duo has no packages; ` +
        `there are packages for ${FAMILY_NAMES[family]} ${listReleases(family)}`,
    };
  if (architecture !== 'amd64')
    return {
      refused:
        architecture === ''
          ? 'has no dpkg that tells its architecture; the package database is missing or damaged'
          : `is ${printable(architecture, NAME_CHARS_MAX)}; Duo has Linux packages for amd64 only`,
    };
  return { ...platforms[family], codename: os.codename };
};
