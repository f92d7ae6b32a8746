// Who and what is in the lab: its hosts, its accounts, its names. Tables, no behaviour.

/** A Debian release that there is a base of. */
export type LabRelease = 'bullseye' | 'bookworm' | 'trixie';
/** A distribution and release as Duo's repository names them. */
export type LabPlatform = { readonly distribution: 'Debian' | 'Ubuntu'; readonly codename: string };

/** One host as it is before anything is done to it. */
export interface LabHostSpec {
  readonly name: string;
  /** The base it is made from. */
  readonly release: LabRelease;
  /** What its os-release claims; Ubuntu hosts are Debian underneath, with Ubuntu's os-release and defaults. */
  readonly platform: LabPlatform;
  /** sshd is started by ssh.socket and ssh.service is not enabled, as on Ubuntu from 22.10 on. */
  readonly sshSocket: boolean;
  /** cloud-init's /etc/ssh/sshd_config.d/50-cloud-init.conf with `PasswordAuthentication yes` is there. */
  readonly cloudInit: boolean;
  /** Debian's outdated Duo packages: only installed, or also asked at every SSH login. */
  readonly legacy: 'installed' | 'live';
  /** What its administrator has made of it; see lab-own-setup.ts. */
  readonly setup: LabSetup | null;
  /** What is PID 1: systemd, or a script that starts sshd and nothing else. */
  readonly init: 'systemd' | 'script';
}

/** Set-ups of the field: an sshd_config of one's own, the rewrite of sudo, accounts that are locked after three failures. */
export type LabSetup = 'hardened-sshd' | 'sudo-rs' | 'faillock';

const debian = (name: string, release: LabRelease, special: Partial<LabHostSpec> = {}): LabHostSpec => ({
  name,
  release,
  platform: { distribution: 'Debian', codename: release },
  sshSocket: false,
  cloudInit: false,
  legacy: 'installed',
  setup: null,
  init: 'systemd',
  ...special,
});

const ubuntu = (name: string, release: LabRelease, codename: string, special: Partial<LabHostSpec> = {}) =>
  debian(name, release, { platform: { distribution: 'Ubuntu', codename }, cloudInit: true, ...special });

/**
 * The hosts that can be asked for by name. jammy stands on bookworm (OpenSSH 9.2 for its 8.9), noble on trixie
 * (socket-activated sshd, as there); neither is Ubuntu's own software.
 */
export const LAB_HOSTS: readonly LabHostSpec[] = [
  debian('bookworm1', 'bookworm'),
  debian('bookworm2', 'bookworm'),
  debian('trixie1', 'trixie'),
  debian('trixie2', 'trixie', { sshSocket: true }),
  ubuntu('ubuntu1', 'bookworm', 'jammy'),
  ubuntu('ubuntu2', 'trixie', 'noble', { sshSocket: true }),
  debian('legacy1', 'bookworm', { legacy: 'live' }),
  debian('bullseye1', 'bullseye'),
  debian('hardened1', 'bookworm', { setup: 'hardened-sshd' }),
  debian('sudors1', 'trixie', { setup: 'sudo-rs' }),
  debian('faillock1', 'bookworm', { setup: 'faillock' }),
  debian('plain1', 'bookworm', { init: 'script' }),
];

/** `b01` to `b199`: as many plain bookworm hosts as a benchmark wants. */
const NUMBERED = /^b\d{2,3}$/;

/** The spec of a host by name; throws with the names there are when there is none. */
export function labHostSpec(name: string): LabHostSpec {
  const named = LAB_HOSTS.find((host) => host.name === name);
  if (named !== undefined) return named;
  if (NUMBERED.test(name)) return debian(name, 'bookworm');
  const known = LAB_HOSTS.map((host) => host.name).join(', ');
  throw new Error(`lab: there is no host '${name}' (known: ${known}, and b01, b02, ...)`);
}

/** The first `count` numbered hosts: b01, b02, ... */
export const numberedHosts = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `b${String(index + 1).padStart(2, '0')}`);

/** An account that every host has. */
export interface LabUser {
  readonly name: string;
  readonly uid: number;
  /** Supplementary groups; the primary one has the account's name. */
  readonly groups: readonly string[];
  /** `null`: locked. */
  readonly password: string | null;
  /** The fleet's key of that name is in its authorized_keys. */
  readonly key: boolean;
}

/** One account for every persona. The passwords open nothing but throw-away hosts without a network. */
export const LAB_USERS: readonly LabUser[] = [
  { name: 'automation', uid: 1101, groups: [], password: null, key: true },
  { name: 'breakglass', uid: 1102, groups: ['sudo'], password: 'breakglass-lab-pw', key: false },
  { name: 'alice', uid: 1103, groups: ['sg_serveraccess'], password: 'alice-lab-pw', key: true },
  { name: 'bob', uid: 1104, groups: ['sg_serveraccess', 'sg_sudo'], password: 'bob-lab-pw', key: true },
  { name: 'canary', uid: 1105, groups: ['sg_serveraccess'], password: null, key: true },
  { name: 'localuser', uid: 1106, groups: [], password: 'localuser-lab-pw', key: false },
  { name: 'root', uid: 0, groups: [], password: 'root-lab-pw', key: false },
];

/** The groups that an AD would bring, lower case as SSSD shows them. */
export const LAB_GROUPS: Readonly<Record<string, number>> = { sg_serveraccess: 2101, sg_sudo: 2102 };

/** sudoers.d files of every host. */
export const LAB_SUDOERS: Readonly<Record<string, string>> = {
  automation: 'automation ALL=(ALL:ALL) NOPASSWD: ALL\n',
  sg_sudo: '%sg_sudo ALL=(ALL:ALL) ALL\n',
};

/** Names that the lab's services have; both end in .test, which no public name server knows (RFC 6761). */
export const LAB_DUO_HOST = 'api-lab.duosecurity.test';
export const LAB_REPOSITORY_HOST = 'pkg.duosecurity.test';
/** Where each host keeps the stand-in Duo cloud's CA. */
export const LAB_CA_FILE = '/etc/ssl/certs/duo-lab-ca.pem';
/** Keys of the right shape that are nobody's. */
export const LAB_IKEY = 'DILABLABLABLABLABLAB';
export const LAB_SKEY = 'labsecretlabsecretlabsecretlabsecret1234';
