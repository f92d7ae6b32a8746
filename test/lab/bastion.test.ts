// Hosts that only a jump host reaches: brought to Duo through it, and left whole when it goes away in the middle.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fleetPaths } from '../support/lab-paths.ts';
import { mustRun } from '../support/lab-process.ts';
import { numberedHosts } from '../support/lab-hosts.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { onTerminal } from '../support/on-terminal.ts';
import { hostState, productFor, sshAs, type Product } from '../support/product.ts';

const [GATE = '', ...BEHIND] = numberedHosts(5);
const LEASE_S = 20;

let fleet: LabFleet;
let product: Product;
let gate: LabHost;
let behind: readonly LabHost[];
let folder = '';
/** The way through the gate as the inventory says it. */
let inventory = '';
/** No word of a way in the inventory. */
let plainInventory = '';

beforeAll(async () => {
  fleet = await freshFleet({ name: 'bastion', hosts: [GATE, ...BEHIND] });
  product = await productFor(fleet);
  gate = fleet.host(GATE);
  behind = BEHIND.map((name) => fleet.host(name));
  folder = await mkdtemp(join(tmpdir(), 'duo-fleet-bastion-'));
  inventory = await product.inventory({ ansible_ssh_common_args: `-o ProxyJump=automation@${GATE}` });
  plainInventory = await product.inventory();
  await Promise.all(BEHIND.map(cutOff));
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
  await rm(folder, { recursive: true, force: true });
});

/** Whatever a host would send to where the controller is goes nowhere; the services have addresses of their own. */
async function cutOff(name: string): Promise<void> {
  const { netns } = fleetPaths(fleet.name).host(name);
  await mustRun(['ip', '-n', netns, 'route', 'replace', 'blackhole', `${fleet.network.bastion}/32`]);
}

const loginsAtGate = async (user: string): Promise<number> => {
  const { stdout } = await gate.shell(`journalctl -u ssh -o cat | grep -c "Accepted publickey for ${user} "`);
  return Number(stdout.trim());
};
const all = (verdict: string, hosts: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(hosts.map((host) => [host, verdict]));

describe('a fleet behind a jump host', () => {
  test('is out of reach without it', async () => {
    const [host] = behind;
    if (host === undefined) throw new Error('no host');
    expect((await sshAs(fleet, host, 'automation', {})).code).toBe(255);
  });

  test('is brought to Duo through one login there; the jump host itself, one of the fleet, goes last and alone', async () => {
    const before = await loginsAtGate('automation');
    const applied = await product.run(['apply', inventory]);
    expect(applied.verdicts).toEqual(all('confirmed', [...BEHIND, GATE]));
    expect(applied.json.hosts.map(({ host }) => host)).toEqual([...BEHIND, GATE]);
    expect(applied.json.waves.map(({ hosts }) => hosts)).toEqual([BEHIND, [GATE]]);
    expect(applied.stderr).toContain(`${GATE} is the jump host of ${BEHIND.join(', ')}`);
    const verified = await product.run([
      'verify',
      '--probe',
      ...BEHIND.flatMap((name) => ['--host', name]),
      inventory,
    ]);
    expect(verified.verdicts).toEqual(all('compliant', BEHIND));
    // Two runs are two logins; the rest of them are the gate's own transaction: its session and its canary's.
    const canaries = applied.json.hosts.find(({ host }) => host === GATE)?.checks ?? [];
    const own = canaries.filter(({ phase }) => phase === 'canary').length + 1;
    expect((await loginsAtGate('automation')) - before).toBeLessThanOrEqual(2 + own);
  });

  test('is reached by --jump, two jump hosts deep', async () => {
    const [second = '', third = ''] = BEHIND;
    const jump = `automation@${GATE},automation@${fleet.host(second).address}`;
    const verified = await product.run(['verify', '--jump', jump, '--host', third, plainInventory]);
    expect(verified.verdicts).toEqual({ [third]: 'compliant' });
  });
});

const verifyBy = (config: string): readonly string[] => [
  'verify',
  '--ssh-config',
  config,
  ...BEHIND.flatMap((name) => ['--host', name]),
  plainInventory,
];

describe('a jump host that asks a person', () => {
  let config = '';
  beforeAll(async () => {
    await gate.shell(
      `sed -i '1i KbdInteractiveAuthentication yes' /etc/ssh/sshd_config
       printf '%s\n' 'Match User localuser' 'AuthenticationMethods keyboard-interactive' >>/etc/ssh/sshd_config
       systemctl reload ssh`,
    );
    config = join(folder, 'ssh_config');
    await writeFile(
      config,
      `Host gate\n  HostName ${gate.address}\n  User localuser\nHost ${behind.map(({ address }) => address).join(' ')}\n  ProxyJump gate\n`,
    );
  });

  test('is answered once, on the terminal, for the whole fleet', async () => {
    const argv = [
      'ip',
      'netns',
      'exec',
      fleet.bastion,
      'node',
      '--import',
      'tsx',
      'src/main.ts',
      ...verifyBy(config),
      '--known-hosts',
      fleet.knownHostsFile,
    ];
    const ran = await onTerminal(
      argv.join(' '),
      { 'Password:': 'localuser-lab-pw' },
      {
        XDG_STATE_HOME: product.stateFolder,
      },
    );
    expect(ran.answered, ran.seen).toEqual({ 'Password:': 1 });
    expect(ran.seen).toContain(`jump host gate (${gate.address}) asks localuser:`);
    expect(ran.seen).not.toContain('localuser-lab-pw');
    expect(ran.code).toBe(0);
  });

  test('lets nobody through where there is no terminal, and says why', async () => {
    const refused = await product.run(verifyBy(config));
    expect(refused.verdicts).toEqual(all('refused', BEHIND));
    expect(refused.json.hosts[0]?.failure).toMatchObject({
      reason: 'auth',
      message: expect.stringMatching(
        /jump host gate .*(?:nobody is here to answer|run this on a terminal)/,
      ) as string,
    });
  });
});

describe('a jump host that goes away in the middle of activation', () => {
  test('leaves every host behind it as it was or as declared, and says so', async () => {
    await Promise.all(behind.map((host) => host.reset()));
    await Promise.all(BEHIND.map(cutOff));
    const before = await Promise.all(behind.map(hostState));
    const running = await product.startUntil(
      ['apply', '--lease', String(LEASE_S), ...BEHIND.flatMap((name) => ['--host', name]), inventory],
      '"task":"pam-sshd"',
    );
    await gate.partition();
    for (const host of behind) await guardEnded(host);
    await gate.heal();
    const code = await running.ended;
    const verified = await product.run(['verify', ...BEHIND.flatMap((name) => ['--host', name]), inventory]);
    const after = await Promise.all(behind.map(hostState));
    const ends = behind.map((host, at) => ({
      old: after[at] === before[at],
      declared: verified.verdicts[host.name] === 'compliant',
    }));
    for (const end of ends) expect(end.old !== end.declared).toBe(true);
    expect(ends.some(({ old }) => old)).toBe(true);
    expect(code).toBe(1);
    const journals = await product.journals();
    expect(journals).toContain('"verdict":"rolled-back"');
    expect(journals).not.toContain('"verdict":"stranded"');
  });
});

/** The guard has ended whatever it was at; the host's own clock bounds the wait. */
async function guardEnded(host: LabHost): Promise<void> {
  const done = await host.shell(
    `n=0; while [ -e /var/lib/duo-fleet/active ] || [ -L /var/lib/duo-fleet/active ]; do n=$((n + 1)); [ $n -lt 900 ] || exit 1; sleep 0.1; done`,
  );
  expect([host.name, done.code, done.stderr]).toEqual([host.name, 0, '']);
}
