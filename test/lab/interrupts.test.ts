// A run in a person's hands, with real processes: Ctrl-C once and twice, a terminal that is closed, SIGTERM. Each comes when
// the new files are live on one host and nobody has confirmed them, and another host was not started.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SAME_KEY_MS } from '../../src/cli/interrupts.ts';
import { RECOVER_COMMAND } from '../../src/core/remote.ts';
import type { RecordedEvent } from '../../src/core/event.ts';
import { parseJournal } from '../../src/engine/journal.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { until } from '../support/lab-process.ts';
import { hold, isHeld, letGo, startProcess, type ProductProcess } from '../support/product-process.ts';
import { automationGetsIn, hostState, productFor, type Product } from '../support/product.ts';

const LEASE_S = 20;
const WAIT_MS = 90_000;

let fleet: LabFleet;
let product: Product;
let inventory: string;
let first: LabHost;
let second: LabHost;
let before: string;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'interrupts', hosts: ['bookworm1', 'bookworm2'] });
  product = await productFor(fleet);
  inventory = await product.inventory();
  first = fleet.host('bookworm1');
  second = fleet.host('bookworm2');
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});
beforeEach(async () => {
  await Promise.all([first.reset(), second.reset()]);
  await hold(first);
  before = await hostState(first);
});

/** An apply over both hosts, one at a time, that is in the middle of the first. */
async function inTheMiddle(on: 'terminal' | 'pipes'): Promise<ProductProcess> {
  const words = ['apply', inventory, '--yes', '--forks', '1', '--lease', String(LEASE_S)];
  const running = await startProcess(fleet, words, { stateFolder: product.stateFolder, on });
  await isHeld(first);
  return running;
}

/** The newest run's journal. */
async function story(): Promise<readonly RecordedEvent[]> {
  const runs = join(product.stateFolder, 'duo-fleet', 'runs');
  const newest = (await readdir(runs)).toSorted().at(-1) ?? '';
  return parseJournal(await readFile(join(runs, newest, 'events.jsonl'), 'utf8')).events;
}

const verdicts = async () =>
  (await story()).flatMap((event) =>
    event.type === 'host-ended' ? [`${event.result.host} ${event.result.verdict}`] : [],
  );

const isInterrupted = (running: ProductProcess): Promise<void> =>
  until(
    `the interruption to be in the journal (${running.said().slice(-300)})`,
    async () => (await story()).some(({ type }) => type === 'interrupted'),
    WAIT_MS,
  );

describe.each([
  ['Ctrl-C', 'SIGINT', 'terminal', async (running: ProductProcess) => running.pressInterrupt()],
  ['a closed terminal', 'SIGHUP', 'terminal', (running: ProductProcess) => running.closeTerminal()],
  ['SIGTERM', 'SIGTERM', 'pipes', (running: ProductProcess) => running.signal('SIGTERM')],
] as const)('%s', (_, signal, on, interrupt) => {
  test('lets the host under way reach its verdict, starts no other, and ends in 130', async () => {
    const running = await inTheMiddle(on);
    await interrupt(running);
    await isInterrupted(running);
    await letGo(first);
    expect(await running.ended()).toBe(130);
    expect(await verdicts()).toEqual(['bookworm1 confirmed', 'bookworm2 skipped']);
    expect((await story()).at(-1)).toMatchObject({ type: 'run-ended', exitCode: 130 });
    expect(await story()).toContainEqual(expect.objectContaining({ type: 'interrupted', signal }));
    expect(await automationGetsIn(fleet, first)).toBe(true);
    expect((await second.shell('ls -d /var/lib/duo-fleet')).code).not.toBe(0);
  });
});

test('Ctrl-C twice waits no longer: it says what to do, ends in 3, and the host puts itself back', async () => {
  const running = await inTheMiddle('terminal');
  running.pressInterrupt();
  await isInterrupted(running);
  // Two keys, and not one that arrived twice.
  await new Promise((resolve) => setTimeout(resolve, SAME_KEY_MS + 100));
  running.pressInterrupt();
  expect(await running.ended()).toBe(3);
  expect(await verdicts()).toEqual(['bookworm1 stranded', 'bookworm2 skipped']);
  expect(running.said().replaceAll(/\s+/g, ' ')).toContain(
    `bookworm1 in the middle of a transaction; each puts itself back when its lease ends, within ${LEASE_S} s.`,
  );
  expect(running.said()).toContain(RECOVER_COMMAND);
  await until(
    'bookworm1 to put itself back',
    async () => (await first.shell('test -L /var/lib/duo-fleet/active')).code !== 0,
    WAIT_MS,
  );
  expect((await hostState(first)).split('\n')).toEqual(before.split('\n'));
  expect(await automationGetsIn(fleet, first)).toBe(true);
  await letGo(first);
  const resumed = await product.run(['resume', '--yes']);
  expect(resumed.verdicts).toEqual({ bookworm1: 'confirmed', bookworm2: 'confirmed' });
});

test.each([
  ['Ctrl-C', [130], async (running: ProductProcess) => running.pressInterrupt()],
  // Whichever comes first, the end of what could be read or the signal.
  ['a closed terminal', [1, 129], (running: ProductProcess) => running.closeTerminal()],
] as const)('%s at the question touches nothing', async (_, codes, interrupt) => {
  const words = ['apply', inventory];
  const running = await startProcess(fleet, words, { stateFolder: product.stateFolder, on: 'terminal' });
  await until('the question', async () => running.said().includes('[y/N]'), WAIT_MS);
  await interrupt(running);
  expect(codes).toContain(await running.ended());
  expect((await first.shell('ls -d /var/lib/duo-fleet')).code).not.toBe(0);
});
