import { describe, expect, test } from 'vitest';
import { shutOutBy } from '../../../src/auth/sshd-allow.ts';
import { accountOf } from '../../support/example-host.ts';

const bg = accountOf({ groups: ['breakglass', 'sudo'] });

describe('whether sshd takes an account', () => {
  test.each([
    [{ allowusers: ['alice', 'bob'] }, 'allowusers'],
    [{ allowusers: ['break'] }, 'allowusers'],
    [{ allowgroups: ['wheel'] }, 'allowgroups'],
    [{ denyusers: ['b*'] }, 'denyusers'],
    [{ denygroups: ['sudo'], allowusers: ['breakglass'] }, 'denygroups'],
    [{ allowusers: ['breakglass'], allowgroups: ['wheel'] }, 'allowgroups'],
  ] as const)('%j shuts it out by %s', (effective, keyword) => {
    expect(shutOutBy(effective, 'breakglass', bg)).toBe(keyword);
  });
  test.each([
    {},
    { allowusers: ['alice', 'breakglass@10.0.0.1'] },
    { allowusers: ['break?lass'] },
    { allowgroups: ['wheel sudo'] },
    { denyusers: ['breakglass@10.0.0.1', 'break.lass', 'glass'] },
    { denygroups: ['sud'] },
  ])('%j does not', (effective) => {
    expect(shutOutBy(effective, 'breakglass', bg)).toBeNull();
  });
});
