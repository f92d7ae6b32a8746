import { describe, expect, test } from 'vitest';
import { isManagedPam, managedPam, type ManagedPam } from '../../../src/auth/managed-pam.ts';

const HEADER = '# duo-fleet: ours\n';
const BLOCK = '# why\nauth requisite /usr/lib64/security/pam_duo.so\n@include common-auth\n';
const STOCK = `#%PAM-1.0
# Standard authentication.
@include common-auth
account    required     pam_nologin.so
account required pam_access.so
@include common-account
session optional pam_mkhomedir.so
`;
const DECLARED = `# duo-fleet: ours
#%PAM-1.0
# Standard authentication.
# duo-fleet: begin auth
# why
auth requisite /usr/lib64/security/pam_duo.so
@include common-auth
# duo-fleet: end auth
account    required     pam_nologin.so
account required pam_access.so
@include common-account
session optional pam_mkhomedir.so
`;

const manage = (live: string | null, kept: string | null = null): ManagedPam => {
  const managed = managedPam({ live, kept, header: HEADER, authBlock: BLOCK });
  if (managed === null) throw new Error('nothing to manage');
  return managed;
};
const problem = (live: string): string =>
  manage(live)
    .problems.map(({ line, message }) => `${line}: ${message}`)
    .join('\n');

describe('a managed PAM file', () => {
  test('is the administrator’s own with only the auth lines exchanged', () => {
    expect(manage(STOCK)).toEqual({ origin: 'live', base: STOCK, declared: DECLARED, problems: [] });
  });
  test('comes out the same from its kept base, whatever became of the live one', () => {
    for (const live of [
      DECLARED,
      DECLARED.replace('pam_access', 'pam_permit'),
      '# duo-fleet: begin auth\n',
      null,
    ]) {
      expect(manage(live, STOCK)).toMatchObject({ origin: 'kept', base: STOCK, declared: DECLARED });
    }
  });
  test('replaced by somebody’s own file, that file is the new base', () => {
    const other = STOCK.replace('pam_access', 'pam_time');
    expect(manage(other, STOCK)).toMatchObject({ origin: 'live', base: other });
  });
  test('without its kept base is derived from what is live', () => {
    expect(manage(DECLARED)).toMatchObject({
      origin: 'derived',
      base: STOCK,
      declared: DECLARED,
      problems: [],
    });
  });
  test.each([
    ['without its end', DECLARED.replace('# duo-fleet: end auth\n', '')],
    ['with two blocks', DECLARED + DECLARED],
  ])('%s and without its kept base is not guessed at', (_what, live) => {
    expect(manage(live)).toMatchObject({ declared: '', problems: [{ line: 1 }] });
  });
  test('is nothing where there is neither a file nor a base', () => {
    expect(managedPam({ live: null, kept: null, header: HEADER, authBlock: BLOCK })).toBeNull();
  });
  test('has our auth lines before all others where it had none', () => {
    expect(manage('# x\naccount required pam_unix.so\n').declared).toBe(
      `${HEADER}# x\n# duo-fleet: begin auth\n${BLOCK}# duo-fleet: end auth\naccount required pam_unix.so\n`,
    );
    expect(manage('# x').declared).toBe(
      `${HEADER}# x\n# duo-fleet: begin auth\n${BLOCK}# duo-fleet: end auth\n`,
    );
  });
  test('an older Duo set-up gives way whole, continued lines included', () => {
    const old = `auth    [success=2 default=ignore]  pam_succeed_if.so user = pbr_admin quiet
auth    requisite  \\
        /usr/lib64/security/pam_duo.so
auth    [success=done default=die]  pam_permit.so
-auth   required   pam_unix.so try_first_pass nullok_secure
account required   pam_nologin.so
@include common-account
`;
    expect(manage(old).declared).toBe(
      `${HEADER}# duo-fleet: begin auth\n${BLOCK}# duo-fleet: end auth\naccount required   pam_nologin.so\n@include common-account\n`,
    );
  });
  test.each([
    ['a lock-out counter', 'auth required pam_faillock.so preauth\n', /^1: uses pam_faillock\.so for auth/],
    ['another second factor', 'auth required pam_google_authenticator.so\n', /pam_google_authenticator/],
    ['an access rule', '# x\nauth required pam_access.so\n', /^2: uses pam_access/],
    ['a rule by group', 'auth required pam_succeed_if.so user ingroup ssh\n', /keeps people out/],
    [
      'a rule by group that dies',
      'auth [success=1 default=die] pam_succeed_if.so user ingroup ssh\n',
      /keeps people out/,
    ],
    ['an include of a site’s own file', '@include site-auth\n', /includes site-auth/],
    ['a substack of a site’s own file', 'auth substack site-auth\n', /includes site-auth/],
    ['nologin for auth alone', 'auth requisite pam_nologin.so\n', /nologin/],
    ['the outdated module in account', 'account required pam_duo.so\n', /names pam_duo\.so for account/],
    ['a line that libpam fails on', 'auht required pam_unix.so\n', /no module type/],
    ['line ends of Windows', '@include common-auth\r\n', /carriage return/],
  ])('%s stands in the way, with its line', (_what, live, words) => {
    expect(problem(live)).toMatch(words);
    expect(manage(live).declared).toBe('');
  });
  test.each([
    ['account pam_nologin beside it', 'auth requisite pam_nologin.so\naccount required pam_nologin.so\n'],
    ['auth include of common-auth', 'auth include common-auth\n'],
    ['a foreign include for session alone', '@include common-auth\nsession include site-session\n'],
    [
      'Duo’s own module in session, which does nothing',
      '@include common-auth\nsession required /lib64/security/pam_duo.so\n',
    ],
  ])('%s does not', (_what, live) => {
    expect(problem(live)).toBe('');
  });
  test('is known by any line of ours', () => {
    expect([isManagedPam(DECLARED), isManagedPam('# duo-fleet: end auth'), isManagedPam(STOCK)]).toEqual([
      true,
      true,
      false,
    ]);
  });
});
