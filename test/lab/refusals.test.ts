// What is refused before anything is touched, each seen on a whole host: set-ups that end well with other tools and leave
// a door open, or shut everybody out.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { LabVariables } from '../support/lab-inventory.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { hostState, productFor, sshAs, type Product } from '../support/product.ts';
import { SEED_SSHD_STACK, SEED_SUDO_STACK } from '../support/seed-stacks.ts';

const HOST = 'bookworm1';

let fleet: LabFleet;
let product: Product;
let host: LabHost;
let folder: string;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'refusals', hosts: [HOST] });
  product = await productFor(fleet);
  host = fleet.host(HOST);
  folder = await mkdtemp(join(tmpdir(), 'duo-fleet-templates-'));
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
  await rm(folder, { recursive: true, force: true });
});

interface Case {
  /** Run in the host before apply. */
  readonly setup?: string;
  readonly variables?: LabVariables;
  /** Templates of the operator's own. */
  readonly sshd?: string;
  readonly sudo?: string;
}

const template = async (service: string, text: string | undefined): Promise<LabVariables> => {
  if (text === undefined) return {};
  const path = join(folder, `${service}.hbs`);
  await writeFile(path, text);
  return { [`duo_pam_${service}_template`]: path };
};

const inventoryOf = async ({ variables = {}, sshd, sudo }: Case): Promise<string> => {
  return product.inventory({
    ...variables,
    ...(await template('sshd', sshd)),
    ...(await template('sudo', sudo)),
  });
};

/** What a run makes of a case, and whether the host is as it was. */
const applied = async (one: Case) => {
  if (one.setup !== undefined) {
    await host.reset();
    const done = await host.shell(`set -e\n${one.setup}`);
    expect(done.code, done.stderr).toBe(0);
  }
  const before = await hostState(host);
  const run = await product.run(['apply', await inventoryOf(one)]);
  const untouched = (await hostState(host)) === before;
  if (one.setup !== undefined) await host.reset();
  return { run, untouched, findings: run.json.hosts[0]?.findings ?? [] };
};

const DUO = '/usr/lib64/security/pam_duo.so';
const OURS = `auth [success=3 default=ignore] pam_succeed_if.so quiet user notingroup {{word accessGroup}} user notingroup {{word sudoGroup}}
auth requisite pam_exec.so quiet /bin/sh -c [case "$SSH_AUTH_INFO_0" in "publickey "*) exit 0 ;; esac; exit 1]
auth requisite {{path modulePath}}
auth [success=done default=die] pam_permit.so
`;

describe('refused, with the reason, and every file of the host as it was, is', () => {
  test.each<[string, string, RegExp, Case]>([
    [
      'the stack of the role that this program comes from: any password would do for who is in no group of Duo’s',
      'stack-without-proof',
      /automation.*any password.*pam_duo\.so/s,
      {
        setup: "useradd -m pbr_admin && echo 'pbr_admin:some-lab-pw' | chpasswd",
        variables: { break_glass_user: 'pbr_admin' },
        sshd: SEED_SSHD_STACK,
        sudo: SEED_SUDO_STACK,
      },
    ],
    [
      'a typo in the name of a group',
      'group-unresolved',
      /sg_serveracces\b/,
      { variables: { ad_server_access_group: 'SG_ServerAcces' } },
    ],
    ['a group that the host does not resolve', 'group-unresolved', /sg_sudo/, { setup: 'groupdel sg_sudo' }],
    [
      'automation in a group of Duo’s',
      'automation-meets-duo',
      /automation/,
      { setup: 'usermod -aG sg_serveraccess automation' },
    ],
    [
      'break-glass in a group of Duo’s',
      'break-glass-meets-duo',
      /breakglass/,
      { setup: 'usermod -aG sg_sudo breakglass' },
    ],
    [
      'sudo that takes Duo’s word before the password: who need not meet Duo would need nothing',
      'sudo-without-password',
      /sufficient .*pam_duo\.so/,
      { sudo: `auth sufficient ${DUO}\n@include common-auth\n` },
    ],
    [
      'a common-auth that takes Duo’s word before the password',
      'pam-duo-in-common',
      /common-auth:1: /,
      { setup: "sed -i '1i auth sufficient pam_duo.so' /etc/pam.d/common-auth" },
    ],
    [
      'a jump past the end of the stack: nobody would get in',
      'stack-shuts-out',
      /past the end/,
      { sshd: `${OURS}auth [success=2 default=ignore] pam_unix.so\nauth requisite pam_deny.so\n` },
    ],
    [
      'a module that is not on the host',
      'stack-shuts-out',
      /pam_nosuch\.so.*not on the host/,
      { sshd: `auth required pam_nosuch.so\n${OURS}@include common-auth\n` },
    ],
    [
      'a common-auth that names a module that is not on the host: break-glass would not get in',
      'break-glass-shut-out',
      /pam_gone\.so.*not on the host/,
      { setup: "sed -i '1i auth required pam_gone.so' /etc/pam.d/common-auth" },
    ],
    [
      'a module that nobody knows, which could let anybody in',
      'stack-without-proof',
      /pam_own\.so.*does not know how it answers/,
      {
        setup: 'cp /lib/x86_64-linux-gnu/security/pam_permit.so /lib/x86_64-linux-gnu/security/pam_own.so',
        sshd: `auth sufficient pam_own.so\n${OURS}@include common-auth\n`,
      },
    ],
    [
      'a stack that heeds Duo’s approval but not its refusal',
      'duo-not-asked',
      /pam_duo\.so\) is not heeded/,
      { sshd: `${OURS.replace('requisite {{', '[default=ignore] {{')}@include common-auth\n` },
    ],
    [
      'sshd as it is installed, where it is not ours to set up',
      'sshd-open-door',
      /\S/,
      { variables: { duo_sshd_config: 'check' } },
    ],
  ])('%s', async (_title, rule, message, one) => {
    const { run, untouched, findings } = await applied(one);
    expect(run.verdicts).toEqual({ [HOST]: 'refused' });
    expect(run.code).toBe(1);
    expect(findings).toContainEqual(
      expect.objectContaining({ rule, message: expect.stringMatching(message) as string }),
    );
    expect(untouched).toBe(true);
  });
});

describe('a template of the operator’s own', () => {
  test('that is broken is an error with its place, and no host is connected to', async () => {
    const before = await host.shell('journalctl --no-pager -q -u ssh | wc -l');
    const run = await product.text(['apply', await inventoryOf({ sshd: 'auth required\n' })]);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain(`${join(folder, 'sshd.hbs')}:1:1: error: the line names no module`);
    expect(run.stderr).toContain('Nothing was touched.');
    expect((await host.shell('journalctl --no-pager -q -u ssh | wc -l')).stdout).toBe(before.stdout);
  });

  test('that is sound is applied: its auth lines in place of ours, all other lines the host’s own', async () => {
    await host.reset();
    const sshd = `# Our own.\nauth required pam_faildelay.so delay=1000000\n${OURS}@include common-auth\nsession optional pam_motd.so\n`;
    const one: Case = { sshd, sudo: SEED_SUDO_STACK };
    const { run, findings } = await applied(one);
    expect(run.verdicts).toEqual({ [HOST]: 'confirmed' });
    expect(findings.filter(({ rule }) => rule === 'template-lines-ignored')).toHaveLength(2);
    const stack = await host.shell('cat /etc/pam.d/sshd');
    expect(stack.stdout).toContain('auth required pam_faildelay.so delay=1000000\n');
    expect(stack.stdout).toContain('account    required     pam_nologin.so\n');
    await fleet.duo.decide('alice', 'allow');
    expect((await sshAs(fleet, host, 'alice', { methods: 'publickey,keyboard-interactive' })).code).toBe(0);
    const inventory = await inventoryOf(one);
    expect((await product.run(['verify', inventory])).verdicts).toEqual({ [HOST]: 'compliant' });
    expect((await product.run(['apply', inventory])).verdicts).toEqual({ [HOST]: 'unchanged' });
  });
});

test('a pam_duo.conf that only says who is left out is drift, and verify says that nobody would meet Duo', async () => {
  await host.reset();
  const inventory = await product.inventory();
  expect((await product.run(['apply', inventory])).verdicts).toEqual({ [HOST]: 'confirmed' });
  const edit = "sed -i -e '/^groups = sg_sudo/d' -e 's/^groups = .*/groups = !admins/' /etc/duo/pam_duo.conf";
  expect((await host.shell(edit)).code).toBe(0);
  const verify = await product.run(['verify', inventory]);
  expect(verify.verdicts).toEqual({ [HOST]: 'drifted' });
  const told = verify.json.hosts[0]?.findings.map(({ message }) => message).join('\n') ?? '';
  expect(told).toContain('/etc/duo/pam_duo.conf');
  expect(told).toContain('groups = !admins');
  expect((await product.run(['apply', inventory])).verdicts).toEqual({ [HOST]: 'confirmed' });
});
