import { describe, expect, test } from 'vitest';
import { runGuard } from '../../support/fake-host-guard.ts';
import { complaintsAbout, liveIs, rowComplaints } from '../../support/fake-host-checker.ts';
import type { Fault } from '../../support/fake-host-link.ts';
import { LEASE_S, makeScene, oldState, type Scene } from '../../support/fake-host-scene.ts';
import type { HostResult } from '../../../src/core/verdict.ts';

const DUST_MS = 600_000;

const undisturbed = makeScene();
await undisturbed.apply();

/** A scene in which this operation, the first of its name, meets this fault. */
const faulty = (name: string, fault: Fault): Scene => {
  const scene = makeScene();
  scene.link.plan = [{ at: undisturbed.link.operations.indexOf(name), fault }];
  return scene;
};

const applied = async (scene: Scene): Promise<HostResult> => {
  const result = await scene.apply();
  expect(scene.link.fired() === scene.link.plan.length).toBe(true);
  await scene.time.pass(DUST_MS);
  return result;
};

describe('the verdict is what the host’s own record says', () => {
  test('when the confirmation’s answer was lost: confirmed', async () => {
    const scene = faulty('guard confirm', 'reply-lost');
    const result = await applied(scene);
    expect([result.verdict, result.failure]).toEqual(['confirmed', null]);
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('when the confirmation never arrived: rolled back, at once and not only when the lease lapses', async () => {
    const scene = faulty('guard confirm', 'request-lost');
    const result = await applied(scene);
    expect(result.verdict).toBe('rolled-back');
    expect(result.durationMs).toBeLessThan(
      undisturbed.time.nowMs() - Date.UTC(2026, 0, 1) - DUST_MS + 1_000_000,
    );
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('when the confirmation comes after the host has put itself back: rolled back, and it is fenced', async () => {
    const scene = faulty('guard confirm', 'stalled');
    const result = await applied(scene);
    expect(result.verdict).toBe('rolled-back');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });
});

describe('a guard that says yes and has no record of it', () => {
  test('is not believed: the host is asked, and what it says is the verdict', async () => {
    const scene = makeScene();
    const remote = {
      ...scene.link.remote,
      connect: async (...given: Parameters<typeof scene.link.remote.connect>) => {
        const session = await scene.link.remote.connect(...given);
        const guard: typeof session.guard = (call) =>
          call.operation === 'confirm' ? Promise.resolve({ code: 0, lines: [] }) : session.guard(call);
        return { ...session, guard };
      },
    };
    const result = await scene.apply({ remote });
    await scene.time.pass(DUST_MS);
    expect([result.verdict, result.failure?.step]).toEqual(['rolled-back', 'confirm']);
    expect(complaintsAbout(scene, result)).toEqual([]);
  });
});

describe('a revert that cannot finish', () => {
  test('is stranded and says how far the host is; the host goes on by itself as soon as it can', async () => {
    const scene = faulty('guard activate', 'reply-lost');
    scene.host.broken.set('restore /etc/pam.d/sshd', 'cannot put back /etc/pam.d/sshd');
    const result = await scene.apply();
    expect(result.verdict).toBe('stranded');
    expect(result.failure?.message).toContain('web1 is reverting');
    expect(scene.events.some((event) => event.type === 'task-failed' && event.task === 'revert')).toBe(true);
    expect(rowComplaints(scene.events)).toEqual([]);
    scene.host.broken.clear();
    await scene.time.pass(DUST_MS);
    expect(liveIs(scene)).toBe('old');
    expect(scene.host.disk.ended.get('tx-1')).toMatch(/^reverted/);
  });
});

describe('a link that dies after activation', () => {
  test('and comes back after the lease: the host is as it was, and the verdict says rolled back', async () => {
    const scene = faulty('guard confirm', 'dead-a-while');
    const result = await applied(scene);
    expect(result.verdict).toBe('rolled-back');
    expect(result.durationMs).toBeGreaterThan(LEASE_S * 1000);
    expect(complaintsAbout(scene, result)).toEqual([]);
  });
});

describe('a link that dies at activation', () => {
  test('and comes back after the lease: activation never began, so that the host refused it', async () => {
    const scene = faulty('guard activate', 'dead-a-while');
    const result = await applied(scene);
    expect(result.verdict).toBe('refused');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('and stays dead: the host has put itself back, and the message says what to do at its console', async () => {
    const scene = faulty('guard activate', 'dead');
    const result = await applied(scene);
    expect(result.verdict).toBe('stranded');
    expect(result.failure?.message).toContain('sh /var/lib/duo-fleet/guard.sh recover');
    expect(liveIs(scene)).toBe('old');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });
});

describe('a connection that is cut while the host works', () => {
  test('is replaced by a new one, over which the host is told to put itself back at once', async () => {
    const scene = faulty('guard activate', 'reply-lost');
    const result = await applied(scene);
    expect(result.verdict).toBe('rolled-back');
    const operations = scene.link.operations.filter((name) => name !== 'renew');
    expect(operations.slice(operations.indexOf('guard activate') + 1)).toEqual([
      'lease revert',
      'guard revert',
      'connect',
      'guard status',
      'guard revert',
    ]);
    expect(complaintsAbout(scene, result)).toEqual([]);
  });
});

/** What a second operator sends. */
const theirClaim = {
  operation: 'claim',
  tx: 'tx-of-bob',
  args: ['their-nonce', '3600', 'run-of-bob', 'bob@desk'],
  files: { manifest: new TextEncoder().encode('step pam-sudo\n') },
};
const silent = (): void => undefined;

const untouched = (scene: Scene): void => {
  expect(scene.host.disk.active).toBe('tx-of-bob');
  expect(scene.host.disk.transactions.get('tx-of-bob')?.state).toBe('claimed');
  expect([...scene.host.disk.transactions.keys()]).toEqual(['tx-of-bob']);
  expect(scene.link.operations.filter((name) => name.includes('revert') || name.includes('recover'))).toEqual(
    [],
  );
};

describe('a host that somebody else holds', () => {
  test('is refused by name, and no call of the guard is made', async () => {
    const scene = makeScene();
    await scene.time.until(runGuard(scene.host, theirClaim, silent));
    const result = await scene.apply();
    expect([result.verdict, result.failure?.reason]).toEqual(['refused', 'busy']);
    expect(result.failure?.message).toContain('bob@desk');
    expect(scene.link.operations).toEqual(['connect', 'observe']);
    untouched(scene);
  });

  test('since after our look: the claim is refused by name, and their transaction is left alone', async () => {
    const scene = makeScene();
    scene.host.slowMs = 0;
    const result = await scene.apply({
      onPlan: () => void runGuard(scene.host, theirClaim, silent),
    });
    expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
      'refused',
      'busy',
      'claim',
    ]);
    expect(result.failure?.message).toContain('bob@desk');
    expect(result.failure?.message).toContain('run-of-bob');
    untouched(scene);
    expect(rowComplaints(scene.events)).toEqual([]);
  });

  test('and a journal that is full at that moment: their transaction is left alone all the same', async () => {
    const scene = makeScene();
    scene.host.slowMs = 0;
    scene.journal.fullAt = (event) => event.type === 'task-failed';
    const result = await scene.apply({ onPlan: () => void runGuard(scene.host, theirClaim, silent) });
    expect([result.verdict, result.failure?.reason]).toEqual(['refused', 'busy']);
    untouched(scene);
  });

  test('and whose refusal was lost on the way: nothing of theirs is put back', async () => {
    const scene = faulty('guard claim', 'reply-lost');
    scene.host.slowMs = 0;
    const result = await scene.apply({ onPlan: () => void runGuard(scene.host, theirClaim, silent) });
    expect(result.verdict).toBe('refused');
    expect(scene.host.disk.active).toBe('tx-of-bob');
    expect(scene.host.disk.transactions.get('tx-of-bob')?.state).toBe('claimed');
  });
});

/** A run that died: its guard is no longer there, and nobody renews. */
const abandoned = async (): Promise<Scene> => {
  const scene = makeScene();
  await scene.time.until(runGuard(scene.host, theirClaim, silent));
  scene.host.memory.watcher = null;
  return scene;
};

const untouchedButAsked = (scene: Scene): void => {
  expect(scene.host.disk.active).toBe('tx-of-bob');
  expect(scene.host.disk.transactions.get('tx-of-bob')?.state).toBe('claimed');
};

describe('what an earlier run left on a host', () => {
  test('is put back first, and then the host is brought to what is declared', async () => {
    const scene = await abandoned();
    const result = await applied(scene);
    expect(scene.link.operations.slice(0, 4)).toEqual(['connect', 'observe', 'guard recover', 'observe']);
    expect(scene.host.disk.ended.get('tx-of-bob')).toMatch(/^aborted/);
    expect(result.verdict).toBe('confirmed');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('was confirmed and only not cleared up: that is an end, and the apply goes on', async () => {
    const scene = await abandoned();
    const left = scene.host.disk.transactions.get('tx-of-bob');
    if (left !== undefined) left.state = 'confirmed';
    scene.host.disk.ended.set('tx-of-bob', 'confirmed over a new login');
    const result = await applied(scene);
    expect(result.verdict).toBe('confirmed');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('is taken up by somebody else in the same moment: busy, by name', async () => {
    const scene = await abandoned();
    const wake = (): void => {
      scene.host.memory.watcher = 'tx-of-bob';
    };
    scene.host.loginMs = 1_000;
    void scene.time.sleep(2_020).then(wake);
    const result = await scene.apply();
    expect([result.verdict, result.failure?.reason]).toEqual(['refused', 'busy']);
    expect(result.failure?.message).toContain('bob@desk');
    untouchedButAsked(scene);
  });

  test('cannot be put back: refused, with the command for its console', async () => {
    const scene = await abandoned();
    const left = scene.host.disk.transactions.get('tx-of-bob');
    if (left !== undefined) left.state = 'activated';
    left?.received.set('manifest', 'file 1 0644 - /etc/pam.d/sshd\n');
    left?.snapshot.set('1', { text: 'before\n', mode: 0o644 });
    left?.received.set('new/1', oldState.files.get('/etc/pam.d/sshd')?.text ?? '');
    scene.host.broken.set('restore /etc/pam.d/sshd', 'cannot put back /etc/pam.d/sshd');
    const result = await scene.apply();
    expect([result.verdict, result.failure?.reason]).toEqual(['refused', 'drifted']);
    expect(result.failure?.message).toContain('sh /var/lib/duo-fleet/guard.sh recover');
  });
});
