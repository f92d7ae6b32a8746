// Logins of every persona through the candidate files and on the live host, against the real module, real PAM and sudo.
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { LAB_USERS } from '../support/lab-hosts.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { hostState, productFor, sshAs, type Product } from '../support/product.ts';

/** OpenSSH 8.4, 9.2 and 10.0; the last with sshd-session, PerSourcePenalties and socket activation; and one with sudo-rs. */
const HOSTS = ['bullseye1', 'bookworm1', 'trixie2', 'sudors1'];
const ONE = 'bookworm1';
const PASSWORD = LAB_USERS.find(({ name }) => name === 'breakglass')?.password ?? '';
const WITH_PASSWORD = { break_glass_password: PASSWORD };

let fleet: LabFleet;
let product: Product;
let one: LabHost;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'rehearsal', hosts: HOSTS });
  product = await productFor(fleet);
  one = fleet.host(ONE);
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});
afterEach(() => fleet.duo.decide('canary', 'bypass'));

const applyOne = async (variables: Parameters<Product['inventory']>[0] = WITH_PASSWORD) =>
  product.run(['apply', '--host', ONE, await product.inventory(variables)]);
const usersAsked = async (): Promise<readonly string[]> =>
  (await fleet.duo.requests()).map(({ user }) => user).filter((user) => user !== '');

describe('an apply on hosts of every generation', () => {
  test('is confirmed, and its result has every login that was tried, each as it must be', async () => {
    await fleet.duo.forget();
    const done = await product.run(['apply', await product.inventory(WITH_PASSWORD)]);
    expect(done.json.hosts.map(({ failure }) => failure)).toEqual(HOSTS.map(() => null));
    for (const { checks } of done.json.hosts) {
      const wrong = checks.filter(({ must, result }) => result !== (must === 'get-in' ? 'in' : 'refused'));
      expect(wrong).toEqual([]);
      const inside = checks
        .filter(({ must }) => must === 'get-in')
        .map(({ phase, title }) => `${phase} ${title}`);
      expect(inside.toSorted()).toEqual(
        ['canary', 'rehearse'].flatMap((phase) => [
          `${phase} automation by key, and sudo -n true`,
          `${phase} breakglass by password, and sudo by password`,
          `${phase} canary by key and Duo`,
        ]),
      );
      for (const user of ['automation', 'root', 'breakglass', 'localuser', 'alice']) {
        expect(
          checks.filter(({ must, title }) => must === 'be-refused' && title.startsWith(user)).length,
        ).toBeGreaterThan(1);
      }
    }
  });

  test('has asked Duo about the canary user alone: no wrong password ever reached it', async () => {
    expect([...new Set(await usersAsked())]).toEqual(['canary']);
  });

  test('has told the host’s log of the failures that it made, before and after', async () => {
    for (const host of fleet.hosts) {
      const said = await host.shell('journalctl --no-pager -q -o cat -t duo-fleet');
      expect(said.stdout).toMatch(/rehearsal of run \S+: \d+ logins that must fail follow, from UNKNOWN/);
      expect(said.stdout).toMatch(/rehearsal of run \S+ is over/);
    }
  });

  test('is followed by a verify --probe that finds them compliant, without a login that fails', async () => {
    const before = await Promise.all(fleet.hosts.map(failures));
    const inventory = await product.inventory(WITH_PASSWORD);
    const done = await product.run(['verify', '--probe', inventory]);
    expect(done.json.hosts.flatMap(({ findings }) => findings.map(({ message }) => message))).toEqual([]);
    expect(done.verdicts).toEqual(Object.fromEntries(HOSTS.map((name) => [name, 'compliant'])));
    expect(done.json.hosts.map(({ checks }) => checks.length)).toEqual(HOSTS.map(() => 3));
    expect(await Promise.all(fleet.hosts.map(failures))).toEqual(before);
  });
});

const failures = async (host: LabHost): Promise<string> =>
  (await host.shell("journalctl --no-pager -q -o cat | grep -c -e 'Failed ' -e 'authentication failure'"))
    .stdout;

describe('the password of break-glass', () => {
  test('is in no journal, in no process list and in no log of the host', async () => {
    expect(await product.journals()).not.toContain(PASSWORD);
    for (const host of fleet.hosts) {
      expect((await host.shell('journalctl --no-pager -q')).stdout).not.toContain(PASSWORD);
      expect(
        (await host.shell(`grep -rlF -e ${PASSWORD} /var/lib/duo-fleet /etc /run 2>/dev/null`)).stdout,
      ).toBe('');
    }
  });

  test('that is wrong, or that sudo does not take, refuses the host and leaves it as it was', async () => {
    await one.reset();
    const before = await hostState(one);
    const wrong = await applyOne({ break_glass_password: 'not the password' });
    expect(wrong.verdicts).toEqual({ [ONE]: 'refused' });
    expect(wrong.json.hosts[0]?.failure).toMatchObject({ step: 'rehearse', reason: 'locked' });
    expect(await hostState(one)).toBe(before);
  });
});

describe('a host whose Duo does not say yes to the canary user', () => {
  test.each([
    ['500', 'canary-failsafe', 'Failsafe Duo login for'],
    ['401', 'canary-failsafe', 'Failsafe Duo login for'],
    ['403', 'canary-aborted', 'Aborted Duo login for'],
    ['enroll', 'canary-aborted', 'Aborted Duo login for'],
    ['deny', 'canary-failed', 'Failed Duo login for'],
  ] as const)(
    '%s: is refused with the module’s own line, and left as it was',
    async (decision, rule, line) => {
      await one.reset();
      const before = await hostState(one);
      await fleet.duo.decide('canary', decision);
      const done = await applyOne();
      expect(done.verdicts).toEqual({ [ONE]: 'refused' });
      expect(done.json.hosts[0]?.failure?.step).toBe('rehearse');
      expect(done.json.hosts[0]?.failure?.message).toContain(`[${rule}]`);
      expect(done.json.hosts[0]?.failure?.message).toContain(line);
      expect(await hostState(one)).toBe(before);
    },
  );

  test('after activation: is put back, with the module’s own line', async () => {
    await one.reset();
    const before = await hostState(one);
    const words = ['apply', '--host', ONE, await product.inventory(WITH_PASSWORD)];
    const run = await product.startUntil(words, '"type":"task-started","host":"bookworm1","task":"activate"');
    await fleet.duo.decide('canary', '500');
    expect(await run.ended).toBe(1);
    const [ended] = (await product.journals())
      .split('\n')
      .filter((text) => text.includes('host-ended'))
      .slice(-1);
    expect(ended).toContain('rolled-back');
    expect(await hostState(one)).toBe(before);
  });
});

const withFaillock = (options: string): string => `set -e
  sed -i '1i auth required pam_faillock.so preauth deny=1 unlock_time=0 even_deny_root ${options}' /etc/pam.d/common-auth
  sed -i '/pam_unix.so/s/success=1/success=2/' /etc/pam.d/common-auth
  sed -i '/pam_unix.so/a auth [default=die] pam_faillock.so authfail deny=1 unlock_time=0 even_deny_root ${options}' /etc/pam.d/common-auth`;

describe('a host that locks an account at its first failure (pam_faillock deny=1)', () => {
  test.each([
    ['in the folder that is its default', '', '/run/faillock'],
    ['in a folder of its own', 'dir=/var/lib/tally', '/var/lib/tally'],
  ])('%s: nobody is locked by the rehearsal', async (_where, options, folder) => {
    await one.reset();
    const done = await one.shell(withFaillock(options));
    expect(done.code, done.stderr).toBe(0);
    const apply = await applyOne();
    expect(apply.json.hosts[0]?.failure).toBeNull();
    const tally = await one.shell(
      `for user in root breakglass localuser alice automation; do faillock --dir ${folder} --user $user; done | grep -c ' V$'`,
    );
    expect(tally.stdout.trim()).toBe('0');
    const login = await sshAs(fleet, one, 'breakglass', { password: PASSWORD });
    expect(login.stdout).toContain('breakglass');
    // The test can fail: a real failure does lock it.
    await sshAs(fleet, one, 'breakglass', { password: 'wrong' });
    expect((await sshAs(fleet, one, 'breakglass', { password: PASSWORD })).code).not.toBe(0);
  });
});

describe('--as', () => {
  let home = '';
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'duo-fleet-home-'));
    await mkdir(join(home, '.ssh'), { mode: 0o700 });
    await copyFile(fleet.userKeyFile('alice'), join(home, '.ssh', 'id_ed25519'));
  });
  afterAll(() => rm(home, { recursive: true, force: true }));
  const as = async (user: string) =>
    product.run(['apply', '--as', user, '--host', ONE, await product.inventory(WITH_PASSWORD)], {
      HOME: home,
    });

  test('logs in as a member whose push is approved, and says so before', async () => {
    await one.reset();
    await fleet.duo.decide('alice', 'allow');
    const done = await as('alice');
    expect(done.json.hosts[0]?.failure).toBeNull();
    expect(done.stderr).toContain("approve Duo's push for alice now (60 s)");
    const tried = done.json.hosts[0]?.checks.filter(({ title }) => title.startsWith('alice by key'));
    expect(tried?.map(({ phase, result }) => [phase, result])).toEqual([
      ['rehearse', 'in'],
      ['canary', 'in'],
    ]);
  });

  test('refuses the host where the push is denied', async () => {
    await one.reset();
    await fleet.duo.decide('alice', 'deny');
    const done = await as('alice');
    await fleet.duo.decide('alice', 'allow');
    expect(done.verdicts).toEqual({ [ONE]: 'refused' });
    expect(done.json.hosts[0]?.failure?.message).toContain('Failed Duo login for');
  });

  test('refuses a name that the host does not know, and one that never meets Duo', async () => {
    expect((await as('nobodyknows')).json.hosts[0]?.findings.map(({ rule }) => rule)).toContain(
      'as-user-unknown',
    );
    expect((await as('localuser')).json.hosts[0]?.findings.map(({ rule }) => rule)).toContain(
      'as-user-no-member',
    );
  });
});
