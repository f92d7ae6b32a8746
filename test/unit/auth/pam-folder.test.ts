import { describe, expect, test } from 'vitest';
import {
  filesAfter,
  pamFolderOf,
  UNREAD_MODULE,
  withoutLegacyProfile,
} from '../../../src/auth/pam-folder.ts';
import { planHost } from '../../../src/steps/plan-host.ts';
import {
  exampleFacts,
  exampleSettings,
  exampleTools,
  fileOf,
  STOCK_COMMON_AUTH,
} from '../../support/example-host.ts';

describe('the folder of PAM', () => {
  test('has the files that are there, by name', () => {
    expect(
      pamFolderOf({ '/etc/pam.d/sshd': fileOf('x\n'), '/etc/pam.d/sudo': { kind: 'absent' } }, '/etc/pam.d'),
    ).toEqual({ sshd: 'x\n' });
  });
  test('what could not be read stands as a module that nobody knows', () => {
    const unread = { ...fileOf(''), text: null };
    const folder = pamFolderOf({ '/etc/pam.d/sshd': unread }, '/etc/pam.d');
    expect(folder['sshd']).toContain(`auth required ${UNREAD_MODULE}`);
    expect(folder['sshd']).toContain(`account required ${UNREAD_MODULE}`);
  });
  test('after a plan has what the plan writes', () => {
    const plan = planHost(exampleFacts(), exampleSettings(), exampleTools());
    const files = filesAfter(exampleFacts(), plan.changes);
    expect(pamFolderOf(files, '/etc/pam.d')['sshd']).toContain('# duo-fleet: begin auth');
    expect(files['/etc/duo/pam_duo.conf']).toMatchObject({ kind: 'file', mode: 0o600 });
  });
});

describe('the legacy profile', () => {
  const live = STOCK_COMMON_AUTH.replace(
    'auth	[success=1 default=ignore]	pam_unix.so nullok\n',
    'auth	[success=2 default=ignore]	pam_unix.so nullok\nauth	[success=1 default=ignore]	pam_duo.so\n',
  );
  test('takes its lines with it, and what jumped over them jumps less', () => {
    expect(live).not.toBe(STOCK_COMMON_AUTH);
    expect(withoutLegacyProfile(live)).toBe(STOCK_COMMON_AUTH);
  });
  test('leaves lines of others, and Duo lines that somebody wrote himself', () => {
    expect(withoutLegacyProfile(STOCK_COMMON_AUTH)).toBe(STOCK_COMMON_AUTH);
    const own = `${STOCK_COMMON_AUTH}auth required pam_duo.so\n`;
    expect(withoutLegacyProfile(own)).toBe(own);
  });
});
