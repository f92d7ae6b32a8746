// What both hosts of the contract promise when nobody is there to ask them: a silent controller, a cut connection, a power
// loss, somebody else's hand on the files. See host.test.ts.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GUARD_EXIT } from '../../src/core/remote.ts';
import {
  CHANGED,
  fakeContractHost,
  MADE,
  NEW,
  OLD,
  realContractHost,
  REMOVED,
} from '../support/contract-host.ts';
import { DEADLINE_MS, openScene, type ContractScene } from '../support/contract-scene.ts';
import { labRemote, type LabRemote } from '../support/lab-remote.ts';
import { freshFleet, type LabFleet } from '../support/lab.ts';

/** One with a plain sshd, and the newest release with a socket-activated one. */
const REAL = ['bookworm1', 'trixie2'];
const SHORT_LEASE_S = 2;

let fleet: LabFleet;
let way: LabRemote;
beforeAll(async () => {
  fleet = await freshFleet({ name: 'hostalone', hosts: REAL });
  way = await labRemote(fleet);
});
afterAll(async () => {
  await way.close();
  await fleet.down();
});

let transactions = 0;

describe.each(['fake', ...REAL])('a host (%s)', (name) => {
  let scene: ContractScene;
  beforeEach(async () => {
    transactions += 1;
    const host = name === 'fake' ? fakeContractHost() : realContractHost(fleet.host(name), way);
    scene = await openScene(host, `u${transactions}`);
  });
  afterEach(() => scene.end());

  describe('whose controller falls silent', () => {
    test.each([
      ['claimed', 'ended aborted before anything live was changed'],
      ['staged', 'ended aborted before anything live was changed'],
      ['activated', 'ended reverted to what was'],
    ] as const)('ends by itself when it is %s', async (state, end) => {
      await scene.bringTo(state, SHORT_LEASE_S);
      await scene.host.released(60);
      expect(await scene.record()).toEqual([end]);
      expect(await scene.live()).toEqual(OLD);
      expect(await scene.host.leftovers()).toEqual([]);
    });

    test('waits for as long as the lease is renewed, and no longer', async () => {
      await scene.bringTo('activated', SHORT_LEASE_S + 1);
      const started = (await scene.look()).epochS;
      const leaseS = 3;
      const lease = await scene.host.within(scene.session.holdLease({ tx: scene.tx, everyMs: 900, leaseS }));
      await until(async () => (await scene.look()).epochS > started + 2 * leaseS);
      expect(await scene.record()).toEqual(['state activated']);
      lease.close();
      await scene.host.released(60);
      expect(await scene.record()).toEqual(['ended reverted to what was']);
    });

    test('puts back what was at a word over the lease’s channel', async () => {
      await scene.bringTo('activated');
      const lease = await scene.host.within(
        scene.session.holdLease({ tx: scene.tx, everyMs: 900, leaseS: 30 }),
      );
      const reply = await scene.host.within(lease.revert(DEADLINE_MS));
      expect([reply.code, reply.lines.at(-1)]).toEqual([0, 'ended reverted to what was']);
      expect(await scene.live()).toEqual(OLD);
      lease.close();
    });

    test('refuses a renewal once it is over, and the lease is lost', async () => {
      await scene.bringTo('activated');
      const lease = await scene.host.within(
        scene.session.holdLease({ tx: scene.tx, everyMs: 300, leaseS: 30 }),
      );
      await scene.overAnother((other) => scene.host.within(other.guard(scene.call('revert'))));
      expect(await scene.host.within(lease.lost)).toEqual(expect.any(String));
      lease.close();
    });

    test('grants no lease for what is over', async () => {
      await scene.bringTo('activated');
      await scene.ask('revert');
      await expect(
        scene.host.within(scene.session.holdLease({ tx: scene.tx, everyMs: 900, leaseS: 30 })),
      ).rejects.toMatchObject({
        reason: 'link',
      });
    });

    test('goes on with what it was told when the connection is cut, and reverts after it', async () => {
      await scene.bringTo('staged', 5);
      const cut = scene.session.guard(scene.call('activate', { onMark: () => scene.session.close() }));
      await scene.host.within(cut.catch(() => undefined));
      scene.session = await scene.connect();
      await until(async () => (await scene.record())[0] !== 'state activating');
      expect(await scene.record()).toEqual(['state activated']);
      expect(await scene.live()).toEqual(NEW);
      await scene.host.released(60);
      expect(await scene.live()).toEqual(OLD);
    });
  });

  describe('on which somebody else works', () => {
    test('stops before anything is touched when a file was changed since it was read', async () => {
      await scene.claim();
      await scene.host.write(REMOVED, 'by hand\n');
      expect(await scene.ask('prepare')).toEqual({
        code: GUARD_EXIT.drifted,
        lines: [`${REMOVED} was changed since it was read: nothing was touched`],
      });
      expect(await scene.record()).toEqual(['state claimed']);
      expect((await scene.ask('revert')).lines.at(-1)).toBe('ended aborted before anything live was changed');
      expect(await scene.live()).toEqual(['old\n', null, 'by hand\n']);
    });

    test.each([
      ['changed', CHANGED, ['by hand\n', null, 'to go\n']],
      ['made', MADE, ['old\n', 'by hand\n', 'to go\n']],
    ] as const)(
      'stops before anything is touched when a file was %s since it was staged',
      async (_, path, after) => {
        await scene.bringTo('staged');
        await scene.host.write(path, 'by hand\n');
        expect(await scene.ask('activate')).toEqual({
          code: GUARD_EXIT.drifted,
          lines: [`${path} was changed since it was read: nothing was touched`],
        });
        expect(await scene.record()).toEqual(['state staged']);
        expect((await scene.ask('revert')).lines.at(-1)).toBe(
          'ended aborted before anything live was changed',
        );
        expect(await scene.live()).toEqual(after);
      },
    );

    test('puts back all but the file that was changed meanwhile, and says so', async () => {
      await scene.bringTo('activated');
      await scene.host.write(CHANGED, 'by hand\n');
      const reply = await scene.ask('revert');
      const told = 'foreign: back to what was, but for files that somebody else changed meanwhile';
      expect(reply).toEqual({
        code: 0,
        lines: [
          `${CHANGED} was changed by somebody else meanwhile: left as it is`,
          `left as they are, since somebody else changed them meanwhile: ${CHANGED} `,
          `ended: ${told}`,
          `ended ${told}`,
        ],
      });
      expect(await scene.live()).toEqual(['by hand\n', null, 'to go\n']);
      expect(await scene.host.leftovers()).toEqual([]);
    });

    test('puts a file back that was removed meanwhile', async () => {
      await scene.bringTo('activated');
      await scene.host.remove(CHANGED);
      expect((await scene.ask('revert')).lines.at(-1)).toBe('ended reverted to what was');
      expect(await scene.live()).toEqual(OLD);
    });
  });

  describe('that loses power', () => {
    test.each([
      ['claimed', 'claimed'],
      ['staged', 'ended aborted before anything live was changed'],
      ['activated', 'ended reverted to what was'],
      ['confirmed', 'ended confirmed over a new login'],
    ] as const)('while it is %s boots with all of the old or all of the new', async (state, end) => {
      await scene.bringTo(state);
      scene.session.close();
      await scene.host.powerOff();
      await scene.host.boot();
      scene.session = await scene.connect();
      if (state === 'claimed') {
        // Nothing was armed yet, since nothing can have changed: the next claim settles it.
        expect((await scene.look()).pending).toMatchObject({ tx: scene.tx, alive: false, state });
        expect((await scene.claim({ tx: `${scene.tx}-next` })).lines[0]).toMatch(/^settling /);
        await scene.ask('abort', { tx: `${scene.tx}-next` });
      } else {
        await scene.host.released(60);
        expect(await scene.record()).toEqual([end]);
      }
      expect(await scene.live()).toEqual(state === 'confirmed' ? NEW : OLD);
      expect(await scene.host.leftovers()).toEqual([]);
    });
  });

  describe('that is asked about what it does not know', () => {
    test('says so of a transaction that never was', async () => {
      await scene.bringTo('confirmed');
      const nobody = { tx: 'nobody' };
      expect(await scene.ask('status', nobody)).toEqual({ code: 0, lines: ['state gone'] });
      expect(await scene.ask('revert', nobody)).toEqual({ code: 0, lines: ['state gone'] });
      expect((await scene.ask('confirm', { ...nobody, args: ['n'] })).code).toBe(GUARD_EXIT.fenced);
      expect((await scene.ask('activate', nobody)).code).toBe(GUARD_EXIT.absent);
    });

    test('says that there is no guard where there is none', async () => {
      await scene.host.forgetGuard();
      for (const operation of ['status', 'prepare', 'activate', 'confirm', 'revert', 'recover'] as const) {
        expect(await scene.ask(operation, { args: ['x'] })).toEqual({
          code: GUARD_EXIT.absent,
          lines: ['there is no guard on this host'],
        });
      }
    });
  });
});

/** Asks until the answer is yes; whoever asks takes time, on the fake host too. */
const until = async (condition: () => Promise<boolean>): Promise<void> => {
  for (let asked = 0; !(await condition()); asked += 1) {
    if (asked > 200) throw new Error('asked in vain');
  }
};
