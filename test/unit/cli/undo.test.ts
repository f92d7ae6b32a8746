// --on-failure rollback-run, from argv; journals are real, the engine ends hosts as the test says.
import { EventEmitter } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Wire, WireOrder } from '../../../src/cli/carry-run.ts';
import type { Surroundings } from '../../../src/cli/surroundings.ts';
import type { Remote } from '../../../src/core/remote.ts';
import type { Verdict } from '../../../src/core/verdict.ts';
import { parseJournal } from '../../../src/engine/journal.ts';
import type { JsonDocument } from '../../../src/view/json-document.ts';
import { countingBytes, INVENTORY, invocationsIn } from '../../support/invocation.ts';
import { resultOf } from '../../support/run-scene.ts';

let folder = '';
let call: (
  line: string,
  wire: Wire,
  more?: Partial<Surroundings>,
) => ReturnType<ReturnType<typeof invocationsIn>['call']>;
let runsIn: ReturnType<typeof invocationsIn>['runsIn'];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'duo-fleet-undo-'));
  writeFileSync(join(folder, 'inventory.yml'), INVENTORY);
  const invocations = invocationsIn(folder);
  ({ runsIn } = invocations);
  const randomBytes = countingBytes();
  call = (line, wire, more) => invocations.call(line, wire, { randomBytes, ...more });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

type Ends = Readonly<Record<string, Verdict>>;

/** Ends hosts as `ends` says, by the command of their run; `orders` are what the engine was made with, in turn. */
const ending = (ends: Readonly<Partial<Record<string, Ends>>>) => {
  const orders: WireOrder[] = [];
  const wire: Wire = async (order) => {
    orders.push(order);
    return async ({ host }, emit) => {
      await emit({ type: 'host-started', host });
      return resultOf(host, ends[order.command]?.[host] ?? 'confirmed');
    };
  };
  return { wire, orders };
};

/** Both runs get one name: the journal of the second cannot be made. */
const always = (size: number): Uint8Array => new Uint8Array(size);

/** Leaves web2 in the middle. */
const strands: Wire =
  async () =>
  async ({ host }, emit) => {
    await emit({ type: 'host-started', host });
    if (host === 'web2') await emit({ type: 'claimed', host, tx: 'tx-2' });
    const ends: Ends = { web1: 'confirmed', web2: 'stranded' };
    return resultOf(host, ends[host] ?? 'skipped');
  };

const APPLY = 'apply --yes --canary 1 --serial 1 --on-failure rollback-run';
const firstEvent = (run: string) =>
  parseJournal(readFileSync(join(folder, 'state', 'duo-fleet', 'runs', run, 'events.jsonl'), 'utf8'))
    .events[0];

describe('when more have failed than may', () => {
  test('those that were confirmed are rolled back by a run of their own, which names the one that it undoes', async () => {
    const { wire, orders } = ending({ apply: { web2: 'rolled-back' } });
    const { exitCode, stdout } = await call(APPLY, wire);
    const [run = '', undoing = ''] = runsIn().toSorted();
    expect(exitCode).toBe(1);
    expect(orders.map(({ command, settings }) => [command, settings.map(({ host }) => host)])).toEqual([
      ['apply', ['web1', 'web2', 'db1']],
      ['rollback', ['web1']],
    ]);
    expect(orders[1]?.rollback).toEqual({ run, discardEdits: false });
    expect(firstEvent(undoing)).toMatchObject({
      command: 'rollback',
      undoes: run,
      reason: `run ${run} failed`,
    });
    expect(stdout.replaceAll('\n', ' ')).toContain(
      `what run ${run} has confirmed is rolled back now, 1 host: web1.`,
    );
    expect(stdout).toContain('With the cause removed, apply again.');
    expect(stdout).not.toContain('duo-fleet resume');
  });

  test('one document tells of both, and its exit code is the worse one', async () => {
    const { wire } = ending({ apply: { web2: 'unreachable' }, rollback: { web1: 'stranded' } });
    const { exitCode, stdout } = await call(`${APPLY} --json`, wire);
    const document = JSON.parse(stdout) as JsonDocument;
    expect([exitCode, document.exitCode]).toEqual([3, 3]);
    expect(document.rollbacks).toMatchObject([
      { command: 'rollback', exitCode: 3, hosts: [{ host: 'web1', verdict: 'stranded' }] },
    ]);
    expect(document.hosts.map(({ verdict }) => verdict)).toEqual(['confirmed', 'unreachable', 'skipped']);
  });

  test('also where it was the last host that failed, and nothing was left to be halted', async () => {
    const { wire, orders } = ending({ apply: { db1: 'stranded' } });
    expect((await call(APPLY, wire)).exitCode).toBe(3);
    expect(orders[1]?.settings.map(({ host }) => host)).toEqual(['web1', 'web2']);
  });

  test('hosts that were unchanged stay as they are: the run did nothing there', async () => {
    const { wire, orders } = ending({ apply: { web1: 'unchanged', web2: 'refused' } });
    const { stdout } = await call(APPLY, wire);
    expect(orders).toHaveLength(1);
    expect(stdout).toContain('Nothing is rolled back: no host was confirmed.');
  });

  test('the runs share one transport, so that nobody is asked twice, and it is closed once', async () => {
    let made = 0;
    let closed = 0;
    const remote = { close: () => (closed += 1) } as unknown as Remote;
    const { wire } = ending({ apply: { web2: 'refused' } });
    const connecting: Wire = async (order, surroundings) => {
      order.transport.of(() => {
        made += 1;
        return remote;
      });
      return wire(order, surroundings);
    };
    await call(APPLY, connecting);
    expect([made, closed, runsIn().length]).toEqual([1, 1, 2]);
  });

  test('a rollback that cannot begin is told with its command, and is no usage error', async () => {
    const { wire } = ending({ apply: { web2: 'refused' } });
    const { exitCode, stderr } = await call(APPLY, wire, { randomBytes: always });
    const [run] = runsIn();
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      `duo-fleet rollback -i ${join(folder, 'inventory.yml')} --run ${run} --host web1\n`,
    );
  });

  test('a report says afterwards by which run it was undone', async () => {
    const { wire } = ending({ apply: { web2: 'refused' } });
    await call(`${APPLY} --report run.html`, wire);
    const [run = '', undoing = ''] = runsIn().toSorted();
    expect(readFileSync(join(folder, 'run.html'), 'utf8')).toContain(
      `rolled back afterwards, by run ${undoing}`,
    );
    const { stdout } = await call(`report ${undoing}`, wire);
    expect(stdout).toContain(`undoes run ${run}`);
    expect((await call('runs', wire)).stdout).toContain(`undoes run ${run}`);
  });
});

describe('nothing is rolled back', () => {
  test.each([
    ['where nothing failed', APPLY, {}],
    ['where no more failed than may', `${APPLY} --max-failures 1`, { web2: 'refused' }],
    ['without the flag', 'apply --yes --canary 1 --serial 1', { web2: 'refused' }],
    ['with --on-failure stop', APPLY.replace('rollback-run', 'stop'), { web2: 'refused' }],
  ] as const)('%s', async (_where, line, ends) => {
    const { wire, orders } = ending({ apply: ends });
    await call(line, wire);
    expect(orders).toHaveLength(1);
  });

  test('where somebody interrupted the run', async () => {
    const orders: string[] = [];
    const interrupts = new EventEmitter();
    const wire: Wire = async ({ command }) => {
      orders.push(command);
      return async ({ host }) => {
        if (host === 'web2') interrupts.emit('signal', 'SIGINT');
        return resultOf(host, host === 'web2' ? 'rolled-back' : 'confirmed');
      };
    };
    const { exitCode, stderr } = await call(APPLY, wire, {
      onSignal: (listener) => {
        interrupts.on('signal', listener);
        return () => undefined;
      },
    });
    expect([exitCode, orders]).toEqual([130, ['apply']]);
    expect(stderr).toContain(`the hosts stay confirmed. This would put them back:\n  duo-fleet rollback -i`);
    expect(stderr).toContain('--host web1\n');
  });

  test('and anything but the two words is refused', async () => {
    const { exitCode, stderr } = await call('apply --yes --on-failure undo', ending({}).wire);
    expect([exitCode, runsIn()]).toEqual([2, []]);
    expect(stderr).toContain('--on-failure takes one of stop, rollback-run');
  });
});

test('the question before the run says so', async () => {
  let asked = '';
  const ask = async (text: string): Promise<string> => {
    asked = text;
    return 'n';
  };
  await call('apply --on-failure rollback-run', ending({}).wire, { ask });
  expect(asked.replaceAll('\n', ' ')).toContain('and those that were confirmed by then are rolled back.');
});

test('resume goes by the same rule, and puts back what the first run had confirmed, too', async () => {
  const cutOff = ending({ apply: { web2: 'skipped', db1: 'skipped' } });
  await call(APPLY, cutOff.wire);
  const { wire, orders } = ending({ resume: { db1: 'rolled-back' } });
  const { exitCode } = await call('resume --yes', wire);
  const [first, second] = runsIn().toSorted();
  expect(exitCode).toBe(1);
  expect(
    orders.map(({ command, rollback, settings }) => [command, rollback?.run, settings[0]?.host]),
  ).toEqual([
    ['resume', undefined, 'web2'],
    ['rollback', second, 'web2'],
    ['rollback', first, 'web1'],
  ]);
});

test('what was cut off before it could put back is found by resume, which says how, and applies nothing', async () => {
  const { wire } = ending({ apply: { web2: 'rolled-back' } });
  await call(APPLY, wire, { randomBytes: always });
  const [run] = runsIn();
  const later = ending({});
  const resumed = await call('resume --yes', later.wire);
  expect([later.orders.length, resumed.exitCode]).toEqual([0, 1]);
  expect(resumed.stdout).toContain('Still confirmed: web1.');
  const command = `duo-fleet rollback -i ${join(folder, 'inventory.yml')} --run ${run} --host web1`;
  expect(resumed.stdout).toContain(command);
  await call(`${command.replace('duo-fleet ', '')} --yes`, later.wire);
  const after = await call('resume --yes', later.wire);
  expect([after.exitCode, later.orders.length]).toEqual([0, 1]);
  expect(after.stdout).toContain('Nothing to resume');
});

test('a third run puts back what both before it have confirmed, each by its own name', async () => {
  await call(APPLY, ending({ apply: { web2: 'skipped', db1: 'skipped' } }).wire);
  await call('resume --yes', ending({ resume: { db1: 'skipped' } }).wire);
  const { wire, orders } = ending({ resume: { db1: 'refused' } });
  expect((await call('resume --yes', wire)).exitCode).toBe(1);
  const [first, second] = runsIn().toSorted();
  expect(
    orders.map(({ rollback, settings }) => [rollback?.run, settings.map(({ host }) => host).join()]),
  ).toEqual([
    [undefined, 'db1'],
    [first, 'web1'],
    [second, 'web2'],
  ]);
});

test('a host of which resume only saw that it was confirmed is rolled back by the run that did it', async () => {
  await call(`${APPLY} --max-failures 1`, strands);
  const { wire, orders } = ending({ resume: { db1: 'refused' } });
  await call('resume --yes --max-failures 0', wire);
  const [first] = runsIn().toSorted();
  expect(orders.slice(1).map(({ rollback, settings }) => [rollback?.run, settings[0]?.host])).toEqual([
    [first, 'web2'],
    [first, 'web1'],
  ]);
});

test('a rollback that is interrupted is the last one: what is left is told with its command', async () => {
  await call(APPLY, ending({ apply: { web2: 'skipped', db1: 'skipped' } }).wire);
  const [first] = runsIn();
  const interrupts = new EventEmitter();
  const { wire, orders } = ending({ resume: { db1: 'refused' } });
  const pressing: Wire = async (order, surroundings) => {
    const runHost = await wire(order, surroundings);
    return async (settings, emit, bake) => {
      if (order.command === 'rollback') interrupts.emit('signal', 'SIGINT');
      return runHost(settings, emit, bake);
    };
  };
  const { exitCode, stderr } = await call('resume --yes', pressing, {
    onSignal: (listener) => {
      interrupts.on('signal', listener);
      return () => interrupts.off('signal', listener);
    },
  });
  expect([exitCode, orders.map(({ command }) => command)]).toEqual([130, ['resume', 'rollback']]);
  expect(stderr).toContain(
    `duo-fleet rollback -i ${join(folder, 'inventory.yml')} --run ${first} --host web1\n`,
  );
});

test('resume does not begin where one that would have to go back with the others is not in the inventory any more', async () => {
  await call(APPLY, ending({ apply: { web2: 'skipped', db1: 'skipped' } }).wire);
  writeFileSync(join(folder, 'inventory.yml'), INVENTORY.replace('    web1:\n', ''));
  const { wire, orders } = ending({});
  const { exitCode, stderr } = await call('resume --yes', wire);
  expect([exitCode, orders]).toEqual([2, []]);
  expect(stderr).toContain('web1, confirmed earlier in this rollout, is not in');
  expect((await call('resume --yes --on-failure stop', wire)).exitCode).toBe(0);
});
