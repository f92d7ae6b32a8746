// templates/guard.sh on a real host, with what no fake can show: other shells, no systemd, a full disk, a lock that is
// held, processes that are killed, a power loss between any two renames.
import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GUARD_EXIT, GUARD_HOME } from '../../src/core/remote.ts';
import { CHANGED, MADE, NEW, OLD, REMOVED } from '../support/contract-host.ts';
import { guardHands, LONG_LEASE_S, SHORT_LEASE_S, type GuardHands } from '../support/guard-hands.ts';
import { freshFleet, type LabFleet } from '../support/lab.ts';

/** The oldest systemd is the one that knows the fewest properties. */
const HOSTS = ['bookworm1', 'bullseye1'];
const ABORTED = 'ended aborted before anything live was changed';
const REVERTED = 'ended reverted to what was';
const CONFIRMED = 'ended confirmed over a new login';
const FOREIGN = 'ended foreign: back to what was, but for files that somebody else changed meanwhile';

let fleet: LabFleet;
let hands: GuardHands;
const must: GuardHands['must'] = (command) => hands.must(command);
const ask: GuardHands['ask'] = (...given) => hands.ask(...given);
const bringTo: GuardHands['bringTo'] = (...given) => hands.bringTo(...given);

beforeAll(async () => {
  fleet = await freshFleet({ name: 'guard', hosts: HOSTS });
  hands = guardHands(fleet.host('bookworm1'));
});
afterAll(async () => {
  await fleet.down();
});
beforeEach(async () => {
  hands.host = fleet.host('bookworm1');
  await hands.begin();
});
afterEach(() => hands.end());

/** Nothing of a transaction is left, neither a file nor a process. */
const expectNothingLeft = async (): Promise<void> => {
  expect(await hands.left()).toBe('');
};

/** A program that never ends, in the place of one that activation calls when the files are live. */
const hangActivation = async () => {
  await must(
    `printf '#!/bin/sh\\nexec sleep 1000\\n' >/root/hang; chmod 755 /root/hang; mount --bind /root/hang /usr/sbin/visudo`,
  );
  const hanging = ask('activate');
  await must(`n=0; until [ ! -e ${REMOVED} ]; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; sleep 0.05; done`);
  // In a list, since an async function would wait for a bare promise.
  return [hanging] as const;
};

/** Neither a block nor an inode is left for anything of ours that lasts. */
const fill = () =>
  must(
    `dd if=/dev/zero of=${GUARD_HOME}/full bs=4k 2>/dev/null; n=0; while true >${GUARD_HOME}/full.$n; do n=$((n + 1)); done 2>/dev/null; :`,
  );

const loseIt = async (): Promise<void> => {
  await hands.host.powerOff();
  await hands.host.boot();
  await hands.released(60);
};

const inTransaction = (command: string) => must(`cd ${GUARD_HOME}/tx/${hands.tx} && ${command}`);

describe('a watcher', () => {
  test.each(HOSTS)('that is killed again and again still puts the host back (%s)', async (name) => {
    hands.host = fleet.host(name);
    await hands.begin();
    await bringTo('activated', SHORT_LEASE_S);
    // Each time a new one, more often than systemd starts a unit by default (five times in ten seconds).
    const kills = await must(
      `last=0 kills=0 n=0; while [ $kills -lt 8 ] && [ $n -lt 400 ]; do n=$((n + 1)); pid=$(systemctl show --value -p MainPID duo-fleet-guard-${hands.tx}); if [ "$pid" != 0 ] && [ "$pid" != $last ]; then kill -9 $pid; last=$pid kills=$((kills + 1)); else sleep 0.02; fi; done; echo $kills`,
    );
    expect(kills.trim()).toBe('8');
    await hands.released(60);
    expect([await hands.record(), await hands.live()]).toEqual([REVERTED, OLD]);
    await expectNothingLeft();
  });
});

describe('a lock that somebody else holds', () => {
  test('keeps a revert from clearing up anything, and it is tried again until it is done', async () => {
    await bringTo('activated', SHORT_LEASE_S);
    await must(
      `systemd-run --quiet --collect --unit=holder flock ${GUARD_HOME}/verdict.lock sleep 1000; until ! flock -n ${GUARD_HOME}/verdict.lock true; do sleep 0.05; done`,
    );
    const reply = await ask('revert');
    expect([reply.code, reply.last]).toEqual([GUARD_EXIT.failed, 'state activated']);
    expect(await hands.live()).toEqual(NEW);
    expect((await hands.confirm()).code).toBe(GUARD_EXIT.failed);
    await must('systemctl stop holder');
    await hands.released(60);
    expect([await hands.record(), await hands.live()]).toEqual([REVERTED, OLD]);
    await expectNothingLeft();
  });
});

describe('a revert', () => {
  test.each([
    ['with systemd', '/bin/sh'],
    [
      'without systemd',
      "unshare -m --propagation slave sh -c 'mount -t tmpfs tmpfs /run/systemd && exec /bin/sh $0'",
    ],
  ])('stops the activation that is under way (%s)', async (_, words) => {
    hands.shell = words;
    await bringTo('staged');
    const [hanging] = await hangActivation();
    const reply = await ask('revert');
    expect([reply.code, reply.last]).toEqual([0, REVERTED]);
    expect(await hanging).toMatchObject({
      code: GUARD_EXIT.failed,
      last: 'activate was stopped before its end',
    });
    expect(await hands.live()).toEqual(OLD);
    await expectNothingLeft();
    expect(await must('pgrep -fa "[s]leep 1000"; :')).toBe('');
  });

  test('keeps both versions of a file that somebody else has changed', async () => {
    await bringTo('activated');
    await must(`echo 'by hand' >${CHANGED}`);
    expect((await ask('revert')).last).toBe(FOREIGN);
    expect(await hands.live()).toEqual(['by hand\n', null, 'to go\n']);
    expect(
      await must(`cat ${GUARD_HOME}/kept/${hands.tx}/foreign ${GUARD_HOME}/kept/${hands.tx}/snap/1`),
    ).toBe(`${CHANGED}\nold\n`);
    await expectNothingLeft();
  });
});

describe.each([
  ['dash', ':'],
  ['bash', 'mount --bind /usr/bin/bash /usr/bin/dash'],
  ['busybox', 'mount --bind /root/busybox /usr/bin/dash'],
])('with %s as /bin/sh', (_, mount) => {
  beforeEach(async () => {
    await must('cp /usr/bin/busybox /root/busybox 2>/dev/null; :');
    if (mount.includes('busybox')) {
      await hands.host.shell('cat >/root/busybox; chmod 755 /root/busybox', {
        input: await readFile('/usr/bin/busybox'),
      });
    }
    await must(mount);
  });

  test('a transaction is confirmed, reverted, aborted, or ends by itself, as with any other', async () => {
    for (const [state, end] of [
      ['activated', REVERTED],
      ['staged', ABORTED],
    ] as const) {
      await hands.begin();
      await bringTo(state);
      expect((await ask('revert')).last).toBe(end);
      expect(await hands.live()).toEqual(OLD);
      await expectNothingLeft();
    }
    await hands.begin();
    await bringTo('activated', SHORT_LEASE_S);
    await hands.released(60);
    expect([await hands.record(), await hands.live()]).toEqual([REVERTED, OLD]);
    await hands.begin();
    await bringTo('activated');
    const byHand = await hands.host.shell(`sh ${GUARD_HOME}/guard.sh revert`);
    expect([byHand.code, byHand.stderr]).toEqual([0, '']);
    expect(byHand.stdout).toMatch(/^Nothing is unfinished on this host\.$/m);
    await expectNothingLeft();
    await hands.begin();
    await bringTo('activated');
    expect(await hands.confirm()).toMatchObject({ code: 0, last: CONFIRMED });
    expect(await hands.live()).toEqual(NEW);
    await expectNothingLeft();
  });
});

describe('without systemd', () => {
  beforeEach(() => {
    hands.shell =
      "unshare -m --propagation slave sh -c 'mount -t tmpfs tmpfs /run/systemd && exec /bin/sh $0'";
  });

  test.each([
    ['claimed', ABORTED],
    ['staged', ABORTED],
    ['activated', REVERTED],
  ] as const)('what is %s ends by itself when the lease lapses', async (state, end) => {
    await bringTo(state, SHORT_LEASE_S);
    await hands.released(60);
    expect([await hands.record(), await hands.live()]).toEqual([end, OLD]);
    await expectNothingLeft();
  });

  test('what is activated is confirmed', async () => {
    await bringTo('activated');
    expect(await hands.confirm()).toMatchObject({ code: 0, last: CONFIRMED });
    expect(await hands.live()).toEqual(NEW);
    await expectNothingLeft();
  });
});

describe('a disk that is full', () => {
  beforeEach(async () => {
    await must(
      `mkdir -p ${GUARD_HOME}; mount -t tmpfs -o size=2m,nr_inodes=300,mode=0700 tmpfs ${GUARD_HOME}`,
    );
  });

  test('before the claim: it is refused, and nothing is left but the files that fill it', async () => {
    await fill();
    expect((await hands.claim()).code).toBe(GUARD_EXIT.failed);
    await must(`rm -f ${GUARD_HOME}/full*`);
    expect((await hands.claim()).code).toBe(0);
    expect((await ask('abort')).last).toBe(ABORTED);
  });

  test('after the claim: nothing is prepared, and the claim is given up', async () => {
    await bringTo('claimed');
    await fill();
    expect((await ask('prepare')).code).toBe(GUARD_EXIT.failed);
    expect((await ask('revert')).last).toBe(ABORTED);
    expect(await hands.live()).toEqual(OLD);
    await expectNothingLeft();
  });

  test.each(['by word', 'by itself'])('before activation: the host ends as it was (%s)', async (how) => {
    await bringTo('staged', how === 'by word' ? LONG_LEASE_S : SHORT_LEASE_S);
    await fill();
    await ask('activate');
    if (how === 'by word') await ask('revert');
    else await hands.released(60);
    expect(await hands.live()).toEqual(OLD);
    expect([ABORTED, REVERTED]).toContain(await hands.record());
    await expectNothingLeft();
  });

  test.each(['by word', 'by itself'])('after activation: what was is put back (%s)', async (how) => {
    await bringTo('activated', how === 'by word' ? LONG_LEASE_S : SHORT_LEASE_S);
    await fill();
    if (how === 'by word') expect((await ask('revert')).code).toBe(0);
    else await hands.released(60);
    expect([await hands.record(), await hands.live()]).toEqual([REVERTED, OLD]);
    await expectNothingLeft();
  });

  test('after activation: it is confirmed, and what was before is kept', async () => {
    await bringTo('activated');
    await fill();
    expect(await hands.confirm()).toMatchObject({ code: 0, last: CONFIRMED });
    expect(await hands.live()).toEqual(NEW);
    expect(await must(`cat ${GUARD_HOME}/snapshots/${hands.tx}/1`)).toBe('old\n');
    await expectNothingLeft();
  });

  test('after activation: somebody else’s file stays, and so does what was', async () => {
    await bringTo('activated');
    await fill();
    await must(`echo 'by hand' >${CHANGED}`);
    expect((await ask('revert')).last).toBe(FOREIGN);
    expect(await hands.live()).toEqual(['by hand\n', null, 'to go\n']);
    expect(await must(`cat ${GUARD_HOME}/kept/${hands.tx}/snap/1`)).toBe('old\n');
    await expectNothingLeft();
  });
});

describe('a power loss', () => {
  test('between the record of a confirmation and its clearing up: it is confirmed', async () => {
    await bringTo('activated');
    await inTransaction(`mv words/confirmed state && mv ends/confirmed ${GUARD_HOME}/ended/${hands.tx}`);
    await loseIt();
    expect([await hands.record(), await hands.live()]).toEqual([CONFIRMED, NEW]);
    await expectNothingLeft();
    expect((await must('systemctl is-system-running; :')).trim()).toBe('running');
  });

  test.each([
    ['record', (id: string) => `mv words/confirmed state && rm -f ${GUARD_HOME}/ended/${id}`],
    ['state', (id: string) => `mv ends/confirmed ${GUARD_HOME}/ended/${id}`],
  ])('that leaves a confirmation without its %s: it is confirmed', async (_, damage) => {
    await bringTo('activated');
    await inTransaction(damage(hands.tx));
    await loseIt();
    expect([await hands.record(), await hands.live()]).toEqual([CONFIRMED, NEW]);
    await expectNothingLeft();
  });

  test('in the middle of a revert: the rest is put back at boot', async () => {
    await bringTo('activated');
    await inTransaction(`mv words/reverting state && rm -f ${MADE}`);
    await loseIt();
    expect([await hands.record(), await hands.live()]).toEqual([REVERTED, OLD]);
    await expectNothingLeft();
  });

  test('in the middle of activation: what was is put back at boot', async () => {
    await bringTo('staged');
    await inTransaction(`mv words/activating state && mv /etc/.duo-fleet/new/1 ${CHANGED}`);
    await loseIt();
    expect([await hands.record(), await hands.live()]).toEqual([REVERTED, OLD]);
    await expectNothingLeft();
  });

  test('in the middle of preparing: the claim is given up at boot', async () => {
    await bringTo('staged');
    await inTransaction('echo armed >state && rm -rf /etc/.duo-fleet/new root');
    await loseIt();
    expect([await hands.record(), await hands.live()]).toEqual([ABORTED, OLD]);
    await expectNothingLeft();
  });

  test('after a revert’s record and before its clearing up: it is over, and nothing is done twice', async () => {
    await bringTo('activated');
    await inTransaction(`mv words/reverting state && mv ends/reverted ${GUARD_HOME}/ended/${hands.tx}`);
    await must(`echo old >${CHANGED}; rm -r "$(dirname ${MADE})"; echo 'to go' >${REMOVED}`);
    await loseIt();
    expect([await hands.record(), await hands.live()]).toEqual([REVERTED, OLD]);
    await expectNothingLeft();
  });
});
