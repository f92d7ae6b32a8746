import { describe, expect, test } from 'vitest';
import { planHost } from '../../../src/steps/plan-host.ts';
import {
  accountOf,
  afterChanges,
  exampleFacts,
  exampleSettings,
  exampleTools,
  fileOf,
  STOCK_COMMON_AUTH,
  STOCK_SSHD_PAM,
} from '../../support/example-host.ts';
import { judged, type DoorScene } from '../../support/judged-doors.ts';

const tools = exampleTools();
const MODULE = '/usr/lib64/security/pam_duo.so';
const SSHD = '/etc/pam.d/sshd';
const SUDO = '/etc/pam.d/sudo';
const ACCOUNT = 'account required pam_nologin.so\n@include common-account\n';

const told = (scene: DoorScene) =>
  judged(scene).map(({ severity, rule, persona }) => `${severity} ${rule} ${persona}`);
const messageOf = (scene: DoorScene, rule: string): string =>
  judged(scene).find((finding) => finding.rule === rule)?.message ?? '';
const sshd = (...auth: readonly string[]): DoorScene => ({
  candidates: { [SSHD]: `${auth.join('\n')}\n${ACCOUNT}` },
});
const sudo = (...auth: readonly string[]): DoorScene => ({
  candidates: { [SUDO]: `${auth.join('\n')}\n${ACCOUNT}` },
});
const conf = (text: string): DoorScene => ({ candidates: { '/etc/duo/pam_duo.conf': text } });
const account = (name: string, over: Parameters<typeof accountOf>[0]): DoorScene => ({
  facts: { accounts: { ...exampleFacts().accounts, [name]: accountOf(over) } },
});

/** The auth lines of the Ansible role that this program replaces. */
const ROLE = [
  'auth    [success=2 default=ignore]  pam_succeed_if.so user = breakglass quiet',
  `auth    requisite                   ${MODULE}`,
  'auth    [success=done default=die]  pam_permit.so',
  'auth    required                    pam_unix.so try_first_pass nullok_secure',
];
const GATE =
  'auth requisite pam_exec.so quiet /bin/sh -c [case "$SSH_AUTH_INFO_0" in "publickey "*) exit 0 ;; esac; exit 1]';

describe('an account line that goes by a file of its own', () => {
  const access: DoorScene = {
    facts: {
      files: {
        ...exampleFacts().files,
        [SSHD]: fileOf(STOCK_SSHD_PAM.replace(/^account/m, 'account required pam_access.so\naccount')),
      },
    },
  };
  test('may keep break-glass out, which is told where its login is not tried', () => {
    expect(told(access)).toContain('warning break-glass-untried breakglass');
    expect(messageOf(access, 'break-glass-untried')).toMatch(/\/etc\/pam\.d\/sshd:\d+ .*pam_access\.so/);
    const tried = {
      user: 'breakglass',
      allowedSources: ['198.18.0.0/15'],
      password: { kind: 'env', text: 'BGP' } as const,
    };
    expect(told({ ...access, settings: { breakGlass: tried } })).not.toContain(
      'warning break-glass-untried breakglass',
    );
  });
  test('is no matter where it is a directory’s', () => {
    const text = STOCK_SSHD_PAM.replace(/^account/m, 'account required pam_krb5.so\naccount');
    expect(told({ facts: { files: { ...exampleFacts().files, [SSHD]: fileOf(text) } } })).toEqual([]);
  });
});

describe('a plan of ours', () => {
  test('has nothing against it on a stock host, with failmode safe and secure', () => {
    expect(judged({})).toEqual([]);
    expect(judged({ settings: { duo: { ...exampleSettings().duo, failmode: 'secure' } } })).toEqual([]);
  });
  test('nor with members, local users and directory users of all kinds on it', () => {
    const accounts = {
      ...exampleFacts().accounts,
      bob: accountOf({ groups: ['sg_sudo'], sudo: { kind: 'some', asking: ['(ALL) ALL'], silent: [] } }),
      dora: accountOf({ groups: ['sg_serveraccess'], password: 'none' }),
      lars: accountOf({ password: 'set' }),
      lena: accountOf({ password: 'locked', authorizedKeys: 2 }),
    };
    expect(judged({ facts: { accounts } })).toEqual([]);
  });
  test('nor once it is carried out', () => {
    const settings = exampleSettings();
    const { changes } = planHost(exampleFacts(), settings, tools);
    const settled = afterChanges(exampleFacts(), changes, settings);
    expect(planHost(settled, settings, tools).findings).toEqual([]);
  });
  test('nor where the legacy module is live, in sshd or by its profile', () => {
    const common = STOCK_COMMON_AUTH.replace('auth\toptional', 'auth\trequired\tpam_duo.so\nauth\toptional');
    const live = STOCK_SSHD_PAM.replace(
      '@include common-auth\n',
      '@include common-auth\nauth required pam_duo.so\n',
    );
    const files = exampleFacts().files;
    expect(judged({ facts: { files: { ...files, [SSHD]: fileOf(live) } } })).toEqual([]);
    expect(judged({ facts: { files: { ...files, '/etc/pam.d/common-auth': fileOf(common) } } })).toEqual([]);
  });
  test('with sshd left to others is refused on a stock sshd', () => {
    const findings = planHost(exampleFacts(), exampleSettings({ sshdConfig: 'check' }), tools).findings;
    expect(findings.filter(({ severity }) => severity === 'breach')).not.toEqual([]);
    expect(told({ settings: { sshdConfig: 'check' } })).toContain('breach duo-not-asked host');
  });
});

describe("sshd's stack", () => {
  test('of the Ansible role is refused: who is in none of the groups needs no password', () => {
    expect(told(sshd(...ROLE))).toContain('breach stack-without-proof host');
    const message = messageOf(sshd(...ROLE), 'stack-without-proof');
    expect(message).toMatch(/automation.*root/);
    expect(message).toContain(`/etc/pam.d/sshd:2 (auth requisite ${MODULE}) is passed unasked`);
    expect(message).toContain('/etc/pam.d/sshd:3 (auth [success=done default=die] pam_permit.so)');
    expect(message).toContain('no password is verified on that way');
  });
  test('of the Ansible role opens the door by itself where sshd takes passwords', () => {
    const scene = { ...sshd(...ROLE), settings: { sshdConfig: 'check' as const } };
    expect(told(scene)).toContain('breach door-without-proof host');
    expect(messageOf(scene, 'door-without-proof')).toMatch(/automation.*would get in over SSH/);
  });
  test('with Duo sufficient before the password is refused', () => {
    const scene = sshd(`auth sufficient ${MODULE}`, '@include common-auth');
    expect(told(scene)).toContain('breach stack-without-proof host');
    expect(messageOf(scene, 'stack-without-proof')).toContain(
      `/etc/pam.d/sshd:1 (auth sufficient ${MODULE}) is enough by itself before a password is verified`,
    );
  });
  test('without Duo is refused, for members alone', () => {
    expect(told(sshd('@include common-auth'))).toContain('breach duo-not-asked host');
    expect(messageOf(sshd('@include common-auth'), 'duo-not-asked')).toContain(
      'the stack has no line with pam_duo.so',
    );
  });
  test('that does not heed Duo is refused', () => {
    const scene = sshd(GATE, `auth optional ${MODULE}`, '@include common-auth');
    expect(told(scene)).toContain('breach duo-not-asked host');
    expect(messageOf(scene, 'duo-not-asked')).toContain('is not heeded when it refuses');
  });
  test('with a jump past its end is refused', () => {
    const scene = sshd(
      'auth [success=9 default=ignore] pam_succeed_if.so quiet user notingroup nosuchgroup',
      '@include common-auth',
    );
    expect(told(scene)).toContain('breach break-glass-shut-out breakglass');
    expect(messageOf(scene, 'stack-shuts-out')).toContain('past the end of the stack');
  });
  test('that lets pass today already is refused, and told as what it is', () => {
    const common = fileOf(`auth sufficient pam_permit.so\n${STOCK_COMMON_AUTH}`);
    const scene = { facts: { files: { ...exampleFacts().files, '/etc/pam.d/common-auth': common } } };
    expect(told(scene)).toContain('breach sudo-without-password host');
    expect(messageOf(scene, 'sudo-without-password')).toContain('as today already');
    expect(
      messageOf(sshd(`auth sufficient ${MODULE}`, '@include common-auth'), 'stack-without-proof'),
    ).not.toContain('already');
  });
  test('with a module that is not there is refused', () => {
    const scene = {
      ...sshd('auth required pam_gone.so', '@include common-auth'),
      facts: { pam: { modules: ['pam_unix.so', 'pam_deny.so', 'pam_permit.so'], nologin: false } },
    };
    expect(messageOf(scene, 'break-glass-shut-out')).toContain(
      '/etc/pam.d/sshd:1 (auth required pam_gone.so) names a module that is not on the host',
    );
    expect(told(scene)).toContain('breach stack-shuts-out host');
  });
  test('with a module that nobody knows is never taken for safe', () => {
    const scene = sshd('auth sufficient pam_homegrown.so', '@include common-auth');
    expect(told(scene)).toContain('breach stack-without-proof host');
    expect(messageOf(scene, 'stack-without-proof')).toContain('pam_homegrown.so) is a module of which');
  });
});

describe("Duo's file", () => {
  const KEYS = 'ikey = DIX\nskey = x\nhost = api-1.duosecurity.com\n';

  test('whose list of groups only says who is left out is refused', () => {
    const scene = conf(`[duo]\nfailmode = safe\n${KEYS}groups = !sg_serveraccess,!sg_sudo\n`);
    expect(told(scene)).toContain('breach duo-not-asked host');
    expect(messageOf(scene, 'duo-not-asked')).toContain('only says who is left out');
  });
  test('that the module cannot read is refused, with the line', () => {
    const scene = conf(`[duo]\n${KEYS}integration_key = x\nfailmode = secure\n`);
    expect(messageOf(scene, 'duo-not-asked')).toMatch(/cannot read pam_duo.conf, line 5/);
  });
  test('that names the group in another case is refused', () => {
    const scene = conf(`[duo]\nfailmode = safe\n${KEYS}groups = SG_ServerAccess,SG_Sudo\n`);
    expect(messageOf(scene, 'duo-not-asked')).toContain('pam_duo tells cases apart');
  });
  test('with failmode safe where secure is declared is refused', () => {
    const scene = {
      ...conf(`[duo]\n${KEYS}groups = sg_serveraccess,sg_sudo\n`),
      settings: { duo: { ...exampleSettings().duo, failmode: 'secure' as const } },
    };
    expect(told(scene)).toContain('breach failmode-secure-open host');
  });
});

describe("sudo's stack", () => {
  test('with Duo sufficient before the password is refused: others become root with any password', () => {
    const scene = sudo(`auth sufficient ${MODULE}`, '@include common-auth');
    expect(told(scene)).toContain('breach sudo-without-password host');
    expect(messageOf(scene, 'sudo-without-password')).toMatch(
      /breakglass.*would pass sudo with any password/,
    );
  });
  test('without Duo is refused for members of the sudo group', () => {
    expect(told(sudo('@include common-auth'))).toContain('breach duo-not-asked a member of the sudo group');
  });
  test('that sends break-glass to Duo and heeds it is refused', () => {
    const scene = {
      ...sudo(`auth requisite ${MODULE}`, '@include common-auth'),
      candidates: {
        [SUDO]: `auth requisite ${MODULE} conf=/etc/duo/all.conf\n@include common-auth\n${ACCOUNT}`,
      },
      facts: {
        files: {
          ...exampleFacts().files,
          '/etc/duo/all.conf': fileOf('failmode = secure\nikey = a\nskey = b\nhost = c\n', 0o600),
        },
        accounts: {
          ...exampleFacts().accounts,
          breakglass: accountOf({ sudo: { kind: 'some', asking: ['(ALL) ALL'], silent: [] } }),
        },
      },
    };
    expect(told(scene)).toContain('breach break-glass-sudo breakglass');
  });
});

describe('the personas', () => {
  test('a member whom sudo asks nothing is a warning, with the rule', () => {
    const scene = account('bob', {
      groups: ['sg_sudo'],
      sudo: { kind: 'some', asking: [], silent: ['(ALL) NOPASSWD: ALL'] },
    });
    expect(told(scene)).toEqual(['warning sudo-nopasswd-member bob']);
    expect(messageOf(scene, 'sudo-nopasswd-member')).toContain('(ALL) NOPASSWD: ALL');
  });
  test('automation that sudo would ask is refused', () => {
    const scene = account('automation', {
      password: 'locked',
      authorizedKeys: 1,
      sudo: { kind: 'some', asking: ['(ALL) ALL'], silent: [] },
    });
    expect(told(scene)).toEqual(['breach automation-sudo-asks automation']);
  });
  test('break-glass that may run nothing by sudo is a warning', () => {
    expect(told(account('breakglass', { sudo: { kind: 'none' } }))).toEqual([
      'warning break-glass-no-sudo breakglass',
    ]);
  });
  test('a grace time shorter than Duo takes to be given up on is a warning for members', () => {
    const facts = exampleFacts();
    const effective = Object.fromEntries(
      Object.entries(facts.sshd.effective).map(([label, settings]) => [
        label,
        { ...settings, logingracetime: ['30'] },
      ]),
    );
    const scene = { facts: { sshd: { ...facts.sshd, effective } } };
    expect(told(scene)).toEqual(['warning login-grace-short host']);
    expect(messageOf(scene, 'login-grace-short')).toContain('37 s');
  });
});

describe('today and after', () => {
  const open = STOCK_SSHD_PAM.replace('@include common-auth', ROLE.join('\n'));
  const files = { ...exampleFacts().files, [SSHD]: fileOf(open), [MODULE]: fileOf('') };

  test('a hole of today that the plan closes is told, and does not refuse the host', () => {
    const duoConf = 'failmode = safe\nikey = a\nskey = b\nhost = c\ngroups = sg_serveraccess,sg_sudo\n';
    const facts = {
      moduleError: '',
      files: { ...files, '/etc/duo/pam_duo.conf': fileOf(duoConf, 0o600) },
    };
    expect([...new Set(told({ facts }))]).toEqual(['warning open-door-closed host']);
    expect(messageOf({ facts }, 'open-door-closed')).toContain('this run closes that');
  });
  test('a login that would take less than today is refused', () => {
    const facts = exampleFacts();
    const strict = {
      ...facts.sshd.effective['*'],
      kbdinteractiveauthentication: ['yes'],
      passwordauthentication: ['no'],
      authenticationmethods: ['publickey,keyboard-interactive'],
    };
    const scene = {
      facts: { sshd: { ...facts.sshd, effective: { '*': strict, automation: strict, breakglass: strict } } },
      settings: { sshdConfig: 'check' as const },
      ...sshd(
        'auth [success=2 default=ignore] pam_succeed_if.so quiet user notingroup sg_serveraccess user notingroup sg_sudo',
        GATE,
        `auth [success=done default=die] ${MODULE}`,
        GATE,
        'auth [success=done default=die] pam_permit.so',
      ),
    };
    expect(told(scene)).toContain('breach weaker-than-before host');
    expect(messageOf(scene, 'weaker-than-before')).toMatch(
      /a local user would get in over SSH with key, and today that takes key and password/,
    );
  });
});
