import { describe, expect, test } from 'vitest';
import { parseArgv } from '../../../src/cli/parse-argv.ts';
import type { Options } from '../../../src/cli/options.ts';
import { testSurroundings } from '../../support/surroundings.ts';

const parse = (line: string, env: Record<string, string> = {}) =>
  parseArgv(
    testSurroundings({ argv: line.split(' ').filter(Boolean), env, cwd: '/there', home: '/home/ann' }),
  );

const optionsOf = async (line: string, env: Record<string, string> = {}): Promise<Options> => {
  const invocation = await parse(line, env);
  if (invocation.kind !== 'command') throw new Error('no command');
  return invocation.options;
};

describe('what the operator asks for', () => {
  test('the defaults are those of the contract', async () => {
    expect(await optionsOf('apply')).toEqual({
      inventory: null,
      hosts: [],
      limit: undefined,
      forks: 20,
      json: false,
      report: null,
      knownHosts: '/home/ann/.ssh/known_hosts',
      isKnownHostsGiven: false,
      jumps: null,
      sshConfig: 'usual',
      hostKeys: 'strict',
      privateKey: null,
      yes: false,
      leaseS: 60,
      probe: false,
      as: null,
      checkEnrolment: false,
    });
  });

  test('flags are read, --host repeats, and paths are from here', async () => {
    const line =
      'apply inv.yml --host a --host b --limit web* --forks 5 --json --yes --report out/r.json --lease 120 --host-keys accept-new --known-hosts ~/kh --private-key /k';
    expect(await optionsOf(line)).toMatchObject({
      inventory: 'inv.yml',
      hosts: ['a', 'b'],
      limit: 'web*',
      forks: 5,
      json: true,
      yes: true,
      report: '/there/out/r.json',
      leaseS: 120,
      hostKeys: 'accept-new',
      knownHosts: '/home/ann/kh',
      privateKey: '/k',
    });
  });

  test('a rollback takes a run, and says what it takes for one', async () => {
    expect(await parse('rollback inv.yml --host a --run 20261122-054735-ab12')).toMatchObject({
      kind: 'rollback',
      options: { inventory: 'inv.yml', hosts: ['a'], run: '20261122-054735-ab12', discardEdits: false },
    });
    expect(await parse('rollback --discard-edits')).toMatchObject({
      options: { run: null, discardEdits: true },
    });
    await expect(parse('rollback --run latest')).rejects.toThrow(/--run takes the name of a run/);
    await expect(parse('rollback --discard-edit')).rejects.toThrow(/did you mean --discard-edits\?/);
    await expect(parse('apply --run 20261122-054735-ab12')).rejects.toThrow(
      /--run belongs to rollback, not to apply/,
    );
    await expect(parse('rolback')).rejects.toThrow(/did you mean rollback\?/);
  });

  test('jump hosts and ssh’s configuration are read', async () => {
    expect(await optionsOf('plan --jump ops@gate:2222,inner --ssh-config conf')).toMatchObject({
      jumps: [
        { host: 'gate', user: 'ops', port: 2222 },
        { host: 'inner', user: null, port: null },
      ],
      sshConfig: { file: '/there/conf' },
      isKnownHostsGiven: false,
    });
    expect(await optionsOf('plan --jump none --ssh-config none --known-hosts kh')).toMatchObject({
      jumps: [],
      sshConfig: 'none',
      isKnownHostsGiven: true,
    });
  });

  test('a flag after --host does not become a host, nor the inventory', async () => {
    expect(await optionsOf('verify --host a inv.yml --probe')).toMatchObject({
      inventory: 'inv.yml',
      hosts: ['a'],
      probe: true,
    });
  });

  test('the environment sets flags, and a flag wins over it', async () => {
    const env = {
      DUO_FLEET_FORKS: '7',
      DUO_FLEET_JSON: 'yes',
      DUO_FLEET_HOST: 'a, b',
      DUO_FLEET_KNOWN_HOSTS: 'kh',
    };
    expect(await optionsOf('plan', env)).toMatchObject({
      forks: 7,
      json: true,
      hosts: ['a', 'b'],
      knownHosts: '/there/kh',
    });
    expect(await optionsOf('plan --forks 3 --no-json --host c', env)).toMatchObject({
      forks: 3,
      json: false,
      hosts: ['c'],
    });
  });

  test('foreign or other commands’ DUO_FLEET_ variables are no mistake', async () => {
    const env = { DUO_FLEET_LAB_CACHE: '/x', DUO_FLEET_PROBE: 'yes', DUO_FLEET_FORKS: '' };
    expect(await optionsOf('apply', env)).toMatchObject({ forks: 20 });
  });
});

describe('the operator’s mistakes', () => {
  test.each([
    ['', 'which command'],
    ['aply', 'there is no command "aply": did you mean apply?'],
    ['apply --jsno', 'did you mean --json?'],
    ['apply --canary 1', 'there is no flag --canary'],
    ['plan --lease 60', '--lease belongs to apply'],
    ['verify --yes', '--yes belongs to apply'],
    ['plan --jump a,b:99999', '--jump takes [user@]host[:port], not "b:99999"'],
    ['apply --host', '--host needs a value'],
    ['apply --forks', '--forks needs a value'],
    ['apply --forks 0', '--forks takes one whole number from 1 to 500'],
    ['apply --forks 2.5', '--forks'],
    ['apply --forks many', '--forks'],
    ['apply --forks 1 --forks 2', '--forks'],
    ['apply --lease 19', '--lease takes one whole number from 20 to 600'],
    ['apply --lease 601', '--lease'],
    ['apply --host-keys lax', 'strict, accept-new, off'],
    ['apply --json=yes', '--json takes no value'],
    ['apply --limit a --limit b', '--limit is given more than once'],
  ])('%s is told', async (line, words) => {
    await expect(parse(line)).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining(words),
    });
  });

  test('a second inventory is not silently dropped', async () => {
    await expect(parse('apply one.yml two.yml')).rejects.toThrow('one inventory is enough');
  });

  test('all mistakes are told at once', async () => {
    await expect(parse('apply --forks 0 --lease 1 --jsno')).rejects.toMatchObject({
      message: expect.stringMatching(/jsno[\s\S]*--forks[\s\S]*--lease/),
    });
  });

  test('a nonsense truth value in the environment is told with its name', async () => {
    await expect(parse('apply', { DUO_FLEET_YES: 'maybe' })).rejects.toThrow('DUO_FLEET_YES');
  });
});

describe('help', () => {
  test.each(['apply', 'plan', 'verify', 'resume'])('%s --help has an example', async (command) => {
    const invocation = await parse(`${command} --help`);
    expect(invocation).toMatchObject({
      kind: 'text',
      text: expect.stringContaining(`duo-fleet ${command} `),
    });
    expect(invocation.kind === 'text' && invocation.text).toContain('Examples:');
  });

  test('--help lists the commands, --version is the version and nothing else', async () => {
    expect(await parse('--help')).toMatchObject({
      text: expect.stringContaining('duo-fleet verify [inventory]'),
    });
    expect(await parse('--help')).toMatchObject({ text: expect.stringContaining('Exit codes:') });
    expect(await parse('--version')).toEqual({ kind: 'text', text: '1.2.3\n' });
  });
});
