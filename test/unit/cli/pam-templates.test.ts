import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadFleet } from '../../../src/cli/load-fleet.ts';
import { parseArgv } from '../../../src/cli/parse-argv.ts';
import { formatDiagnostics } from '../../../src/core/format-diagnostics.ts';
import { testSurroundings } from '../../support/surroundings.ts';

const STACK = 'auth requisite {{path modulePath}}\n@include common-auth\n';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-templates-'));
  mkdirSync(join(folder, 'prod'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, content: string | Uint8Array): void => writeFileSync(join(folder, name), content);

/** Loads prod/inventory.yml with these variables, from the folder above it. */
const load = async (variables: Readonly<Record<string, unknown>>) => {
  const base = {
    ansible_user: 'automation',
    duo_ikey: 'DIXXXXXXXXXXXXXXXXXX',
    duo_skey: 'sEcReTsEcReTsEcReTsEcReTsEcReTsEcReT1234',
    duo_api_host: 'api-12345678.duosecurity.com',
    ad_server_access_group: 'sg_serveraccess',
    ad_sudo_group: 'sg_sudo',
  };
  const inventory = { all: { hosts: { web1: {}, web2: {} }, vars: { ...base, ...variables } } };
  put('prod/inventory.yml', JSON.stringify(inventory, null, 1));
  const surroundings = testSurroundings({
    argv: ['plan', 'prod/inventory.yml'],
    cwd: folder,
    home: join(folder, 'home'),
  });
  const invocation = await parseArgv(surroundings);
  if (invocation.kind !== 'command') throw new Error('no command');
  return loadFleet(invocation.options, surroundings);
};

describe('a template of the operator’s own', () => {
  test('is read from beside the inventory, whatever the folder one is in, and from the home folder', async () => {
    put('prod/sshd.hbs', STACK);
    mkdirSync(join(folder, 'home'));
    put('home/sudo.hbs', '@include common-auth\n');
    const fleet = await load({ duo_pam_sshd_template: 'sshd.hbs', duo_pam_sudo_template: '~/sudo.hbs' });
    expect(fleet.diagnostics).toEqual([]);
    expect(fleet.settings.map(({ pamTemplates }) => pamTemplates)).toEqual(
      ['web1', 'web2'].map(() => ({
        sshd: { path: 'sshd.hbs', text: STACK },
        sudo: { path: '~/sudo.hbs', text: '@include common-auth\n' },
      })),
    );
  });

  test('that is broken is told once, with its place, its line and what there is', async () => {
    put('prod/sshd.hbs', `${STACK}# {{word sudo_group}}\n`);
    const text = formatDiagnostics((await load({ duo_pam_sshd_template: 'sshd.hbs' })).diagnostics);
    expect(text).toContain('sshd.hbs:3:10: error: there is no sudo_group\n 3 | # {{word sudo_group}}\n');
    expect(text).toContain('sudoGroup');
    expect(text).toMatch(/\n1 error\n$/);
  });

  test.each<[string, () => void, string]>([
    ['is not there', () => undefined, 'could not be read: ENOENT'],
    ['is a folder', () => mkdirSync(join(folder, 'prod/own.hbs')), 'is no regular file'],
    ['is not UTF-8', () => put('prod/own.hbs', Buffer.from([0x61, 0xff, 0x0a])), 'is not UTF-8'],
    ['is too large', () => put('prod/own.hbs', '#'.repeat(64 * 1024 + 1)), 'is larger than 64 KiB'],
  ])('that %s is an error at the variable that names it', async (_what, make, message) => {
    make();
    const { diagnostics, settings } = await load({ duo_pam_sudo_template: 'own.hbs' });
    expect(settings).toEqual([]);
    expect(diagnostics).toEqual([
      expect.objectContaining({
        severity: 'error',
        file: 'prod/inventory.yml',
        message: expect.stringContaining(`duo_pam_sudo_template names "own.hbs", which ${message}`) as string,
      }),
    ]);
    expect(diagnostics[0]?.source).toContain('own.hbs');
  });

  test('of exactly the largest size is read', async () => {
    const padding = '#'.repeat(900);
    const lines = `${padding}\n`.repeat(72);
    put('prod/own.hbs', `${lines}${'#'.repeat(64 * 1024 - lines.length - STACK.length - 1)}\n${STACK}`);
    expect((await load({ duo_pam_sudo_template: 'own.hbs' })).diagnostics).toEqual([]);
  });
});
