// Speed is round trips. They are counted on the critical path, never timed.
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshFleet, type LabFleet } from '../support/lab.ts';
import { productFor, type Product } from '../support/product.ts';

/** Longer than the journal takes to be durable on a busy machine: else an answer that nobody waited for would count. */
const DELAY_MS = 200;

let fleet: LabFleet;
let product: Product;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'turns', hosts: ['bookworm1'] });
  product = await productFor(fleet);
  // With sshd's default of ten sessions two of the logins go in a second turn; here all go at once.
  await fleet.host('bookworm1').shell('echo MaxSessions 20 >>/etc/ssh/sshd_config; systemctl reload ssh');
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});

/** Runs the product once through a proxy of its own and returns what came of it and the depth it went to. */
async function counted(words: readonly string[]): Promise<{ verdict: string | undefined; turns: number }> {
  const host = fleet.host('bookworm1');
  const argv = [
    'ip',
    'netns',
    'exec',
    fleet.bastion,
    'node',
    '--import',
    'tsx',
    'test/support/turn-depth.ts',
  ];
  const [program, ...rest] = [...argv, host.address, '22', String(DELAY_MS)];
  const proxy = spawn(program ?? '', rest, { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const lines = createInterface({ input: proxy.stdout })[Symbol.asyncIterator]();
    const port = Number((await lines.next()).value);
    const inventory = await product.inventory({ ansible_port: port });
    const throughProxy = (await readFile(inventory, 'utf8')).replace(
      `ansible_host: ${host.address}`,
      'ansible_host: 127.0.0.1',
    );
    await writeFile(inventory, throughProxy);
    const done = await product.run([...words, '--host-keys', 'off', inventory]);
    proxy.stdin.write('how deep\n');
    const turns = Number((await lines.next()).value);
    return { verdict: done.verdicts['bookworm1'], turns };
  } finally {
    proxy.kill();
  }
}

/** The look at Duo: a channel, what the host knows of the name, TLS, Duo's answer. Only a host that is changed pays them. */
const PREFLIGHT_TURNS = 4;
/** The canary user beside automation: after the key Duo's question, and the host's log; rehearsed, and on the live host. */
const CANARY_TURNS = 5;

test('a first apply, with rehearsal and canary, needs at most 30 round trips from TCP connect to its verdict, four for its look at Duo, five for its canary user', async () => {
  const { verdict, turns } = await counted(['apply']);
  expect(verdict).toBe('confirmed');
  expect(turns).toBeGreaterThan(9);
  expect(turns).toBeLessThanOrEqual(30 + PREFLIGHT_TURNS + CANARY_TURNS);
});

test('an unchanged apply needs at most 9', async () => {
  const { verdict, turns } = await counted(['apply']);
  expect(verdict).toBe('unchanged');
  expect(turns).toBeGreaterThan(5);
  expect(turns).toBeLessThanOrEqual(9);
});
