// Several runs over one fleet from one bastion, with real processes: locks are a host's, and a dead holder's lock is void.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { hold, isHeld, letGo, startProcess, type ProductProcess } from '../support/product-process.ts';
import { automationGetsIn, productFor, type Product } from '../support/product.ts';

const LEASE_S = 20;

let fleet: LabFleet;
let product: Product;
let inventory: string;
let host: LabHost;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'sidebyside', hosts: ['bookworm1', 'bookworm2'] });
  product = await productFor(fleet);
  inventory = await product.inventory();
  host = fleet.host('bookworm1');
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});
beforeEach(async () => {
  await Promise.all(fleet.hosts.map((each) => each.reset()));
});

/** An apply of bookworm1 that is in the middle of it until the host is let go. */
async function holding(): Promise<ProductProcess> {
  await hold(host);
  const words = ['apply', inventory, '--host', 'bookworm1', '--yes', '--lease', String(LEASE_S)];
  const running = await startProcess(fleet, words, { stateFolder: product.stateFolder, on: 'pipes' });
  await isHeld(host);
  return running;
}

test('a host that another run is at is refused by name, and the others are brought there meanwhile', async () => {
  const running = await holding();
  const other = await product.run(['apply', inventory]);
  expect(other.verdicts).toEqual({ bookworm1: 'refused', bookworm2: 'confirmed' });
  expect(other.code).toBe(1);
  const failure = other.json.hosts[0]?.failure;
  expect(failure?.reason).toBe('busy');
  expect(failure?.message).toMatch(
    /^bookworm1 is held by \S+@\S+ since 20\d\d-\S+Z \(run 20\d{6}-\d{6}-[0-9a-f]{4}\); nothing was touched; try again when that run has ended$/,
  );
  await letGo(host);
  expect(await running.ended()).toBe(0);
  const after = await product.run(['verify', inventory]);
  expect(after.verdicts).toEqual({ bookworm1: 'compliant', bookworm2: 'compliant' });
});

test('the lock of a run that was killed is void as soon as its lease is', async () => {
  const running = await holding();
  await running.signal('SIGKILL');
  expect(await running.ended()).toBe(137);
  const atOnce = await product.run(['apply', inventory, '--host', 'bookworm1']);
  expect(atOnce.json.hosts[0]?.failure?.reason).toBe('busy');
  await letGo(host);
  await host.shell(
    `n=0; while [ -L /var/lib/duo-fleet/active ]; do n=$((n + 1)); [ $n -lt 900 ] || exit 1; sleep 0.1; done`,
  );
  const later = await product.run(['apply', inventory, '--host', 'bookworm1']);
  expect(later.verdicts).toEqual({ bookworm1: 'confirmed' });
  expect(await automationGetsIn(fleet, host)).toBe(true);
});
