import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mirrorAmong } from '../../support/lab-base.ts';
import { repath } from '../../support/duo-package.ts';
import { repositoryFile } from '../../support/duo-repository.ts';
import { LAB_HOSTS, LAB_IKEY, LAB_SKEY, labHostSpec, numberedHosts } from '../../support/lab-hosts.ts';
import { labNetwork, takeNumber } from '../../support/lab-network.ts';
import { fleetPaths } from '../../support/lab-paths.ts';
import { runProcess, until } from '../../support/lab-process.ts';

describe('names and addresses', () => {
  test('every slot has a network of its own inside 198.18.0.0/15', () => {
    const networks = Array.from({ length: 512 }, (_, slot) => labNetwork(slot).host(0));
    expect(new Set(networks).size).toBe(512);
    expect(networks.every((address) => /^198\.1[89]\.\d{1,3}\.10$/.test(address))).toBe(true);
  });

  test('names of namespaces and cables fit into 15 characters where Linux wants that', () => {
    const longest = fleetPaths('a'.repeat(11)).host('b'.repeat(11));
    expect(longest.cable.length).toBeLessThanOrEqual(15);
  });

  test.each(['', 'Big', '../x', 'a b', 'a'.repeat(12), '-x'])("'%s' is no name of a fleet", (name) => {
    expect(() => fleetPaths(name)).toThrow('no usable name');
  });

  test('every listed and every numbered host can be asked for, and no other', () => {
    const names = [...LAB_HOSTS.map((host) => host.name), ...numberedHosts(120)];
    expect(names.map((name) => labHostSpec(name).name)).toEqual(names);
    expect(() => labHostSpec('bookworm9')).toThrow("no host 'bookworm9'");
  });

  test('the keys have the shape that Duo gives keys', () => {
    expect([LAB_IKEY, LAB_SKEY]).toEqual([
      expect.stringMatching(/^DI[A-Z0-9]{18}$/) as string,
      expect.stringMatching(/^[A-Za-z0-9]{40}$/) as string,
    ]);
  });
});

describe('where the base comes from', () => {
  test('the mirror of the machine itself is used where it is Debian', () => {
    const targets = 'Duo|Duo|https://a.test/Debian\nDebian|Debian|https://b.test/debian\n';
    expect(mirrorAmong(targets)).toBe('https://b.test/debian');
  });

  test('where apt knows no Debian mirror, as on Ubuntu, the choice is left to mmdebstrap', () => {
    expect(mirrorAmong('Ubuntu|Ubuntu|https://a.test/ubuntu\n')).toBe('');
  });
});

describe('numbers', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lab-numbers-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('no two owners get the same number, however they hurry', async () => {
    const owners = Array.from({ length: 20 }, (_, index) => `owner${index}`);
    const taken = await Promise.all(owners.map((owner) => takeNumber(folder, owner, 20)));
    expect(new Set(taken).size).toBe(20);
    expect(readdirSync(folder).length).toBe(20);
  });

  test('an owner who asks again gets the number that it has', async () => {
    const first = await takeNumber(folder, 'me', 5);
    expect(await takeNumber(folder, 'me', 5)).toBe(first);
  });

  test('when all are taken, the message says what to do', async () => {
    await takeNumber(folder, 'me', 1);
    await expect(takeNumber(folder, 'you', 1)).rejects.toThrow('scripts/lab down');
  });
});

describe("Duo's repository", () => {
  const repository = { root: '/r', keyFile: '/k.asc' };

  test.each([
    ['/Debian/dists/bookworm/InRelease', 'good', '/r/bookworm/good/dists/bookworm/InRelease'],
    [
      '/Ubuntu/pool/jammy/main/d/duo-unix/x_1_amd64.deb',
      'old',
      '/r/jammy/old/pool/jammy/main/d/duo-unix/x_1_amd64.deb',
    ],
    ['/DUO-GPG-PUBLIC-KEY.asc', 'gone', '/k.asc'],
    ['/Debian/dists/bookworm/InRelease', 'gone', null],
    ['/Debian/dists/bookworm/../../../../etc/passwd', 'good', null],
    ['/RedHat/9/x86_64', 'good', null],
    ['/', 'good', null],
  ] as const)('%s of %s is %s', (path, kind, file) => {
    expect(repositoryFile(repository, kind, path)).toBe(file);
  });

  test('a binary reads its configuration from /etc/duo and keeps its length', () => {
    const binary = Buffer.from(
      '\x7fELF..\0/etc/security/pam_duo.conf\0pam_duo\0/etc/security/login_duo.conf\0end',
    );
    const patched = repath(binary);
    expect(patched.length).toBe(binary.length);
    const strings = patched
      .toString('latin1')
      .split('\0')
      .filter((text) => text !== '');
    expect(strings).toEqual([
      '\x7fELF..',
      '/etc/duo/pam_duo.conf',
      'pam_duo',
      '/etc/duo/login_duo.conf',
      'end',
    ]);
  });
});

describe('processes', () => {
  test('code, output and errors come back as they were', async () => {
    const done = await runProcess(['sh', '-c', 'cat; echo bad >&2; exit 3'], { input: 'in' });
    expect(done).toEqual({ code: 3, stdout: 'in', stderr: 'bad\n' });
  });

  test('what outlives its time is killed, and that is no success', async () => {
    expect((await runProcess(['sleep', '60'], { timeoutMs: 50 })).code).not.toBe(0);
  });

  test('a condition that never holds ends in words that say what was waited for', async () => {
    await expect(until('the cows to come home', () => false, 30)).rejects.toThrow('the cows to come home');
  });
});
