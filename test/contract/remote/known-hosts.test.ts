import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { KnownHosts, knownHostsName, type HostName } from '../../../src/remote/known-hosts.ts';

const run = promisify(execFile);
let folder = '';
let key = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'duo-fleet-known-'));
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(folder, 'key')]);
  key = (await readFile(join(folder, 'key.pub'), 'utf8')).trim();
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

/** Whether ssh-keygen finds a line for the name; it ends with 1 when it finds none. */
const opensshFinds = async (file: string, name: string): Promise<boolean> =>
  run('ssh-keygen', ['-F', name, '-f', file]).then(
    ({ stdout }) => stdout.includes('found: line'),
    () => false,
  );

const HOSTS: readonly HostName[] = [
  { address: 'web1', port: 22 },
  { address: 'web1', port: 2222 },
  { address: 'web10', port: 22 },
  { address: 'web1.example.org', port: 22 },
  { address: '198.18.0.1', port: 22 },
  { address: '198.18.0.1', port: 2222 },
  { address: '2001:db8::1', port: 22 },
  { address: '2001:db8::1', port: 2222 },
];

const FIELDS = [
  'web1',
  'WEB1',
  'web1,198.18.0.1',
  '[web1]:2222',
  '[web1]:*',
  'web?',
  'web*',
  '*',
  '*,!web1',
  '!web1,*',
  'web1*,!*.example.org',
  '*.example.org',
  '198.18.0.*',
  '[198.18.0.?]:2222',
  '2001:db8::1',
  '[2001:db8::1]:2222',
  '2001:db8::*',
  '?eb1',
  '??',
  'web1,',
  ',web1',
  '!*',
  '**1',
] as const;

describe('known_hosts as ssh-keygen -F reads it', () => {
  test.each(FIELDS)('the first field %j means the same hosts', async (field) => {
    const file = join(folder, 'one');
    const text = `# comment\n\n${field} ${key} a comment\n`;
    await writeFile(file, text);
    const ours = new KnownHosts([{ file, text }]);
    for (const host of HOSTS) {
      // A host's name without the port is the fallback; here only the exact name counts.
      const name = knownHostsName(host);
      expect([name, ours.keyTypesOf(name).length > 0]).toEqual([name, await opensshFinds(file, name)]);
    }
  });

  test('names that ssh-keygen -H has hashed are found', async () => {
    const file = join(folder, 'hashed');
    await writeFile(file, `web1,198.18.0.1 ${key}\n[web1]:2222 ${key}\n`);
    await run('ssh-keygen', ['-H', '-f', file]);
    const text = await readFile(file, 'utf8');
    expect(text).toMatch(/^\|1\|/);
    const ours = new KnownHosts([{ file, text }]);
    for (const host of HOSTS) {
      const name = knownHostsName(host);
      expect([name, ours.keyTypesOf(name).length > 0]).toEqual([name, await opensshFinds(file, name)]);
    }
  });

  test('a line that we write is one that ssh-keygen finds', async () => {
    const { knownHostsLine } = await import('../../../src/remote/known-hosts.ts');
    const file = join(folder, 'ours');
    const bytes = Buffer.from(key.split(' ')[1] ?? '', 'base64');
    for (const host of HOSTS) {
      await writeFile(file, `${knownHostsLine(host, bytes)}\n`);
      expect(await opensshFinds(file, knownHostsName(host))).toBe(true);
    }
  });
});
