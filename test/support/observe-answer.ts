// A host's answer to observe.sh, for tests of its parser.

export const nonce = '0123456789abcdef0123456789abcdef';

const WANTS = [
  'repository repo.example',
  'file /etc/pam.d/sshd',
  'file /etc/duo/pam_duo.conf',
  'file /bin',
  'group sg_sudo',
  'group nosuch',
  'account root',
  'account nosuch',
  'connection *',
  'space /etc',
];

const PLAIN: Readonly<Record<string, readonly string[]>> = {
  os: [
    '|PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"',
    '|VERSION_ID="12"',
    '|VERSION_CODENAME=bookworm',
    '|ID=debian',
    '',
  ],
  'clock 1700000000': [],
  'systemd yes': [],
  units: [
    '|Id=ssh.service',
    '|LoadState=loaded',
    '|ActiveState=active',
    '|',
    '|Id=sshd.service',
    '|LoadState=not-found',
    '|ActiveState=inactive',
    '|',
    '|Id=ssh.socket',
    '|LoadState=loaded',
    '|ActiveState=active',
    '',
  ],
  sudo: ['|Sudo version 1.9.13p3', ''],
  stat: ['|81a4:21:root:domain users:/etc/pam.d/sshd', '|a1ff:7:root:root:/bin', ''],
  'text /etc/pam.d/sshd': ['|@include common-auth', ''],
  'link /bin': ['|usr/bin', ''],
  digests: [`|${'a'.repeat(64)}  /etc/pam.d/sshd`, ''],
  'space rw 10 4096 20 7 /etc': [],
  'lock ': [],
  'pending no': [],
  'module absent': [],
  packages: ['|dpkg amd64 installed 1.21.23', '|systemd amd64 installed 252.39-1~deb12u2', ''],
  audit: [''],
  'scripts yes': [],
  sources: [],
  'pam no': ['|pam_deny.so', '|pam_unix.so', ''],
  'ssh-version': ['|9.2', ''],
  'sshd 0': ['|port 22', '|acceptenv LANG', '|acceptenv LC_*', '|banner none', '|+', ''],
  people: ['|plain', '|user sudo-member 198.51.100.1 bob', '|sudo bob', ''],
  'rights bob': [
    '|Matching Defaults entries for bob on web1:',
    '|    env_reset, use_pty',
    '|',
    '|User bob may run the following commands on web1:',
    '|    (ALL : ALL) ALL',
    '|exit 0',
  ],
  accounts: [
    '|root:0:0:/root:/bin/bash:set:/root/.ssh/authorized_keys',
    '|bin:2:2:/bin:/usr/sbin/nologin:locked:/bin/.ssh/authorized_keys',
    '|bob:1104:1104:/home/bob:/bin/bash:locked:/home/bob/.ssh/authorized_keys:/home/bob/.ssh/authorized_keys2',
    '',
  ],
  keys: [
    '|/etc/passwd:0',
    '|/home/bob/.ssh/authorized_keys:2',
    '|/home/bob/.ssh/authorized_keys2:1',
    '|exit 123',
    '',
  ],
  groups: ['|root:0:', '|bob:1104:', '|sg_sudo:2102:bob', ''],
  'directory no': [],
};

/** Headers whose words are their value: another value replaces the plain one. */
const SINGLE = ['clock', 'scripts', 'systemd', 'lock', 'pending', 'module', 'directory', 'pam'];

/** The answer of a plain host (latin1 text), with some sections (`NAME WORDS` -> lines) replaced or added. */
export const observeAnswer = (changes: Readonly<Record<string, readonly string[]>>): string => {
  const replaced = new Set(Object.keys(changes).map((header) => header.split(' ', 1)[0]));
  const plain = Object.entries(PLAIN).filter(([header]) => {
    const [name = ''] = header.split(' ', 1);
    return !(header in changes) && !(SINGLE.includes(name) && replaced.has(name));
  });
  const sections = [
    ['begin 1', []] as const,
    ...WANTS.map((want) => [`want ${want}`, []] as const),
    ...plain,
    ...Object.entries(changes),
    ['end', []] as const,
  ];
  return `${sections.flatMap(([header, lines]) => [`#${nonce} ${header}`, ...lines]).join('\n')}\n`;
};
