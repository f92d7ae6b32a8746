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

test.each(['-h', '--help', 'apply -h', 'report -h', 'secret -h'])('%s is help', async (line) => {
  const { kind } = await parseArgv(testSurroundings({ argv: line.split(' ') }));
  expect(kind).toBe('text');
});

describe('what the operator asks for', () => {
  test('the defaults are those of the contract', async () => {
    expect(await optionsOf('apply')).toEqual({
      inventory: null,
      hosts: [],
      limit: undefined,
      forks: 20,
      json: false,
      report: null,
      out: null,
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
      reason: '',
      // Nothing was said, so that a resumed run goes by the rules of its own.
      rollout: {
        canary: null,
        serial: null,
        maxFailures: null,
        bakeS: null,
        bakeWaveS: null,
        onFailure: null,
        confirmWaves: false,
      },
      check: false,
      diff: false,
    });
  });

  test('waves are read: hosts, shares and groups, sizes, lengths of time', async () => {
    const line =
      'apply --canary 10% --serial 1,10%,100% --max-failures 3 --bake 1h30m --bake-wave 90s --confirm-waves';
    expect((await optionsOf(line)).rollout).toEqual({
      canary: { kind: 'percent', percent: 10 },
      serial: [
        { kind: 'hosts', count: 1 },
        { kind: 'percent', percent: 10 },
        { kind: 'percent', percent: 100 },
      ],
      maxFailures: { kind: 'hosts', count: 3 },
      bakeS: 5_400,
      bakeWaveS: 90,
      onFailure: null,
      confirmWaves: true,
    });
    const env = { DUO_FLEET_CANARY: 'first', DUO_FLEET_SERIAL: '5', DUO_FLEET_BAKE: '0' };
    expect((await optionsOf('apply', env)).rollout).toMatchObject({
      canary: { kind: 'group', group: 'first' },
      serial: [{ kind: 'hosts', count: 5 }],
      bakeS: 0,
    });
  });

  test('a reason is one line, as it was typed', async () => {
    const invocation = await parseArgv(
      testSurroundings({ argv: ['apply', '--reason', 'CHG-4711: Überprüfung, "Duo" $(id)'] }),
    );
    expect(invocation).toMatchObject({ options: { reason: 'CHG-4711: Überprüfung, "Duo" $(id)' } });
  });

  test.each(['a\nb', 'a\u001b[2J', 'a\u0085', 'a\u202eb', 'a\u2028b', 'x'.repeat(201)])(
    'a reason that could pose as something else, %j, is refused',
    async (reason) => {
      const outside = testSurroundings({ argv: ['apply', '--reason', reason] });
      await expect(parseArgv(outside)).rejects.toThrow('--reason takes one line');
    },
  );

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

  test.each(['apply --check --diff', 'apply -C -D', 'apply -CD', 'apply inv.yml -D -C'])(
    '%s, as Ansible has it, is a plan',
    async (line) => {
      expect(await parse(line)).toMatchObject({ command: 'plan', options: { check: true, diff: true } });
    },
  );

  test('--check from the environment holds for apply, too, and apply without it is apply', async () => {
    expect(await parse('apply', { DUO_FLEET_CHECK: 'yes' })).toMatchObject({ command: 'plan' });
    expect(await parse('apply --no-check --diff')).toMatchObject({
      command: 'apply',
      options: { diff: true },
    });
    expect(await parse('plan --diff')).toMatchObject({ command: 'plan' });
  });

  test('Ansible’s letters are understood', async () => {
    expect(await optionsOf('apply -l web*:!web3 -f 3')).toMatchObject({ limit: 'web*:!web3', forks: 3 });
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

  test.each([
    ['plan a.yml', 'a.yml'],
    ['plan -i a.yml', 'a.yml'],
    ['plan --inventory a.yml', 'a.yml'],
    ['plan --inventory=a.yml -l web', 'a.yml'],
    ['plan -i a.yml -i b --inventory c.ini', 'a.yml,b,c.ini'],
    ['plan a.yml -i b', 'a.yml,b'],
    ['plan -i b a.yml', 'a.yml,b'],
    ['plan -i a,b', 'a,b'],
  ])('%s: the inventories, none of them dropped', async (line, inventory) => {
    expect(await optionsOf(line)).toMatchObject({ inventory });
  });

  test('-l is --limit', async () => {
    expect(await optionsOf('plan -l @failed.txt')).toMatchObject({ limit: '@failed.txt' });
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
    ['apply --canray 1', 'did you mean --canary?'],
    ['plan --canary 1', '--canary belongs to apply'],
    ['apply --serial 0', '--serial takes sizes'],
    ['apply --serial 1,,2', '--serial takes sizes'],
    ['apply --serial 10%,0%', '--serial takes sizes'],
    ['apply --max-failures many', '--max-failures takes a number of hosts or a share such as 10%'],
    ['apply --max-failures 101%', '--max-failures'],
    ['apply --bake 10', '--bake takes a length of time such as 90s, 10m or 1h30m'],
    ['apply --bake-wave 25h', '--bake-wave takes a length of time'],
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
    ['apply -k', "-k is Ansible's: accounts log in by key"],
    ['apply --become', "--become is Ansible's: hosts are always changed as root"],
    ['apply -e a=b', "-e is Ansible's: variables are set in the inventory"],
    ['apply --vault-id x', "--vault-id is Ansible's: vault files are not read"],
    ['rollback --check', '--check belongs to apply, not to rollback'],
    ['verify -C', 'there is no flag -C'],
    ['apply --check=maybe', '--check takes no value'],
    ['apply --json=yes', '--json takes no value'],
    ['apply --limit a --limit b', '--limit is given more than once'],
    ['apply -l a --limit b', '--limit is given more than once'],
    ['apply -i', 'needs a value'],
    ['apply a,b -i c', 'a path with a comma in it stands alone'],
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
