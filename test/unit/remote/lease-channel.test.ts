import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/failure.ts';
import { holdLease } from '../../../src/remote/lease-channel.ts';
import { fakeChannel, type FakeChannel } from '../../support/fake-channel.ts';
import { manualTimer, settled, type ManualTimer } from '../../support/manual-timer.ts';

const start = async () => {
  const channel: FakeChannel = fakeChannel();
  const timer: ManualTimer = manualTimer();
  const held = holdLease(channel, { host: 'web1', everyMs: 15_000, leaseS: 60, timer });
  held.catch(() => undefined);
  await settled();
  return { channel, timer, held };
};
const renewals = (channel: FakeChannel): number => channel.written().split('renew 60\n').length - 1;
/** What `lost` says, or null while it says nothing. */
const lostOf = async (lost: Promise<string>): Promise<string | null> =>
  Promise.race([lost, settled().then(() => null)]);

describe('the lease', () => {
  test('is held once the first renewal is granted, and renewed until it is closed', async () => {
    const { channel, timer, held } = await start();
    channel.says('ok\n');
    const lease = await held;
    for (let round = 0; round < 8; round += 1) {
      await timer.advance(15_000);
      channel.says('ok\n');
    }
    expect(renewals(channel)).toBe(9);
    expect(await lostOf(lease.lost)).toBeNull();
    lease.close();
    await timer.advance(600_000);
    expect(renewals(channel)).toBe(9);
    expect(timer.waiting()).toBe(0);
  });

  test('what a profile writes before the guard speaks is no answer', async () => {
    const { channel, held } = await start();
    channel.says('welcome\nok then\n');
    await settled();
    channel.says('ok\n');
    await expect(held).resolves.toBeDefined();
  });

  test('a guard that no longer obeys refuses it', async () => {
    const { channel, held } = await start();
    channel.says('fenced reverted\n');
    await expect(held).rejects.toMatchObject({ reason: 'fenced' });
  });

  test('a refused renewal is told, and no more are sent', async () => {
    const { channel, timer, held } = await start();
    channel.says('ok\n');
    const lease = await held;
    await timer.advance(15_000);
    channel.says('fenced reverting\n');
    expect(await lostOf(lease.lost)).toContain('fenced reverting');
    await timer.advance(60_000);
    expect(renewals(channel)).toBe(2);
  });

  test('silence is told before the host may act by itself', async () => {
    const { channel, timer, held } = await start();
    channel.says('ok\n');
    const lease = await held;
    // The last granted renewal was sent at 0; the host may put itself back from 60 s on.
    await timer.advance(44_000);
    expect(await lostOf(lease.lost)).toBeNull();
    await timer.advance(2_000);
    expect(await lostOf(lease.lost)).toContain('not answered');
  });

  test('a channel that dies is told', async () => {
    const { channel, held } = await start();
    channel.says('ok\n');
    const lease = await held;
    channel.ends(null);
    expect(await lostOf(lease.lost)).toContain('channel ended');
    await expect(lease.revert(1_000)).rejects.toBeInstanceOf(Failure);
  });

  test('a revert takes its own lines, and not the answers to earlier renewals', async () => {
    const { channel, timer, held } = await start();
    channel.says('ok\n');
    const lease = await held;
    await timer.advance(15_000);
    const reply = lease.revert(30_000);
    channel.says('ok\nput back /etc/pam.d/sshd\nok\ndone 0\n');
    await expect(reply).resolves.toEqual({ code: 0, lines: ['put back /etc/pam.d/sshd', 'ok'] });
  });

  test('a revert that is not answered ends as a timeout, and one whose channel dies as link', async () => {
    const { channel, timer, held } = await start();
    channel.says('ok\n');
    const lease = await held;
    const late = expect(lease.revert(5_000)).rejects.toMatchObject({ reason: 'timeout' });
    await timer.advance(5_000);
    await late;
    const cut = expect(lease.revert(5_000)).rejects.toMatchObject({ reason: 'link' });
    channel.ends(null);
    await cut;
  });

  test('a lease too short for its renewals is our own mistake', async () => {
    const tooSlow = holdLease(fakeChannel(), {
      host: 'h',
      everyMs: 30_000,
      leaseS: 60,
      timer: manualTimer(),
    });
    await expect(tooSlow).rejects.toMatchObject({ reason: 'bug' });
  });
});
