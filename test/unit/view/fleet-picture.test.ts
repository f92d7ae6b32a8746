import { describe, expect, test } from 'vitest';
import type { RunEvent, TaskId } from '../../../src/core/event.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import { DEFAULT_RULES, makeRollout } from '../../../src/core/wave.ts';
import { fleetPicture, lastPicture, pictureHeight, type Canvas } from '../../../src/view/fleet-picture.ts';
import { keepTally, type FleetTallyKeeper } from '../../../src/view/fleet-tally.ts';
import { paintFor, PLAIN_PAINT } from '../../../src/view/paint.ts';

const SECOND = 1_000;
const canvas = (columns = 80, lines = 24, paint = PLAIN_PAINT): Canvas => ({
  columns,
  lines,
  unicode: false,
  paint,
});
const names = (count: number): readonly string[] =>
  Array.from({ length: count }, (_none, at) => `web${at + 1}`);

interface Told {
  readonly keeper: FleetTallyKeeper;
  readonly tell: (event: RunEvent, atMs?: number) => void;
  readonly end: (host: string, verdict: Verdict, atMs?: number) => void;
}

const told = (hosts: readonly string[]): Told => {
  const keeper = keepTally(hosts);
  let seq = 0;
  const tell: Told['tell'] = (event, atMs = 0) => keeper.show({ ...event, seq: (seq += 1), at: atMs });
  return {
    keeper,
    tell,
    end: (host, verdict, atMs) =>
      tell(
        {
          type: 'host-ended',
          result: {
            host,
            verdict,
            changes: [],
            findings: [],
            checks: [],
            failure:
              verdict === 'confirmed'
                ? null
                : { step: 'connect', reason: 'link', message: `no way to ${host}, nothing was touched` },
            durationMs: 1,
          },
        },
        atMs,
      ),
  };
};

const begun = (host: string, task: TaskId): RunEvent => ({ type: 'task-started', host, task });
// oxlint-disable-next-line no-control-regex
const plain = (line: string): string => line.replaceAll(/\u001b\[[0-9;]*m/g, '');

describe('the picture of many hosts', () => {
  test('has a line for the wave that is under way, and keeps a halt in sight', () => {
    const { keeper, tell } = told(names(100));
    const rollout = makeRollout(names(100), names(1), DEFAULT_RULES);
    expect(fleetPicture(keeper.tally(), 0, canvas()).join('\n')).not.toContain('wave');
    tell({
      type: 'run-started',
      run: 'r',
      command: 'apply',
      operator: 'o',
      hosts: [],
      version: 'v',
      rollout,
    });
    tell({ type: 'wave-started', wave: 1 });
    expect(fleetPicture(keeper.tally(), 0, canvas())[2]).toBe('wave 1 of 2 (canary): 1 host: web1');
    tell({ type: 'wave-ended', wave: 1 });
    tell({ type: 'gate', wave: 1, decision: 'go-on', why: 'no host failed', failures: 0 });
    tell({ type: 'wave-started', wave: 2 });
    const [, , line = ''] = fleetPicture(keeper.tally(), 0, canvas());
    expect(line).toMatch(/^wave 2 of 2: 99 hosts: web2, web3, .*…$/);
    expect(line.length).toBeLessThan(80);
    const why = '1 host failed, and none may: web2 unreachable';
    tell({ type: 'gate', wave: 2, decision: 'halt', why, failures: 1 });
    const picture = fleetPicture(keeper.tally(), 0, canvas());
    expect(picture.at(-1)).toBe(`halted in wave 2 of 2: ${why}`);
  });

  test('counts who is done, at work and waiting, by verdict and by phase', () => {
    const { keeper, tell, end } = told(names(100));
    for (const host of names(7)) tell({ type: 'host-started', host });
    for (const host of ['web1', 'web2']) end(host, 'confirmed');
    end('web3', 'unreachable');
    tell(begun('web4', 'connect'));
    tell(begun('web5', 'activate'));
    tell(begun('web5', 'packages'));
    tell(begun('web6', 'activate'));
    const lines = fleetPicture(keeper.tally(), 65 * SECOND, canvas());
    expect(lines[0]).toMatch(/^100 hosts: 3 done, 4 at work, 93 waiting +1:05$/);
    expect(lines[1]).toBe(`#${'-'.repeat(39)}   3 %`);
    expect(lines[2]).toBe('confirmed 2  unreachable 1');
    expect(lines[3]).toBe('connect 1  activate 2');
  });

  test('names who began first with the row that is open, and whoever failed with the reason', () => {
    const { keeper, tell, end } = told(names(30));
    for (const [at, host] of names(30).entries()) {
      tell({ type: 'host-started', host }, at * SECOND);
      tell(begun(host, 'activate'), at * SECOND);
      tell(begun(host, 'packages'), at * SECOND);
    }
    end('web2', 'unreachable', 30 * SECOND);
    const text = fleetPicture(keeper.tally(), 60 * SECOND, canvas()).join('\n');
    expect(text).toContain('At work, those that began first:\n  web1   packages        1:00\n  web3 ');
    expect(text).toContain(
      'Not where they should be:\n  web2  unreachable  no way to web2, nothing was touched',
    );
  });

  test('says how many failed where not all have room, and shows the newest', () => {
    const { keeper, end } = told(names(200));
    for (const host of names(100)) end(host, 'unreachable');
    const text = fleetPicture(keeper.tally(), 0, canvas()).join('\n');
    expect(text).toContain('Not where they should be: 100, the last of them:');
    expect(text).toContain('web100');
    expect(text).not.toContain('web1 ');
  });

  test('guesses what is left by how fast the last hosts ended, and only once some have', () => {
    const { keeper, end } = told(names(100));
    const head = (nowMs: number): string => fleetPicture(keeper.tally(), nowMs, canvas())[0] ?? '';
    for (const [at, host] of names(4).entries()) end(host, 'confirmed', at * SECOND);
    expect(head(4 * SECOND)).not.toContain('left');
    for (const [at, host] of names(20).entries()) end(host, 'confirmed', at * 10 * SECOND);
    expect(head(200 * SECOND)).toContain('about 13 min left');
    for (const host of names(100)) end(host, 'confirmed', 200 * SECOND);
    expect(head(200 * SECOND)).not.toContain('left');
  });

  test('is full only when all is done', () => {
    const { keeper, end } = told(names(1_000));
    for (const host of names(999)) end(host, 'confirmed');
    expect(fleetPicture(keeper.tally(), 0, canvas())[1]).toContain(' 99 %');
    end('web1000', 'confirmed');
    expect(fleetPicture(keeper.tally(), 0, canvas())[1]).toBe(`${'#'.repeat(40)} 100 %`);
  });

  test('keeps its height, and no line is wider than the terminal, whatever the size and the run', () => {
    for (const count of [9, 10, 500]) {
      const { keeper, tell, end } = told(names(count).map((name) => `${name}.a-long-domain.example.com`));
      const hosts = names(count).map((name) => `${name}.a-long-domain.example.com`);
      for (const [at, host] of hosts.entries()) {
        tell({ type: 'host-started', host }, at);
        tell(begun(host, at % 2 === 0 ? 'duo-repository' : 'rehearse'), at);
        if (at % 3 === 0) end(host, at % 2 === 0 ? 'rolled-back' : 'confirmed', at);
      }
      tell({ type: 'interrupted', signal: 'SIGINT' });
      for (const columns of [1, 2, 7, 20, 39, 40, 60, 80, 120, 300]) {
        for (const lines of [1, 2, 3, 5, 8, 12, 24, 60]) {
          const picture = fleetPicture(keeper.tally(), 1, canvas(columns, lines, paintFor(true))).map(plain);
          expect(picture).toHaveLength(pictureHeight(lines));
          const widest = Math.max(...picture.map((line) => line.length));
          expect(widest).toBeLessThanOrEqual(Math.max(1, columns - 1));
        }
      }
    }
  });

  test('never shows what a host sent as it came, nor a colour without a terminal that takes them', () => {
    const { keeper, tell } = told(['web1']);
    tell({ type: 'noted', host: 'web1', note: 'good\u001b]0;evil\u0007\u001b[2Jnews' });
    const text = fleetPicture(keeper.tally(), 0, canvas()).join('\n');
    expect(text).not.toContain('\u001b');
    expect(text).toContain('web1: good');
  });

  test('leaves its counts when the run is over', () => {
    const { keeper, tell, end } = told(names(12));
    tell({ type: 'host-started', host: 'web1' });
    for (const host of names(11)) end(host, 'confirmed');
    end('web12', 'skipped');
    expect(lastPicture(keeper.tally(), 0, canvas())).toEqual([
      expect.stringMatching(/^12 hosts: 12 done, 0 at work, 0 waiting/),
      'confirmed 11  skipped 1',
    ]);
  });
});
