import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../src/core/event.ts';
import type { HostResult } from '../../../src/core/verdict.ts';
import { complaintsAbout, liveIs, rowComplaints, secretComplaints } from '../../support/fake-host-checker.ts';
import {
  LEASE_S,
  makeScene,
  newState,
  oldState,
  settingsWithPeople,
  type Scene,
} from '../../support/fake-host-scene.ts';

const DUST_MS = 600_000;

const guardCalls = ({ link }: Scene): readonly string[] =>
  link.operations.filter((name) => name.startsWith('guard '));

/** An apply, and then all the time that the host may need to clear up by itself. */
const applied = async (scene: Scene): Promise<HostResult> => {
  const result = await scene.apply();
  await scene.time.pass(DUST_MS);
  return result;
};

const rows = (events: readonly RunEvent[]): readonly string[] =>
  events.flatMap((event) => ('task' in event ? [`${event.type.slice('task-'.length)} ${event.task}`] : []));

const broken = (): never => {
  throw new TypeError('not a function');
};

const fromElsewhere = () => [{ step: 'packages', target: 'duo-unix', message: 'comes from somewhere else' }];

/** Logins so slow, and so few at a time, that a renewal of the lease falls among them. */
const withSlowLogins = (): Scene => {
  const scene = makeScene(oldState, settingsWithPeople);
  scene.host.loginMs = 20_000;
  return scene;
};

describe('a host that needs nothing', () => {
  test('is looked at once, and its guard is not called at all', async () => {
    const scene = makeScene(newState);
    expect((await applied(scene)).verdict).toBe('unchanged');
    expect(scene.link.operations).toEqual(['connect', 'observe']);
  });

  test('is compliant for verify, and a host that lacks something has drifted, with each difference named', async () => {
    const compliant = await makeScene(newState).apply({ mode: 'verify' });
    expect([compliant.verdict, compliant.findings]).toEqual(['compliant', []]);
    const scene = makeScene();
    const drifted = await scene.apply({ mode: 'verify' });
    expect(drifted.verdict).toBe('drifted');
    expect(drifted.findings.map(({ rule }) => rule)).toContain('drift-pam-sshd');
    expect(guardCalls(scene)).toEqual([]);
  });
});

describe('before anything is sent', () => {
  test('a host that is not as it was when its plan was approved is refused, told how it differs, and not touched', async () => {
    const scene = makeScene();
    const result = await scene.apply({
      deviation: ({ host }) => `${host} has changed since the plan was made`,
    });
    expect([result.verdict, result.failure]).toEqual([
      'refused',
      {
        step: 'assess',
        reason: 'drifted',
        message: expect.stringContaining('has changed since the plan was made') as string,
      },
    ]);
    expect(guardCalls(scene)).toEqual([]);
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('a plan shows what would change and sends nothing', async () => {
    const scene = makeScene();
    const result = await scene.apply({ mode: 'plan' });
    expect(result.verdict).toBe('planned');
    expect(result.changes.map(({ target }) => target)).toContain('/etc/pam.d/sshd');
    expect(guardCalls(scene)).toEqual([]);
  });

  test('a plan with a breach is refused, and nothing was sent', async () => {
    const scene = makeScene();
    const finding = { rule: 'open-door', persona: 'host', message: 'no', severity: 'breach' } as const;
    scene.findings = [finding];
    const result = await applied(scene);
    expect([result.verdict, result.findings, result.changes]).toEqual(['refused', [finding], []]);
    expect(guardCalls(scene)).toEqual([]);
  });

  test('a warning is told and stands in nobody’s way', async () => {
    const scene = makeScene();
    scene.findings = [{ rule: 'clock', persona: 'host', message: 'late', severity: 'warning' }];
    const result = await applied(scene);
    expect([result.verdict, result.findings]).toEqual(['confirmed', scene.findings]);
  });

  test('a plan that cannot be made is our bug: refused, and nothing was sent', async () => {
    const scene = makeScene();
    const result = await scene.apply({ makePlan: broken });
    expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
      'refused',
      'bug',
      'assess',
    ]);
    expect(guardCalls(scene)).toEqual([]);
  });

  test('a transaction whose files cannot be made is refused at once, and nothing was sent', async () => {
    const scene = makeScene();
    const startedMs = scene.time.nowMs();
    const result = await scene.apply({ transactionFiles: broken });
    expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
      'refused',
      'bug',
      'claim',
    ]);
    expect(guardCalls(scene)).toEqual([]);
    expect(scene.time.nowMs() - startedMs).toBeLessThan(10_000);
  });

  test('a host that cannot be reached is unreachable, and nothing was touched', async () => {
    const scene = makeScene();
    scene.link.deadUntilMs = Number.POSITIVE_INFINITY;
    const result = await applied(scene);
    expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
      'unreachable',
      'link',
      'connect',
    ]);
  });
});

describe('an apply that succeeds', () => {
  test('is confirmed, tells its changes, and leaves nothing of ours on the host', async () => {
    const scene = makeScene();
    const result = await applied(scene);
    expect([result.verdict, result.failure]).toEqual(['confirmed', null]);
    expect(result.changes.map(({ step }) => step)).toEqual([
      'sshd-settings',
      'sshd-settings',
      'packages',
      'pam-duo-conf',
      'pam-sudo',
      'pam-sshd',
    ]);
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('confirms over another connection than the one that activated', async () => {
    const scene = makeScene();
    await scene.apply();
    const { operations, connectionOf } = scene.link;
    expect(connectionOf[operations.indexOf('guard activate')]).toBe(1);
    expect(connectionOf[operations.indexOf('guard confirm')]).toBe(2);
  });

  test('tells its events in the order of the transaction, each row begun and ended once', async () => {
    const scene = makeScene();
    await scene.apply();
    expect(rowComplaints(scene.events)).toEqual([]);
    expect(rows(scene.events).filter((row) => row.startsWith('started '))).toEqual(
      [
        'connect observe assess preflight claim download snapshot arm stage rehearse',
        'activate sshd-settings packages pam-duo-conf pam-sudo pam-sshd',
        'canary validate confirm',
      ].flatMap((part) => part.split(' ').map((task) => `started ${task}`)),
    );
  });

  test('takes as long as its clock says', async () => {
    const scene = makeScene();
    const startedMs = scene.time.nowMs();
    const result = await scene.apply();
    expect(result.durationMs).toBe(scene.time.nowMs() - startedMs);
    expect(result.durationMs).toBeGreaterThan(10_000);
  });

  test('goes on without a rehearsal where no namespace is to be had, and says so', async () => {
    const scene = makeScene();
    scene.host.noNamespace = 'unshare: Operation not permitted';
    const result = await applied(scene);
    expect(result.verdict).toBe('confirmed');
    expect(result.findings.map(({ rule, severity }) => [rule, severity])).toEqual([
      ['not-rehearsed', 'warning'],
    ]);
    expect(result.findings[0]?.message).toContain('Operation not permitted');
    expect(scene.link.operations.filter((name) => name.startsWith('rehearse'))).toEqual([]);
  });
});

describe('a rehearsal', () => {
  const outcomes = [
    ['an account that must get in is refused', 'locked', { kind: 'refused', prompts: [] }],
    [
      'automation gets in and sudo asks for a password',
      'locked',
      { kind: 'in', exitCode: 1, output: 'sudo: a password is required', prompts: [] },
    ],
    ['a login cannot be tried', 'exit', { kind: 'unproven', message: 'the channel died' }],
  ] as const;
  test.each(outcomes)(
    'in which %s ends refused, nothing live changed, the claim released',
    async (_what, reason, outcome) => {
      const scene = makeScene();
      scene.host.rehearsal = () => outcome;
      const result = await applied(scene);
      expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
        'refused',
        reason,
        'rehearse',
      ]);
      expect(guardCalls(scene)).not.toContain('guard activate');
      expect(complaintsAbout(scene, result)).toEqual([]);
    },
  );

  test('that lets a wrong password in has seen an open door: refused, and the live files were never touched', async () => {
    const scene = makeScene();
    scene.host.rehearsal = () => ({ kind: 'in', exitCode: 0, output: '', prompts: [] });
    const result = await applied(scene);
    expect([result.verdict, result.failure?.reason]).toEqual(['refused', 'open']);
    expect(guardCalls(scene)).not.toContain('guard activate');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('begins no further login after one that was not as it must be', async () => {
    const scene = makeScene(oldState, settingsWithPeople);
    scene.host.rehearsal = () => ({ kind: 'unproven', message: 'no' });
    await applied(scene);
    expect(scene.link.operations.filter((name) => name.startsWith('rehearse')).length).toBe(8);
  });

  test('during which the lease is lost is the end: activate is never sent', async () => {
    const undisturbed = withSlowLogins();
    await undisturbed.apply();
    const at = undisturbed.link.operations.indexOf('renew');
    expect(at).toBeGreaterThan(undisturbed.link.operations.findIndex((name) => name.startsWith('rehearse')));
    expect(at).toBeLessThan(undisturbed.link.operations.indexOf('guard activate'));
    const scene = withSlowLogins();
    scene.link.plan = [{ at, fault: 'no-answer' }];
    const result = await applied(scene);
    expect(scene.link.fired()).toBe(1);
    expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
      'refused',
      'fenced',
      'rehearse',
    ]);
    expect(guardCalls(scene)).not.toContain('guard activate');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });
});

describe('a host that changes under our hands', () => {
  test('between the look and the snapshot: refused as drifted, nothing touched', async () => {
    const scene = makeScene();
    const theirs = { text: 'auth by somebody else\n', mode: 0o644 };
    scene.host.onAction = (_number, action) => {
      if (action === 'claim') scene.host.files.set('/etc/pam.d/sshd', theirs);
    };
    const result = await applied(scene);
    expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
      'refused',
      'drifted',
      'snapshot',
    ]);
    expect(scene.host.files.get('/etc/pam.d/sshd')).toEqual(theirs);
  });

  test('between the snapshot and activation: nothing was touched, and their file is kept', async () => {
    const scene = makeScene();
    const theirs = { text: 'auth by somebody else\n', mode: 0o644 };
    scene.host.onAction = (_number, action) => {
      if (action === 'activating') scene.host.files.set('/etc/pam.d/sshd', theirs);
    };
    const result = await applied(scene);
    expect([result.verdict, result.failure?.reason]).toEqual(['refused', 'drifted']);
    expect(scene.host.files.get('/etc/pam.d/sshd')).toEqual(theirs);
    expect(scene.host.disk.active).toBeNull();
  });

  test('in the middle of activation: their file is kept, and a person is told where ours are', async () => {
    const scene = makeScene();
    const theirs = { text: 'auth by somebody else\n', mode: 0o644 };
    scene.host.onAction = (_number, action) => {
      if (action === 'packages started') scene.host.files.set('/etc/pam.d/sshd', theirs);
    };
    const result = await applied(scene);
    expect(result.verdict).toBe('stranded');
    expect(result.failure?.message).toContain('/var/lib/duo-fleet/kept/tx-1');
    expect(scene.host.files.get('/etc/pam.d/sshd')).toEqual(theirs);
    expect(scene.host.disk.active).toBeNull();
  });
});

describe('after activation', () => {
  test('a change that fails takes the host back to its files as before, and names the step', async () => {
    const scene = makeScene();
    scene.host.broken.set('put /etc/pam.d/sshd', 'cannot write /etc/pam.d/sshd');
    const result = await applied(scene);
    expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
      'rolled-back',
      'exit',
      'pam-sshd',
    ]);
    expect(result.changes).toEqual([]);
    expect(result.failure?.message).toContain('web1 is back to what it was');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('a canary that is refused takes the host back over the lifeline, with that one refused login and no more', async () => {
    const scene = makeScene();
    scene.host.letsIn = () => liveIs(scene) === 'old';
    const startedMs = scene.time.nowMs();
    const result = await applied(scene);
    expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
      'rolled-back',
      'auth',
      'canary',
    ]);
    expect(scene.link.operations.filter((name) => name === 'connect').length).toBe(2);
    expect(result.durationMs).toBeLessThan(LEASE_S * 1000);
    expect(startedMs).toBeLessThan(scene.time.nowMs());
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('a host that refuses us once the lifeline is cut is not asked again before its lease has lapsed', async () => {
    const scene = makeScene();
    scene.host.letsIn = () => liveIs(scene) === 'old';
    const undisturbed = makeScene();
    await undisturbed.apply();
    scene.link.plan = [{ at: undisturbed.link.operations.indexOf('guard activate'), fault: 'reply-lost' }];
    const result = await applied(scene);
    expect(result.verdict).toBe('rolled-back');
    expect(scene.link.operations.filter((name) => name === 'connect').length).toBeLessThanOrEqual(4);
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('a host that is not as declared is taken back', async () => {
    const scene = makeScene();
    const result = await scene.apply({ differences: fromElsewhere });
    await scene.time.pass(DUST_MS);
    expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
      'rolled-back',
      'drifted',
      'validate',
    ]);
    expect(result.failure?.message).toContain('duo-unix: comes from somewhere else');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });
});

describe('a claim that fails', () => {
  test('on a host that never had a guard is refused at once: there is nobody to ask what became of it', async () => {
    const scene = makeScene();
    scene.host.broken.set('claim', 'cannot write to /var/lib/duo-fleet: nothing was touched');
    const result = await applied(scene);
    expect([result.verdict, result.failure?.reason, result.failure?.step]).toEqual([
      'refused',
      'exit',
      'claim',
    ]);
    expect(result.failure?.message).toContain('cannot write to /var/lib/duo-fleet');
    expect(result.durationMs).toBeLessThan(10_000);
    expect(complaintsAbout(scene, result)).toEqual([]);
  });
});

describe('what is written down', () => {
  test.each(['rehearse', 'put', 'nothing'])('holds no secret, when %s fails', async (what) => {
    const scene = makeScene();
    if (what === 'rehearse') scene.host.rehearsal = () => ({ kind: 'unproven', message: 'no' });
    if (what === 'put')
      scene.host.broken.set('put /etc/duo/pam_duo.conf', 'cannot write /etc/duo/pam_duo.conf');
    const result = await applied(scene);
    expect(result.verdict === 'confirmed').toBe(what === 'nothing');
    expect(scene.events.length).toBeGreaterThan(10);
    expect(secretComplaints(scene, result)).toEqual([]);
  });

  test('is durable first: without the claim in the journal, no claim is sent', async () => {
    const scene = makeScene();
    scene.journal.fullAt = (event) => event.type === 'claimed';
    const result = await applied(scene);
    expect([result.verdict, guardCalls(scene)]).toEqual(['refused', []]);
  });

  test('is durable first: without its row in the journal, activate is not sent, and the host is released', async () => {
    const scene = makeScene();
    scene.journal.fullAt = (event) => event.type === 'task-started' && event.task === 'activate';
    const result = await applied(scene);
    expect([result.verdict, result.failure?.step]).toEqual(['refused', 'activate']);
    expect(guardCalls(scene)).not.toContain('guard activate');
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('a journal that is full after activation takes the host back', async () => {
    const scene = makeScene();
    scene.journal.fullAt = (event) => event.type === 'task-started' && event.task === 'canary';
    const result = await applied(scene);
    expect([result.verdict, result.failure?.step]).toEqual(['rolled-back', 'canary']);
    expect(complaintsAbout(scene, result)).toEqual([]);
  });

  test('a journal that is full does not hide that a rehearsal saw an open door', async () => {
    const scene = makeScene();
    scene.host.rehearsal = () => ({ kind: 'in', exitCode: 0, output: '', prompts: [] });
    scene.journal.fullAt = (event) => event.type === 'task-failed';
    const result = await applied(scene);
    expect([result.verdict, result.failure?.reason]).toEqual(['refused', 'open']);
  });
});
