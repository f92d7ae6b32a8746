// The guard on real hosts that can hardly work: no process, no room, nothing that can be written, an sshd that has died.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Change } from '../../src/core/change.ts';
import { GUARD_EXIT, GUARD_HOME } from '../../src/core/remote.ts';
import { transactionFiles } from '../../src/core/transaction.ts';
import { A_MODULE, CHANGED, CHANGES, NEW, OLD, realContractHost, REMOVED } from '../support/contract-host.ts';
import { openScene, type ContractScene } from '../support/contract-scene.ts';
import { must } from '../support/fault.ts';
import { labRemote, type LabRemote } from '../support/lab-remote.ts';
import { freshFleet, type LabFleet, type LabHost } from '../support/lab.ts';
import { REPOSITORY_ROOT } from '../support/lab-paths.ts';
import { freeProcesses, limitProcesses } from '../support/lab-strain.ts';

const LONG_LEASE_S = 120;
const SHORT_LEASE_S = 6;
const ABORTED = 'ended aborted before anything live was changed';
const REVERTED = 'ended reverted to what was';
const CONFIRMED = 'ended confirmed over a new login';

let fleet: LabFleet;
let way: LabRemote;
let host: LabHost;
let scene: ContractScene;
let transactions = 0;

beforeAll(async () => {
  // The second has no systemd.
  fleet = await freshFleet({ name: 'strained', hosts: ['bookworm1', 'plain1'] });
  way = await labRemote(fleet);
});
afterAll(async () => {
  await way.close();
  await fleet.down();
});
afterEach(async () => {
  await must(
    host,
    `for n in 1 2; do for place in /usr/bin/systemd-run /usr/sbin/visudo /usr/sbin/sshd /etc /run/duo-fleet ${GUARD_HOME}; do umount -l "$place" 2>/dev/null; done; done; :`,
  );
  await scene.end();
});

const begin = async (name: string): Promise<void> => {
  host = fleet.host(name);
  transactions += 1;
  scene = await openScene(realContractHost(host, way), `s${transactions}`);
};

const record = async (): Promise<string> => (await scene.record()).at(-1) ?? '';
const nothingIsLeft = async (): Promise<void> => expect(await scene.host.leftovers()).toEqual([]);
/** A program of the host's is another one until it is unmounted. */
const cover = (program: string, lines: readonly string[]): Promise<string> =>
  must(
    host,
    `mkdir -p /root/cover && printf '%s\\n' ${lines.map((line) => `'${line}'`).join(' ')} >/root/cover/new && chmod 755 /root/cover/new && mv -f /root/cover/new /root/cover/own && mount --bind /root/cover/own ${program}`,
  );

describe('a host with systemd', () => {
  beforeEach(() => begin('bookworm1'));

  test('whose watcher cannot fork for a while still puts itself back', async () => {
    await scene.bringTo('activated', SHORT_LEASE_S);
    const pid = await must(host, `systemctl show --value -p MainPID duo-fleet-guard-${scene.tx}`);
    await limitProcesses(fleet, host, -3);
    // Its shell ends where it can start nothing more.
    await must(
      host,
      `n=0; while kill -0 ${pid.trim()} 2>/dev/null; do n=$((n + 1)); [ $n -lt 400 ] || exit 1; sleep 0.05; done`,
    );
    await freeProcesses(fleet, host);
    await scene.host.released(60);
    expect([await record(), await scene.live()]).toEqual([REVERTED, OLD]);
    await nothingIsLeft();
  });

  test('that found no room for a copy beside a file has nothing of it when what was is back', async () => {
    await scene.bringTo('activated');
    await must(host, `head -c 2 ${CHANGED} >${CHANGED}.duo-fleet; ln -s nowhere ${REMOVED}.duo-fleet`);
    await scene.ask('revert');
    expect([await record(), await scene.live()]).toEqual([REVERTED, OLD]);
    expect(await must(host, `find ${CHANGED}* ${REMOVED}* -name '*.duo-fleet'`)).toBe('');
  });

  test('whose /etc cannot be written when a rollback is confirmed loses the folder of what it undid as soon as it can', async () => {
    const folder = '/etc/duo-fleet-undone';
    await scene.bringTo('activated');
    await must(host, `mkdir ${folder} && echo ${folder} >${GUARD_HOME}/tx/${scene.tx}/snap/dirs-undone`);
    await must(host, 'mount --bind /etc /etc && mount -o remount,bind,ro /etc');
    await scene.ask('confirm', { args: [scene.nonce()] });
    await must(host, 'umount -l /etc');
    await scene.host.released(60);
    expect([await record(), await must(host, `ls -d ${folder} 2>&1; :`)]).toEqual([
      CONFIRMED,
      expect.stringContaining('No such file'),
    ]);
    await nothingIsLeft();
  });

  test('whose sshd takes the new settings and does not start with them takes logins again when what was is back', async () => {
    await must(host, 'install -D /usr/sbin/sshd /root/real/sshd');
    await cover('/usr/sbin/sshd', [
      '#!/bin/sh',
      `case " $* " in *" -D "*) ! grep -q new ${CHANGED} || exit 255 ;; esac`,
      'exec /root/real/sshd "$@"',
    ]);
    const reload: Change = { kind: 'reload', step: 'sshd-settings', target: 'ssh', why: [] };
    const facts = await scene.look();
    const files = {
      ...transactionFiles([...CHANGES, reload], facts, { modulePath: A_MODULE, repositoryUrl: '' }),
      'guard.sh': await readFile(join(REPOSITORY_ROOT, 'templates/guard.sh')),
    };
    const args = [scene.nonce(), String(LONG_LEASE_S), 'run-1', 'ada@bastion'];
    expect((await scene.ask('claim', { args, files })).code).toBe(0);
    expect((await scene.ask('prepare')).code).toBe(0);
    const activated = await scene.ask('activate');
    expect([activated.code, activated.lines.at(-1)]).toEqual([
      GUARD_EXIT.failed,
      'sshd does not serve after the reload',
    ]);
    expect((await scene.ask('revert')).code).toBe(0);
    expect([await record(), await scene.live()]).toEqual([REVERTED, OLD]);
    (await scene.connect()).close();
  });

  test.each([
    ['staged', ABORTED],
    ['activated', CONFIRMED],
  ] as const)(
    'that cannot write /etc when what is %s ends takes away what is ours as soon as it can',
    async (state, end) => {
      await scene.bringTo(state);
      await must(host, 'mount --bind /etc /etc && mount -o remount,bind,ro /etc');
      await (state === 'staged' ? scene.ask('revert') : scene.ask('confirm', { args: [scene.nonce()] }));
      expect(await record()).toBe(end);
      await must(host, 'umount -l /etc');
      await scene.host.released(60);
      expect([await record(), await scene.live()]).toEqual([end, state === 'staged' ? OLD : NEW]);
      await nothingIsLeft();
    },
  );

  test('on which no unit starts is refused, and keeps nothing of ours', async () => {
    await cover('/usr/bin/systemd-run', ['#!/bin/sh', 'exit 1']);
    const reply = await scene.claim();
    expect([reply.code, reply.lines.at(-1)]).toEqual([
      GUARD_EXIT.failed,
      'cannot start the guard on this host: nothing was touched',
    ]);
    await nothingIsLeft();
  });

  test('whose disk fills up in the midst of what a claim brings keeps nothing of it', async () => {
    await must(host, `mkdir -p ${GUARD_HOME} && mount -t tmpfs -o size=32k,mode=0700 tmpfs ${GUARD_HOME}`);
    const reply = await scene.claim();
    expect([reply.code, reply.lines.at(-1)]).toEqual([
      GUARD_EXIT.failed,
      expect.stringMatching(/^cannot write .*: nothing was run$/),
    ]);
    expect(await must(host, `find ${GUARD_HOME} -path '*/tx/*'`)).toBe('');
  });
});

describe('a host without systemd', () => {
  beforeEach(() => begin('plain1'));

  test('stops the activation that a revert is about, also where nothing more can be written to memory', async () => {
    await must(host, 'mkdir -p /run/duo-fleet; mount -t tmpfs -o size=64k,mode=0700 tmpfs /run/duo-fleet');
    await scene.bringTo('staged');
    await must(host, 'dd if=/dev/zero of=/run/duo-fleet/full bs=4k 2>/dev/null; :');
    // A program that never ends, in the place of one that activation calls when the files are live.
    await cover('/usr/sbin/visudo', ['#!/bin/sh', 'exec sleep 2000']);
    const hanging = scene.ask('activate').catch(() => null);
    await must(
      host,
      `n=0; until [ ! -e ${REMOVED} ]; do n=$((n + 1)); [ $n -lt 400 ] || exit 1; sleep 0.05; done`,
    );
    const reply = await scene.overAnother((other) => other.guard(scene.call('revert')));
    expect(reply.lines.at(-1)).toBe(REVERTED);
    await hanging;
    expect(await scene.live()).toEqual(OLD);
    expect(await must(host, 'pgrep -fa "[s]leep 2000|[d]o-activate"; :')).toBe('');
    await nothingIsLeft();
  });
});
