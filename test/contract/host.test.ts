// What the engine believes about a host, promised by both: the fake one that the engine's own tests run on, and a real
// one with templates/guard.sh behind a real sshd. Where the two differ, the real one is right.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GUARD_EXIT, type GuardReply } from '../../src/core/remote.ts';
import { CHANGED, fakeContractHost, MADE, NEW, OLD, realContractHost } from '../support/contract-host.ts';
import { DEADLINE_MS, openScene, type ContractScene } from '../support/contract-scene.ts';
import { labRemote, type LabRemote } from '../support/lab-remote.ts';
import { freshFleet, type LabFleet } from '../support/lab.ts';

/** One with a plain sshd, and the newest release with a socket-activated one. */
const REAL = ['bookworm1', 'trixie2'];

let fleet: LabFleet;
let way: LabRemote;
beforeAll(async () => {
  fleet = await freshFleet({ name: 'contract', hosts: REAL });
  way = await labRemote(fleet);
});
afterAll(async () => {
  await way.close();
  await fleet.down();
});

const fenced = (state: string, needed: string): GuardReply => ({
  code: GUARD_EXIT.fenced,
  lines: [`fenced: the transaction is ${state} on this host, not ${needed}`],
});

let transactions = 0;

describe.each(['fake', ...REAL])('a host (%s)', (name) => {
  let scene: ContractScene;
  beforeEach(async () => {
    transactions += 1;
    const host = name === 'fake' ? fakeContractHost() : realContractHost(fleet.host(name), way);
    scene = await openScene(host, `t${transactions}`);
  });
  afterEach(() => scene.end());

  describe('that nothing disturbs', () => {
    test('tells each state by its word, ends confirmed, and nothing is left of the transaction', async () => {
      expect(await scene.claim()).toEqual({ code: 0, lines: [`claimed ${scene.tx}`] });
      expect(await scene.record()).toEqual(['state claimed']);
      expect(await scene.ask('prepare')).toEqual({ code: 0, lines: ['rehearsal possible'] });
      expect(await scene.record()).toEqual(['state staged']);
      expect(await scene.live()).toEqual(OLD);
      expect(await scene.ask('activate')).toEqual({ code: 0, lines: [] });
      expect(await scene.record()).toEqual(['state activated']);
      expect(await scene.live()).toEqual(NEW);
      expect(await scene.ask('validate')).toEqual({ code: 0, lines: [] });
      expect(await scene.ask('confirm', { args: [scene.nonce()] })).toEqual({
        code: 0,
        lines: ['ended: confirmed over a new login', 'ended confirmed over a new login'],
      });
      expect(await scene.record()).toEqual(['ended confirmed over a new login']);
      expect(await scene.live()).toEqual(NEW);
      expect(await scene.host.leftovers()).toEqual([]);
      expect((await scene.look()).pending).toBe(null);
    });

    test('marks each part of its work, in pairs and in order, apart from its lines', async () => {
      const marks: string[] = [];
      const onMark = (mark: string) => void marks.push(mark);
      await scene.claim();
      await scene.ask('prepare', { onMark });
      await scene.ask('activate', { onMark });
      await scene.ask('revert', { onMark });
      const parts = ['snapshot', 'arm', 'stage', 'pam-sshd', 'sudoers', 'revert'];
      expect(marks).toEqual(parts.flatMap((part) => [`task-started ${part}`, `task-ended ${part}`]));
    });

    test('shows a look who holds it, and that the transaction lives', async () => {
      await scene.claim();
      expect((await scene.look()).pending).toMatchObject({
        tx: scene.tx,
        run: 'run-1',
        operator: 'ada@bastion',
        alive: true,
        state: 'claimed',
      });
    });
  });

  describe('asked for what its state does not allow', () => {
    test.each(['claimed', 'staged'] as const)('refuses a confirmation while it is %s', async (state) => {
      await scene.bringTo(state);
      expect(await scene.ask('confirm', { args: [scene.nonce()] })).toEqual(fenced(state, 'activated'));
      expect(await scene.record()).toEqual([`state ${state}`]);
    });

    test('refuses a confirmation with another nonce, and stays ready for the right one', async () => {
      await scene.bringTo('activated');
      for (const wrong of ['nonce-of-another', '']) {
        expect(await scene.ask('confirm', { args: [wrong] })).toEqual({
          code: GUARD_EXIT.fenced,
          lines: ['fenced: this is not the confirmation of the transaction that holds the host'],
        });
      }
      expect(await scene.record()).toEqual(['state activated']);
      expect((await scene.ask('confirm', { args: [scene.nonce()] })).code).toBe(0);
    });

    test('refuses to activate what is not staged', async () => {
      await scene.bringTo('claimed');
      expect(await scene.ask('activate')).toEqual(fenced('claimed', 'staged'));
      expect(await scene.live()).toEqual(OLD);
    });

    test('refuses to activate twice, and the first one stands', async () => {
      await scene.bringTo('activated');
      expect(await scene.ask('activate')).toEqual(fenced('activated', 'staged'));
      expect(await scene.live()).toEqual(NEW);
      expect((await scene.ask('confirm', { args: [scene.nonce()] })).code).toBe(0);
    });

    test.each(['staged', 'activated'] as const)(
      'refuses to prepare again once it is %s, and still knows what was',
      async (state) => {
        await scene.bringTo(state);
        expect(await scene.ask('prepare')).toEqual(fenced(state, 'claimed'));
        expect(await scene.record()).toEqual([`state ${state}`]);
        expect((await scene.ask('revert')).code).toBe(0);
        expect(await scene.live()).toEqual(OLD);
      },
    );

    test('finds that live files are not as written before activation, and after somebody else’s edit', async () => {
      await scene.bringTo('staged');
      expect(await scene.ask('validate')).toEqual({
        code: 1,
        lines: [`${CHANGED} is not as it was written`],
      });
      await scene.ask('activate');
      await scene.host.write(MADE, 'by hand\n');
      expect(await scene.ask('validate')).toEqual({ code: 1, lines: [`${MADE} is not as it was written`] });
    });

    test('lets no login rehearse before the files are staged, nor after they are live', async () => {
      await scene.bringTo('claimed');
      expect((await scene.rehearse()).kind).toBe('unproven');
      await scene.ask('prepare');
      expect((await scene.rehearse()).kind).toBe('in');
      await scene.ask('activate');
      expect((await scene.rehearse()).kind).toBe('unproven');
      expect(await scene.record()).toEqual(['state activated']);
    });
  });

  const duoLog = (since: string) =>
    scene.host.within(scene.session.duoLog({ since, user: 'canary' }, DEADLINE_MS));
  const mark = () => scene.host.within(scene.session.logMark(DEADLINE_MS));

  describe('asked what Duo’s module wrote', () => {
    const GOOD = "Successful Duo login for 'canary' from UNKNOWN";

    test('tells what came after the mark, and nothing from before', async () => {
      await scene.host.log("Failsafe Duo login for 'canary' from UNKNOWN: HTTP 500", 'root');
      const since = await mark();
      await scene.host.log(GOOD, 'root');
      expect(await duoLog(since)).toEqual([expect.stringContaining(GOOD)]);
      const later = await mark();
      await scene.host.log("User canary bypassed Duo 2FA due to user's UNIX group", 'root');
      expect(await duoLog(later)).toEqual([expect.stringContaining('User canary bypassed')]);
    });

    test('does not believe a line that anybody but root wrote', async () => {
      const since = await mark();
      await scene.host.log(GOOD, 'nobody');
      expect(await duoLog(since)).toEqual([]);
    });
  });

  describe('asked to end', () => {
    test('answers a second confirmation with the record', async () => {
      await scene.bringTo('confirmed');
      expect(await scene.ask('confirm', { args: [scene.nonce()] })).toEqual({
        code: 0,
        lines: ['ended confirmed over a new login'],
      });
    });

    test.each(['revert', 'abort', 'recover'] as const)(
      'refuses to %s what is confirmed, and the record and the files stay',
      async (operation) => {
        await scene.bringTo('confirmed');
        expect(await scene.ask(operation)).toEqual({
          code: GUARD_EXIT.fenced,
          lines: ['ended confirmed over a new login'],
        });
        expect(await scene.live()).toEqual(NEW);
      },
    );

    test.each(['claimed', 'staged'] as const)('aborts what is %s', async (state) => {
      await scene.bringTo(state);
      const reply = await scene.ask('abort');
      expect(reply.code).toBe(0);
      expect(reply.lines.at(-1)).toBe('ended aborted before anything live was changed');
      expect(await scene.live()).toEqual(OLD);
      expect(await scene.host.leftovers()).toEqual([]);
    });

    test('puts back what was after activation, and answers a second revert with the record', async () => {
      await scene.bringTo('activated');
      const reply = await scene.ask('revert');
      expect(reply).toEqual({
        code: 0,
        lines: ['ended: reverted to what was', 'ended reverted to what was'],
      });
      expect(await scene.live()).toEqual(OLD);
      expect(await scene.host.leftovers()).toEqual([]);
      expect(await scene.ask('revert')).toEqual({ code: 0, lines: ['ended reverted to what was'] });
    });

    test('refuses to confirm what was put back', async () => {
      await scene.bringTo('activated');
      await scene.ask('revert');
      expect(await scene.ask('confirm', { args: [scene.nonce()] })).toEqual({
        code: GUARD_EXIT.fenced,
        lines: ['ended reverted to what was'],
      });
      expect(await scene.live()).toEqual(OLD);
    });

    test('lets exactly one of a confirmation and a revert at once win, and the record says which', async () => {
      await scene.bringTo('activated');
      await scene.overAnother(async (other) => {
        const [confirmed, reverted] = await scene.host.within(
          Promise.all([
            scene.session.guard(scene.call('confirm', { args: [scene.nonce()] })),
            other.guard(scene.call('revert')),
          ]),
        );
        const won = confirmed.code === 0;
        expect([confirmed.code, reverted.code]).toEqual(won ? [0, 76] : [76, 0]);
        const lines = [won ? 'ended confirmed over a new login' : 'ended reverted to what was'];
        expect(await scene.record()).toEqual(lines);
        expect([confirmed.lines.at(-1), reverted.lines.at(-1)]).toContain(lines[0]);
        expect(await scene.live()).toEqual(won ? NEW : OLD);
      });
    });
  });

  describe('claimed by somebody', () => {
    test('refuses a second claim by name, and does not disturb the first', async () => {
      await scene.bringTo('staged');
      const reply = await scene.claim({ tx: `${scene.tx}-second` });
      expect(reply).toEqual({
        code: GUARD_EXIT.busy,
        lines: [
          `busy ${scene.tx} staged`,
          'run=run-1',
          'operator=ada@bastion',
          expect.stringMatching(/^since=\d+$/),
        ],
      });
      expect((await scene.ask('prepare', { tx: `${scene.tx}-second` })).code).toBe(GUARD_EXIT.absent);
      expect((await scene.ask('activate')).code).toBe(0);
    });

    test('takes exactly one of two claims at once', async () => {
      const facts = await scene.look();
      await scene.overAnother(async (other) => {
        const ids = [`${scene.tx}-a`, `${scene.tx}-b`];
        const replies = await scene.host.within(
          Promise.all([
            scene.session.guard(scene.claimCall(facts, { tx: ids[0]! })),
            other.guard(scene.claimCall(facts, { tx: ids[1]! })),
          ]),
        );
        expect(replies.map(({ code }) => code).toSorted((a, b) => a - b)).toEqual([0, GUARD_EXIT.busy]);
        const winner = ids[replies.findIndex(({ code }) => code === 0)];
        expect((await scene.look()).pending).toMatchObject({ tx: winner, alive: true });
        expect(await scene.host.leftovers()).toContain(`tx/${winner}`);
        expect((await scene.host.leftovers()).filter((left) => left.startsWith('tx/'))).toHaveLength(1);
      });
    });

    test.each(['staged', 'activated', 'confirmed'] as const)(
      'takes the id of a transaction once: a second claim under it is refused while it is %s',
      async (state) => {
        await scene.bringTo(state);
        expect((await scene.claim()).code).toBe(GUARD_EXIT.fenced);
        expect(await scene.record()).toEqual([
          state === 'confirmed' ? 'ended confirmed over a new login' : `state ${state}`,
        ]);
        if (state === 'confirmed') expect(await scene.host.leftovers()).toEqual([]);
        else expect((await scene.ask('revert')).code).toBe(0);
        expect(await scene.live()).toEqual(state === 'confirmed' ? NEW : OLD);
      },
    );

    test.each([
      ['claimed', 'ended aborted before anything live was changed'],
      ['staged', 'ended aborted before anything live was changed'],
      ['activated', 'ended reverted to what was'],
    ] as const)('whose guard died while %s is put back by the next claim', async (state, end) => {
      await scene.bringTo(state);
      await scene.host.killWatcher(scene.tx);
      expect((await scene.look()).pending).toMatchObject({ tx: scene.tx, alive: false, state });
      const reply = await scene.claim({ tx: `${scene.tx}-next` });
      expect(reply.code).toBe(0);
      expect(reply.lines[0]).toBe(`settling ${scene.tx}, which an earlier run left ${state}`);
      expect(reply.lines.at(-1)).toBe(`claimed ${scene.tx}-next`);
      expect(await scene.record()).toEqual([end]);
      expect(await scene.live()).toEqual(OLD);
      expect((await scene.ask('abort', { tx: `${scene.tx}-next` })).code).toBe(0);
    });

    test('is not recovered while its guard lives, and is when it is dead', async () => {
      await scene.bringTo('activated');
      const busy = await scene.ask('recover');
      expect([busy.code, busy.lines[0]]).toEqual([GUARD_EXIT.busy, `busy ${scene.tx} activated`]);
      await scene.host.killWatcher(scene.tx);
      const reply = await scene.ask('recover');
      expect([reply.code, reply.lines.at(-1)]).toEqual([0, 'ended reverted to what was']);
      expect(await scene.live()).toEqual(OLD);
    });
  });
});
