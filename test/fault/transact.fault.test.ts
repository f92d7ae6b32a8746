// Every remote operation of an apply meets every fault, once and from then on; every action on the host meets a power loss,
// every event a full journal and the controller's end. Whatever happens, the laws of test/support/fault-laws.ts hold.
import { describe, expect, test } from 'vitest';
import { LEASE_S } from '../support/fake-host-scene.ts';
import { complaintsIn } from '../support/fault-laws.ts';
import { situationScene, SITUATIONS, undisturbed } from '../support/fault-situations.ts';

describe('an apply that nothing disturbs', () => {
  test('is confirmed', () => {
    expect(undisturbed.result.verdict).toBe('confirmed');
  });

  test('takes every kind of remote operation, a renewal of the lease too', () => {
    const { operations } = undisturbed;
    for (const name of [
      'connect',
      'observe',
      'guard claim',
      'guard prepare',
      'holdLease',
      'renew',
      'guard activate',
      'guard confirm',
      'log mark',
      'log of canary',
      'login canary by key and Duo',
      'login breakglass by password, and sudo by password',
      'login automation with a wrong password',
    ]) {
      expect(operations).toContain(name);
    }
    expect(operations.filter((name) => name.startsWith('rehearse ')).length).toBeGreaterThan(6);
  });
});

test('where the journal is full, the host is put back by a word and not by waiting for its lease, unless it has confirmed', async () => {
  for (const [at, event] of undisturbed.events.entries()) {
    const scene = situationScene(false);
    scene.journal.fullAt = () => scene.events.length === at;
    const { verdict, durationMs } = await scene.apply();
    expect([event, verdict === 'confirmed']).toEqual([event, event === 'task-ended confirm']);
    expect(durationMs).toBeLessThan(LEASE_S * 1000);
  }
});

const FAMILIES = [...new Set(SITUATIONS.map(({ family }) => family))];

describe.each(FAMILIES)('%s', (family) => {
  const own = SITUATIONS.filter((situation) => situation.family === family);
  const places = [...new Set(own.map(({ place }) => place))];
  test.each(places)('%s: the laws hold', async (place) => {
    const broken: string[] = [];
    for (const situation of own.filter((each) => each.place === place)) {
      for (const complaint of await complaintsIn(situation)) broken.push(`${situation.name}: ${complaint}`);
    }
    expect(broken).toEqual([]);
  });
});
