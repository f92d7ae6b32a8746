// Whole hosts look at Duo before anything is touched, over three generations of Debian, and with Duo away in every way.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LAB_DUO_HOST } from '../support/lab-hosts.ts';
import type { LabVariables } from '../support/lab-inventory.ts';
import { freshFleet, type LabFleet } from '../support/lab.ts';
import { hostState, productFor, type Product, type ProductRun } from '../support/product.ts';

const HOSTS = ['bullseye1', 'bookworm1', 'trixie1'];

let fleet: LabFleet;
let product: Product;
const before = new Map<string, string>();

beforeAll(async () => {
  fleet = await freshFleet({ name: 'preflight', hosts: HOSTS });
  product = await productFor(fleet);
  for (const host of fleet.hosts) before.set(host.name, await hostState(host));
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});
afterEach(async () => {
  await fleet.duo.decide('*', 'default');
});

const all = <T>(value: T) => Object.fromEntries(HOSTS.map((name) => [name, value]));
const run = async (words: readonly string[], variables: LabVariables = {}): Promise<ProductRun> =>
  product.run([...words, await product.inventory(variables)]);
const rulesOf = ({ json }: ProductRun) =>
  Object.fromEntries(
    json.hosts.map(({ host, findings }) => [
      host,
      findings.map(({ rule }) => rule).filter((rule) => rule.startsWith('duo-')),
    ]),
  );

describe('apply', () => {
  test.each<[string, '401' | 'refuse' | null, LabVariables, string]>([
    ['takes no keys', '401', {}, 'duo-keys'],
    ['refuses every connection', 'refuse', {}, 'duo-unreachable'],
    ['has a name that nobody knows', null, { duo_api_host: 'api-typo.duosecurity.test' }, 'duo-unresolved'],
    ['is not trusted', null, { duo_cafile: undefined }, 'duo-tls'],
    ['would be trusted by a file that is not there', null, { duo_cafile: '/etc/duo/no-ca.pem' }, 'duo-tls'],
  ])('where Duo %s refuses every host and touches none', async (_, decision, variables, rule) => {
    if (decision !== null) await fleet.duo.decide('*', decision);
    const apply = await run(['apply'], variables);
    expect([apply.verdicts, rulesOf(apply)]).toEqual([all('refused'), all([rule])]);
    for (const host of fleet.hosts) {
      expect((await hostState(host)).split('\n')).toEqual(before.get(host.name)?.split('\n'));
    }
  });

  test('where Duo answers the question about the keys with an error goes on, with a warning', async () => {
    await fleet.duo.decide('*', '500');
    const plan = await run(['plan']);
    expect([plan.verdicts, rulesOf(plan)]).toEqual([all('planned'), all(['duo-keys-unproven'])]);
  });

  test('tells of an address that swallows packets, and passes over one by IPv6 that the host cannot reach', async () => {
    const host = fleet.host('bookworm1');
    const swallowed = host.address.replace(/\d+$/, '250');
    const done = await host.shell(
      `set -e
       printf '%s ${LAB_DUO_HOST}\\n' ${swallowed} 2001:db8::1 >>/etc/hosts
       interface=$(ip -o -4 route get ${swallowed} | sed 's/.* dev \\([^ ]*\\).*/\\1/')
       ip neigh replace ${swallowed} lladdr 02:00:00:00:00:fa dev "$interface" nud permanent`,
    );
    expect(done.code, done.stderr).toBe(0);
    const plan = await run(['plan', '--host', host.name]);
    await host.reset();
    expect([plan.verdicts, rulesOf(plan)]).toEqual([
      { bookworm1: 'planned' },
      { bookworm1: ['duo-address-unreachable'] },
    ]);
    const findings = plan.json.hosts[0]?.findings ?? [];
    expect(findings.find(({ rule }) => rule === 'duo-address-unreachable')?.message).toContain(swallowed);
  });
});

test('a host without bash, on which the look cannot be made, is told so, and is no reason to stop', async () => {
  const host = fleet.host('trixie1');
  await host.shell('usermod -s /bin/sh automation; mv /usr/bin/bash /usr/bin/bash.away');
  const plan = await run(['plan', '--host', host.name]);
  await host.shell('mv /usr/bin/bash.away /usr/bin/bash; usermod -s /bin/bash automation');
  expect([plan.verdicts, rulesOf(plan)]).toEqual([
    { [host.name]: 'planned' },
    { [host.name]: ['duo-unproven'] },
  ]);
  const findings = plan.json.hosts[0]?.findings ?? [];
  expect(findings.find(({ rule }) => rule === 'duo-unproven')?.message).toContain('bash');
});

describe('with --check-enrolment', () => {
  test('who is not enrolled is named, once for each host, and nobody is sent a push', async () => {
    await fleet.duo.forget();
    await fleet.duo.decide('alice', 'enroll');
    const plan = await run(['plan', '--check-enrolment']);
    await fleet.duo.decide('alice', 'default');
    expect(plan.verdicts).toEqual(all('planned'));
    for (const { findings } of plan.json.hosts) {
      const named = findings.filter(({ rule }) => rule === 'duo-not-enrolled').map(({ persona }) => persona);
      expect(named).toEqual(['alice']);
    }
    const asked = (await fleet.duo.requests()).map(({ path, user }) => `${path} ${user}`.trim());
    expect(asked.toSorted()).toEqual([
      ...HOSTS.map(() => '/auth/v2/check'),
      // The lab's hosts have a CA file of their own, so each of them asks for itself.
      ...['alice', 'bob', 'canary'].flatMap((user) => HOSTS.map(() => `/auth/v2/preauth ${user}`)),
    ]);
  });
});

describe('verify', () => {
  test('finds nothing on hosts that were just applied, and Duo’s absence afterwards', async () => {
    expect((await run(['apply'])).verdicts).toEqual(all('confirmed'));
    const well = await run(['verify']);
    expect([well.verdicts, rulesOf(well)]).toEqual([all('compliant'), all([])]);
    await fleet.duo.decide('*', 'refuse');
    const away = await run(['verify']);
    expect([away.verdicts, rulesOf(away)]).toEqual([all('drifted'), all(['duo-unreachable'])]);
  });
});
