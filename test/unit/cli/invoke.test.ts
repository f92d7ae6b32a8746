import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Wire } from '../../../src/cli/carry-run.ts';
import { UsageError, type Surroundings } from '../../../src/cli/surroundings.ts';
import type { HostResult } from '../../../src/core/verdict.ts';
import { parseJournal } from '../../../src/engine/journal.ts';
import { allConfirmed, confirmed, INVENTORY, invocationsIn, SKEY } from '../../support/invocation.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-invoke-'));
  writeFileSync(join(folder, 'inventory.yml'), INVENTORY);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const allEnding =
  (verdict: HostResult['verdict']): Wire =>
  async () =>
  async ({ host }) => ({ ...confirmed(host), verdict });

const call = (...given: Parameters<ReturnType<typeof invocationsIn>['call']>) =>
  invocationsIn(folder).call(...given);
const runsIn = () => invocationsIn(folder).runsIn();

/** An engine that repeats what it should keep to itself. */
const chatty: Wire = async () => async (settings, emit) => {
  await emit({ type: 'noted', host: settings.host, note: `the host said ${SKEY}` });
  return {
    ...confirmed(settings.host),
    verdict: 'refused',
    failure: { step: 'observe', reason: 'exit', message: `skey = ${SKEY}` },
    findings: [{ rule: 'r', persona: 'host', severity: 'breach', message: SKEY }],
  };
};

/** An engine that plans one reload for each host. */
const planning: Wire = async (order) => async (settings) => {
  order.onPlan({
    host: settings.host,
    changes: [{ kind: 'reload', step: 'sshd-settings', target: 'ssh', why: ['its settings change'] }],
    findings: [],
    digest: 'd',
  });
  return { ...confirmed(settings.host), verdict: 'planned' };
};

/** An engine that plans a change for each host and then has web2 fail. */
const oneFails: Wire = async (order, outside) => {
  const plan = await planning(order, outside);
  return async (settings, emit, bake) => {
    const { host } = await plan(settings, emit, bake);
    return { ...confirmed(host), verdict: host === 'web2' ? 'rolled-back' : 'confirmed' };
  };
};

test('a report never takes the place of the inventory', async () => {
  const { exitCode, stderr } = await call('apply --yes --report inventory.yml');
  expect([exitCode, readFileSync(join(folder, 'inventory.yml'), 'utf8')]).toEqual([2, INVENTORY]);
  expect(stderr).toContain('is the inventory, and it is not overwritten');
});

test('what is to be typed next goes the way that this one went', async () => {
  const way = '--jump ops@gate --known-hosts /srv/keys --host-keys accept-new --private-key /srv/id';
  const { stdout } = await call(`apply --yes --host web1 ${way}`, allEnding('refused'));
  expect(stdout).toContain(`  duo-fleet apply --host web1 ${way}\n`);
});

describe('apply', () => {
  test('with --json gives one document on stdout and progress on stderr', async () => {
    const { exitCode, stdout, stderr } = await call('apply --yes --json --host web1');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      run: '20261122-054735-abab',
      rollbacks: [],
      command: 'apply',
      exitCode: 0,
      hosts: [
        {
          host: 'web1',
          verdict: 'confirmed',
          changes: [{ step: 'pam-sshd', kind: 'file', target: '/etc/pam.d/sshd' }],
          findings: [],
          checks: [],
          failure: null,
          durationMs: 4120,
          wave: 1,
        },
      ],
      waves: [
        {
          wave: 1,
          kind: 'canary',
          hosts: ['web1'],
          bakeS: 0,
          startedAt: expect.any(String),
          endedAt: expect.any(String),
          bake: null,
          gate: null,
        },
      ],
    });
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^web1 +verdict +confirmed/m);
  });

  test('leaves a journal of the whole run', async () => {
    const { stdout } = await call('apply --yes');
    expect(runsIn()).toEqual(['20261122-054735-abab']);
    const path = join(folder, 'state', 'duo-fleet', 'runs', '20261122-054735-abab', 'events.jsonl');
    expect(stdout).toContain(path);
    const { events, damage } = parseJournal(readFileSync(path, 'utf8'));
    expect(damage).toEqual([]);
    expect(events[0]).toMatchObject({
      type: 'run-started',
      operator: 'ann@bastion',
      hosts: ['web1', 'web2', 'db1'],
    });
    expect(events.at(-1)).toMatchObject({ type: 'run-ended', exitCode: 0 });
  });

  test('with --as says so where its first host needed no change, and so no login was tried', async () => {
    const tried = 'duo-fleet verify --host web1 --probe --as alice';
    expect((await call('apply --yes --as alice', allEnding('unchanged'))).stdout).toContain(tried);
    expect((await call('apply --yes --as alice')).stdout).not.toContain(tried);
  });

  test('has the command to go on with name whose push is approved', async () => {
    const { stdout } = await call('apply --yes --host web1 --as alice', allEnding('refused'));
    expect(stdout).toContain('duo-fleet apply --host web1 --as alice\n');
  });

  test('without a terminal and without --yes is a usage error, and nothing is touched', async () => {
    let wired = false;
    const { exitCode, stderr, stdout } = await call('apply', async (order, outside) => {
      wired = true;
      return allConfirmed(order, outside);
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--yes');
    expect(stdout).toBe('');
    expect(wired).toBe(false);
    expect(runsIn()).toEqual([]);
  });

  test.each([
    ['y', 0],
    ['YES', 0],
    ['', 1],
    ['n', 1],
    ['yeah', 1],
    ['interrupted', 130],
  ] as const)('asked on a terminal and answered %j, it ends with %i', async (answer, code) => {
    const asked: string[] = [];
    const ask = async (question: string): Promise<string> => {
      asked.push(question);
      return answer;
    };
    const { exitCode } = await call('apply --limit web*', allConfirmed, { ask });
    expect(exitCode).toBe(code);
    expect(asked.join()).toMatch(
      /2 hosts in 2 waves[\s\S]*1\. canary {2}1 host: web1\n[\s\S]*2\. wave {4}1 host: web2\n[\s\S]*After the first host that fails[\s\S]*api-12345678/,
    );
    expect(runsIn()).toHaveLength(code === 0 ? 1 : 0);
  });

  test('waves that cannot be had are refused before anything is touched', async () => {
    const { exitCode, stderr } = await call('apply --yes --canary frist');
    expect([exitCode, runsIn()]).toEqual([2, []]);
    expect(stderr).toContain('inventory.yml has no group frist.');
  });

  test('--confirm-waves asks between waves, also with --yes, and a no leaves the rest for resume', async () => {
    const asked: string[] = [];
    const answers = ['y', 'n'];
    const ask = async (question: string) => {
      asked.push(question);
      return answers.shift() ?? 'n';
    };
    const { exitCode, stdout } = await call('apply --yes --confirm-waves --serial 1', allConfirmed, { ask });
    expect(exitCode).toBe(1);
    expect(asked).toEqual([
      expect.stringMatching(
        /Wave 1 of 3 \(canary\) has ended: no host failed\.\nNext is wave 2 of 3: 1 host: web2\.\nGo on\? \[y\/N\] $/,
      ),
      expect.stringContaining('Next is wave 3 of 3: 1 host: db1.'),
    ]);
    expect(stdout).toContain('Halted in wave 2 of 3: ann@bastion said no.');
    expect(stdout).toMatch(/duo-fleet resume 20261122-054735-abab/);
  });

  test('--reason is in the journal', async () => {
    await call('apply --yes --reason CHG-4711');
    const [run = ''] = runsIn();
    const path = join(folder, 'state', 'duo-fleet', 'runs', run, 'events.jsonl');
    const { events } = parseJournal(readFileSync(path, 'utf8'));
    expect(events[0]).toMatchObject({ type: 'run-started', reason: 'CHG-4711' });
  });

  test('writes the report whole, and leaves nothing else beside it', async () => {
    mkdirSync(join(folder, 'out'));
    await call('apply --yes --report out/report.json');
    expect(JSON.parse(readFileSync(join(folder, 'out', 'report.json'), 'utf8'))).toMatchObject({
      exitCode: 0,
    });
    expect(readdirSync(join(folder, 'out'))).toEqual(['report.json']);
  });

  test('a report that cannot be written is told before anything is touched', async () => {
    const { exitCode, stderr } = await call('apply --yes --report nowhere/report.json');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('nowhere/report.json');
    expect(runsIn()).toEqual([]);
  });

  test('a journal that cannot be written is told before anything is touched', async () => {
    writeFileSync(join(folder, 'file'), '');
    const env = { XDG_STATE_HOME: join(folder, 'file') };
    let ran = false;
    const wire: Wire = async () => async (settings) => {
      ran = true;
      return confirmed(settings.host);
    };
    const { exitCode, stderr } = await call('apply --yes', wire, { env });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('journal');
    expect(stderr).toContain('Nothing was touched.');
    expect(ran).toBe(false);
  });

  test('an engine that cannot be had is a usage error', async () => {
    const { exitCode, stderr } = await call('apply --yes', async () => {
      throw new UsageError('duo_repo_key: the server answered 404');
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('the server answered 404');
  });
});

describe('plan', () => {
  test('shows each host’s changes as a diff, and asks nothing', async () => {
    const { exitCode, stdout } = await call('plan', planning);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/web1: 1 change\n.*reload ssh[\s\S]*db1: 1 change[\s\S]*VERDICT/);
  });
});

describe('as people from Ansible type it', () => {
  test('apply --check is a plan: it says so, asks nothing, and the engine is told to plan', async () => {
    const commands: string[] = [];
    const { exitCode, stdout, stderr } = await call('apply --check --diff', async (order, outside) => {
      commands.push(order.command);
      return planning(order, outside);
    });
    expect([exitCode, commands]).toEqual([0, ['plan']]);
    expect(stderr).toContain('--check: as duo-fleet plan does, this shows what would change');
    expect(stdout).toMatch(/web1: 1 change\n[\s\S]*planned/);
  });

  test('apply --diff shows what was changed and stays, in the order of hosts, and nothing else', async () => {
    const { stdout } = await call('apply --yes --diff', oneFails);
    expect(stdout).toMatch(/web1: 1 change\n.*reload ssh[\s\S]*db1: 1 change[\s\S]*VERDICT/);
    expect(stdout).not.toContain('web2: 1 change');
    expect((await call('apply --yes', oneFails)).stdout).not.toContain('1 change\n');
  });
});

describe('a secret that a host repeats', () => {
  test('is in neither journal, document, report nor table', async () => {
    const { stdout, stderr } = await call('apply --yes --json --report r.json --host web1', chatty);
    const path = join(folder, 'state', 'duo-fleet', 'runs', '20261122-054735-abab', 'events.jsonl');
    const everything = [
      stdout,
      stderr,
      readFileSync(path, 'utf8'),
      readFileSync(join(folder, 'r.json'), 'utf8'),
    ];
    for (const text of everything) {
      expect(text).not.toContain(SKEY);
      expect(text).toContain('[secret]');
    }
  });
});

describe('the operator’s mistakes', () => {
  test('in the inventory are told with file, line and column, exit 2', async () => {
    writeFileSync(
      join(folder, 'bad.yml'),
      INVENTORY.replace('ad_sudo_group', 'duo_failmood: x\n    ad_sudo_group'),
    );
    const { exitCode, stderr } = await call('apply bad.yml --yes');
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/bad\.yml:13:\d+: error: .*duo_failmood/);
    expect(stderr).toContain('Nothing was touched.');
    expect(runsIn()).toEqual([]);
  });

  test('an unknown host is told with the nearest name', async () => {
    const { exitCode, stderr } = await call('verify --host wbe1');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('web1');
  });

  test('a secret that cannot be had stops before anything is touched', async () => {
    writeFileSync(join(folder, 'ref.yml'), INVENTORY.replace(SKEY, 'env:NOT_THERE'));
    const { exitCode, stderr } = await call('verify ref.yml');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('NOT_THERE');
  });

  test('a command that does not exist is told on stderr', async () => {
    const { exitCode, stderr, stdout } = await call('verfiy');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('did you mean verify?');
    expect(stdout).toBe('');
  });
});

test('a secret that came by the environment is not in the environment of programs that make connections', async () => {
  writeFileSync(join(folder, 'inventory.yml'), INVENTORY.replace(SKEY, 'env:KEPT'));
  const seen: unknown[] = [];
  const wire: Wire = async (order) => {
    seen.push(order.secrets.env['KEPT'], order.secrets.env['OTHER']);
    return async ({ host }) => confirmed(host);
  };
  const env = { XDG_STATE_HOME: join(folder, 'state'), KEPT: SKEY, OTHER: 'other' };
  for (const [at, command] of ['apply --yes', 'rollback --yes'].entries()) {
    const randomBytes = (count: number): Uint8Array => new Uint8Array(count).fill(at);
    expect((await call(command, wire, { env, randomBytes })).exitCode).toBe(0);
  }
  // A rollback does not open it, and still passes it on to nobody.
  expect(seen).toEqual([undefined, 'other', undefined, 'other']);
});

describe('a secret that somebody has to be asked for', () => {
  test('is not asked for before the question, nor after a no', async () => {
    const inventory = INVENTORY.replace(/duo_skey: .*/, 'duo_skey: prompt:Duo skey');
    writeFileSync(join(folder, 'inventory.yml'), inventory);
    const asked: string[] = [];
    const prompt: Surroundings['prompt'] = async (question) => {
      asked.push(question.prompt);
      return SKEY;
    };
    const answering = (answer: string): Partial<Surroundings> => ({
      prompt,
      ask: async () => {
        asked.push('Go on?');
        return answer;
      },
    });
    expect((await call('apply', allConfirmed, answering('n'))).exitCode).toBe(1);
    expect(asked).toEqual(['Go on?']);
    const { exitCode, stdout, stderr } = await call('apply', allConfirmed, answering('y'));
    expect(exitCode).toBe(0);
    expect(asked).toEqual(['Go on?', 'Go on?', 'Duo skey: ']);
    expect(stdout + stderr).not.toContain(SKEY);
  });

  test('cannot be had without a terminal, and that is told at its place', async () => {
    const inventory = INVENTORY.replace(/duo_skey: .*/, 'duo_skey: prompt:Duo skey');
    writeFileSync(join(folder, 'inventory.yml'), inventory);
    const { exitCode, stderr } = await call('apply --yes', allConfirmed);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(
      /inventory\.yml:10:15: error: duo_skey: there is no terminal to ask for Duo skey on/,
    );
  });
});

describe('where the inventory is found', () => {
  test('without ansible_user, hosts are reached as who runs this, as Ansible does', async () => {
    writeFileSync(join(folder, 'inventory.yml'), INVENTORY.replace('ansible_user: automation', 'x: y'));
    const users: string[] = [];
    await call('verify --host web1', async (order) => {
      users.push(...order.settings.map(({ connection }) => connection.user));
      return async (settings) => confirmed(settings.host);
    });
    expect(users).toEqual(['ann']);
  });

  test('in a folder, with the variables beside it', async () => {
    rmSync(join(folder, 'inventory.yml'));
    mkdirSync(join(folder, 'inventory', 'group_vars'), { recursive: true });
    mkdirSync(join(folder, 'inventory', 'host_vars', 'web1'), { recursive: true });
    writeFileSync(join(folder, 'inventory', 'hosts.yml'), 'all:\n  hosts:\n    web1:\n');
    const vars = INVENTORY.slice(INVENTORY.indexOf('vars:\n') + 6).replaceAll(/^ {4}/gm, '');
    writeFileSync(join(folder, 'inventory', 'group_vars', 'all.yml'), vars);
    writeFileSync(join(folder, 'inventory', 'host_vars', 'web1', 'main.yml'), 'ansible_port: 2222\n');
    const ports: number[] = [];
    const { exitCode, stderr } = await call('verify', async (order) => {
      ports.push(...order.settings.map(({ connection }) => connection.port));
      return async (settings) => confirmed(settings.host);
    });
    expect(stderr).toBe('');
    expect(exitCode).toBe(0);
    expect(ports).toEqual([2222]);
  });

  test('by DUO_FLEET_INVENTORY before ./inventory.yml, and by argument before both', async () => {
    writeFileSync(join(folder, 'env.yml'), INVENTORY.replaceAll('web', 'env'));
    writeFileSync(join(folder, 'arg.yml'), INVENTORY.replaceAll('web', 'arg'));
    const env = { XDG_STATE_HOME: join(folder, 'state'), DUO_FLEET_INVENTORY: 'env.yml' };
    const hostsOf = async (line: string): Promise<readonly string[]> => {
      const hosts: string[] = [];
      await call(
        line,
        async (order) => {
          hosts.push(...order.settings.map(({ host }) => host));
          return async (settings) => confirmed(settings.host);
        },
        { env, randomBytes: () => new TextEncoder().encode(line) },
      );
      return hosts;
    };
    expect(await hostsOf('verify')).toEqual(['env1', 'env2', 'db1']);
    expect(await hostsOf('plan arg.yml')).toEqual(['arg1', 'arg2', 'db1']);
  });

  test('in several, which are found again by resume and by what is to be typed next', async () => {
    writeFileSync(join(folder, 'more.ini'), '[more]\nweb7\n');
    await call('verify -i inventory.yml -i more.ini --limit more');
    const [run = ''] = readdirSync(join(folder, 'state', 'duo-fleet', 'runs'));
    const journal = readFileSync(join(folder, 'state', 'duo-fleet', 'runs', run, 'events.jsonl'), 'utf8');
    expect(journal).toContain(`"inventory":"${join(folder, 'inventory.yml')},${join(folder, 'more.ini')}"`);
  });

  test('nowhere: says where it looks', async () => {
    rmSync(join(folder, 'inventory.yml'));
    const { exitCode, stderr } = await call('verify');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('DUO_FLEET_INVENTORY');
  });
});
