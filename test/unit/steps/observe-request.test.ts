import { describe, expect, test } from 'vitest';
import { makeObserveRequest } from '../../../src/steps/observe-request.ts';
import { planHost } from '../../../src/steps/plan-host.ts';
import { exampleFacts, exampleSettings, exampleTools } from '../../support/example-host.ts';

describe('the request for a host', () => {
  test('asks for every file that a plan may change', () => {
    const asked = new Set(makeObserveRequest(exampleSettings()).files.map((file) => file.path));
    const changed = planHost(exampleFacts(), exampleSettings(), exampleTools()).changes;
    for (const { kind, target } of changed) {
      if (kind === 'file' || kind === 'absent') expect(asked).toContain(target);
    }
  });
  test('names each thing once', () => {
    const { files, packages, groups, accounts, spacePaths } = makeObserveRequest(
      exampleSettings({ sudoGroup: 'sg_serveraccess', keyOnlyUsers: ['root', 'backup'] }),
    );
    for (const words of [files.map((file) => file.path), packages, groups, accounts, spacePaths]) {
      expect(words).toEqual([...new Set(words)]);
    }
    expect(accounts).toEqual(['automation', 'root', 'breakglass', 'backup']);
  });
  test.each([
    [['198.18.0.0/16', '198.18.0.5'], '198.18.0.5'],
    [['2001:db8::1'], '2001:db8::1'],
    [[], '203.0.113.9'],
    [['10.0.*'], undefined],
  ])('asks sshd for break-glass from %j as from %s', (allowedSources, address) => {
    const settings = exampleSettings({ breakGlass: { user: 'bg', allowedSources, password: null } });
    const { connections } = makeObserveRequest(settings, { sourceAddress: '203.0.113.9' });
    expect(connections.find(({ label }) => label === 'breakglass')?.address).toBe(address);
  });
  test.each([
    [['198.18.0.0/16'], '203.0.113.9', '203.0.113.9'],
    [['203.0.113.0/24'], '203.0.113.9', '198.51.100.1'],
    [['203.0.*', '198.51.100.1'], '203.0.113.9', '192.0.2.1'],
    [['0.0.0.0/0'], '203.0.113.9', '2001:db8::1'],
    [['0.0.0.0/0', '2001:db8::/32'], '203.0.113.9', undefined],
    [[], '203.0.113.9', undefined],
  ])(
    'break-glass, allowed from %j, is tried elsewhere, for us who come from %s: %s',
    (allowedSources, ours, address) => {
      const settings = exampleSettings({ breakGlass: { user: 'bg', allowedSources, password: null } });
      const { personas } = makeObserveRequest(settings, { sourceAddress: ours });
      const found = personas.find(({ label }) => label === 'breakglass-elsewhere');
      expect(found?.address).toBe(address);
    },
  );
  test('behind a jump host takes an address that is nobody’s', () => {
    const { connections } = makeObserveRequest(exampleSettings(), { sourceAddress: '' });
    expect(connections.find(({ label }) => label === '*')).toEqual({
      label: '*',
      user: 'duo-fleet-nobody',
      address: '198.51.100.1',
    });
  });
});
