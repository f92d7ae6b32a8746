// Our PAM stacks in the real libpam of this machine, pam_duo and the password played by pam_debug.
import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { planHost } from '../../src/steps/plan-host.ts';
import { exampleFacts, exampleSettings, exampleTools } from '../support/example-host.ts';
import { mayLogIn, maySudo, PERSONAS, situations, type Situation } from '../support/pam-personas.ts';

const MODULE = '/usr/lib64/security/pam_duo.so';
const SERVICE = `duo-fleet-scratch-${process.pid}`;
const services = new Set<string>();

const canRun = process.getuid?.() === 0 && spawnSync('sh', ['-c', 'command -v pamtester']).status === 0;

const contentOf = (path: string): string => {
  const settings = exampleSettings({
    serverAccessGroup: PERSONAS.accessMember,
    sudoGroup: PERSONAS.sudoMember,
    breakGlass: { user: PERSONAS.breakGlass, allowedSources: [], password: null },
  });
  const change = planHost(exampleFacts(), settings, exampleTools()).changes.find(
    ({ target }) => target === path,
  );
  if (change?.kind !== 'file') throw new Error(`no change of ${path}`);
  return new TextDecoder().decode(change.content);
};

const write = (name: string, text: string): void => {
  services.add(name);
  writeFileSync(`/etc/pam.d/${name}`, text);
};

const debug = (answer: string): string =>
  `pam_debug.so auth=${answer === 'success' ? 'success' : 'auth_err'}`;

/** Whether libpam lets pass, and takes the credentials after it: setcred follows the same jumps. */
const passes = (stack: string, { persona, duo, password, shown }: Situation): boolean => {
  write(
    `${SERVICE}-auth`,
    `auth [success=1 default=ignore] ${debug(password)}\nauth requisite pam_deny.so\nauth required pam_permit.so\n`,
  );
  write(
    SERVICE,
    stack.replace(MODULE, debug(duo)).replace('@include common-auth', `@include ${SERVICE}-auth`),
  );
  const args = ['-E', `SSH_AUTH_INFO_0=${shown}`, SERVICE, PERSONAS[persona], 'authenticate', 'setcred'];
  return spawnSync('pamtester', args).status === 0;
};

afterAll(() => {
  for (const name of services) rmSync(`/etc/pam.d/${name}`, { force: true });
});

describe.skipIf(!canRun)('in the real libpam', () => {
  test('each persona’s account is in the group of its name alone', () => {
    for (const name of Object.values(PERSONAS)) {
      expect(execFileSync('id', ['-Gn', name], { encoding: 'utf8' }).trim()).toBe(name);
    }
  });
  test.each([
    ['sshd', mayLogIn],
    ['sudo', maySudo],
    ['sudo-i', maySudo],
  ])('the stack of %s lets pass exactly whom it should, credentials included', (service, may) => {
    const stack = contentOf(`/etc/pam.d/${service}`);
    for (const situation of situations()) {
      expect({ ...situation, in: passes(stack, situation) }).toEqual({ ...situation, in: may(situation) });
    }
  });
});
