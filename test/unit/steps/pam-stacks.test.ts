import { describe, expect, test } from 'vitest';
import { readDuoConf } from '../../../src/auth/duo-conf.ts';
import { evaluatePam } from '../../../src/auth/pam-evaluate.ts';
import { moduleName } from '../../../src/auth/pam-file.ts';
import type { PamFolder } from '../../../src/auth/pam-situation.ts';
import { planHost } from '../../../src/steps/plan-host.ts';
import {
  accountOf,
  exampleFacts,
  exampleSettings,
  exampleTools,
  STOCK_COMMON_AUTH,
} from '../../support/example-host.ts';
import { mayLogIn, maySudo, PERSONAS, situations, type Situation } from '../../support/pam-personas.ts';

/** What else the service files include has no auth lines. */
const NO_AUTH = {
  'common-account': '',
  'common-password': '',
  'common-session': '',
  'common-session-noninteractive': '',
};

const settingsOf = (breakGlass: boolean) =>
  exampleSettings({
    serverAccessGroup: PERSONAS.accessMember,
    sudoGroup: PERSONAS.sudoMember,
    breakGlass: breakGlass ? { user: PERSONAS.breakGlass, allowedSources: [], password: null } : null,
  });

const filesOf = (path: string, breakGlass = true, commonAuth = STOCK_COMMON_AUTH): PamFolder => {
  const change = planHost(exampleFacts(), settingsOf(breakGlass), exampleTools()).changes.find(
    ({ target }) => target === path,
  );
  if (change?.kind !== 'file') throw new Error(`no change of ${path}`);
  return { ...NO_AUTH, 'common-auth': commonAuth, service: new TextDecoder().decode(change.content) };
};

const DUO_CONF = 'failmode = secure\nikey = i\nskey = s\nhost = api.example.com\n';

/** Whether libpam lets in, and the modules that it asks on the way. */
const walk = (files: PamFolder, situation: Situation, missing?: string) => {
  const user = PERSONAS[situation.persona];
  const { result, sure, steps } = evaluatePam(
    {
      files,
      hasModule: (module) => moduleName(module) !== missing,
      duoConf: () => readDuoConf({ bytes: DUO_CONF, mode: 0o600, kind: 'pam' }),
      nologin: false,
    },
    {
      service: 'service',
      user,
      account: accountOf({ uid: 1000, groups: [user], password: 'set' }),
      password: situation.password === 'success' ? 'right' : 'wrong',
      duo: situation.duo === 'success' ? 'allow' : 'deny',
      authInfo: situation.shown,
      rhost: '',
    },
    'authenticate',
  );
  if (!sure) throw new Error('the stack has a module that is not known');
  const called = steps.flatMap(({ answer, text }) =>
    answer === null
      ? []
      : text
          .split(' ')
          .map(moduleName)
          .filter((word) => word.endsWith('.so')),
  );
  return { isIn: result === 'PAM_SUCCESS', called };
};

describe('the PAM stack of sshd', () => {
  test.each([
    ['with a break-glass account', true],
    ['without one', false],
  ])('%s lets in exactly whom it should', (_what, breakGlass) => {
    const files = filesOf('/etc/pam.d/sshd', breakGlass);
    for (const situation of situations()) {
      expect({ ...situation, in: walk(files, situation).isIn }).toEqual({
        ...situation,
        in: mayLogIn(situation),
      });
    }
  });
  test('neither asks a member for a password, nor anybody else for Duo', () => {
    const files = filesOf('/etc/pam.d/sshd');
    for (const situation of situations()) {
      const { called } = walk(files, situation);
      const member = situation.persona === 'accessMember' || situation.persona === 'sudoMember';
      expect(called.includes('pam_unix.so')).toBe(!member);
      if (!member) expect(called).not.toContain('pam_duo.so');
    }
  });
  test('lets nobody in whose Duo module cannot be loaded', () => {
    const situation = {
      persona: 'accessMember',
      duo: 'success',
      password: 'success',
      shown: 'publickey x',
    } as const;
    const files = filesOf('/etc/pam.d/sshd');
    expect(walk(files, situation).isIn).toBe(true);
    expect(walk(files, situation, 'pam_duo.so').isIn).toBe(false);
  });
  test('refuses everybody whose jump would end past an empty common-auth', () => {
    const files = filesOf('/etc/pam.d/sshd', true, '# nothing\n');
    for (const persona of ['local', 'breakGlass'] as const) {
      expect(walk(files, { persona, duo: 'success', password: 'success', shown: '' }).isIn).toBe(false);
    }
  });
});

describe('the PAM stacks of sudo', () => {
  test.each(['/etc/pam.d/sudo', '/etc/pam.d/sudo-i'])('%s lets pass exactly whom it should', (path) => {
    const files = filesOf(path);
    for (const situation of situations()) {
      expect({ ...situation, in: walk(files, situation).isIn }).toEqual({
        ...situation,
        in: maySudo(situation),
      });
    }
  });
});
