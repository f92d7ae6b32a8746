// Our models of single modules against the real ones of this machine, over accounts made for it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { evaluatePam } from '../../src/auth/pam-evaluate.ts';
import type { PamAttempt, PamCall, PamHost } from '../../src/auth/pam-situation.ts';
import type { AccountFacts } from '../../src/core/facts.ts';
import { askLibpam, canAskLibpam, type LibpamQuestion } from '../support/ask-libpam.ts';

/** crypt(5) of the word "right". */
const HASH =
  '$6$abcdefgh$vR/yd6VXABFTBRyOupJyJyD09twBc54Fjx1W8tzKdqxOfohxeZRb508btnHrxVQLY86b/u4pA/7OgxagBH8130';

const account = (over: Partial<AccountFacts>): AccountFacts => ({
  uid: 1001,
  home: '/home/somebody',
  shell: '/bin/sh',
  groups: ['users'],
  password: 'set',
  expired: false,
  authorizedKeys: 0,
  keyLoginDaysAgo: null,
  sudo: { kind: 'unknown' },
  ...over,
});

/** An account that has no entry in shadow is known to have none, and what that means depends on more. */
const ACCOUNTS: Readonly<Record<string, AccountFacts | null>> = {
  root: account({ uid: 0, home: '/root', groups: ['root'] }),
  alice: account({ groups: ['users', 'staff', 'duo-ssh'] }),
  locked: account({ uid: 1002, password: 'locked', shell: '/usr/sbin/nologin' }),
  blank: account({ uid: 1003, password: 'empty' }),
  gone: account({ uid: 1004, expired: true }),
  elsewhere: account({ uid: 1005, password: 'none' }),
  nobodyknows: null,
};

const HASHES = { set: HASH, locked: `!${HASH}`, empty: '', none: null, unknown: null } as const;

const accountFiles = (): Readonly<Record<string, string>> => {
  const passwd: string[] = [];
  const shadow: string[] = [];
  const members = new Map<string, string[]>([
    ['root', []],
    ['users', []],
  ]);
  for (const [name, one] of Object.entries(ACCOUNTS)) {
    if (one === null) continue;
    const gid = one.groups[0] === 'root' ? 0 : 100;
    passwd.push(`${name}:x:${one.uid}:${gid}::${one.home}:${one.shell}`);
    const hash = HASHES[one.password];
    if (hash !== null) shadow.push(`${name}:${hash}:19000:0:99999:7::${one.expired ? '1' : ''}:`);
    for (const group of one.groups.slice(1)) members.set(group, [...(members.get(group) ?? []), name]);
  }
  const gids: Readonly<Record<string, number>> = { root: 0, users: 100 };
  const groups = [...members].map(([name, of], at) => `${name}:x:${gids[name] ?? 2000 + at}:${of.join(',')}`);
  return {
    passwd: `${passwd.join('\n')}\n`,
    shadow: `${shadow.join('\n')}\n`,
    group: `${groups.join('\n')}\n`,
  };
};

const folder = canAskLibpam() ? mkdtempSync(join(tmpdir(), 'pam-accounts-')) : '';
afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

const prepare = `for file in passwd shadow group; do mount --bind "$PAM_ACCOUNTS/$file" "/etc/$file"; done
mount -t tmpfs none /run
[ -z "$PAM_NOLOGIN" ] || : >/run/nologin`;

const CALLS: readonly PamCall[] = ['authenticate', 'setcred', 'setcred-alone', 'acct_mgmt'];
const PASSWORDS = ['right', 'wrong', 'empty', 'none'] as const;
const TYPED = { right: 'right', wrong: 'wrong', empty: '', none: null } as const;

interface Case {
  readonly line: string;
  readonly user: string;
  readonly password: PamAttempt['password'];
}

/** Answers of the model and of libpam that do not go together, as text; and the share that the model was sure of. */
const compare = async (
  cases: readonly Case[],
  nologin = false,
): Promise<{ readonly disagreements: readonly string[]; readonly sure: number }> => {
  for (const [name, text] of Object.entries(accountFiles())) {
    writeFileSync(join(folder, name), text, { mode: name === 'shadow' ? 0o600 : 0o644 });
  }
  const questions = cases.map(({ line, user, password }): LibpamQuestion => ({
    files: filesOf(line),
    service: 'svc',
    user,
    password: TYPED[password],
  }));
  const said = await askLibpam(questions, {
    prepare,
    env: { PAM_ACCOUNTS: folder, PAM_NOLOGIN: nologin ? 'yes' : '' },
  });
  let sure = 0;
  const disagreements = cases.flatMap((one, at) =>
    CALLS.flatMap((call) => {
      const { possible } = evaluatePam(hostOf(one.line, nologin), attemptOf(one), call);
      const libpam = said[at]?.[call];
      if (possible.length === 1) sure += 1;
      const agrees = libpam !== undefined && possible.includes(libpam);
      return agrees
        ? []
        : [`${one.line} | ${one.user}, ${one.password} | ${call}: ${libpam}, not ${possible.join()}`];
    }),
  );
  return { disagreements, sure: sure / (cases.length * CALLS.length) };
};

/** Every answer of the module becomes the stack's. */
const filesOf = (line: string) => ({
  svc: `auth [default=ok] ${line}\naccount [default=ok] ${line}\n`,
});

const hostOf = (line: string, nologin: boolean): PamHost => ({
  files: filesOf(line),
  hasModule: () => true,
  duoConf: () => ({ kind: 'broken', failmode: 'secure', line: 0, reason: 'not asked here' }),
  nologin,
});

const attemptOf = ({ user, password }: Case): PamAttempt => ({
  service: 'svc',
  user,
  account: ACCOUNTS[user] ?? null,
  password,
  duo: 'deny',
  authInfo: '',
  rhost: '',
});

const forAll = (lines: readonly string[], passwords: readonly PamAttempt['password'][] = ['none']) =>
  lines.flatMap((line) =>
    Object.keys(ACCOUNTS).flatMap((user) => passwords.map((password) => ({ line, user, password }))),
  );

const CONDITIONS = [
  ...['=', '!=', 'in', 'notin', '=~', '!~', 'glob', 'noglob', 'IN'].flatMap((operator) =>
    ['alice', 'root:alice', 'ali', 'a*', '*', 'a?ic?', ':'].map((right) => `user ${operator} ${right}`),
  ),
  ...['<', 'lt', '<=', 'le', '>', 'gt', '>=', 'ge', 'eq', 'ne'].flatMap((operator) =>
    ['1001', '0', '0x3e9', '01751', '-1', '+1001', '1e3', '99999999999999999999'].map(
      (right) => `uid ${operator} ${right}`,
    ),
  ),
  ...['ingroup', 'notingroup'].flatMap((operator) =>
    ['users', 'staff', 'root', 'nosuch', 'nosuch:duo-ssh', 'staff:', ':'].map(
      (right) => `user ${operator} ${right}`,
    ),
  ),
  'shell = /bin/sh',
  'SHELL =~ */nologin',
  'home = /root',
  'dir != /root',
  'homedir in /root:/home/somebody',
  'gid eq 100',
  'service = svc',
  'service in sshd:svc',
  'rhost = x',
  'tty = ssh',
  'ruser ingroup users',
  'nonsense = x',
  'user near alice',
  'user =',
  'user',
  '',
  'uid eq',
  'user eq alice',
  'user = alice uid = 1001 user ingroup staff',
  'user != alice user ingroup nosuch',
  'user = root user =',
  'quiet user = alice',
  'quiet_fail debug audit user notingroup staff',
  'use_uid user = root',
];

describe.skipIf(!canAskLibpam())('modules answer as the model says', () => {
  test('pam_unix, by password, account and arguments', async () => {
    const lines = [
      '',
      'nullok',
      'nullok_secure',
      'use_first_pass',
      'try_first_pass',
      'likeauth nullok',
      'broken_shadow',
    ];
    const { disagreements, sure } = await compare(
      forAll(
        lines.map((args) => `pam_unix.so nodelay ${args}`),
        PASSWORDS,
      ),
    );
    expect(disagreements).toEqual([]);
    expect(sure).toBeGreaterThan(0.9);
  });
  test('pam_succeed_if, by its conditions', async () => {
    const { disagreements, sure } = await compare(
      forAll(CONDITIONS.map((one) => `pam_succeed_if.so ${one}`)),
    );
    expect(disagreements).toEqual([]);
    expect(sure).toBeGreaterThan(0.9);
  });
  test.each([
    ['with', true],
    ['without', false],
  ])('pam_nologin %s its file', async (_word, nologin) => {
    const lines = ['pam_nologin.so', 'pam_nologin.so successok', 'pam_nologin.so file=/nowhere'];
    expect(await compare(forAll(lines), nologin)).toMatchObject({ disagreements: [] });
  });
  test('those that need to know nothing, and those of which some answers are certain', async () => {
    const lines = [
      'pam_permit.so',
      'pam_deny.so',
      'pam_warn.so',
      'pam_faildelay.so delay=1',
      'pam_faildelay.so',
      'pam_localuser.so',
      'pam_securetty.so',
      'pam_shells.so',
      'pam_rootok.so',
      'pam_wheel.so',
      'pam_env.so',
      'pam_group.so',
      'pam_keyinit.so',
      'pam_mail.so',
      'pam_limits.so',
      'pam_mkhomedir.so',
      'pam_motd.so',
      'pam_umask.so',
      'pam_loginuid.so',
      'pam_systemd.so',
      'pam_cap.so',
      'pam_access.so',
      'pam_time.so',
      'pam_usertype.so isregular',
      'pam_listfile.so item=user sense=deny file=/nowhere onerr=succeed',
      'pam_faillock.so preauth dir=/run/faillock-preauth',
      'pam_faillock.so authfail dir=/run/faillock-authfail',
      'pam_faillock.so authsucc dir=/run/faillock-authsucc',
      'pam_exec.so',
      'pam_exec.so type=session /bin/false',
      'pam_exec.so quiet /bin/true',
      'pam_exec.so quiet /bin/sh -c [case "$SSH_AUTH_INFO_0" in "publickey "*) exit 0 ;; esac; exit 1]',
    ];
    expect(await compare(forAll(lines))).toMatchObject({ disagreements: [] });
  });
});
