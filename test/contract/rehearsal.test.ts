// What a rehearsed login can reach and what it leaves behind, on a real host.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LoginAttempt, LoginOutcome } from '../../src/core/remote.ts';
import { Secret } from '../../src/core/secret.ts';
import { realContractHost } from '../support/contract-host.ts';
import { DEADLINE_MS, openScene, type ContractScene } from '../support/contract-scene.ts';
import { labRemote, type LabRemote } from '../support/lab-remote.ts';
import { freshFleet, type LabFleet } from '../support/lab.ts';

const HOSTS = ['bookworm1', 'trixie2'];

let fleet: LabFleet;
let way: LabRemote;
beforeAll(async () => {
  fleet = await freshFleet({ name: 'rehearsed', hosts: HOSTS });
  way = await labRemote(fleet);
});
afterAll(async () => {
  await way.close();
  await fleet.down();
});

let transactions = 0;

const interfacesOf = (outcome: LoginOutcome): readonly string[] =>
  outcome.kind === 'in' ? [...outcome.output.matchAll(/^\s*([^\s:|]+):/gm)].map(([, each = '']) => each) : [];

describe.each(HOSTS)('a rehearsed login (%s)', (name) => {
  let scene: ContractScene;
  beforeEach(async () => {
    transactions += 1;
    scene = await openScene(realContractHost(fleet.host(name), way), `r${transactions}`);
    await scene.bringTo('staged');
  });
  afterEach(() => scene.end());

  const attempt = (more: Partial<LoginAttempt>): Promise<LoginOutcome> =>
    scene.session.rehearse(
      scene.tx,
      {
        title: 'a test',
        user: 'automation',
        factors: [{ kind: 'publickey', keys: 'connection' }],
        command: 'cat /proc/net/dev',
        stdin: null,
        gate: 'candidate',
        network: 'none',
        ...more,
      },
      DEADLINE_MS,
    );
  const wrong = (): Promise<LoginOutcome> =>
    attempt({
      user: 'localuser',
      factors: [{ kind: 'password', password: new Secret('wrong') }],
      command: null,
      gate: 'pam-only',
    });

  test('without a network has none, so that no stack can send anybody a push', async () => {
    expect(interfacesOf(await attempt({}))).toEqual(['lo']);
    expect(interfacesOf(await attempt({ network: 'live' })).length).toBeGreaterThan(1);
  });

  test('that fails is in the host’s log without an address, so that nobody’s address is banned for it', async () => {
    const host = fleet.host(name);
    const since = (await host.shell('date +%s')).stdout.trim();
    expect((await wrong()).kind).toBe('refused');
    await host.shell('journalctl --sync');
    const log = (
      await host.shell(`journalctl -q --no-pager -o cat --since @${since} -t sshd -t sshd-session`)
    ).stdout;
    expect(log).toContain('Failed password for localuser from UNKNOWN');
    const lines = log.split('\n').filter((line) => /Failed|failure/.test(line));
    expect(lines.filter((line) => /\d+\.\d+\.\d+\.\d+/.test(line))).toEqual([]);
  });

  test('that fails is counted in no tally, in a folder or a file of its own either', async () => {
    const host = fleet.host(name);
    const setup = await host.shell(`cp -a /etc/pam.d/common-auth /root/common-auth
      mkdir -p /var/lib/tally; rm -rf /run/faillock
      sed -i '/pam_unix.so/i auth required pam_faillock.so preauth deny=1\\nauth required pam_faillock.so preauth deny=1 dir=/var/lib/tally' /etc/pam.d/common-auth
      sed -i '/pam_unix.so/s/success=1/success=3/' /etc/pam.d/common-auth
      sed -i '/pam_unix.so/a auth required pam_faillock.so authfail deny=1\\nauth required pam_faillock.so authfail deny=1 dir=/var/lib/tally' /etc/pam.d/common-auth`);
    expect(setup.code, setup.stderr).toBe(0);
    try {
      await scene.ask('abort');
      transactions += 1;
      scene = await openScene(scene.host, `r${transactions}`);
      await scene.bringTo('staged');
      expect((await wrong()).kind).toBe('refused');
      const tallies = async () =>
        (await host.shell('find /run/faillock /var/lib/tally -type f -size +0 2>/dev/null')).stdout;
      expect(await tallies()).toBe('');
      // What was made to be covered goes again.
      await scene.ask('abort');
      expect((await host.shell('test -e /run/faillock')).code).not.toBe(0);
    } finally {
      await host.shell('mv /root/common-auth /etc/pam.d/common-auth; rm -rf /var/lib/tally');
    }
  });
});
