// What `npm pack` gives is installed in an empty folder, as anybody would, and runs there without this checkout.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { REPOSITORY_ROOT } from '../support/lab-paths.ts';

let folder: string;
let home: string;
let modules: string;

const run = (argv: readonly string[], cwd: string) => {
  const [program = '', ...rest] = argv;
  const done = spawnSync(program, rest, {
    cwd,
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: home, DUO_SKEY: 'x'.repeat(40) },
  });
  return { code: done.status, stdout: done.stdout, stderr: done.stderr };
};
const must = (argv: readonly string[], cwd: string): string => {
  const done = run(argv, cwd);
  if (done.code !== 0) throw new Error(`${argv.join(' ')}: ${done.stdout}${done.stderr}`);
  return done.stdout;
};
const duoFleet = (...words: readonly string[]) => run([join(modules, '.bin/duo-fleet'), ...words], home);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-package-'));
  home = mkdtempSync(join(tmpdir(), 'duo-fleet-home-'));
  // Built already by scripts/test; prepack would build into the folder that other tests run from.
  const packed = must(
    ['npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder, REPOSITORY_ROOT],
    folder,
  ).trim();
  writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
  // With the registry that this machine uses: npm's own settings are the account's, not the new home's.
  const installed = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--omit=optional', `./${packed}`],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  );
  if (installed.status !== 0) throw new Error(installed.stderr);
  modules = join(folder, 'node_modules');
});
afterAll(() => {
  for (const each of [folder, home]) rmSync(each, { recursive: true, force: true });
});

test('the program tells its version and its help', () => {
  const { version } = JSON.parse(readFileSync(join(REPOSITORY_ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  expect(duoFleet('--version').stdout.trim()).toBe(version);
  expect(duoFleet('--help').stdout).toContain('duo-fleet apply');
});

test('it explains a folder of PAM stacks, for which it needs no host', () => {
  const pam = join(home, 'pam.d');
  mkdirSync(pam);
  writeFileSync(join(pam, 'sudo'), 'auth required pam_deny.so\n');
  const explained = duoFleet('explain', '--pam-dir', pam, '--json');
  expect([explained.code, explained.stderr]).toEqual([0, '']);
  expect(JSON.parse(explained.stdout)).toMatchObject({
    services: { sudo: { auth: { result: 'PAM_AUTH_ERR', sure: true } } },
  });
});

test('a mistake in an inventory has its place, and exit code 2', () => {
  writeFileSync(join(home, 'inventory.yml'), 'all:\n  hosts:\n    web1:\n      duo_failmod: safe\n');
  const plan = duoFleet('plan');
  expect(plan.code).toBe(2);
  expect(plan.stderr).toMatch(/inventory\.yml:4:7: .*Did you mean duo_failmode/s);
});

test('it holds what runs and what is read, and neither sources nor tests', () => {
  const top = readdirSync(join(modules, 'duo-fleet')).toSorted();
  expect(top.filter((name) => name !== 'node_modules')).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'dist',
    'inventory',
    'package.json',
    'templates',
  ]);
  expect(readdirSync(modules)).not.toContain('vitest');
});
