import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Wire } from '../../../src/cli/carry-run.ts';
import { parseJournal } from '../../../src/engine/journal.ts';
import { allConfirmed, confirmed, INVENTORY, invocationsIn, SKEY } from '../../support/invocation.ts';

let folder = '';
let call: ReturnType<typeof invocationsIn>['call'];
let runsIn: ReturnType<typeof invocationsIn>['runsIn'];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-invoke-'));
  writeFileSync(join(folder, 'inventory.yml'), INVENTORY);
  ({ call, runsIn } = invocationsIn(folder));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('rollback', () => {
  test('asks before it begins: what is put back, on how many hosts, and what becomes of edits', async () => {
    const questions: string[] = [];
    const no = async (words: string): Promise<string> => {
      questions.push(words);
      return 'n';
    };
    const { exitCode, stderr } = await call('rollback', allConfirmed, { ask: no });
    const line = 'rollback --run 20261122-054735-ab12 --discard-edits --host web1';
    await call(line, allConfirmed, { ask: no });
    expect([exitCode, stderr, runsIn()]).toEqual([1, 'Nothing was touched.\n', []]);
    expect(questions[0]).toContain('3 hosts, 3 at a time:\n  web1, web2, db1\nEach goes back');
    expect(questions[0]).toContain('to what it was before the newest run that it keeps:\n  sshd');
    expect(questions[0]).toContain('A host on which somebody has changed those files since is refused.');
    expect(questions[1]).toContain('1 host, 1 at a time');
    expect(questions[1]).toContain('to what it was before run 20261122-054735-ab12:');
    expect(questions[1]).toContain('since is OVERWRITTEN.');
  });

  test('needs no secret of Duo: it goes where nobody has them', async () => {
    writeFileSync(join(folder, 'inventory.yml'), INVENTORY.replace(SKEY, 'env:NOT_SET'));
    expect((await call('apply --yes')).exitCode).toBe(2);
    const { exitCode, stdout } = await call('rollback --yes --json');
    expect([exitCode, (JSON.parse(stdout) as { command: string }).command]).toEqual([0, 'rollback']);
  });

  test('is handed to the engine as it was asked, and is told so in the journal and in what to do next', async () => {
    let wish: unknown = null;
    const wire: Wire = async (order) => async (settings) => {
      wish = order.rollback;
      return { ...confirmed(settings.host), verdict: 'refused' };
    };
    const { stdout } = await call('rollback --yes --run 20261122-054735-ab12 --host web1', wire);
    expect(wish).toMatchObject({ run: '20261122-054735-ab12', discardEdits: false });
    expect(stdout).toContain('duo-fleet rollback --host web1 --run 20261122-054735-ab12\n');
    const path = join(folder, 'state', 'duo-fleet', 'runs', runsIn()[0] ?? '', 'events.jsonl');
    expect(parseJournal(readFileSync(path, 'utf8')).events[0]).toMatchObject({ command: 'rollback' });
  });
});
