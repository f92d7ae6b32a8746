import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { invoke } from '../../../src/cli/invoke.ts';
import { testSurroundings } from '../../support/surroundings.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-explain-'));
  put('sshd', '# our own\nauth requisite pam_debug.so auth=perm_denied\n@include common-auth\n');
  put('sudo', '@include common-auth\n');
  put('common-auth', 'auth required pam_permit.so\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);

/** There is neither an inventory nor a network here, and nobody may look for one. */
const nobody = () => {
  throw new Error('a folder needs no host');
};
const call = async (...words: readonly string[]) => {
  const outside = testSurroundings({
    argv: ['explain', '--pam-dir', '.', ...words],
    cwd: folder,
    home: folder,
    env: { DUO_FLEET_INVENTORY: '/nonexistent', XDG_STATE_HOME: join(folder, 'state') },
  });
  const ending = await invoke(outside, nobody, nobody);
  return { ...ending, ...outside.written };
};

describe('explain of a folder', () => {
  test('with --json is exactly one document of the services and their answers', async () => {
    const { exitCode, stdout, stderr } = await call('--json');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(
      '{"services":{"sshd":{"auth":{"result":"PAM_PERM_DENIED","sure":true}},"sudo":{"auth":{"result":"PAM_SUCCESS","sure":true}}}}\n',
    );
    expect(readdirSync(folder).toSorted()).toEqual(['common-auth', 'sshd', 'sudo']);
  });

  test('for people is a table of them', async () => {
    expect((await call()).stdout.split('\n')).toEqual([
      'SERVICE  AUTH ANSWERS     SURE',
      'sshd     PAM_PERM_DENIED  yes',
      'sudo     PAM_SUCCESS      yes',
      '',
    ]);
  });

  test('of one service is the walk line by line', async () => {
    const { stdout } = await call('--service', 'sshd');
    expect(stdout.split('\n')).toEqual([
      'sshd:2  auth requisite pam_debug.so auth=perm_denied',
      '      PAM_PERM_DENIED (auth=perm_denied) -> die, the stack ends here',
      'common-auth:1  auth required pam_permit.so',
      '      not run',
      'The stack answers PAM_PERM_DENIED.',
      '',
    ]);
  });

  test('an empty folder has no services, and that is no error', async () => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    expect((await call('--json')).stdout).toBe('{"services":{}}\n');
    expect(await call()).toMatchObject({ exitCode: 0, stdout: 'There is no service file in this folder.\n' });
  });

  test('a service without a file is a usage error that says what libpam would do', async () => {
    const without = await call('--service', 'vsftpd', '--json');
    expect(without).toMatchObject({ exitCode: 2, stdout: '' });
    expect(without.stderr).toContain('no file "vsftpd"; libpam would refuse everybody');
    put('other', 'auth required pam_deny.so\n');
    expect((await call('--service', 'vsftpd')).stderr).toContain('libpam would go by other');
  });

  test('what is not known is named, and never told as sure', async () => {
    put('sudo', 'auth required pam_own.so\n');
    const { stdout } = await call();
    expect(stdout).toMatch(/^sudo +PAM_SUCCESS +no: or nearly anything \(pam_own\.so\)$/m);
  });
});
