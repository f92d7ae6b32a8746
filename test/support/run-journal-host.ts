// What one host of a run that never was has to say: its name, changes, findings, doors and logins.
import type { Change, FileChange, StepId } from '../../src/core/change.ts';
import type { Finding } from '../../src/core/finding.ts';
import type { LoginRow, LoginTable, LoginWay, SudoWay } from '../../src/core/login-table.ts';
import type { LoginCheck, Verdict } from '../../src/core/verdict.ts';

const ROLES = ['web', 'app', 'db', 'mail', 'build'];
export const nameAt = (at: number): string =>
  `${ROLES[at % ROLES.length] ?? 'web'}${String(Math.floor(at / ROLES.length) + 1).padStart(3, '0')}.example.com`;

const check = (title: string, must: LoginCheck['must'], durationMs: number): LoginCheck => ({
  phase: 'rehearse',
  title,
  must,
  result: must === 'get-in' ? 'in' : 'refused',
  durationMs,
});
export const REHEARSED: readonly LoginCheck[] = [
  {
    ...check('canary by key and Duo', 'get-in', 611),
    duo: { user: 'canary', how: 'bypassed', line: "Skipped Duo login for 'canary' from UNKNOWN: Bypass" },
  },
  check('automation by key, and sudo -n true', 'get-in', 344),
  check('breakglass by password, and sudo by password', 'get-in', 520),
  ...['automation', 'root', 'breakglass', 'localuser', 'alice'].flatMap((user) => [
    check(`${user} with a wrong and an empty password`, 'be-refused', 402),
    check(`${user} with a wrong and an empty password, PAM as the only gate`, 'be-refused', 437),
  ]),
];

export const canaryChecks = (verdict: Verdict, place: number): readonly LoginCheck[] => {
  const isIn = verdict !== 'rolled-back';
  const address = `192.0.2.${(place % 200) + 10}`;
  return [
    {
      phase: 'canary',
      title: 'automation by key, and sudo -n true',
      must: 'get-in',
      result: isIn ? 'in' : 'refused',
      durationMs: 101,
    },
    {
      phase: 'canary',
      title: 'canary by key and Duo',
      must: 'get-in',
      result: 'in',
      durationMs: 319,
      duo:
        place === 0
          ? { user: 'canary', how: 'approved', line: `Successful Duo login for 'canary' from ${address}` }
          : {
              user: 'canary',
              how: 'bypassed',
              line: `Skipped Duo login for 'canary' from ${address}: Bypass`,
            },
    },
    {
      phase: 'canary',
      title: 'automation with a wrong password',
      must: 'be-refused',
      result: 'refused',
      durationMs: 47,
    },
  ];
};

const file = (
  step: StepId,
  target: string,
  before: string | null,
  after: string,
  said: string,
): FileChange => ({
  kind: 'file',
  step,
  target: `${target}${said}`,
  why: [`${before === null ? 'is missing' : 'content differs from line 1 on'}${said}`],
  content: new TextEncoder().encode(after),
  mode: 0o644,
  secret: false,
  shown: { before: before === null ? null : `${before}${said}\n`, after: `${after}${said}\n` },
});

const PAM_BEFORE =
  '# PAM configuration for the Secure Shell service\n\n# Standard Un*x authentication.\n@include common-auth\n\n# Disallow non-root logins when /etc/nologin exists.\naccount    required     pam_nologin.so\n';
const PAM_AFTER = `# duo-fleet: begin auth
# Break-glass never meets Duo: over the next four lines, to the password.
auth [success=4 default=ignore] pam_succeed_if.so quiet user = breakglass
auth [success=3 default=ignore] pam_succeed_if.so quiet user notingroup sg_serveraccess:sg_sudo
auth requisite pam_exec.so quiet /var/lib/duo-fleet/first-factor
auth [success=1 default=die] /usr/lib64/security/pam_duo.so
# duo-fleet: end auth
@include common-auth

# Disallow non-root logins when /etc/nologin exists.
account    required     pam_nologin.so
`;

export const changesOf = (place: number, said: string): readonly Change[] => [
  file(
    'sshd-settings',
    '/etc/ssh/sshd_config.d/00-duo-fleet.conf',
    null,
    '# Managed by duo-fleet.\nUsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\nAuthenticationMethods publickey,keyboard-interactive\n',
    said,
  ),
  { kind: 'reload', step: 'sshd-settings', target: 'ssh', why: ['sshd reads its settings only then'] },
  {
    kind: 'packages',
    step: 'packages',
    target: 'duo-unix',
    why: ['is not installed'],
    install: ['duo-unix'],
    purge: place % 4 === 0 ? ['libpam-duo'] : [],
    minimumVersion: '2.1.0',
    sourceLine: '',
    keyring: new Uint8Array(),
  },
  file(
    'pam-duo-conf',
    '/etc/duo/pam_duo.conf',
    null,
    '[duo]\nfailmode = safe\nikey = DIXXXXXXXXXXXXXXXXXX\nskey = [secret]\nhost = api-12345678.duosecurity.com\npushinfo = yes\ngroups = sg_serveraccess,sg_sudo\n',
    said,
  ),
  file('sudoers', '/etc/sudoers.d/sudo_timestamp_timeout', null, 'Defaults timestamp_timeout=30\n', said),
  file(
    'pam-sshd',
    '/etc/pam.d/sshd',
    place % 9 === 3 ? `# site: ${nameAt(place)}\n${PAM_BEFORE}` : PAM_BEFORE,
    PAM_AFTER,
    said,
  ),
];

export const findingsOf = (verdict: Verdict, place: number, said: string): readonly Finding[] => [
  ...(verdict === 'refused'
    ? [
        {
          rule: place % 2 === 0 ? 'sshd-unread' : 'key-login-lost',
          persona: 'deploy',
          severity: 'breach' as const,
          message: `deploy logs in by key today and no longer could on ${nameAt(place)}${said}; list it in key_only_users if it is to go on${said}`,
        },
      ]
    : []),
  ...(verdict === 'drifted'
    ? [
        {
          rule: 'drift-pam-sshd',
          persona: 'host',
          severity: 'breach' as const,
          message: `/etc/pam.d/sshd: content differs from line 4 on${said}`,
        },
      ]
    : []),
  ...(place % 3 === 0
    ? [
        {
          rule: 'password-login-lost',
          persona: 'localuser',
          severity: 'warning' as const,
          message: `localuser logs in by password today and not by key: without a key it cannot log in over SSH any more${said}`,
        },
      ]
    : []),
];

const way = (...proofs: LoginWay['proofs']): readonly LoginWay[] => [{ proofs, sure: true }];
const same = <T>(one: T) => ({ allow: one, deny: one, unreachable: one });
const NOT_ALLOWED: SudoWay = { kind: 'not-allowed' };

export const tableOf = (isAfter: boolean, place: number, said: string): LoginTable => {
  const byKey = [...way('key'), ...way('password')];
  const member: LoginRow['ssh'] = isAfter
    ? { allow: way('key', 'duo'), deny: [], unreachable: way('key') }
    : same(byKey);
  const asks = (...proofs: LoginWay['proofs']): SudoWay => ({ kind: 'asks', ways: way(...proofs) });
  const row = (who: string, user: string, rest: Partial<LoginRow>): LoginRow => ({
    who,
    user: user === '' ? '' : `${user}${said}`,
    address: '',
    exempt: null,
    privileged: false,
    ssh: member,
    sudo: same(NOT_ALLOWED),
    ...rest,
  });
  return {
    kind: 'logins',
    keyOnly: place % 10 === 0 ? [`backup${said}`] : [],
    rows: [
      row('automation', 'automation', {
        exempt: 'automation',
        privileged: true,
        ssh: same(way('key')),
        sudo: same({ kind: 'asks-nothing', entry: `(ALL) NOPASSWD: ALL${said}` }),
      }),
      row('break-glass', 'breakglass', {
        exempt: 'break-glass',
        privileged: true,
        address: '192.0.2.1',
        ssh: same(way('password')),
        sudo: same(asks('password')),
      }),
      row('server-access member', 'canary', {}),
      row('server-access member', place % 6 === 0 ? `carol${place % 4}` : 'alice', {}),
      row('sudo member', place % 7 === 0 ? '' : 'bob', {
        privileged: true,
        sudo: isAfter
          ? {
              allow: asks('password', 'duo'),
              deny: { kind: 'asks', ways: [] },
              unreachable: asks('password'),
            }
          : same(asks('password')),
      }),
      row('local user', 'localuser', {
        exempt: 'no-member',
        ssh: isAfter ? same(way('key', 'password')) : same(byKey),
      }),
      row('root', 'root', {
        exempt: 'no-member',
        privileged: true,
        ssh: isAfter ? same([]) : same(way('key')),
        sudo: same({ kind: 'asks-nothing', entry: 'it is root already' }),
      }),
    ],
  };
};
