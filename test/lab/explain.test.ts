// What `explain` says of a whole host, held against real logins on it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAB_USERS } from '../support/lab-hosts.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { hostWrites, productFor, sshAs, type Product } from '../support/product.ts';

const HOST = 'bookworm1';

interface Explained {
  readonly notes: readonly string[];
  readonly standings: readonly {
    readonly persona: string;
    readonly user: string | null;
    readonly from: string;
    readonly duo: string;
    readonly ssh: {
      readonly doors: readonly { readonly proofs: readonly string[]; readonly sure: boolean }[];
    };
    readonly sudo: object;
  }[];
}

let fleet: LabFleet;
let product: Product;
let host: LabHost;
let inventory: string;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'explaintest', hosts: [HOST] });
  product = await productFor(fleet);
  host = fleet.host(HOST);
  inventory = await product.inventory();
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
});

const explain = async (...words: readonly string[]): Promise<Explained> => {
  const done = await product.text(['explain', inventory, '--host', HOST, '--json', ...words]);
  expect(done.code, done.stderr).toBe(0);
  return JSON.parse(done.stdout) as Explained;
};

/** Who gets in with what, without the walks: those name files and lines, which are others in another state. */
const doorsOf = ({ standings }: Explained) =>
  standings.map(({ persona, user, from, duo, ssh, sudo }) => ({
    who: `${persona} ${user} from ${from}, Duo ${duo}`,
    ssh: ssh.doors,
    sudo: { ...sudo, pam: null },
  }));

const passwordOf = (user: string): string => LAB_USERS.find(({ name }) => name === user)?.password ?? '';
const getsIn = async (user: string, how: { readonly password?: string; readonly methods?: string }) =>
  (await sshAs(fleet, host, user, { ...how, command: 'true' })).code === 0;

/** Whether some way in asks for nothing but these proofs. */
const isOpenTo = (explained: Explained, proofs: readonly string[]): boolean =>
  explained.standings.some(({ ssh }) =>
    ssh.doors.some((door) => door.sure && door.proofs.every((proof) => proofs.includes(proof))),
  );

describe('a host as it came', () => {
  test('is looked at and not touched', async () => {
    const before = await hostWrites(host);
    await explain();
    await explain('--user', 'alice');
    expect(await hostWrites(host)).toBe(before);
    expect(await product.journals()).toBe('');
  });

  test.each(['alice', 'localuser', 'breakglass'])('lets %s in exactly as is said', async (user) => {
    const said = await explain('--user', user, '--duo', 'allow');
    expect(isOpenTo(said, ['password'])).toBe(await getsIn(user, { password: passwordOf(user) }));
    expect(said.notes.join()).toContain('does not name pam_duo');
  });

  test('lets a member in by her key alone, as is said', async () => {
    expect(isOpenTo(await explain('--user', 'alice', '--duo', 'deny'), ['key'])).toBe(true);
    expect(await getsIn('alice', { methods: 'publickey' })).toBe(true);
  });

  test('names a user whom it does not know, and an address that does not answer', async () => {
    const stranger = await product.text(['explain', inventory, '--host', HOST, '--user', 'nobodyhere']);
    expect([stranger.code, stranger.stdout]).toEqual([2, '']);
    expect(stranger.stderr).toContain(`${HOST} knows no account "nobodyhere"`);
    await host.partition();
    const away = await product.text(['explain', inventory, '--host', HOST]);
    await host.heal();
    expect(away.code).toBe(1);
    expect(away.stderr).toContain(HOST);
  });
});

describe('a host that is brought to Duo', () => {
  let planned: Explained;

  beforeAll(async () => {
    planned = await explain('--planned');
    const run = await product.run(['apply', inventory]);
    expect(run.verdicts).toEqual({ [HOST]: 'confirmed' });
  });

  test('is afterwards as --planned said before', async () => {
    expect(doorsOf(await explain())).toEqual(doorsOf(planned));
  });

  test.each([
    ['allow', true],
    ['deny', false],
  ] as const)('tells what a member meets while Duo answers %s, and so it is', async (answer, isIn) => {
    const said = await explain('--user', 'alice', '--duo', answer);
    expect(isOpenTo(said, ['key', 'duo'])).toBe(isIn);
    expect(isOpenTo(said, ['password'])).toBe(false);
    await fleet.duo.decide('alice', answer);
    expect(await getsIn('alice', { methods: 'publickey,keyboard-interactive' })).toBe(isIn);
    await fleet.duo.decide('alice', 'default');
  });

  test('lets break-glass in by password from its sources only', async () => {
    const here = await explain('--user', 'breakglass', '--duo', 'unreachable');
    const elsewhere = await explain('--user', 'breakglass', '--duo', 'unreachable', '--from', '203.0.113.9');
    expect([isOpenTo(here, ['password']), isOpenTo(elsewhere, ['password'])]).toEqual([true, false]);
    expect(await getsIn('breakglass', { password: passwordOf('breakglass') })).toBe(true);
  });

  test('is told line by line, with the place of Duo’s line', async () => {
    const done = await product.text([
      'explain',
      inventory,
      '--host',
      HOST,
      '--user',
      'alice',
      '--service',
      'sshd',
    ]);
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/^sshd:\d+ {2}auth requisite \/usr\/lib64\/security\/pam_duo\.so$/m);
    expect(done.stdout).toMatch(/Duo deny$[^]*The stack answers PAM_(?!SUCCESS)/m);
  });
});
