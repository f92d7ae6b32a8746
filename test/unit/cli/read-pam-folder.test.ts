import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readPamFolder } from '../../../src/cli/read-pam-folder.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-pam-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);

describe('a folder of service files', () => {
  test('is read whole, whatever its files are called', async () => {
    const names = ['sshd', 'sudo-i', 'my service', 'a.b', '.hidden', 'sshd~', '__proto__', 'UPPER', 'ü'];
    for (const name of names) put(name, `# ${name}\n`);
    const files = await readPamFolder(folder);
    expect(Object.keys(files).toSorted()).toEqual(names.toSorted());
    expect(files['my service']).toBe('# my service\n');
  });

  test('leaves out subfolders and links that lead nowhere, and follows those that lead to a file', async () => {
    put('sshd', 'auth required pam_permit.so\n');
    mkdirSync(join(folder, 'sub'));
    symlinkSync('nowhere', join(folder, 'dangling'));
    symlinkSync('sshd', join(folder, 'link'));
    symlinkSync('sub', join(folder, 'folder-link'));
    expect(Object.keys(await readPamFolder(folder))).toEqual(['link', 'sshd']);
  });

  test('a file that cannot be read is named', async () => {
    put('sshd', '');
    // A link to itself, since nothing is forbidden to root.
    symlinkSync('loop', join(folder, 'loop'));
    await expect(readPamFolder(folder)).rejects.toThrow(`${join(folder, 'loop')} cannot be read`);
  });

  test('a folder that is none is named', async () => {
    put('sshd', '');
    await expect(readPamFolder(join(folder, 'gone'))).rejects.toThrow(/gone cannot be read: it is not there/);
    await expect(readPamFolder(join(folder, 'sshd'))).rejects.toThrow(/sshd cannot be read: it is no folder/);
  });

  test('a file that is far too large is named instead of read', async () => {
    put('big', 'x'.repeat(1024 * 1024 + 1));
    await expect(readPamFolder(folder)).rejects.toThrow(/big is too large/);
  });
});
