// `duo-fleet runs` and `duo-fleet report` over real journals.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Wire } from '../../../src/cli/carry-run.ts';
import { holdRun } from '../../../src/cli/run-holder.ts';
import type { Surroundings } from '../../../src/cli/surroundings.ts';
import { journalLine } from '../../../src/engine/journal.ts';
import { invocationsIn } from '../../support/invocation.ts';
import { runJournal, type JournalOrder } from '../../support/run-journal.ts';
import { resultOf } from '../../support/run-scene.ts';

const OLD = '20261121-080000-0001';
const NEW = '20261122-090000-0002';

let folder = '';
let runs = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-report-'));
  runs = join(folder, 'state', 'duo-fleet', 'runs');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Puts a run's journal on the disk; the last `lost` of its lines are missing. */
const journal = (run: string, order: Partial<JournalOrder> = {}, lost = 0): string => {
  const path = join(runs, run);
  mkdirSync(path, { recursive: true });
  const lines = runJournal({ hosts: 3, ...order, run }).map(journalLine);
  writeFileSync(join(path, 'events.jsonl'), lines.slice(0, lines.length - lost).join(''));
  return path;
};

const never: Wire = async () => {
  throw new Error('a report reads journals only');
};
const call = (line: string, overrides: Partial<Surroundings> = {}, wire: Wire = never) =>
  invocationsIn(folder).call(line, wire, overrides);

const confirming: Wire =
  async () =>
  async ({ host }) =>
    resultOf(host);

describe('runs', () => {
  test('lists the newest first: when, who, what, which hosts with which verdicts, why, and how it ended', async () => {
    journal(OLD);
    journal(NEW, { hosts: 5, resumes: OLD, verdictAt: () => 'confirmed' });
    const { exitCode, stdout } = await call('runs');
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      [
        `${NEW}  2026-11-28 22:00:04 UTC  resume    exit 0`,
        '  5 hosts: 5 confirmed',
        '  ann@bastion, /srv/fleet/inventory.yml',
        '  reason: CHG-20417, Duo for the web tier',
        `  finishes run ${OLD}`,
        `${OLD}  2026-11-28 22:00:04 UTC  apply     exit 1`,
        '  3 hosts: 2 confirmed, 1 rolled-back',
        '  ann@bastion, /srv/fleet/inventory.yml',
        '  reason: CHG-20417, Duo for the web tier',
        '',
      ].join('\n'),
    );
  });

  test('tells a run that was cut off from one that is under way, and a damaged journal', async () => {
    journal(OLD, {}, 9);
    await holdRun(journal(NEW, {}, 9), process.pid);
    const path = join(runs, OLD, 'events.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"task":"arm"', '"task":"ARM"'));
    const { stdout } = await call('runs');
    expect(stdout).toMatch(new RegExp(`^${NEW} .* under way$`, 'm'));
    expect(stdout).toMatch(new RegExp(`^${OLD} .* cut off, journal damaged \\(1\\)$`, 'm'));
    expect(stdout).toContain('without a verdict');
  });

  test('has an end, and says how many are left out', async () => {
    journal(OLD);
    journal(NEW);
    const { stdout } = await call('runs --count 1');
    expect(stdout).toContain(NEW);
    expect(stdout).not.toContain(OLD);
    expect(stdout).toContain('and 1 older: --count shows more');
    const { runs: listed, more } = JSON.parse((await call('runs --count 1 --json')).stdout);
    expect([listed.length, more]).toEqual([1, 1]);
    expect(listed[0]).toMatchObject({
      run: NEW,
      operator: 'ann@bastion',
      command: 'apply',
      state: 'ended',
      exitCode: 1,
      hosts: 3,
      verdicts: { confirmed: 2, 'rolled-back': 1 },
      unfinished: 0,
      linesLost: 0,
      reason: 'CHG-20417, Duo for the web tier',
      startedAt: '2026-11-28T22:00:04.000Z',
    });
  });

  test('without any is no mistake', async () => {
    expect(await call('runs')).toMatchObject({ exitCode: 0, stdout: `There is no run yet in ${runs}.\n` });
    expect(JSON.parse((await call('runs --json')).stdout)).toEqual({ runs: [], more: 0 });
  });

  test('takes flags only', async () => {
    expect(await call('runs inventory.yml')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('runs takes flags only: what is "inventory.yml" for?'),
    });
    expect(await call('runs --count 0')).toMatchObject({ exitCode: 2 });
  });
});

describe('report', () => {
  test('tells the newest run, or the named one', async () => {
    journal(OLD);
    journal(NEW, { hosts: 5 });
    expect((await call('report')).stdout).toContain(`duo-fleet apply ${NEW}\n`);
    const { stdout, exitCode } = await call(`report ${OLD}`);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`duo-fleet apply ${OLD}\n`);
    expect(stdout).toContain('duo-fleet apply /srv/fleet/inventory.yml --host db001.example.com');
  });

  test.each([
    ['json', /^\{"run":/],
    ['junit', /^<\?xml version="1.0"/],
    ['html', /^<!doctype html>/],
    ['text', /^duo-fleet apply /],
  ])('comes as %s', async (format, start) => {
    journal(NEW);
    expect((await call(`report --format ${format}`)).stdout).toMatch(start);
  });

  test.each([
    ['run.html', /^<!doctype html>/],
    ['TEST-run.XML', /^<\?xml/],
    ['run.json', /^\{/],
    ['run.txt', /^duo-fleet/],
    ['run', /^duo-fleet/],
  ])('in a file called %s has the form that its ending asks for', async (name, start) => {
    journal(NEW);
    const { exitCode, stdout, stderr } = await call(`report --output ${name}`);
    expect([exitCode, stdout]).toEqual([0, '']);
    expect(stderr).toContain(join(folder, name));
    expect(readFileSync(join(folder, name), 'utf8')).toMatch(start);
    expect(statSync(join(folder, name)).mode & 0o007).toBe(0);
    expect(readdirSync(folder).filter((each) => each.startsWith('.'))).toEqual([]);
  });

  test('--format wins over the ending', async () => {
    journal(NEW);
    await call('report --output run.html --format json');
    expect(readFileSync(join(folder, 'run.html'), 'utf8')).toMatch(/^\{/);
  });

  test.each([
    ['report 20990101-000000-ffff', 'there is no run "20990101-000000-ffff"'],
    ['report ../runs', 'there is no run "../runs"'],
    ['report --format pdf', '--format takes one of text, json, junit, html, not "pdf"'],
    ['report --output nowhere/run.html', '--output'],
  ])('%s: exit code 2, and nothing is written', async (line, message) => {
    journal(NEW);
    const { exitCode, stderr, stdout } = await call(line);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toContain(message);
  });

  test('without any run says where it looked', async () => {
    expect(await call('report')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(runs) });
  });

  test('of a garbled journal uses what is intact, and says what is not', async () => {
    const path = join(journal(NEW), 'events.jsonl');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"task":"arm"', '"task":"ARM"'));
    const { exitCode, stdout } = await call('report');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^The journal is damaged at line \d+ \(garbled\)/);
    expect(stdout).toContain('3 hosts: 1 rolled-back, 2 confirmed');
  });

  test('of a run that was cut off names the run that took it up', async () => {
    journal(OLD, {}, 20);
    journal(NEW, { resumes: OLD });
    const { stdout } = await call(`report ${OLD}`);
    expect(stdout).toContain('This run was cut off');
    expect(stdout).toContain(`It was taken up by run ${NEW}`);
    expect((await call(`report ${NEW}`)).stdout).toContain(`This run finishes run ${OLD}.`);
  });

  test('says that a run is still under way', async () => {
    await holdRun(journal(NEW, {}, 9), process.pid);
    expect((await call('report')).stdout).toContain('This run is still under way');
  });

  test('shows on a terminal in colours, and in a file without', async () => {
    journal(NEW);
    const tty = { isTty: true, size: () => ({ lines: 24, columns: 80 }), write: async () => undefined };
    let seen = '';
    await call('report', { stdout: { ...tty, write: async (text) => void (seen += text) } });
    expect(seen).toContain('\u001b[');
    await call('report --output run.txt', { stdout: tty });
    expect(readFileSync(join(folder, 'run.txt'), 'utf8')).not.toContain('\u001b');
  });
});

describe('apply --report', () => {
  const INVENTORY = `all: {hosts: {web1: }, vars: {ansible_user: automation, duo_ikey: DIXXXXXXXXXXXXXXXXXX, duo_skey: ${'s'.repeat(40)},
    duo_api_host: api-12345678.duosecurity.com, ad_server_access_group: a, ad_sudo_group: b}}\n`;
  const apply = async (file: string) => {
    writeFileSync(join(folder, 'inventory.yml'), INVENTORY);
    // The clock stands still, so that another run would have the same name.
    rmSync(runs, { recursive: true, force: true });
    const { exitCode } = await call(`apply --yes --report ${file}`, {}, confirming);
    return {
      exitCode,
      text: existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8') : null,
    };
  };

  test('gives a page and JUnit’s XML by the ending, from the run’s own journal', async () => {
    expect(await apply('run.html')).toMatchObject({
      exitCode: 0,
      text: expect.stringMatching(/^<!doctype html>[\s\S]*web1/),
    });
    expect((await apply('run.html')).text).not.toContain('cut off');
    expect((await apply('run.xml')).text).toMatch(
      /<testcase classname="duo-fleet\.apply\.[^"]*" name="web1"/,
    );
  });

  test.each(['run.json', 'run.txt', 'run'])('gives the document of --json to %s', async (file) => {
    const { text } = await apply(file);
    expect(Object.keys(JSON.parse(text ?? ''))).toEqual([
      'run',
      'command',
      'exitCode',
      'hosts',
      'waves',
      'rollbacks',
    ]);
  });
});
