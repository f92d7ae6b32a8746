// What the contract tests cannot hold against real modules here: Duo's, sssd's, and our own gate.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { DuoConfReading } from '../../../src/auth/duo-conf.ts';
import { evaluatePam } from '../../../src/auth/pam-evaluate.ts';
import type { PamAttempt, PamCall, PamHost } from '../../../src/auth/pam-situation.ts';
import { accountOf } from '../../support/example-host.ts';

const ATTEMPT: PamAttempt = {
  service: 'sshd',
  user: 'alice',
  account: accountOf(),
  password: 'right',
  duo: 'allow',
  authInfo: '',
  rhost: '',
};

/** All codes that a module may come to; each becomes the stack's. */
const answers = (
  line: string,
  attempt: Partial<PamAttempt> = {},
  { call = 'authenticate', ...host }: Partial<PamHost> & { readonly call?: PamCall } = {},
) =>
  evaluatePam(
    {
      files: { [attempt.service ?? 'sshd']: `auth [default=ok] ${line}\naccount [default=ok] ${line}\n` },
      hasModule: () => true,
      duoConf: () => BROKEN,
      nologin: false,
      ...host,
    },
    { ...ATTEMPT, ...attempt },
    call,
  ).possible;

const brokenBy = (failmode: 'safe' | 'secure'): DuoConfReading => ({
  kind: 'broken',
  failmode,
  line: 0,
  reason: 'no such file',
});
const BROKEN = brokenBy('secure');

describe('pam_duo', () => {
  test('reads the file that its line names, the last one of several, or else its own', () => {
    const asked: (string | null)[] = [];
    const duoConf = (path: string | null) => {
      asked.push(path);
      return BROKEN;
    };
    answers('/usr/lib64/security/pam_duo.so', {}, { duoConf });
    answers('pam_duo.so conf=/a debug conf=/b', {}, { duoConf });
    expect(new Set(asked)).toEqual(new Set([null, '/b']));
  });
  test('goes by the failmode where its file is broken', () => {
    expect(answers('pam_duo.so')).toEqual(['PAM_SERVICE_ERR']);
    expect(answers('pam_duo.so', {}, { duoConf: () => brokenBy('safe') })).toEqual(['PAM_SUCCESS']);
  });
  test('fails with an argument that it does not know, and only in authenticate', () => {
    const safe = { duoConf: () => brokenBy('safe') } as const;
    expect(answers('pam_duo.so config=/a', {}, safe)).toEqual(['PAM_SERVICE_ERR']);
    for (const call of ['setcred-alone', 'acct_mgmt'] as const) {
      expect(answers('pam_duo.so config=/a', {}, { ...safe, call })).toEqual(['PAM_SUCCESS']);
    }
  });
});

describe('the gate before Duo', () => {
  const gate =
    readFileSync(new URL('../../../templates/pam-auth-sshd.hbs', import.meta.url), 'utf8')
      .split('\n')
      .find((line) => line.includes('pam_exec.so'))
      ?.replace('auth requisite ', '') ?? '';
  test.each([
    ['publickey ssh-ed25519 AAAA', 'PAM_SUCCESS'],
    ['', 'PAM_SYSTEM_ERR'],
    ['publickeys', 'PAM_SYSTEM_ERR'],
    ['password\npublickey ssh-ed25519 AAAA', 'PAM_SYSTEM_ERR'],
  ])('with %j answers %s', (authInfo, code) => {
    expect(answers(gate, { authInfo })).toEqual([code]);
  });
  test('changed in any way is a program like others, and not known', () => {
    expect(answers(gate.replace('exit 1', 'exit 0'))).toEqual(['PAM_SUCCESS', 'PAM_SYSTEM_ERR']);
    expect(answers('pam_exec.so /usr/local/bin/check')).toEqual(['PAM_SUCCESS', 'PAM_SYSTEM_ERR']);
  });
});

describe('pam_unix', () => {
  const blank = { account: accountOf({ password: 'empty' }) };
  test('lets an account without a password in where the program accepts that, which of sshd has to be told', () => {
    expect(answers('pam_unix.so nullok', { ...blank, service: 'sudo' })).toEqual(['PAM_SUCCESS']);
    expect(answers('pam_unix.so nullok', { ...blank, emptyAllowed: false })).toEqual(['PAM_AUTH_ERR']);
    expect(answers('pam_unix.so nullok', { ...blank, emptyAllowed: true })).toEqual(['PAM_SUCCESS']);
    expect(answers('pam_unix.so nullok', blank)).toEqual(['PAM_SUCCESS', 'PAM_AUTH_ERR']);
    expect(answers('pam_unix.so', { ...blank, emptyAllowed: true })).toEqual(['PAM_AUTH_ERR']);
  });
  test('may let anybody in of whose password nothing is known', () => {
    const account = accountOf({ password: 'unknown' });
    expect(answers('pam_unix.so', { account, password: 'right' })).toContain('PAM_SUCCESS');
    expect(answers('pam_unix.so', { account, password: 'wrong' })).not.toContain('PAM_SUCCESS');
    expect(answers('pam_unix.so nullok', { account, password: 'wrong' })).toContain('PAM_SUCCESS');
  });
});

describe('pam_sss', () => {
  const directory = accountOf({ password: 'none' });
  test('verifies the password of a directory’s account, and knows no local one', () => {
    expect(answers('pam_sss.so', { account: directory })).toEqual(['PAM_SUCCESS']);
    expect(answers('pam_sss.so', { account: directory, password: 'wrong' })).toEqual(['PAM_AUTH_ERR']);
    expect(answers('pam_sss.so')).toEqual(['PAM_AUTHINFO_UNAVAIL', 'PAM_USER_UNKNOWN']);
    expect(answers('pam_sss.so ignore_unknown_user ignore_authinfo_unavail')).toEqual(['PAM_IGNORE']);
  });
  test('takes the password that pam_unix has asked for', () => {
    const files = {
      sshd: 'auth [success=1 default=ignore] pam_unix.so\nauth sufficient pam_sss.so use_first_pass\nauth required pam_permit.so\n',
      alone: 'auth sufficient pam_sss.so use_first_pass\nauth requisite pam_deny.so\n',
    };
    const host = { files, hasModule: () => true, duoConf: () => BROKEN, nologin: false };
    const attempt = { ...ATTEMPT, account: directory };
    expect(evaluatePam(host, attempt, 'authenticate')).toMatchObject({ result: 'PAM_SUCCESS', sure: true });
    expect(evaluatePam(host, { ...attempt, service: 'alone' }, 'authenticate')).toMatchObject({
      result: 'PAM_AUTH_ERR',
      sure: true,
    });
  });
});

describe('winbind, Kerberos and nslcd', () => {
  const lines = [
    'pam_winbind.so krb5_auth cached_login try_first_pass',
    'pam_krb5.so minimum_uid=1000 try_first_pass',
    'pam_ldap.so minimum_uid=1000',
  ];
  const passwords = ['set', 'locked', 'empty', 'none', 'unknown'] as const;
  test.each(lines)('%s lets nobody in with a wrong or an empty password', (line) => {
    for (const password of passwords) {
      const account = accountOf({ password });
      expect(answers(line, { account, password: 'wrong' })).not.toContain('PAM_SUCCESS');
      expect(answers(line, { account, password: 'empty' })).not.toContain('PAM_SUCCESS');
    }
    expect(answers(line, { account: null })).not.toContain('PAM_SUCCESS');
  });
  test.each(lines)('%s may know a local account, too', (line) => {
    const codes = answers(line, { account: accountOf({ password: 'locked' }) });
    expect(codes).toEqual(
      expect.arrayContaining(['PAM_SUCCESS', 'PAM_USER_UNKNOWN', 'PAM_AUTHINFO_UNAVAIL']),
    );
  });
  test('verify the password of an account that only a name service of theirs can have brought', () => {
    const directory = { account: accountOf({ password: 'none' }) };
    expect(answers('pam_winbind.so', directory)).toEqual(['PAM_SUCCESS']);
    expect(answers('pam_ldap.so', directory)).toEqual(['PAM_SUCCESS']);
    expect(answers('pam_krb5.so', directory).length).toBeGreaterThan(1);
  });
  test('leave out who is below minimum_uid, and do not ask them', () => {
    const low = { account: accountOf({ uid: 0 }), user: 'root' };
    expect(answers('pam_krb5.so minimum_uid=1000', low)).toEqual(['PAM_USER_UNKNOWN']);
    expect(answers('pam_krb5.so ignore_root', low)).toEqual(['PAM_USER_UNKNOWN']);
    expect(answers('pam_krb5.so minimum_uid=1000', low, { call: 'acct_mgmt' })).toEqual(['PAM_IGNORE']);
    expect(answers('pam_ldap.so minimum_uid=1000 ignore_unknown_user', low)).toEqual(['PAM_IGNORE']);
    const files = {
      sshd: 'auth [success=1 default=ignore] pam_krb5.so minimum_uid=1000\nauth requisite pam_unix.so use_first_pass\nauth required pam_permit.so\n',
    };
    const host = { files, hasModule: () => true, duoConf: () => BROKEN, nologin: false };
    expect(evaluatePam(host, { ...ATTEMPT, ...low }, 'authenticate').result).toBe('PAM_AUTH_ERR');
    expect(evaluatePam(host, ATTEMPT, 'authenticate')).toMatchObject({ result: 'PAM_SUCCESS', sure: true });
  });
  test('take an expired Kerberos password for success only where that is put off, password or not', () => {
    const wrong = { password: 'wrong' } as const;
    expect(answers('pam_krb5.so', wrong)).toContain('PAM_NEW_AUTHTOK_REQD');
    expect(answers('pam_krb5.so defer_pwchange', wrong)).toContain('PAM_SUCCESS');
  });
});

/** What pam-auth-update makes of libpam-krb5, libpam-winbind, libpam-sss, libpam-ldapd and libpam-cap on Debian 12. */
const ALL_DIRECTORIES = `auth [success=5 default=ignore] pam_krb5.so minimum_uid=1000
auth [success=4 default=ignore] pam_unix.so nullok try_first_pass
auth [success=3 default=ignore] pam_winbind.so krb5_auth krb5_ccache_type=FILE cached_login try_first_pass
auth [success=2 default=ignore] pam_sss.so use_first_pass
auth [success=1 default=ignore] pam_ldap.so minimum_uid=1000 use_first_pass
auth requisite pam_deny.so
auth required pam_permit.so
auth optional pam_cap.so
account [success=2 new_authtok_reqd=done default=ignore] pam_unix.so
account [success=1 new_authtok_reqd=done default=ignore] pam_winbind.so
account requisite pam_deny.so
account required pam_permit.so
account required pam_krb5.so minimum_uid=1000
account sufficient pam_localuser.so
account [default=bad success=ok user_unknown=ignore] pam_sss.so
account [success=ok new_authtok_reqd=done ignore=ignore user_unknown=ignore authinfo_unavail=ignore default=bad] pam_ldap.so minimum_uid=1000
`;

describe('a host that is joined to every directory', () => {
  const host = {
    files: { sshd: ALL_DIRECTORIES },
    hasModule: () => true,
    duoConf: () => BROKEN,
    nologin: false,
  };
  const asked = (attempt: Partial<PamAttempt>, call: PamCall = 'authenticate') =>
    evaluatePam(host, { ...ATTEMPT, emptyAllowed: false, ...attempt }, call);
  test('surely refuses a wrong password, whoever types it', () => {
    for (const password of ['set', 'locked', 'empty', 'none', 'unknown'] as const) {
      for (const uid of [0, 999, 1103]) {
        const account = accountOf({ password, uid });
        expect(asked({ account, password: 'wrong' })).toMatchObject({ result: 'PAM_AUTH_ERR', sure: true });
      }
    }
  });
  test('surely takes the right one of a local account', () => {
    expect(asked({})).toMatchObject({ result: 'PAM_SUCCESS', sure: true });
    expect(asked({}, 'setcred-alone')).toMatchObject({ result: 'PAM_SUCCESS', sure: true });
  });
});

test('a module that libpam cannot load is none, whatever its name', () => {
  expect(answers('pam_permit.so', {}, { hasModule: () => false })).toEqual(['PAM_MODULE_UNKNOWN']);
});
test('a module by a path is asked for by that path', () => {
  const asked: string[] = [];
  const hasModule = (module: string) => {
    asked.push(module);
    return null;
  };
  expect(answers('/opt/pam_permit.so', {}, { hasModule })).toEqual(['PAM_SUCCESS']);
  expect(new Set(asked)).toEqual(new Set(['/opt/pam_permit.so']));
});
test('an object’s own names are no modules that are known', () => {
  expect(answers('constructor.so').length).toBeGreaterThan(20);
});
