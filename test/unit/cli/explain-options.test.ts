import { describe, expect, test } from 'vitest';
import { parseArgv } from '../../../src/cli/parse-argv.ts';
import { testSurroundings } from '../../support/surroundings.ts';

const parse = (line: string, env: Record<string, string> = {}) =>
  parseArgv(
    testSurroundings({ argv: line.split(' ').filter(Boolean), env, cwd: '/there', home: '/home/ann' }),
  );

const optionsOf = async (line: string, env: Record<string, string> = {}) => {
  const invocation = await parse(line, env);
  if (invocation.kind !== 'explain') throw new Error(`${invocation.kind}, not explain`);
  return invocation.options;
};

describe('explain', () => {
  test('is no run: it has options of its own, which mean one host', async () => {
    expect(await optionsOf('explain inv.yml --host web1')).toEqual({
      kind: 'host',
      connect: {
        inventory: 'inv.yml',
        hosts: ['web1'],
        limit: undefined,
        knownHosts: '/home/ann/.ssh/known_hosts',
        isKnownHostsGiven: false,
        jumps: null,
        sshConfig: 'usual',
        hostKeys: 'strict',
        privateKey: null,
      },
      user: null,
      service: null,
      from: null,
      duo: null,
      planned: false,
      json: false,
    });
  });

  test('takes user, service, address and how Duo answers', async () => {
    const line =
      'explain --host web1 --user alice --service sshd --from 2001:db8::7 --duo badkeys --planned --json --known-hosts kh --host-keys off --private-key ~/k';
    expect(await optionsOf(line)).toMatchObject({
      user: 'alice',
      service: 'sshd',
      from: '2001:db8::7',
      duo: 'badkeys',
      planned: true,
      json: true,
      connect: { knownHosts: '/there/kh', hostKeys: 'off', privateKey: '/home/ann/k' },
    });
  });

  test('with --pam-dir means a folder, and any service of it', async () => {
    expect(await optionsOf('explain --pam-dir pam.d --service vsftpd --user ann --json')).toEqual({
      kind: 'folder',
      folder: '/there/pam.d',
      user: 'ann',
      service: 'vsftpd',
      json: true,
    });
  });

  test('flags from the environment that other commands need are no contradiction to a folder', async () => {
    const env = { DUO_FLEET_HOST: 'web1', DUO_FLEET_LIMIT: 'web*', DUO_FLEET_KNOWN_HOSTS: '/kh' };
    expect(await optionsOf('explain --pam-dir /p', env)).toMatchObject({ kind: 'folder', folder: '/p' });
    expect(await optionsOf('explain', env)).toMatchObject({
      kind: 'host',
      connect: { hosts: ['web1'], limit: undefined, knownHosts: '/kh' },
    });
  });

  test.each([
    ['explain --pam-dir /p --host web1', '--host is about a host'],
    ['explain --pam-dir /p --duo deny', '--duo is about a host'],
    ['explain --pam-dir /p inv.yml', '"inv.yml"'],
    ['explain --host web1 --service su', '--service takes sshd or sudo, not "su"'],
    ['explain --host web1 --duo maybe', 'not "maybe"'],
    ['explain --host web1 --from bastion', '--from takes an IP address'],
    ['explain --host web1 --from 10.0.0.0/8', '--from takes an IP address'],
    ['explain --host web1 --yes', '--yes belongs to apply, rollback and resume, not to explain'],
    ['explain --host web1 --usr ann', 'did you mean --user?'],
    ['explain --user ann --user bob', '--user is given more than once'],
    ['apply --user ann', '--user belongs to explain, not to apply'],
    ['explian', 'did you mean explain?'],
  ])('%s is a usage error that names the cause', async (line, cause) => {
    await expect(parse(line)).rejects.toThrow(cause);
  });

  test('is listed by --help, and its own help has an example of each form', async () => {
    const help = await parse('--help');
    const own = await parse('explain --help');
    if (help.kind !== 'text' || own.kind !== 'text') throw new Error('no help');
    expect(help.text).toMatch(/explain \[inventory\] +Show who gets in/);
    const examples = own.text.slice(own.text.indexOf('Examples:')).replaceAll(/\s+/g, ' ');
    for (const form of [
      'explain --host web1 Everybody',
      '--planned',
      '--user',
      '--from',
      '--pam-dir ./pam.d',
    ]) {
      expect(examples).toContain(form);
    }
  });
});
