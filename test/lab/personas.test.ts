// The proof: after apply, people and programs log in over real ssh and become root by real sudo, while Duo answers in
// every way that it may. What each may do is the table below, and nothing else.
import pLimit from 'p-limit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB_USERS } from '../support/lab-hosts.ts';
import type { LabVariables } from '../support/lab-inventory.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { productFor, sshAs, type Product } from '../support/product.ts';

/** The host on which everything is tried; on the others the half that tells. */
const WHOLE = 'bookworm1';
/** Its LoginGraceTime is 30 s. */
const HARDENED = 'hardened1';
const HOSTS = [WHOLE, 'trixie1', 'bullseye1', HARDENED, 'sudors1', 'faillock1', 'ubuntu1'];

/** How Duo stands: the cloud's decision for everybody; `refuse` is a closed port. */
const DUO = ['allow', 'deny', 'refuse', '401', '403', '500'] as const;
type Duo = (typeof DUO)[number] | 'hang';

type Way =
  | 'its key'
  | 'its key and what is asked for'
  | 'its key and what is asked for, and sudo there'
  | 'its key and its password'
  | 'its key and a wrong password'
  | 'its password'
  | 'its password from elsewhere'
  | 'a wrong password'
  | 'sudo with its password'
  | 'sudo with a wrong password'
  | 'sudo without a password';

/** For each answer of Duo's, in the order of DUO: `+` gets in, `-` is refused. `all` means on every host. */
type Row = readonly [who: string, way: Way, outcomes: string, where: 'all' | 'whole'];

/** With failmode safe: 401 and 500 count as "Duo cannot be reached", 403 does not (pam_duo.c; DUO_CONN_ERROR, DUO_ABORT). */
const SAFE: readonly Row[] = [
  ['automation', 'its key', '++++++', 'all'],
  ['automation', 'sudo without a password', '++++++', 'all'],
  ['automation', 'a wrong password', '------', 'all'],
  ['root', 'its password', '------', 'all'],
  ['breakglass', 'its password', '++++++', 'all'],
  ['breakglass', 'its password from elsewhere', '------', 'all'],
  ['breakglass', 'a wrong password', '------', 'whole'],
  ['breakglass', 'sudo with its password', '++++++', 'all'],
  ['breakglass', 'sudo with a wrong password', '------', 'whole'],
  ['alice', 'its key and what is asked for', '+-++-+', 'all'],
  ['alice', 'its key', '------', 'whole'],
  ['alice', 'its password', '------', 'all'],
  // A rule of her own lets her; she is not in Duo's sudo group.
  ['alice', 'sudo with its password', '++++++', 'whole'],
  ['alice', 'sudo with a wrong password', '------', 'whole'],
  ['bob', 'its key and what is asked for, and sudo there', '+-++-+', 'whole'],
  ['bob', 'its password', '------', 'whole'],
  ['bob', 'sudo with its password', '+-++-+', 'all'],
  ['bob', 'sudo with a wrong password', '------', 'whole'],
  ['localuser', 'its password', '------', 'all'],
  ['localuser', 'its key', '------', 'whole'],
  ['localuser', 'its key and its password', '++++++', 'whole'],
  ['localuser', 'its key and a wrong password', '------', 'whole'],
  ['localuser', 'sudo with its password', '------', 'whole'],
];

/** With failmode secure nobody of Duo's groups gets in without its word; nothing changes for the others. */
const SECURE: readonly Row[] = [
  ['automation', 'its key', '++++++', 'all'],
  ['automation', 'sudo without a password', '++++++', 'all'],
  ['breakglass', 'its password', '++++++', 'all'],
  ['breakglass', 'sudo with its password', '++++++', 'all'],
  ['alice', 'its key and what is asked for', '+-----', 'all'],
  ['alice', 'its password', '------', 'all'],
  ['bob', 'sudo with its password', '+-----', 'all'],
];

let fleet: LabFleet;
let product: Product;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'personas', hosts: HOSTS });
  product = await productFor(fleet);
  await Promise.all(fleet.hosts.map(prepare));
  const apply = await product.run(['apply', await inventory({})]);
  expect(apply.verdicts).toEqual(Object.fromEntries(HOSTS.map((name) => [name, 'confirmed'])));
  await giveLocalUserAKey(fleet.host(WHOLE));
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});

/** Break-glass from the bastion's own address alone, which has two more. */
const inventory = (variables: LabVariables): Promise<string> =>
  product.inventory({
    pbr_admin_allowed_sources: [fleet.network.bastion],
    // While Duo hangs, each of the module's three tries takes so long.
    duo_https_timeout: 1,
    ...variables,
  });

const prepare = async (host: LabHost): Promise<void> => {
  const done = await host.shell(`set -e
    (umask 0337 && echo 'alice ALL=(root) /usr/bin/id' >/etc/sudoers.d/alice)
    if sshd -T | grep -qi '^persourcepenalties '; then
      # All logins of this file come from one address, and most of them fail.
      echo 'PerSourcePenalties no' >/etc/ssh/sshd_config.d/90-lab.conf
      systemctl reload ssh
    fi`);
  expect(done.code, done.stderr).toBe(0);
};

/** After apply: before, it would be an account that loses its login by key alone. */
const giveLocalUserAKey = async (host: LabHost): Promise<void> => {
  const done = await host.shell(
    `install -d -m 0700 -o localuser /home/localuser/.ssh
     install -m 0600 -o localuser /home/canary/.ssh/authorized_keys /home/localuser/.ssh/`,
  );
  expect(done.code, done.stderr).toBe(0);
};

const LOGINS_AT_ONCE = 10;
/** sshd drops unauthenticated connections at random from the tenth on (MaxStartups 10:30:100). */
const LOGINS_AT_ONCE_PER_HOST = 5;

/** What came of a table's rows while Duo stands so: `host: who, way` -> `+`, `-`, or what else it was. */
const tried = async (table: readonly Row[], duo: Duo, hosts: readonly LabHost[]) => {
  await fleet.duo.decide('*', duo);
  const overall = pLimit(LOGINS_AT_ONCE);
  const seen = await Promise.all(
    hosts.map(async (host) => {
      const limit = pLimit(LOGINS_AT_ONCE_PER_HOST);
      const rows = rowsOf(table, host);
      const outcomes = await Promise.all(
        rows.map(([who, way]) => limit(() => overall(() => attempt(host, who, way)))),
      );
      return rows.map((row, at) => [titleOf(host, row), outcomes[at]] as const);
    }),
  );
  await fleet.duo.decide('*', 'default');
  return Object.fromEntries(seen.flat());
};

const expected = (table: readonly Row[], column: number, hosts: readonly LabHost[]) =>
  Object.fromEntries(
    hosts.flatMap((host) => rowsOf(table, host).map((row) => [titleOf(host, row), row[2][column]])),
  );

const rowsOf = (table: readonly Row[], host: LabHost): readonly Row[] =>
  table.filter(([, , , where]) => where === 'all' || host.name === WHOLE);
const titleOf = (host: LabHost, [who, way]: Row): string => `${host.name}: ${who}, ${way}`;

const passwordOf = (who: string): string =>
  LAB_USERS.find(({ name }) => name === who)?.password ?? 'a password that it does not have';

const attempt = (host: LabHost, who: string, way: Way): Promise<string> => {
  const password = passwordOf(who);
  const methods = 'publickey,keyboard-interactive';
  // localuser has none of the fleet's keys.
  const keyOf = who === 'localuser' ? 'canary' : who;
  switch (way) {
    case 'its key':
      return login(host, who, { methods: 'publickey', keyOf });
    case 'its key and what is asked for':
      return login(host, who, { methods });
    case 'its key and what is asked for, and sudo there':
      return loginAndSudo(host, who, password);
    case 'its key and its password':
      return login(host, who, { methods, keyOf, password });
    case 'its key and a wrong password':
      return login(host, who, { methods, keyOf, password: 'wrong' });
    case 'its password':
      return login(host, who, { password });
    case 'its password from elsewhere':
      return login(host, who, { password, from: fleet.network.repository });
    case 'a wrong password':
      return login(host, who, { password: 'wrong' });
    case 'sudo with its password':
      return becomeRoot(host, who, password);
    case 'sudo with a wrong password':
      return becomeRoot(host, who, 'wrong');
    case 'sudo without a password':
      return becomeRoot(host, who, null);
    default:
      return way satisfies never;
  }
};

const login = async (
  host: LabHost,
  who: string,
  how: NonNullable<Parameters<typeof sshAs>[3]>,
): Promise<string> => {
  const done = await sshAs(fleet, host, who, how);
  if (done.code === 0 && done.stdout.includes(who)) return '+';
  return /Permission denied|Too many authentication failures/.test(done.stderr + done.stdout)
    ? '-'
    : `${done.code}: ${done.stderr}`;
};

/** One session in a terminal, as a person has it. */
const loginAndSudo = async (host: LabHost, who: string, password: string): Promise<string> => {
  const methods = 'publickey,keyboard-interactive';
  const command = `id -un; ${sudoWith(password)}`;
  const done = await sshAs(fleet, host, who, { methods, command });
  if (done.code === 0 && becameRoot(done.stdout)) return '+';
  return done.code === 255 && done.stderr.includes('Permission denied')
    ? '-'
    : `${done.code}: ${done.stdout}`;
};

const sudoWith = (password: string): string => `printf '%s\\n' '${password}' | sudo -S id`;
/** Among Duo's words ("Autopushing login request to phone...") and the prompt. */
const becameRoot = (output: string): boolean => output.includes('uid=0(root)');

/** Not over ssh, where Duo has a say too: the account's own shell on the host. */
const becomeRoot = async (host: LabHost, who: string, password: string | null): Promise<string> => {
  const sudo = password === null ? 'sudo -n id' : sudoWith(password);
  const done = await host.shell(`runuser -u ${who} -- sh -c "${sudo}"`, { timeoutMs: 60_000 });
  if (done.code === 0 && becameRoot(done.stdout)) return '+';
  return done.code === 1 ? '-' : `${done.code}: ${done.stderr}`;
};

test('where failed logins lock accounts, those that apply tries on purpose are on nobody’s record', async () => {
  const records = await fleet.host('faillock1').shell('faillock | grep -c " V$"');
  expect(records.stdout.trim()).toBe('0');
});

describe('with failmode safe, on every kind of host, everybody gets in as the policy says, and no further', () => {
  test.each(DUO.map((duo, column) => [duo, column] as const))('while Duo answers %s', async (duo, column) => {
    await fleet.duo.forget();
    expect(await tried(SAFE, duo, fleet.hosts)).toEqual(expected(SAFE, column, fleet.hosts));
    // A closed port hears nothing.
    if (duo === 'refuse') return;
    const asked = new Set((await fleet.duo.requests()).map(({ user }) => user).filter((user) => user !== ''));
    expect([...asked].toSorted()).toEqual(['alice', 'bob']);
  });

  test('while Duo hangs, after as long as duo_https_timeout says', async () => {
    const hosts = [fleet.host(WHOLE)];
    const column = DUO.indexOf('refuse');
    expect(await tried(SAFE, 'hang', hosts)).toEqual(expected(SAFE, column, hosts));
  });
});

describe('with failmode secure, nobody of Duo’s groups gets in without Duo’s word, and everybody else as before', () => {
  beforeAll(async () => {
    const apply = await product.run(['apply', '--host', WHOLE, await inventory({ duo_failmode: 'secure' })]);
    expect(apply.verdicts).toEqual({ [WHOLE]: 'confirmed' });
  });

  test.each(DUO.map((duo, column) => [duo, column] as const))('while Duo answers %s', async (duo, column) => {
    const hosts = [fleet.host(WHOLE)];
    expect(await tried(SECURE, duo, hosts)).toEqual(expected(SECURE, column, hosts));
  });
});
