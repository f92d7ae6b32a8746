import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { complete } from '../../../src/cli/complete.ts';
import { sha256 } from '../../../src/cli/sha256.ts';
import { planFileText } from '../../../src/core/approved-plan.ts';
import { planDigest } from '../../../src/core/plan.ts';
import { invoke } from '../../../src/cli/invoke.ts';
import { testSurroundings } from '../../support/surroundings.ts';

const INVENTORY = `
all:
  children:
    web:
      hosts:
        web1:
        web2:
    prod:
      hosts:
        web2:
        "2001:db8::1":
        "x;touch owned":
  vars:
    duo_skey: command:touch ran
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-complete-'));
  writeFileSync(join(folder, 'inventory.yml'), INVENTORY);
  writeFileSync(join(folder, 'other.yml'), 'all: {hosts: {db1: }}\n');
  writeFileSync(join(folder, 'bad.yml'), 'all: [\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const noEngine = () => Promise.reject(new Error('no run is made here'));

const script = async (argv: readonly string[], env = {}) => {
  const surroundings = testSurroundings({ argv, env });
  const { exitCode } = await invoke(surroundings, noEngine);
  return { exitCode, ...surroundings.written };
};

/** The lines for `duo-fleet LINE`, whose last word is under the cursor. */
const linesFor = async (line: string, env: Record<string, string> = {}): Promise<readonly string[]> => {
  const surroundings = testSurroundings({
    argv: ['complete', '--', ...line.split(' ')],
    cwd: folder,
    home: folder,
    env: { XDG_STATE_HOME: folder, ...env },
  });
  await complete(surroundings);
  expect(surroundings.written.stderr).toBe('');
  return surroundings.written.stdout.split('\n').slice(0, -1);
};
const wordsFor = async (line: string, env: Record<string, string> = {}): Promise<readonly string[]> =>
  (await linesFor(line, env)).map((each) => each.split('\t')[0] ?? '');

describe('completions', () => {
  test('know groups for --canary, and hosts of a plan’s inventory', async () => {
    expect(await wordsFor('apply --canary ')).toEqual(expect.arrayContaining(['prod', 'web']));
    expect(await wordsFor('apply --canary w')).toEqual(['web']);
    const head = {
      run: '20261122-054735-ab12',
      madeAt: '',
      operator: '',
      inventory: join(folder, 'other.yml'),
    };
    const plan = { digest: planDigest([], sha256), declared: 'a'.repeat(64), changes: [] };
    writeFileSync(join(folder, 'plan.json'), planFileText(head, new Map([['db1', plan]])));
    expect(await wordsFor('apply plan.json --host ')).toEqual(['db1']);
  });

  test('know the commands, with what they do', async () => {
    expect(await wordsFor('ro')).toEqual(['rollback']);
    expect(await wordsFor('')).toEqual(expect.arrayContaining(['apply', 'init', 'completion']));
    expect(await wordsFor('')).not.toContain('complete');
    expect(await linesFor('ver')).toEqual([expect.stringMatching(/^verify\tLook whether/)]);
  });

  test('know the flags of a command, and no others', async () => {
    expect(await wordsFor('apply --ho')).toEqual(['--host', '--host-keys']);
    expect(await wordsFor('plan --ye')).toEqual([]);
    expect(await linesFor('apply --ye')).toEqual([expect.stringContaining('\tDo not ask')]);
  });

  test.each([
    ['apply --host-keys ', ['strict', 'accept-new', 'off']],
    ['apply --host-keys=a', ['--host-keys=accept-new']],
    ['explain --service s', ['sshd', 'sudo']],
    ['explain --duo un', ['unknown-user', 'unreachable']],
    ['completion ', ['bash', 'zsh', 'fish']],
    ['apply --forks ', []],
    ['apply inventory.yml ', []],
  ])('%j is followed by %j', async (line, words) => {
    expect(await wordsFor(line)).toEqual(words);
  });

  test('know the hosts of the inventory that the line, the environment or the folder names', async () => {
    expect(await wordsFor('apply --host web')).toEqual(['web1', 'web2']);
    expect(await wordsFor('apply --host web1,')).toContain('web1,web2');
    expect(await wordsFor('apply --host 2001:d')).toEqual(['2001:db8::1']);
    expect(await wordsFor('apply --json other.yml --host ')).toEqual(['db1']);
    expect(await wordsFor('resume --inventory other.yml --host ')).toEqual(['db1']);
    expect(await wordsFor('verify --host ', { DUO_FLEET_INVENTORY: 'other.yml' })).toEqual(['db1']);
  });

  test.each([
    ['apply --limit w', ['web1', 'web2', 'web']],
    ['apply -l pr', ['prod']],
    ['apply --limit web:!web2', ['web:!web2']],
    ['apply --limit web:&pr', ['web:&prod']],
    ['apply --limit web1,pr', ['web1,prod']],
    ['apply --limit=!pr', ['--limit=!prod']],
  ])('%j, a pattern, is followed by %j', async (line, words) => {
    expect(await wordsFor(line)).toEqual(words);
  });

  test('leave out a name that a shell would read as something else', async () => {
    const words = await wordsFor('apply --host ');
    expect(words).toContain('web1');
    expect(words.join(' ')).not.toContain('touch');
  });

  test('know the runs, the newest first', async () => {
    for (const run of ['20261122-054735-ab12', '20261123-054735-ab12', 'stray']) {
      mkdirSync(join(folder, 'duo-fleet', 'runs', run), { recursive: true });
    }
    const runs = ['20261123-054735-ab12', '20261122-054735-ab12'];
    expect(await wordsFor('resume ')).toEqual(runs);
    expect(await wordsFor('rollback --run ')).toEqual(runs);
  });

  test.each(['apply ', 'init pr', 'apply --report ', 'apply --known-hosts=~/', 'explain --pam-dir '])(
    'leave %j to the shell, which knows files',
    async (line) => {
      expect(await linesFor(line)).toEqual([':files']);
    },
  );

  test.each([
    'apply bad.yml --host ',
    'apply none.yml --host ',
    'resume ',
    'aply --host ',
    'aply ',
    'apply --hots=',
  ])('say nothing at all where something is wrong: %j', async (line) => {
    expect(await linesFor(line)).toEqual([]);
  });

  test('are a script for each shell, that of $SHELL where none is named', async () => {
    expect((await script(['completion', 'bash'])).stdout).toContain('complete -F _duo_fleet duo-fleet');
    expect(await script(['completion'], { SHELL: '/usr/bin/zsh' })).toEqual(
      await script(['completion', 'zsh']),
    );
    expect((await script(['completion', 'zsh'])).stdout).toMatch(/^#compdef duo-fleet\n/);
    const wrong = await script(['completion', 'csh']);
    expect([wrong.exitCode, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('completion takes one of bash, zsh, fish, not "csh"'),
    ]);
  });
});
