// What `duo-fleet resume` chooses, says and leaves alone; journals are real, the engine is not.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Wire } from '../../../src/cli/carry-run.ts';
import { invoke } from '../../../src/cli/invoke.ts';
import { holdRun } from '../../../src/cli/run-holder.ts';
import type { Surroundings } from '../../../src/cli/surroundings.ts';
import type { RunEvent } from '../../../src/core/event.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import { makeRollout, type RolloutRules } from '../../../src/core/wave.ts';
import { journalLine, parseJournal } from '../../../src/engine/journal.ts';
import type { Earlier } from '../../../src/engine/settle-earlier.ts';
import type { JsonDocument } from '../../../src/view/json-document.ts';
import { INVENTORY as ANY_INVENTORY, SKEY } from '../../support/invocation.ts';
import { resultOf } from '../../support/run-scene.ts';
import { testSurroundings } from '../../support/surroundings.ts';

const INVENTORY = ANY_INVENTORY.replace(SKEY, 'env:SKEY');
const OLD = '20261121-080000-0001';
const NOW = '20261122-054735-abab';

let folder = '';
let inventory = '';
let runs = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-resume-'));
  inventory = join(folder, 'inventory.yml');
  runs = join(folder, 'state', 'duo-fleet', 'runs');
  writeFileSync(inventory, INVENTORY);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const ended = (host: string, verdict: Verdict): RunEvent => ({
  type: 'host-ended',
  result: resultOf(host, verdict),
});
const begun = (host: string): RunEvent => ({ type: 'host-started', host });
const claimed = (host: string): RunEvent => ({ type: 'claimed', host, tx: `${OLD}-${host}` });

const startOf = (run: string, more: Partial<Extract<RunEvent, { type: 'run-started' }>> = {}): RunEvent => ({
  type: 'run-started',
  run,
  command: 'apply',
  operator: 'ann@bastion',
  hosts: ['web1', 'web2', 'db1'],
  version: 'v',
  inventory,
  leaseS: 60,
  ...more,
});

/** Puts a run's journal on the disk. */
const journal = (run: string, events: readonly RunEvent[]): string => {
  const path = join(runs, run);
  mkdirSync(path, { recursive: true });
  const text = events.map((event, seq) => journalLine({ ...event, seq, at: seq })).join('');
  writeFileSync(join(path, 'events.jsonl'), text);
  return path;
};

/** web1 is there, web2 was in the middle, db1 never began. */
const cutOff = (): string =>
  journal(OLD, [startOf(OLD), begun('web1'), ended('web1', 'confirmed'), begun('web2'), claimed('web2')]);

const call = async (line: string, overrides: Partial<Surroundings> = {}, verdict: Verdict = 'confirmed') => {
  const asked: { host: string; earlier: Earlier | undefined }[] = [];
  const wire: Wire = async (order) => async (settings, emit) => {
    asked.push({ host: settings.host, earlier: order.earlier?.(settings) });
    await emit({ type: 'host-started', host: settings.host });
    return resultOf(settings.host, verdict);
  };
  const outside = testSurroundings({
    argv: line.split(' '),
    cwd: '/',
    home: folder,
    env: { XDG_STATE_HOME: join(folder, 'state'), SKEY: 'k'.repeat(40) },
    ...overrides,
  });
  const ending = await invoke(outside, wire);
  return { ...ending, ...outside.written, asked };
};

const wavesOf = async (line: string) => {
  const { stdout, stderr, exitCode } = await call(line);
  const { waves } = JSON.parse(stdout) as JsonDocument;
  return { exitCode, stderr, waves: waves.map(({ kind, hosts, bakeS }) => [kind, hosts.join(), bakeS]) };
};

describe('resume', () => {
  test('takes the hosts that are left, from the inventory of the run, and names the run in its journal', async () => {
    cutOff();
    const { exitCode, asked, stderr, stdout } = await call('resume --yes --json');
    expect(exitCode).toBe(0);
    expect(asked).toEqual([
      {
        host: 'web2',
        earlier: expect.objectContaining({ run: OLD, tx: `${OLD}-web2`, thenApply: true }),
      },
      { host: 'db1', earlier: expect.objectContaining({ run: OLD, tx: null }) },
    ]);
    expect(asked[0]?.earlier?.dead.get(OLD)).toBe(60);
    expect(stderr).toContain(`Run ${OLD} of ann@bastion: 1 of 3 hosts are as declared and left alone.`);
    expect(stderr).toContain('asked what became of them: web2.');
    expect(stderr).toContain('Not started, put back or not reached: db1.');
    expect(JSON.parse(stdout)).toMatchObject({
      command: 'resume',
      hosts: [{ host: 'web2' }, { host: 'db1' }],
    });
    const { events } = parseJournal(readFileSync(join(runs, NOW, 'events.jsonl'), 'utf8'));
    expect(events[0]).toMatchObject({ type: 'run-started', command: 'resume', resumes: OLD, inventory });
  });

  describe('goes on in waves', () => {
    const rules: RolloutRules = {
      canary: { kind: 'hosts', count: 2 },
      serial: [{ kind: 'hosts', count: 1 }],
      maxFailures: { kind: 'hosts', count: 1 },
      bakeS: 60,
      bakeWaveS: 0,
      onFailure: 'stop',
    };
    const ALL = ['web1', 'web2', 'db1'];
    const inWaves = (canaries: readonly string[], events: readonly RunEvent[]): string =>
      journal(OLD, [startOf(OLD, { rollout: makeRollout(ALL, canaries, rules) }), ...events]);
    test('by the rules of its run, without a canary where that was confirmed', async () => {
      inWaves(['web1'], [begun('web1'), ended('web1', 'confirmed'), begun('web2'), claimed('web2')]);
      const { waves, stderr } = await wavesOf('resume --yes --json');
      expect(waves).toEqual([
        ['serial', 'web2', 0],
        ['serial', 'db1', 0],
      ]);
      expect(stderr).toContain('They go on in 2 waves:');
      expect(stderr).toContain('When more than 1 host has failed');
    });

    test('the canaries that were not confirmed first again, and baked again', async () => {
      inWaves(['web2', 'db1'], [begun('web2'), ended('web2', 'confirmed'), begun('db1'), claimed('db1')]);
      expect((await wavesOf('resume --yes --json')).waves).toEqual([
        ['canary', 'db1', 60],
        ['serial', 'web1', 0],
      ]);
    });

    test('by other rules where they are asked for', async () => {
      inWaves(['web1'], [begun('web1'), ended('web1', 'confirmed'), begun('web2'), claimed('web2')]);
      const { waves } = await wavesOf('resume --yes --json --canary 1 --bake 0 --serial 100%');
      expect(waves).toEqual([
        ['canary', 'web2', 0],
        ['serial', 'db1', 0],
      ]);
    });

    test('with a canary where the journal does not tell what the run did', async () => {
      cutOff();
      expect((await wavesOf('resume --yes --json')).waves).toEqual([
        ['canary', 'web2', 0],
        ['serial', 'db1', 0],
      ]);
    });

    test('but only to settle, all alike: none that stays stranded keeps another from being asked', async () => {
      journal(OLD, [startOf(OLD), ...ALL.flatMap((host) => [begun(host), claimed(host)])]);
      expect(await wavesOf('resume --only-settle --json')).toMatchObject({ exitCode: 0, waves: [] });
    });
  });

  test('twice is once, by the run or without it', async () => {
    cutOff();
    await call('resume --yes');
    for (const line of ['resume --yes', `resume ${OLD} --yes`, `resume ${NOW} --yes`]) {
      const { exitCode, asked, stdout } = await call(line);
      expect([line, exitCode, asked]).toEqual([line, 0, []]);
      expect(stdout).toContain('Nothing to resume');
    }
    expect(readdirSync(runs)).toHaveLength(2);
  });

  test('with nothing to resume prints a document all the same under --json', async () => {
    const { exitCode, stdout, stderr } = await call('resume --yes --json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      run: '',
      command: 'resume',
      exitCode: 0,
      hosts: [],
      waves: [],
      rollbacks: [],
    });
    expect(stderr).toContain('Nothing to resume');
  });

  test('--only-settle asks no question and takes only the hosts that were in the middle', async () => {
    cutOff();
    const { asked } = await call('resume --only-settle');
    expect(asked).toMatchObject([{ host: 'web2', earlier: { thenApply: false } }]);
  });

  test('asks before it goes on, and without a terminal says so; nothing is touched', async () => {
    cutOff();
    const refused = await call('resume');
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain('resume needs --yes where there is no terminal to ask on');
    const no = await call('resume', { ask: async () => 'n' });
    expect(no.exitCode).toBe(1);
    expect([...refused.asked, ...no.asked]).toEqual([]);
    expect(readdirSync(runs)).toEqual([OLD]);
  });

  test('--host takes one of the run, and a host that is none of it is an error', async () => {
    cutOff();
    expect((await call('resume --yes --host web3')).stderr).toContain(`run ${OLD} has no host web3`);
    const { asked } = await call('resume --yes --host db1');
    expect(asked.map(({ host }) => host)).toEqual(['db1']);
    const rest = await call('resume --yes', { nowMs: () => Date.UTC(2026, 10, 23) });
    expect(rest.asked.map(({ host }) => host)).toEqual(['web2']);
  });

  test('says when the inventory is not what it was, and not when it is', async () => {
    const first = await call(`apply ${inventory} --yes`);
    expect(first.exitCode).toBe(0);
    const path = join(runs, NOW, 'events.jsonl');
    // The run as it would be, had it been killed while it was at db1.
    const { events } = parseJournal(readFileSync(path, 'utf8'));
    const kept = events.filter((event) => !(event.type === 'host-ended' && event.result.host === 'db1'));
    const text = kept
      .filter(({ type }) => type !== 'run-ended')
      .map((event, seq) => journalLine({ ...event, seq }))
      .join('');
    writeFileSync(path, text);
    let question = '';
    const listen = async (words: string): Promise<string> => {
      question = words;
      return 'n';
    };
    await call('resume', { ask: listen });
    expect(question).not.toContain('is not what it was');
    writeFileSync(inventory, INVENTORY.replace('sg_sudo', 'sg_other'));
    await call('resume', { ask: listen });
    expect(question).toContain('inventory.yml is not what it was for that run: what it says now holds.');
  });

  test('a host that was in the middle and that the inventory no longer has is not forgotten', async () => {
    cutOff();
    writeFileSync(inventory, INVENTORY.replace('    web2:\n', ''));
    const { exitCode, asked, stderr } = await call('resume --yes');
    expect([exitCode, asked]).toEqual([2, []]);
    expect(stderr).toMatch(/was cut off on web2, which .+ does not have any more: .+guard\.sh recover/);
    expect((await call('resume --yes --host db1')).asked).toHaveLength(1);
  });

  test('a journal with a torn end is used as far as it goes, and that is said', async () => {
    const path = join(cutOff(), 'events.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').slice(0, -5));
    const { asked, stderr } = await call('resume --yes');
    expect(asked).toMatchObject([{ host: 'web2', earlier: { tx: null } }, { host: 'db1' }]);
    expect(stderr).toContain(`The journal of run ${OLD} is damaged at line 5 (truncated)`);
  });
});

test('a run whose journal has lost its first line may have carried out a plan: that is said before the question', async () => {
  journal(OLD, [begun('web1'), claimed('web1')]);
  const line = `resume ${OLD} --yes -i ${join(folder, 'inventory.yml')}`;
  expect((await call(line)).stderr).toContain('Whether it carried out a plan is lost, too');
  expect((await call(`${line} --only-settle`)).stderr).not.toContain('carried out a plan');
});

describe('a rollback that was cut off', () => {
  test('is settled and brought no further: nothing is applied, and nothing is begun', async () => {
    journal(OLD, [startOf(OLD, { command: 'rollback' }), begun('web1'), claimed('web1'), begun('web2')]);
    const { asked, stderr } = await call('resume --yes');
    expect(asked).toMatchObject([
      { host: 'web1', earlier: { tx: `${OLD}-web1`, thenApply: false } },
      { host: 'web2', earlier: { tx: null, thenApply: false } },
    ]);
    expect(stderr).toContain('nothing is applied there. The rest of the rollback is done by its own command');
    expect((await call('resume --yes')).stdout).toContain('Nothing to resume');
  });

  test('and was put back is told with the command that rolls it back, not with apply', async () => {
    journal(OLD, [startOf(OLD, { command: 'rollback', undoes: 'RUN' }), begun('web1'), claimed('web1')]);
    const { stdout } = await call('resume --yes', {}, 'rolled-back');
    expect(stdout).toContain('--host web1 --run RUN\n');
    expect(stdout).toContain('duo-fleet rollback ');
    expect(stdout).not.toContain('duo-fleet apply');
  });

  test('after an apply of the same hosts: only the hosts of the apply are brought on', async () => {
    journal(OLD, [startOf(OLD), ended('web1', 'confirmed'), begun('web2'), ended('web2', 'rolled-back')]);
    const later = '20261121-090000-0002';
    journal(later, [
      startOf(later, { command: 'rollback', hosts: ['web1'] }),
      begun('web1'),
      claimed('web1'),
    ]);
    const { asked } = await call(`resume ${OLD} --yes`);
    expect(asked.map(({ host, earlier }) => [host, earlier?.thenApply])).toEqual([
      ['web1', false],
      ['web2', true],
      ['db1', true],
    ]);
  });
});

describe('a run', () => {
  test('whose controller lives is not resumed, by its name or without', async () => {
    await holdRun(cutOff(), process.pid);
    for (const line of ['resume --yes', `resume ${OLD} --yes`]) {
      const { exitCode, stderr, asked } = await call(line);
      expect([exitCode, asked]).toEqual([2, []]);
      expect(stderr).toContain(`run ${OLD} is still under way (process ${process.pid} on this machine)`);
    }
  });

  test('that a living run is resuming is left to it', async () => {
    cutOff();
    const path = journal('20261122-000000-0002', [
      startOf('20261122-000000-0002', { command: 'resume', resumes: OLD, hosts: ['web2', 'db1'] }),
    ]);
    await holdRun(path, process.pid);
    for (const line of ['resume --yes', `resume ${OLD} --yes`]) {
      const { exitCode, stderr, asked } = await call(line);
      expect([exitCode, asked]).toEqual([2, []]);
      expect(stderr).toContain('run 20261122-000000-0002 is still under way');
    }
  });

  test.each([
    ['has ended', { pid: 4_194_305, startTicks: '1' }],
    ['has a later namesake', { pid: process.pid, startTicks: '1' }],
    ['was of another boot', { pid: process.pid, bootId: 'another' }],
  ])('whose process %s is resumed', async (_, changed) => {
    const path = cutOff();
    await holdRun(path, process.pid);
    const file = join(path, 'holder.json');
    const holder: unknown = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify(Object.assign({}, holder, changed)));
    expect((await call('resume --yes')).asked).toHaveLength(2);
  });

  test('that came to its end is not resumed, whatever its verdicts are', async () => {
    journal(OLD, [
      startOf(OLD),
      ended('web1', 'refused'),
      ended('web2', 'rolled-back'),
      ended('db1', 'confirmed'),
    ]);
    const { exitCode, stdout } = await call(`resume ${OLD} --yes`);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/web1, web2 did not get there/);
  });

  test('that only looked, or that never was, is an error', async () => {
    journal(OLD, [startOf(OLD, { command: 'plan' })]);
    expect(await call(`resume ${OLD} --yes`)).toMatchObject({ exitCode: 2 });
    expect((await call('resume 2020 --yes')).stderr).toContain('there is no run "2020"');
    expect((await call('resume --yes')).stdout).toContain('Nothing to resume');
  });

  test('that was interrupted: the hosts that were skipped are left to do', async () => {
    journal(OLD, [
      startOf(OLD),
      ended('web1', 'confirmed'),
      ended('web2', 'skipped'),
      ended('db1', 'skipped'),
    ]);
    expect((await call('resume --yes')).asked.map(({ host }) => host)).toEqual(['web2', 'db1']);
  });
});
