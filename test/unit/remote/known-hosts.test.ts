import { describe, expect, test } from 'vitest';
import { KnownHosts, knownHostsLine } from '../../../src/remote/known-hosts.ts';
import { createHostKeyCheck, type HostKeyMode } from '../../../src/remote/host-key-check.ts';

const part = (text: string): Buffer => {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

/** A key blob of that type; two of one type differ by `salt`. */
const blob = (type: string, salt = 'a'): Buffer => {
  return Buffer.concat([part(type), part(salt.repeat(32))]);
};
const ED = 'ssh-ed25519';
const line = (hosts: string, key: Buffer, type = ED): string => `${hosts} ${type} ${key.toString('base64')}`;
const known = (...lines: string[]): KnownHosts => new KnownHosts([{ file: 'kh', text: lines.join('\n') }]);
const web = { address: 'web1', port: 22 };

describe('known_hosts', () => {
  test('a revoked key is refused even where another line names it as good', () => {
    const key = blob(ED);
    expect(known(line('web1', key), `@revoked ${line('*', key)}`).judge(web, key)).toMatchObject({
      kind: 'revoked',
      line: 2,
    });
  });

  test('another key than the one on file is a change, also when it is of another type', () => {
    const file = known('# comment', line('web1', blob(ED)));
    expect(file.judge(web, blob(ED, 'b'))).toEqual({ kind: 'changed', file: 'kh', line: 2 });
    expect(file.judge(web, blob('ssh-rsa'))).toMatchObject({ kind: 'changed' });
  });

  test('a negated pattern beats a matching one', () => {
    const key = blob(ED);
    expect(known(line('web*,!web1', key)).judge(web, key).kind).toBe('unknown');
    expect(known(line('!web1,web*', key)).judge(web, key).kind).toBe('unknown');
  });

  test('a certificate authority vouches for no plain key', () => {
    const key = blob(ED);
    expect(known(`@cert-authority ${line('*', key)}`).judge(web, key).kind).toBe('unknown');
  });

  test('a marker that nobody knows voids its line', () => {
    const key = blob(ED);
    expect(known(`@trusted ${line('web1', key)}`).judge(web, key).kind).toBe('unknown');
  });

  test('on another port the entry without a port serves, if the key is the same, and its change is not told as one', () => {
    const key = blob(ED);
    const file = known(line('web1', key));
    expect(file.judge({ ...web, port: 2222 }, key).kind).toBe('known');
    expect(file.judge({ ...web, port: 2222 }, blob(ED, 'b')).kind).toBe('unknown');
  });

  test('an entry with a port says nothing about port 22', () => {
    const key = blob(ED);
    expect(known(line('[web1]:2222', key)).judge(web, key).kind).toBe('unknown');
  });

  test('a line whose type is not its key’s is passed over', () => {
    const key = blob(ED);
    expect(known(line('web1', key, 'ssh-rsa')).judge(web, key).kind).toBe('unknown');
  });

  test('a pattern of many stars takes no time', () => {
    const key = blob(ED);
    const file = known(line(`${'*a'.repeat(200)}b`, key));
    expect(file.judge({ address: 'a'.repeat(2_000), port: 22 }, key).kind).toBe('unknown');
  });
});

const check = (mode: HostKeyMode, text: string, appended: string[] = []) =>
  createHostKeyCheck({
    mode,
    sources: [{ file: '/home/op/.ssh/known_hosts', text }],
    append: (added) => appended.push(added),
  });

describe('the check of host keys', () => {
  test('strict refuses a stranger, naming the file and the command to add it', () => {
    const failure = check('strict', '').verify({ address: 'web1', port: 2222 }, blob(ED));
    expect(failure?.reason).toBe('auth');
    expect(failure?.message).toContain('ssh-keyscan -p 2222 web1 >> /home/op/.ssh/known_hosts');
  });

  test('accept-new writes a stranger’s key down once, and then holds him to it', () => {
    const appended: string[] = [];
    const keys = check('accept-new', '', appended);
    expect(keys.verify(web, blob(ED))).toBeNull();
    expect(keys.verify(web, blob(ED))).toBeNull();
    expect(appended).toEqual([knownHostsLine(web, blob(ED))]);
    expect(keys.verify(web, blob(ED, 'b'))?.reason).toBe('auth');
  });

  test.each(['strict', 'accept-new'] as const)('a changed key is refused in mode %s', (mode) => {
    const failure = check(mode, line('web1', blob(ED))).verify(web, blob(ED, 'b'));
    expect(failure?.message).toMatch(/IS NOT THE ONE ON FILE.*known_hosts:1/);
  });

  test('the server is asked first for a key that can be checked', () => {
    const text = line('web1', blob('ssh-rsa'), 'ssh-rsa');
    expect(check('strict', text).algorithms(web).slice(0, 2)).toEqual(['rsa-sha2-512', 'rsa-sha2-256']);
    expect(check('strict', '').algorithms(web)[0]).toBe(ED);
  });

  test('SHA-1 host keys are never asked for', () => {
    expect(check('off', '').algorithms(web)).not.toContain('ssh-rsa');
  });
});
