// Where the secrets are on a host and on the bastion, and for how long: exactly where SECURITY.md says, looked for everywhere.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { LAB_SKEY } from '../support/lab-hosts.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { productFor, type Product } from '../support/product.ts';

const HOST = 'bookworm1';
/** What pam_duo.conf had in it before; Duo does not know it any more. */
const OLD_SKEY = 'oldsecretoldsecretoldsecretoldsecret9876';
const PASSWORD = 'breakglass-lab-pw';
const LEASE_S = 20;

let fleet: LabFleet;
let product: Product;
let inventory: string;
let host: LabHost;
let temporary: string;

beforeAll(async () => {
  fleet = await freshFleet({ name: 'hostsecrets', hosts: [HOST] });
  product = await productFor(fleet);
  inventory = await product.inventory({ break_glass_password: PASSWORD });
  host = fleet.host(HOST);
  temporary = await mkdtemp(join(tmpdir(), 'duo-fleet-secrets-'));
});
afterAll(async () => {
  await fleet.down();
  await product.remove();
  await rm(temporary, { recursive: true, force: true });
});
beforeEach(async () => {
  await fleet.repository.set('good');
  await host.reset();
  await host.shell(
    `mkdir -p /etc/duo && umask 077 && printf '[duo]\\nfailmode = safe\\nikey = DIXXXXXXXXXXXXXXXXXX\\nskey = ${OLD_SKEY}\\nhost = api.old.test\\n' >/etc/duo/pam_duo.conf`,
  );
});

/** Every file of the host with the text in it, with mode and owner; the pattern is in no process list. */
async function placesOf(secret: string): Promise<readonly string[]> {
  const pattern = join(temporary, 'pattern');
  await fleet.run(['sh', '-c', `umask 077; printf '%s\\n' "$SECRET" >${pattern}`], {
    env: { SECRET: secret },
  });
  const text = await readFile(pattern, 'utf8');
  const shell = `umask 077; mkdir -p /dev/shm/look && printf '%s\\n' '${text.trim()}' >/dev/shm/look/pattern
    grep -rlaF -D skip -f /dev/shm/look/pattern / --exclude-dir=proc --exclude-dir=sys --exclude-dir=look 2>/dev/null |
      while read -r path; do stat -c '%n %a %U:%G' "$path"; done
    if journalctl -o export 2>/dev/null | grep -qaF -f /dev/shm/look/pattern; then echo journal; fi
    rm -rf /dev/shm/look`;
  return (await host.shell(shell, { timeoutMs: 120_000 })).stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('/usr/share/'))
    .toSorted();
}

/** The same on this side: the state folder and what was TMPDIR. */
async function ownPlacesOf(secret: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const folder of [product.stateFolder, temporary]) {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name === 'pattern') continue;
      const path = join(entry.parentPath, entry.name);
      if ((await readFile(path)).includes(secret)) found.push(path);
    }
  }
  return found;
}

async function expectNothingHere(): Promise<void> {
  for (const secret of [LAB_SKEY, OLD_SKEY, PASSWORD]) expect(await ownPlacesOf(secret)).toEqual([]);
}

const apply = () => product.run(['apply', '--lease', String(LEASE_S), inventory], { TMPDIR: temporary });
const CONF = '/etc/duo/pam_duo.conf 600 root:root';
/** As it was: the older key where it was before, and no other. */
async function expectOnlyTheOldOne(): Promise<void> {
  expect(await placesOf(LAB_SKEY)).toEqual([]);
  expect(await placesOf(OLD_SKEY)).toEqual([CONF]);
  expect(await placesOf(PASSWORD)).toEqual([]);
  await expectNothingHere();
}

describe('the secrets, looked for in every file of the host, its log and what the bastion wrote', () => {
  test('after a confirmed apply: the key in pam_duo.conf, the one before it in the kept snapshot, for root alone', async () => {
    expect((await apply()).verdicts).toEqual({ [HOST]: 'confirmed' });
    expect(await placesOf(LAB_SKEY)).toEqual([CONF]);
    const old = await placesOf(OLD_SKEY);
    expect(old).toHaveLength(1);
    expect(old[0]).toMatch(/^\/var\/lib\/duo-fleet\/snapshots\/[^/]+\/[^ ]+ 600 root:root$/);
    expect(await placesOf(PASSWORD)).toEqual([]);
    expect(
      (await host.shell('stat -c "%a %U:%G" /var/lib/duo-fleet /var/lib/duo-fleet/snapshots')).stdout,
    ).toBe('700 root:root\n700 root:root\n');
    await expectNothingHere();
  });

  test('after an apply that was refused when all was sent already: nowhere', async () => {
    await fleet.repository.set('broken-module');
    expect((await apply()).verdicts).toEqual({ [HOST]: 'refused' });
    await expectOnlyTheOldOne();
  });

  test('after an apply that was rolled back: nowhere', async () => {
    await fleet.repository.set('broken-postinst');
    expect((await apply()).verdicts).toEqual({ [HOST]: 'rolled-back' });
    await expectOnlyTheOldOne();
  });

  test('after a loss of power in the middle: nowhere, once the host has put itself back', async () => {
    const running = await product.startUntil(
      ['apply', '--lease', String(LEASE_S), inventory],
      `"type":"task-started","host":"${HOST}","task":"pam-sshd"`,
    );
    await host.powerOff();
    await host.boot('systemd');
    const settled = await host.shell(
      'n=0; while [ -e /var/lib/duo-fleet/active ] || [ -L /var/lib/duo-fleet/active ]; do n=$((n + 1)); [ $n -lt 450 ] || exit 1; sleep 0.2; done',
      { timeoutMs: 120_000 },
    );
    expect([settled.code, await running.ended]).toEqual([0, 1]);
    await expectOnlyTheOldOne();
  });

  test('while an apply is at work: only where root alone can read them', async () => {
    const running = await product.startUntil(
      ['apply', '--lease', String(LEASE_S), inventory],
      `"type":"task-started","host":"${HOST}","task":"rehearse"`,
    );
    // Seen as somebody local sees the host: whatever he can read, the words and environments of processes too.
    const seen = await host.shell(
      `ls -d /var/lib/duo-fleet/tx/* >&2
      cat >/tmp/look.sh <<'END'
printf '%s%s\\n' labsecretlabsecretlabsecret labsecret1234 >/tmp/look.pattern
grep -rlaF -D skip -f /tmp/look.pattern /etc /var /run /tmp /dev/shm /home /root --exclude=look.pattern 2>/dev/null
grep -laF -f /tmp/look.pattern /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null
ls /var/lib/duo-fleet 2>/dev/null
exit 0
END
      runuser -u localuser -- sh /tmp/look.sh`,
      { timeoutMs: 120_000 },
    );
    expect(seen.stderr).toContain('/var/lib/duo-fleet/tx/');
    expect(seen.stdout).toBe('');
    expect(await running.ended).toBe(0);
  });
});
