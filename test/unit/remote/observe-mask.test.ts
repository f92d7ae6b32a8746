// What observe.sh's own sed lets out of a file.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

/** What leaves the host of a file with this content. */
const masked = (content: string | Buffer): string => {
  const folder = mkdtempSync(join(tmpdir(), 'observe-mask-'));
  try {
    writeFileSync(join(folder, 'file'), content);
    const text = readFileSync(new URL('../../../templates/observe.sh', import.meta.url), 'utf8');
    const functions = text.slice(0, text.indexOf('\nheader begin 1'));
    const { status, stdout, stderr } = spawnSync('sh', ['-s', join(folder, 'file')], {
      input: `${functions}\nmasked "$1"`,
    });
    expect({ status, stderr: stderr.toString() }).toEqual({ status: 0, stderr: '' });
    return stdout.toString('latin1');
  } finally {
    rmSync(folder, { recursive: true });
  }
};

describe('secrets in files', () => {
  test.each([
    ['skey = SECRET'],
    ['skey=SECRET'],
    ['  \tSKEY\t=\tSECRET and SECRET'],
    ['skey = \n  SECRET'],
    ['skey = x\n\n; comment\n\tSECRET\n SECRET'],
    ['; skey = SECRET'],
    ['# the skey SECRET'],
    ['{"skey": "SECRET"}'],
    ['skey = x\r\n SECRET\r\n'],
    ['\ufeffskey = SECRET'],
    ['http_proxy = http://user:SECRET@proxy:3128'],
    ['http_proxy=user:SECRET@proxy'],
    ['http_proxy = http://user:SECRET/SECRET@proxy'],
    ['http_proxy = x\n user:SECRET@proxy'],
    ['deb [signed-by=/k] https://user:SECRET@mirror/Debian bookworm main'],
  ])('%j does not leave the host', (content) => {
    expect(masked(content)).not.toContain('SECRET');
  });

  test('a secret key in UTF-16 does not leave the host', () => {
    expect(masked(Buffer.from('skey = SECRET\n', 'utf16le')).replaceAll('\0', '')).not.toContain('SECRET');
  });

  test('what stands around a secret is left as it is', () => {
    expect(masked('[duo]\nikey = DI\nskey = x\n  y\nhost = api\n  z\nSkeyAuthentication yes\n')).toBe(
      '|[duo]\n|ikey = DI\n|skey = [secret]\n|  [secret]\n|host = api\n|  z\n|SkeyAuthentication yes\n\n',
    );
  });
});
