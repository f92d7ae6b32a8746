import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { invoke } from '../../../src/cli/invoke.ts';
import type { RemoteOf } from '../../../src/cli/make-remote.ts';
import type { Facts } from '../../../src/core/facts.ts';
import { Failure } from '../../../src/core/failure.ts';
import type { ObserveRequest, Remote } from '../../../src/core/remote.ts';
import { accountOf, exampleFacts, fileOf } from '../../support/example-host.ts';
import { testSurroundings } from '../../support/surroundings.ts';

const SKEY = 'sEcReTsEcReTsEcReTsEcReTsEcReTsEcReT1234';
const INVENTORY = `
all:
  hosts:
    web1:
    web2:
  vars:
    ansible_user: automation
    duo_ikey: DIXXXXXXXXXXXXXXXXXX
    duo_skey: ${SKEY}
    duo_api_host: api-12345678.duosecurity.com
    ad_server_access_group: sg_serveraccess
    ad_sudo_group: sg_sudo
    break_glass_user: breakglass
    pbr_admin_allowed_sources: 198.18.0.0/16
`;

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-explain-'));
  writeFileSync(join(folder, 'inventory.yml'), INVENTORY);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A host that can be looked at, and nothing else: any other call is a mistake of explain's. */
const hostOf = (facts: (request: ObserveRequest) => Facts) => {
  const requests: ObserveRequest[] = [];
  let open = 0;
  const session = new Proxy(
    {
      sourceAddress: '198.18.0.1',
      observe: async (request: ObserveRequest) => {
        requests.push(request);
        return facts(request);
      },
      close: () => void (open -= 1),
    },
    {
      get: (target, name) => {
        if (name in target) return target[name as keyof typeof target];
        // A promise is looked for by `await`.
        if (name === 'then') return undefined;
        throw new Error(`explain called ${String(name)}`);
      },
    },
  );
  const remote = {
    connect: async () => {
      open += 1;
      return session;
    },
  } as unknown as Remote;
  return { remoteOf: (() => remote) as RemoteOf, requests, open: () => open };
};

const MODULES = ['unix', 'cap', 'nologin', 'succeed_if', 'exec', 'permit', 'deny'].map(
  (name) => `pam_${name}.so`,
);

/** A host of whose stacks everything is known. */
const stock = () =>
  hostOf(() =>
    exampleFacts({
      files: { '/etc/pam.d/common-account': fileOf('account required pam_unix.so\n') },
      pam: { modules: MODULES, nologin: false },
    }),
  );

const noRun = async () => {
  throw new Error('explain is no run');
};

const call = async (line: string, remoteOf: RemoteOf) => {
  const outside = testSurroundings({
    argv: line.split(' '),
    cwd: folder,
    home: folder,
    env: { XDG_STATE_HOME: join(folder, 'state') },
  });
  const ending = await invoke(outside, noRun, remoteOf);
  return { ...ending, ...outside.written };
};

describe('explain of a host', () => {
  test('looks once, closes its connection, and leaves no trace of a run', async () => {
    const host = stock();
    const { exitCode, stdout, stderr } = await call('explain --host web1', host.remoteOf);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toContain('SSH login to web1, now');
    expect(stdout).toContain('sudo on web1, now');
    expect(host.requests).toHaveLength(1);
    expect(host.open()).toBe(0);
    expect(readdirSync(folder)).toEqual(['inventory.yml']);
  });

  test('tells what is wrong with the inventory at its place, and looks at no host', async () => {
    writeFileSync(join(folder, 'inventory.yml'), INVENTORY.replace('duo_ikey: ', 'duo_ikye: '));
    const host = stock();
    const { exitCode, stderr } = await call('explain --host web1', host.remoteOf);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/inventory\.yml:\d+:\d+: error: duo_ikye/);
    expect(host.requests).toHaveLength(0);
  });

  test('says that nobody meets Duo on a host that has none of it', async () => {
    const { stdout } = await call('explain --host web1 --service sudo', stock().remoteOf);
    expect(stdout).toContain('does not name pam_duo');
    expect(stdout).not.toContain('SSH login');
  });

  test('asks sshd about the user and the address in question', async () => {
    const host = stock();
    await call('explain --host web1 --user alice --from 203.0.113.9', host.remoteOf);
    expect(host.requests[0]?.connections).toContainEqual({
      label: 'asked',
      user: 'alice',
      address: '203.0.113.9',
    });
    expect(host.requests[0]?.accounts).toContain('alice');
  });

  test('with --planned tells what apply would make of it: members meet Duo after their key', async () => {
    const { stdout } = await call('explain --host web1 --user alice --planned --json', stock().remoteOf);
    const { state, standings } = JSON.parse(stdout);
    expect(state).toBe('planned');
    expect(
      standings.map((each: { duo: string; ssh: { doors: unknown } }) => [each.duo, each.ssh.doors]),
    ).toEqual([
      ['allow', [{ methods: ['publickey', 'keyboard-interactive'], proofs: ['key', 'duo'], sure: true }]],
      ['deny', []],
      ['unreachable', [{ methods: ['publickey', 'keyboard-interactive'], proofs: ['key'], sure: true }]],
    ]);
  });

  test('break-glass from an address that is none of its sources is planned as such', async () => {
    const { stdout } = await call(
      'explain --host web1 --user breakglass --from 203.0.113.9 --planned --json --duo allow',
      stock().remoteOf,
    );
    const [standing] = JSON.parse(stdout).standings;
    expect(standing).toMatchObject({ persona: 'break-glass', from: '203.0.113.9' });
    // Not by password alone, which its own Match block gives it only from there.
    expect(standing.ssh.methods).not.toContainEqual(['password']);
  });

  test('with --json stdout is one document, and --duo leaves one answer of it', async () => {
    const { stdout } = await call('explain --host web1 --json --duo badkeys', stock().remoteOf);
    expect(stdout.trim().split('\n')).toHaveLength(1);
    const { standings } = JSON.parse(stdout);
    expect(new Set(standings.map(({ duo }: { duo: string }) => duo))).toEqual(new Set(['badkeys']));
    expect(standings.map(({ persona }: { persona: string }) => persona)).toEqual(
      expect.arrayContaining(['automation', 'break-glass', 'server-access member', 'sudo member', 'root']),
    );
  });

  test('cuts the secret key out of what a host repeats', async () => {
    const host = hostOf(() =>
      exampleFacts({ accounts: { ...exampleFacts().accounts, ann: accountOf({ groups: ['x'] }) } }),
    );
    const leaky = hostOf(() => {
      const facts = exampleFacts();
      return { ...facts, sshd: { ...facts.sshd, effective: {}, error: `skey ${SKEY} refused` } };
    });
    expect((await call('explain --host web1', host.remoteOf)).exitCode).toBe(0);
    const { stdout, stderr } = await call('explain --host web1', leaky.remoteOf);
    expect(stdout).toContain('[secret] refused');
    expect(stdout + stderr).not.toContain(SKEY);
  });
});

describe('a question that cannot be answered', () => {
  test('a user whom the host does not know is named, exit 2', async () => {
    const host = hostOf(() => exampleFacts({ accounts: { ...exampleFacts().accounts, nobodyhere: null } }));
    const { exitCode, stdout, stderr } = await call('explain --host web1 --user nobodyhere', host.remoteOf);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain('web1 knows no account "nobodyhere"');
    expect(host.open()).toBe(0);
  });

  test('more than one host is one too many, exit 2, and none is asked', async () => {
    const host = stock();
    const { exitCode, stderr } = await call('explain', host.remoteOf);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--host');
    expect(host.requests).toEqual([]);
  });

  test('a host that does not answer is told, exit 1, and the document keeps its shape', async () => {
    const remoteOf = (() => ({
      connect: async () => {
        throw new Failure('link', 'web1 (198.18.0.11:22) does not answer');
      },
    })) as unknown as RemoteOf;
    const { exitCode, stdout, stderr } = await call('explain --host web1 --json', remoteOf);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('does not answer');
    expect(JSON.parse(stdout)).toMatchObject({
      host: 'web1',
      failure: { reason: 'link', message: 'web1 (198.18.0.11:22) does not answer' },
      standings: [],
    });
  });
});
