// A person at the console of a host, who knows no transaction's id: what they type, what they read, and what is done.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { GUARD_EXIT, GUARD_HOME } from '../../src/core/remote.ts';
import { CHANGED, MADE, OLD, REMOVED } from '../support/contract-host.ts';
import { guardHands, LONG_LEASE_S, SHORT_LEASE_S, type GuardHands } from '../support/guard-hands.ts';
import { freshFleet, type LabFleet } from '../support/lab.ts';

let fleet: LabFleet;
let hands: GuardHands;
const must: GuardHands['must'] = (command) => hands.must(command);
const ask: GuardHands['ask'] = (...given) => hands.ask(...given);
const bringTo: GuardHands['bringTo'] = (...given) => hands.bringTo(...given);

beforeAll(async () => {
  fleet = await freshFleet({ name: 'guardpeople', hosts: ['bookworm1'] });
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

/** What a person at the console types, and reads. */
const type = async (word: string) => {
  const done = await hands.host.shell(`${hands.shell} ${GUARD_HOME}/guard.sh ${word}`);
  return { code: done.code, said: done.stdout + done.stderr };
};
const loseWatcher = () =>
  must(
    `systemctl kill --signal=KILL duo-fleet-guard-${hands.tx}; systemctl stop duo-fleet-guard-${hands.tx}; rm -f /run/duo-fleet/lease`,
  );

describe('a person at the console', () => {
  const UNTOUCHED = 'Nothing live was changed yet.';
  const LIVE = 'It is live, and no new login has confirmed it yet.';
  const STATES = [
    ['claimed', UNTOUCHED],
    ['staged', UNTOUCHED],
    ['activated', LIVE],
  ] as const;

  test.each(STATES)(
    'is told of what is %s who is at it and how long the lease runs; recover leaves it alone',
    async (state, words) => {
      await bringTo(state);
      const before = await hands.live();
      for (const [word, code] of [
        ['status', 0],
        ['recover', GUARD_EXIT.busy],
        ['', 0],
      ] as const) {
        const told = await type(word);
        expect(told.code).toBe(code);
        expect(told.said).toContain(`The transaction ${hands.tx} is unfinished on this host. ${words}\n`);
        expect(told.said).toMatch(/^ {2}run {2}run-1$\n^ {2}by {3}ada@bastion$\n^ {2}at {3}20\d\d-\S+Z$/m);
        expect(told.said).toMatch(/puts itself back in \d+ s, unless/);
        expect(told.said).toContain(`Not to wait for that: sh ${GUARD_HOME}/guard.sh revert\n`);
      }
      expect([await hands.live(), await hands.record()]).toEqual([before, `state ${state}`]);
      const reverted = await type('revert');
      expect(reverted.code).toBe(0);
      expect(reverted.said).toMatch(/^Nothing is unfinished on this host\.$/m);
      expect(await hands.live()).toEqual(OLD);
      await expectNothingLeft();
    },
  );

  test.each(STATES)(
    'puts back with one command what is %s and watched by nobody, and reads what was done',
    async (state) => {
      await bringTo(state);
      await loseWatcher();
      expect((await type('status')).said).toContain(
        `Nobody watches over it any more. To put it back: sh ${GUARD_HOME}/guard.sh recover\n`,
      );
      const told = await type('recover');
      expect(told.code).toBe(0);
      expect(told.said).not.toMatch(/#mark|^state |^ended/m);
      expect(told.said).toMatch(/somebody at this host wants it put back$/m);
      expect(told.said).toMatch(
        state === 'activated'
          ? /ended: reverted to what was$/m
          : /ended: aborted before anything live was changed$/m,
      );
      expect(await hands.live()).toEqual(OLD);
      await expectNothingLeft();
      const twice = await type('recover');
      expect(twice).toMatchObject({
        code: 0,
        said: expect.stringContaining('Nothing is unfinished on this host.'),
      });
    },
  );

  test('joins a revert that its guard has begun and cannot finish', async () => {
    await bringTo('activated', SHORT_LEASE_S);
    await must(`chattr +i ${CHANGED} 2>/dev/null || mount --bind ${CHANGED} ${CHANGED}`);
    await must(
      `n=0; until grep -q reverting ${GUARD_HOME}/tx/${hands.tx}/state; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; sleep 0.1; done`,
    );
    expect((await type('status')).said).toContain('Its guard is putting it back.');
    const stuck = await type('recover');
    expect(stuck.code).toBe(GUARD_EXIT.failed);
    expect(stuck.said).toContain(`cannot put back ${CHANGED}`);
    expect(stuck.said).toContain('It is being put back.');
    await must(`chattr -i ${CHANGED} 2>/dev/null; umount ${CHANGED} 2>/dev/null; :`);
    expect((await type('recover')).code).toBe(0);
    expect(await hands.live()).toEqual(OLD);
    await expectNothingLeft();
  });

  test('is told which files somebody else had changed, and where what was before is', async () => {
    await bringTo('activated');
    await must(`echo 'by hand' >${CHANGED}`);
    await loseWatcher();
    const { said } = await type('recover');
    expect(said).toContain(`${CHANGED} was changed by somebody else meanwhile: left as it is`);
    expect(said).toContain(
      `${GUARD_HOME}/kept/${hands.tx}/snap, for these files, which were left as somebody else made them:\n  ${CHANGED}\n`,
    );
  });

  test('reads in the log, in words and with times, what a confirmed transaction did', async () => {
    await bringTo('activated');
    await hands.confirm();
    const { code, said } = await type('status');
    expect(code).toBe(0);
    const log = await must(`cat ${GUARD_HOME}/log`);
    const lines = log.split('\n').filter((line) => line.includes(` ${hands.tx} `));
    expect(lines.map((line) => line.replace(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ /, ''))).toEqual([
      `${hands.tx} begun by ada@bastion in run run-1; if ${LONG_LEASE_S} s pass without a word from there, this host puts itself back`,
      `${hands.tx} prepared: what was is kept, what is new is checked and waits; nothing live was changed yet`,
      `${hands.tx} changing now: ${CHANGED}, ${MADE}, ${REMOVED}`,
      `${hands.tx} changed; a new login has to confirm it now`,
      `${hands.tx} ended: confirmed over a new login`,
    ]);
    expect(said).toContain(`The last transaction was ${hands.tx}:\n`);
    expect(said).toContain(`What was before it is kept in ${GUARD_HOME}/snapshots/${hands.tx}.\n`);
    expect(await must(`stat -c %a ${GUARD_HOME} ${GUARD_HOME}/log`)).toBe('700\n600\n');
  });

  test('has a log that does not grow for ever', async () => {
    await must(
      `mkdir -p ${GUARD_HOME}; n=0; while [ $n -lt 3000 ]; do echo "old $n"; n=$((n + 1)); done >${GUARD_HOME}/log`,
    );
    await bringTo('activated');
    await hands.confirm();
    expect((await must(`wc -l <${GUARD_HOME}/log; tail -n 1 ${GUARD_HOME}/log`)).split('\n')).toEqual([
      '2000',
      expect.stringContaining('ended: confirmed over a new login'),
      '',
    ]);
  });

  test('who asks for what is not there is told what there is', async () => {
    await bringTo('claimed');
    await ask('abort');
    const { code, said } = await type('undo');
    expect(code).toBe(GUARD_EXIT.usage);
    for (const word of ['status', 'recover', 'revert'])
      expect(said).toContain(`sh ${GUARD_HOME}/guard.sh ${word} `);
  });
});
