import { describe, expect, test } from 'vitest';
import { evaluatePam } from '../../../src/auth/pam-evaluate.ts';
import type { PamAttempt, PamCall, PamFolder, PamHost } from '../../../src/auth/pam-situation.ts';

const ATTEMPT: PamAttempt = {
  service: 'svc',
  user: 'alice',
  account: null,
  password: 'none',
  duo: 'deny',
  authInfo: '',
  rhost: '',
};

const hostOf = (files: PamFolder): PamHost => ({
  files,
  hasModule: (module) => (module === 'pam_foreign.so' ? null : module !== 'pam_nosuch.so'),
  duoConf: () => ({ kind: 'broken', failmode: 'secure', line: 0, reason: 'not asked here' }),
  nologin: false,
});

const verdict = (files: PamFolder | string, call: PamCall = 'authenticate', service = 'svc') =>
  evaluatePam(hostOf(typeof files === 'string' ? { svc: files } : files), { ...ATTEMPT, service }, call);

const result = (files: PamFolder | string, call?: PamCall, service?: string) => {
  const { result, sure } = verdict(files, call, service);
  return sure ? result : `perhaps ${result}`;
};

const says = (code: string): string => `pam_debug.so auth=${code}`;

describe('one stack', () => {
  test.each([
    ['nothing but ignore', 'auth required pam_warn.so', 'PAM_PERM_DENIED'],
    [
      'the first failure counts',
      `auth required ${says('maxtries')}\nauth required ${says('auth_err')}`,
      'PAM_MAXTRIES',
    ],
    [
      'a failure before sufficient',
      `auth required ${says('auth_err')}\nauth sufficient pam_permit.so`,
      'PAM_AUTH_ERR',
    ],
    ['sufficient ends it', `auth sufficient pam_permit.so\nauth required pam_deny.so`, 'PAM_SUCCESS'],
    ['a missing module', 'auth required pam_nosuch.so', 'PAM_MODULE_UNKNOWN'],
    ['a missing module that need not log', '-auth required pam_nosuch.so', 'PAM_MODULE_UNKNOWN'],
    ['a missing sufficient one', 'auth sufficient pam_nosuch.so\nauth required pam_permit.so', 'PAM_SUCCESS'],
    ['a module of sessions', 'auth required pam_limits.so', 'PAM_MODULE_UNKNOWN'],
    ['a jump past the end', 'auth [success=1] pam_permit.so', 'PAM_PERM_DENIED'],
    ['a jump to the end', 'auth [success=1] pam_permit.so\nauth required pam_permit.so', 'PAM_PERM_DENIED'],
    [
      'a jump over a denial',
      'auth [success=1] pam_permit.so\nauth required pam_deny.so\nauth required pam_permit.so',
      'PAM_SUCCESS',
    ],
    [
      'reset forgets',
      `auth required ${says('auth_err')}\nauth [default=reset] ${says('auth_err')}\nauth required pam_permit.so`,
      'PAM_SUCCESS',
    ],
    ['success that is bad', 'auth [success=bad] pam_permit.so', 'PAM_PERM_DENIED'],
    [
      'a failure that is ok',
      `auth [default=ok] ${says('auth_err')}\nauth required pam_permit.so`,
      'PAM_AUTH_ERR',
    ],
    ['a line that is none', 'auth optional pam_permit.so\natuh required pam_permit.so', 'PAM_PERM_DENIED'],
    [
      'a module that waits',
      `auth required ${says('incomplete')}\nauth required pam_deny.so`,
      'PAM_INCOMPLETE',
    ],
    ['a module without a name', 'auth required pam_permit.so\nsession required .so', 'PAM_ABORT'],
    ['an include without a name', 'auth required pam_permit.so\nauth include', 'PAM_ABORT'],
    ['a file that ends after a backslash', 'auth required pam_permit.so\nauth \\', 'PAM_ABORT'],
  ])('%s', (_what, text, code) => {
    expect(result(text)).toBe(code);
  });
});

describe('files that others include', () => {
  const inner = 'auth sufficient pam_permit.so\nauth required pam_deny.so\n';
  test('done in an included file ends the stack, in a substack only that', () => {
    expect(result({ svc: 'auth include inner\nauth required pam_deny.so\n', inner })).toBe('PAM_SUCCESS');
    expect(result({ svc: '@include inner\nauth required pam_deny.so\n', inner })).toBe('PAM_SUCCESS');
    expect(result({ svc: 'auth substack inner\nauth required pam_deny.so\n', inner })).toBe('PAM_AUTH_ERR');
  });
  test('a substack is one line for a jump over it, and its own jumps stay inside', () => {
    const jump = 'auth [success=1] pam_permit.so\nauth substack deny\nauth required pam_permit.so\n';
    expect(result({ svc: jump, deny: 'auth required pam_deny.so\nauth required pam_deny.so\n' })).toBe(
      'PAM_SUCCESS',
    );
    const inside = 'auth substack jump\nauth required pam_deny.so\nauth required pam_permit.so\n';
    expect(result({ svc: inside, jump: 'auth [success=1] pam_permit.so\n' })).toBe('PAM_PERM_DENIED');
  });
  test('reset in a substack goes back to what was before it', () => {
    const svc = 'auth required pam_permit.so\nauth substack inner\n';
    expect(
      result({ svc, inner: `auth required pam_deny.so\nauth [default=reset] ${says('auth_err')}\n` }),
    ).toBe('PAM_SUCCESS');
  });
  test('a missing one fails, and where @include names it nothing of the service works', () => {
    expect(result('auth required pam_permit.so\nauth include gone')).toBe('PAM_PERM_DENIED');
    expect(result('auth required pam_permit.so\n@include gone')).toBe('PAM_ABORT');
    expect(result('account required pam_permit.so\n@include gone', 'acct_mgmt')).toBe('PAM_ABORT');
  });
  test('@include of a missing file within an included one is not foreseeable', () => {
    expect(
      result({ svc: 'auth include inner\n', inner: 'auth required pam_permit.so\n@include gone\n' }),
    ).toBe('perhaps PAM_SUCCESS');
  });
  test('a file outside of the folder is not known', () => {
    expect(result('auth include /opt/pam/common\n')).toBe('perhaps PAM_SUCCESS');
    expect(result({ svc: 'auth include /etc/pam.d/inner\n', inner })).toBe('PAM_SUCCESS');
  });
  test.each([['include'], ['substack'], ['@include']])(
    'files that %s each other let nobody in for sure',
    (word) => {
      const line = word === '@include' ? word : `auth ${word}`;
      const files = { svc: `${line} inner\n`, inner: `auth required pam_permit.so\n${line} svc\n` };
      expect(result(files)).toMatch(/^PAM_(?:PERM_DENIED|ABORT)$|^perhaps PAM_(?:PERM_DENIED|ABORT)$/);
    },
  );
});

test('a file that includes itself many times over is soon given up', () => {
  for (const word of ['auth include', 'auth substack', '@include']) {
    expect(result(`auth sufficient pam_debug.so auth=auth_err\n${`${word} svc\n`.repeat(9)}`)).toMatch(
      /^(?:perhaps )?PAM_/,
    );
  }
});

describe('the service other', () => {
  const other = 'auth required pam_deny.so\naccount required pam_permit.so\n';
  test('stands in for a service without a file, and for each type that a file has no line of', () => {
    expect(result({ other })).toBe('PAM_AUTH_ERR');
    expect(result({ other, svc: 'auth required pam_permit.so\n' }, 'authenticate')).toBe('PAM_SUCCESS');
    expect(result({ other, svc: 'auth required pam_permit.so\n' }, 'acct_mgmt')).toBe('PAM_SUCCESS');
    expect(result({ other, svc: 'account required pam_deny.so\n' })).toBe('PAM_AUTH_ERR');
  });
  test('asked for by its own name it is run through twice', () => {
    // Over the second line and over the first line's own second turn.
    const once = 'auth [success=2] pam_permit.so\nauth required pam_permit.so\n';
    expect(result({ other: once }, 'authenticate', 'other')).toBe('PAM_SUCCESS');
    expect(result({ svc: once })).toBe('PAM_PERM_DENIED');
  });
  test('without it, and without a file, libpam does not start', () => {
    expect(result({})).toBe('PAM_ABORT');
    expect(result('account required pam_permit.so\n')).toBe('PAM_PERM_DENIED');
  });
  test('names are looked for in lower case, and without a path', () => {
    expect(result('auth required pam_permit.so\n', 'authenticate', 'x/SVC')).toBe('PAM_SUCCESS');
  });
});

const jump = (cred: string): string =>
  `auth [success=1 default=ignore] pam_debug.so cred=${cred}\nauth requisite pam_deny.so\nauth required pam_permit.so\n`;

describe('setcred', () => {
  test('goes the way that authenticate took, a jump not counting itself', () => {
    expect(result(jump('success'), 'setcred')).toBe('PAM_SUCCESS');
    expect(result(jump('cred_err'), 'setcred')).toBe('PAM_SUCCESS');
  });
  test('without an authenticate before it goes its own way', () => {
    expect(result(jump('success'), 'setcred-alone')).toBe('PAM_SUCCESS');
    expect(result(jump('cred_err'), 'setcred-alone')).toBe('PAM_CRED_ERR');
  });
  test('fails on a line that authenticate had success from', () => {
    expect(result('auth required pam_debug.so cred=cred_err\n', 'setcred')).toBe('PAM_CRED_ERR');
  });
  test('is refused after an authenticate that waits', () => {
    expect(result(`auth required ${says('incomplete')}\n`, 'setcred')).toBe('PAM_ABORT');
  });
});

describe('modules that are not known', () => {
  test('make a verdict unsure only where their answer counts', () => {
    expect(result('auth required pam_foreign.so')).toBe('perhaps PAM_SUCCESS');
    expect(result('auth requisite pam_deny.so\nauth sufficient pam_foreign.so')).toBe('PAM_AUTH_ERR');
    expect(result('auth [default=ignore] pam_foreign.so\nauth required pam_permit.so')).toBe('PAM_SUCCESS');
  });
  test('every end that is possible is told', () => {
    const { possible } = verdict('auth sufficient pam_foreign.so\nauth required pam_deny.so');
    expect(possible).toEqual(['PAM_SUCCESS', 'PAM_NEW_AUTHTOK_REQD', 'PAM_AUTH_ERR']);
  });
  test('many of them are no matter of time, and never sure', () => {
    const many = 'auth [success=2 default=ignore auth_err=1 new_authtok_reqd=ok] pam_foreign.so\n'.repeat(
      300,
    );
    for (const call of ['authenticate', 'setcred'] as const)
      expect(verdict(many, call)).toMatchObject({ sure: false });
  });
});

describe('steps', () => {
  test('tell each line, also those that were not run', () => {
    const files = {
      svc: 'auth [success=1\tdefault=ignore] \\\n pam_permit.so # why\nauth substack inner\nauth required pam_permit.so\n',
      inner: 'auth required pam_deny.so\n',
    };
    expect(verdict(files).steps).toEqual([
      {
        file: 'svc',
        line: 1,
        text: 'auth [success=1 default=ignore] pam_permit.so',
        depth: 0,
        answer: { kind: 'returns', code: 'PAM_SUCCESS', why: 'it always permits' },
        action: 'jump 1',
      },
      { file: 'svc', line: 3, text: 'auth substack inner', depth: 0, answer: null, action: '' },
      { file: 'inner', line: 1, text: 'auth required pam_deny.so', depth: 1, answer: null, action: '' },
      {
        file: 'svc',
        line: 4,
        text: 'auth required pam_permit.so',
        depth: 0,
        answer: { kind: 'returns', code: 'PAM_SUCCESS', why: 'it always permits' },
        action: 'ok',
      },
    ]);
  });
  test('say why where libpam does not even start', () => {
    expect(verdict('@include gone\n').steps).toMatchObject([
      { file: 'svc', line: 1, answer: { code: 'PAM_ABORT', why: expect.stringContaining('gone') } },
    ]);
  });
});
