import { describe, expect, test } from 'vitest';
import type { PamRule } from '../../../src/auth/pam-file.ts';
import { planHost } from '../../../src/steps/plan-host.ts';
import {
  exampleFacts,
  exampleSettings,
  exampleTools,
  STOCK_COMMON_AUTH,
} from '../../support/example-host.ts';
import { mayLogIn, maySudo, PERSONAS, situations, type Situation } from '../../support/pam-personas.ts';
import { authRules, walkAuth, type ModuleAnswer } from '../../support/pam-walk.ts';

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

const stackOf = (path: string, breakGlass = true, commonAuth = STOCK_COMMON_AUTH): readonly PamRule[] => {
  const change = planHost(exampleFacts(), settingsOf(breakGlass), exampleTools()).changes.find(
    ({ target }) => target === path,
  );
  if (change?.kind !== 'file') throw new Error(`no change of ${path}`);
  return authRules(new TextDecoder().decode(change.content), { ...NO_AUTH, 'common-auth': commonAuth });
};

/** The modules as they are documented to answer; pam_succeed_if's conditions must all hold. */
const answersIn =
  (situation: Situation) =>
  (name: string, rule: PamRule): ModuleAnswer => {
    const user = PERSONAS[situation.persona];
    switch (name) {
      case 'pam_succeed_if.so': {
        const [, ...words] = rule.args;
        const holds = [];
        for (let at = 0; at + 2 < words.length; at += 3) {
          const [, operator, value] = words.slice(at, at + 3);
          holds.push(operator === '=' ? user === value : user !== value);
        }
        return holds.every(Boolean) ? 'success' : 'error';
      }
      case 'pam_exec.so':
        return situation.shown.startsWith('publickey ') ? 'success' : 'error';
      case 'pam_duo.so':
        return situation.duo;
      case 'pam_unix.so':
        return situation.password;
      case 'pam_deny.so':
        return 'error';
      default:
        return 'success';
    }
  };

describe('the PAM stack of sshd', () => {
  test.each([
    ['with a break-glass account', true],
    ['without one', false],
  ])('%s lets in exactly whom it should', (_what, breakGlass) => {
    for (const situation of situations()) {
      const walk = walkAuth(stackOf('/etc/pam.d/sshd', breakGlass), answersIn(situation));
      expect({ ...situation, in: walk.result === 'success' }).toEqual({
        ...situation,
        in: mayLogIn(situation),
      });
    }
  });
  test('neither asks a member for a password, nor anybody else for Duo', () => {
    for (const situation of situations()) {
      const { called } = walkAuth(stackOf('/etc/pam.d/sshd'), answersIn(situation));
      const member = situation.persona === 'accessMember' || situation.persona === 'sudoMember';
      expect(called.includes('pam_unix.so')).toBe(!member);
      if (!member) expect(called).not.toContain('pam_duo.so');
    }
  });
  test('lets nobody in whose Duo module cannot be loaded', () => {
    const walk = walkAuth(stackOf('/etc/pam.d/sshd'), (name, rule) =>
      name === 'pam_duo.so'
        ? 'error'
        : answersIn({ persona: 'accessMember', duo: 'success', password: 'success', shown: 'publickey x' })(
            name,
            rule,
          ),
    );
    expect(walk.result).toBe('error');
  });
  test('refuses everybody whose jump would end past an empty common-auth', () => {
    const stack = stackOf('/etc/pam.d/sshd', true, '# nothing\n');
    for (const persona of ['local', 'breakGlass'] as const) {
      const situation = { persona, duo: 'success', password: 'success', shown: '' } as const;
      expect(walkAuth(stack, answersIn(situation)).result).toBe('error');
    }
  });
});

describe('the PAM stacks of sudo', () => {
  test.each(['/etc/pam.d/sudo', '/etc/pam.d/sudo-i'])('%s lets pass exactly whom it should', (path) => {
    for (const situation of situations()) {
      const walk = walkAuth(stackOf(path), answersIn(situation));
      expect({ ...situation, in: walk.result === 'success' }).toEqual({
        ...situation,
        in: maySudo(situation),
      });
    }
  });
});
