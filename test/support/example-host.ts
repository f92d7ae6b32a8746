// A stock Debian host, its settings and the tools of the steps, for tests; and what a plan makes of the host.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Change } from '../../src/core/change.ts';
import type { AccountFacts, Facts, FileFacts } from '../../src/core/facts.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Settings } from '../../src/core/settings.ts';
import { makeObserveRequest } from '../../src/steps/observe-request.ts';
import { makeRender, type Templates } from '../../src/steps/render.ts';
import type { StepTools } from '../../src/steps/step.ts';

export const SKEY = 'abcdefghijKLMNOPqrstuvwxyz0123456789=#&<';

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The product's own templates, by name. */
export const TEMPLATES: Templates = Object.fromEntries(
  readdirSync(new URL('../../templates/', import.meta.url))
    .filter((name) => name.endsWith('.hbs'))
    .map((name) => [
      name.slice(0, -'.hbs'.length),
      readFileSync(new URL(`../../templates/${name}`, import.meta.url), 'utf8'),
    ]),
);

export const exampleTools = (): StepTools => ({
  render: makeRender(TEMPLATES),
  sha256,
  keyring: new Uint8Array([0x99, 1, 2, 3]),
  openSecret: () => new Secret(SKEY),
  controllerEpochS: 1_795_000_000,
});

export const exampleSettings = (over: Partial<Settings> = {}): Settings => ({
  host: 'web1',
  connection: {
    address: '198.18.0.11',
    port: 22,
    user: 'automation',
    privateKeyFile: '/keys/automation',
    password: null,
    jumps: [],
    become: true,
  },
  duo: {
    ikey: 'DIABCDEFGHIJKLMNOPQR',
    skey: { kind: 'env', text: 'DUO_SKEY' },
    apiHost: 'api-12345678.duosecurity.com',
    failmode: 'safe',
    options: [
      ['pushinfo', 'yes'],
      ['autopush', 'yes'],
      ['prompts', '3'],
    ],
  },
  serverAccessGroup: 'sg_serveraccess',
  sudoGroup: 'sg_sudo',
  breakGlass: { user: 'breakglass', allowedSources: ['198.18.0.0/16', '198.18.0.5'], password: null },
  keyOnlyUsers: [],
  keyOnlyGroups: [],
  keyLoginLossAccepted: [],
  canary: null,
  sudoTimestampTimeoutMin: 30,
  repository: {
    url: 'https://pkg.duosecurity.com',
    key: 'https://duo.com/DUO-GPG-PUBLIC-KEY.asc',
    fingerprints: ['D8EC4E2058401AE5578C4B3F4B44CE3DFF696172'],
  },
  sshdConfig: 'managed',
  pamTemplates: { sshd: null, sudo: null },
  ...over,
});

export const fileOf = (text: string, mode = 0o644): Extract<FileFacts, { kind: 'file' }> => ({
  kind: 'file',
  mode,
  owner: 'root',
  group: 'root',
  sha256: sha256(new TextEncoder().encode(text)),
  text,
});

export const accountOf = (over: Partial<AccountFacts> = {}): AccountFacts => ({
  uid: 1000,
  home: '/home/x',
  shell: '/bin/bash',
  groups: ['users'],
  password: 'set',
  expired: false,
  authorizedKeys: 0,
  keyLoginDaysAgo: null,
  sudo: { kind: 'unknown' },
  ...over,
});

export const STOCK_SSHD_PAM = `# PAM configuration for the Secure Shell service

@include common-auth
account    required     pam_nologin.so
@include common-account
session    required     pam_limits.so
@include common-session
@include common-password
`;
export const STOCK_SUDO_PAM = `#%PAM-1.0

session    required   pam_limits.so
@include common-auth
@include common-account
@include common-session-noninteractive
`;
export const STOCK_COMMON_AUTH = `# here are the per-package modules (the "Primary" block)
auth	[success=1 default=ignore]	pam_unix.so nullok
# here's the fallback if no module succeeds
auth	requisite			pam_deny.so
auth	required			pam_permit.so
# and here are more per-package modules (the "Additional" block)
auth	optional			pam_cap.so
# end of pam-auth-update config
`;
export const STOCK_COMMON_ACCOUNT = `# here are the per-package modules (the "Primary" block)
account	[success=1 new_authtok_reqd=done default=ignore]	pam_unix.so
# here's the fallback if no module succeeds
account	requisite			pam_deny.so
account	required			pam_permit.so
# end of pam-auth-update config
`;
export const STOCK_COMMON_SESSION = `session	[default=1]			pam_permit.so
session	requisite			pam_deny.so
session	required			pam_permit.so
session	required	pam_unix.so
`;
export const STOCK_COMMON_PASSWORD = `password	[success=1 default=ignore]	pam_unix.so obscure yescrypt
password	requisite			pam_deny.so
password	required			pam_permit.so
`;
export const STOCK_SSHD_CONFIG = `# comment
Include /etc/ssh/sshd_config.d/*.conf
KbdInteractiveAuthentication no
UsePAM yes
Subsystem	sftp	/usr/lib/openssh/sftp-server
`;

const STOCK_EFFECTIVE = {
  usepam: ['yes'],
  kbdinteractiveauthentication: ['no'],
  pubkeyauthentication: ['yes'],
  passwordauthentication: ['yes'],
  usedns: ['no'],
  authenticationmethods: ['any'],
  permitrootlogin: ['without-password'],
};

/** A stock host as observed: nothing of ours, the distribution's legacy package installed. */
export const exampleFacts = (over: Partial<Facts> = {}): Facts => {
  const asked = makeObserveRequest(exampleSettings());
  return {
    os: {
      id: 'debian',
      idLike: [],
      versionId: '12',
      codename: 'bookworm',
      prettyName: 'Debian GNU/Linux 12',
    },
    architecture: 'amd64',
    epochS: 1_795_000_003,
    systemd: { running: true, version: 252 },
    packages: {
      'libpam-duo': { status: 'installed', version: '1.11.3-1+b1', origins: [] },
      libduo3: { status: 'config-files', version: '1.11.3-1+b1', origins: [] },
    },
    sshd: {
      version: '9.2',
      effective: Object.fromEntries(asked.connections.map(({ label }) => [label, STOCK_EFFECTIVE])),
      error: '',
      users: {},
      unit: 'ssh',
      serviceActive: true,
      socketActive: false,
      start: {
        commands: ['/usr/sbin/sshd -D $SSHD_OPTS', '/usr/sbin/sshd -i $SSHD_OPTS'],
        environment: [],
        environmentFiles: ['/etc/default/ssh'],
      },
    },
    pam: { modules: null, nologin: false },
    sudo: {
      implementation: 'sudo',
      version: '1.9.13p3',
      defaults: { authenticate: true, timestampTimeoutMin: 30, services: ['sudo', 'sudo-i'] },
    },
    groups: {
      sg_serveraccess: { gid: 2001, members: ['alice'] },
      sg_sudo: { gid: 2002, members: ['bob'] },
    },
    accounts: {
      root: accountOf({ uid: 0, groups: ['root'], password: 'set' }),
      automation: accountOf({ password: 'locked', authorizedKeys: 1 }),
      breakglass: accountOf({ groups: ['breakglass', 'sudo'] }),
      alice: accountOf({ groups: ['alice', 'sg_serveraccess'], authorizedKeys: 1, password: 'locked' }),
    },
    keyLoginLog: 'not read',
    dpkgLockHolder: null,
    dpkgInterrupted: false,
    dpkgScriptsRun: true,
    space: Object.fromEntries(
      asked.spacePaths.map((path) => [path, { freeKiB: 1_000_000, freeInodes: 100_000, readOnly: false }]),
    ),
    pending: null,
    duoSources: {},
    moduleError: null,
    ...over,
    files: {
      ...Object.fromEntries(asked.files.map(({ path }) => [path, { kind: 'absent' } as const])),
      '/etc/ssh/sshd_config': fileOf(STOCK_SSHD_CONFIG),
      '/etc/pam.d/sshd': fileOf(STOCK_SSHD_PAM),
      '/etc/pam.d/sudo': fileOf(STOCK_SUDO_PAM),
      '/etc/pam.d/sudo-i': fileOf(STOCK_SUDO_PAM),
      '/etc/pam.d/common-auth': fileOf(STOCK_COMMON_AUTH),
      '/etc/pam.d/common-account': fileOf(STOCK_COMMON_ACCOUNT),
      '/etc/pam.d/common-session': fileOf(STOCK_COMMON_SESSION),
      '/etc/pam.d/common-session-noninteractive': fileOf(STOCK_COMMON_SESSION),
      '/etc/pam.d/common-password': fileOf(STOCK_COMMON_PASSWORD),
      ...over.files,
    },
  };
};

/** The host after its changes, as a second look would find it. */
export const afterChanges = (facts: Facts, changes: readonly Change[], settings: Settings): Facts => {
  const files = { ...facts.files };
  const packages = { ...facts.packages };
  const duoSources = { ...facts.duoSources };
  for (const change of changes) {
    switch (change.kind) {
      case 'file': {
        const text = new TextDecoder().decode(change.content);
        files[change.target] = { ...fileOf(text, change.mode), sha256: sha256(change.content) };
        break;
      }
      case 'absent':
        files[change.target] = { kind: 'absent' };
        delete duoSources[change.target];
        break;
      case 'packages':
        for (const name of change.purge) delete packages[name];
        for (const name of change.install) {
          const origins = [`${settings.repository.url}/Debian`];
          packages[name] = { status: 'installed', version: '2.2.3-0', origins };
        }
        break;
      case 'reload':
        break;
      case 'restore':
      case 'restore-packages':
        throw new Error('what a host keeps is not known here');
      default:
        change satisfies never;
    }
  }
  return { ...facts, files, packages, duoSources, moduleError: '', sshd: sshdAfter(facts) };
};

const sshdAfter = (facts: Facts): Facts['sshd'] => {
  const base = {
    ...STOCK_EFFECTIVE,
    kbdinteractiveauthentication: ['yes'],
    passwordauthentication: ['no'],
    authenticationmethods: ['publickey,keyboard-interactive'],
  };
  return {
    ...facts.sshd,
    effective: {
      '*': base,
      root: base,
      automation: { ...base, authenticationmethods: ['publickey'] },
      breakglass: { ...base, authenticationmethods: ['password'], passwordauthentication: ['yes'] },
    },
  };
};
