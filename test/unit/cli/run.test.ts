import { describe, expect, test } from 'vitest';
import { runFleet } from '../../../src/cli/run.ts';
import { Failure } from '../../../src/core/failure.ts';
import { RECOVER_COMMAND } from '../../../src/core/remote.ts';
import { JournalError } from '../../../src/engine/journal.ts';
import { door, resultOf, runScene } from '../../support/run-scene.ts';

describe('a run', () => {
  test('gives every host its result in the order asked for, and 0 when all is well', async () => {
    const slow = door();
    const { order, types } = runScene(['a', 'b', 'c'], async ({ host }) => {
      if (host === 'a') await slow.opened;
      if (host === 'c') slow.open();
      return resultOf(host);
    });
    const outcome = await runFleet(order);
    expect(outcome.results.map(({ host }) => host)).toEqual(['a', 'b', 'c']);
    expect(outcome).toMatchObject({ exitCode: 0, abandoned: false, journalProblem: '' });
    expect(types()).toEqual(['run-started', 'host-ended', 'host-ended', 'host-ended', 'run-ended']);
  });

  test('no more hosts than forks are under way at a time', async () => {
    let running = 0;
    let most = 0;
    const names = Array.from({ length: 12 }, (_, index) => `h${index}`);
    const { order } = runScene(
      names,
      async ({ host }) => {
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return resultOf(host);
      },
      { forks: 3 },
    );
    await runFleet(order);
    expect(most).toBe(3);
  });

  test.each([
    [['confirmed', 'rolled-back'], 1],
    [['unchanged', 'unreachable'], 1],
    [['stranded', 'confirmed'], 3],
    [['planned', 'compliant'], 0],
  ] as const)('%j ends in exit code %i', async (verdicts, code) => {
    const { order } = runScene(
      verdicts.map((_, index) => String(index)),
      async ({ host }) => resultOf(host, verdicts[Number(host)]),
    );
    expect((await runFleet(order)).exitCode).toBe(code);
  });

  test('an event is in the journal before the engine goes on, and then in the picture', async () => {
    const { order, events, shown } = runScene(['a'], async ({ host }, emit) => {
      await emit({ type: 'host-started', host });
      expect(events.at(-1)).toMatchObject({ type: 'host-started' });
      expect(shown.at(-1)).toBe(events.at(-1));
      return resultOf(host);
    });
    expect((await runFleet(order)).exitCode).toBe(0);
  });

  test('a picture that breaks does not break the run', async () => {
    const { order } = runScene(['a'], async ({ host }) => resultOf(host));
    const view = {
      ...order.view,
      show: () => {
        throw new Error('EIO');
      },
    };
    expect((await runFleet({ ...order, view })).exitCode).toBe(0);
  });
});

describe('an engine that throws, which it must not', () => {
  test('before the host was claimed leaves it refused: nothing was touched', async () => {
    const { order } = runScene(['a', 'b'], async ({ host }, emit) => {
      await emit({ type: 'task-started', host, task: 'observe' });
      if (host === 'a') throw new Error('oops');
      return resultOf(host);
    });
    const outcome = await runFleet(order);
    expect(outcome.results[0]).toMatchObject({
      verdict: 'refused',
      failure: { step: 'observe', reason: 'bug', message: expect.stringContaining('nothing was touched') },
    });
    expect(outcome.results[1]?.verdict).toBe('confirmed');
    expect(outcome.exitCode).toBe(1);
  });

  test('after the claim leaves it stranded, with what to do', async () => {
    const { order } = runScene(['a'], async ({ host }, emit) => {
      await emit({ type: 'claimed', host, tx: 't' });
      throw new Failure('link', 'gone');
    });
    const outcome = await runFleet(order);
    expect(outcome.results[0]).toMatchObject({
      verdict: 'stranded',
      failure: { reason: 'link', message: expect.stringContaining('duo-fleet verify --host a') },
    });
    expect(outcome.results[0]?.failure?.message).toContain(RECOVER_COMMAND);
    expect(outcome.exitCode).toBe(3);
  });
});

describe('Ctrl-C', () => {
  test('once: those under way reach their verdicts, no other starts, 130', async () => {
    const begun: string[] = [];
    const both = door();
    const finish = door();
    const { order, press, types } = runScene(
      ['a', 'b', 'c', 'd'],
      async ({ host }) => {
        begun.push(host);
        if (begun.length === 2) both.open();
        await finish.opened;
        return resultOf(host);
      },
      { forks: 2 },
    );
    const running = runFleet(order);
    await both.opened;
    press();
    finish.open();
    const outcome = await running;
    expect(begun).toEqual(['a', 'b']);
    expect(outcome.results.map(({ verdict }) => verdict)).toEqual([
      'confirmed',
      'confirmed',
      'skipped',
      'skipped',
    ]);
    expect(outcome).toMatchObject({ exitCode: 130, abandoned: false });
    expect(types()).toContain('interrupted');
  });

  test('once, and a host is stranded: 3 wins', async () => {
    const begun = door();
    const finish = door();
    const { order, press } = runScene(['a'], async ({ host }) => {
      begun.open();
      await finish.opened;
      return resultOf(host, 'stranded');
    });
    const running = runFleet(order);
    await begun.opened;
    press();
    finish.open();
    expect((await running).exitCode).toBe(3);
  });

  test('twice: nobody is waited for, and who is mid-transaction is named with the lease', async () => {
    const claimed = door();
    const never = door();
    const late = door();
    const { order, press, said, events } = runScene(['a', 'b', 'c'], async ({ host }, emit) => {
      if (host === 'a') {
        await emit({ type: 'claimed', host, tx: 't' });
        await emit({ type: 'task-started', host, task: 'activate' });
        claimed.open();
        await late.opened;
        return resultOf(host);
      }
      if (host === 'b') await never.opened;
      return resultOf(host);
    });
    const running = runFleet(order);
    await claimed.opened;
    press();
    press();
    const outcome = await running;
    expect(said.join()).toMatch(/a .*in the middle of a transaction.*60 s/);
    expect(outcome.abandoned).toBe(true);
    expect(outcome.results.map(({ verdict }) => verdict)).toEqual(['stranded', 'skipped', 'confirmed']);
    expect(outcome.results[0]?.failure).toMatchObject({
      step: 'activate',
      message: expect.stringContaining('60 s'),
    });
    expect(outcome.results[0]?.failure?.message).toContain(RECOVER_COMMAND);
    // A verdict that comes in late must not contradict what was told.
    late.open();
    await new Promise((resolve) => setImmediate(resolve));
    expect(events.filter((event) => event.type === 'host-ended' && event.result.host === 'a')).toHaveLength(
      1,
    );
  });

  test('twice while hosts are only looked at: nothing is held, 130', async () => {
    const begun = door();
    const { order, press } = runScene(['a'], async () => {
      begun.open();
      return new Promise(() => undefined);
    });
    const running = runFleet(order);
    await begun.opened;
    press();
    press();
    expect(await running).toMatchObject({ exitCode: 130, abandoned: true });
  });
});

describe('a journal that cannot be written', () => {
  test('from the first event on is thrown: no host was started', async () => {
    const begun: string[] = [];
    const { order } = runScene(
      ['a'],
      async ({ host }) => {
        begun.push(host);
        return resultOf(host);
      },
      { fullAt: 0 },
    );
    await expect(runFleet(order)).rejects.toBeInstanceOf(JournalError);
    expect(begun).toEqual([]);
  });

  test('later on fails the running host before its next action and starts no other', async () => {
    const acted: string[] = [];
    const { order } = runScene(
      ['a', 'b'],
      async ({ host }, emit) => {
        await emit({ type: 'host-started', host });
        acted.push(`${host} connects`);
        await emit({ type: 'claimed', host, tx: 't' });
        acted.push(`${host} acts`);
        return resultOf(host);
      },
      { forks: 1, fullAt: 2 },
    );
    const outcome = await runFleet(order);
    expect(acted).toEqual(['a connects']);
    expect(outcome.results.map(({ verdict }) => verdict)).toEqual(['refused', 'skipped']);
    expect(outcome.journalProblem).toContain('ENOSPC');
    expect(outcome.exitCode).toBe(1);
  });
});
