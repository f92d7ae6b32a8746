import { describe, expect, test } from 'vitest';
import type { Persona } from '../../../src/auth/persona.ts';
import { explainRequest } from '../../../src/steps/explain-request.ts';
import { makeObserveRequest } from '../../../src/steps/observe-request.ts';
import { accountOf, exampleSettings } from '../../support/example-host.ts';

const US = '198.18.0.1';
const SOURCE = '198.18.0.5';
const ELSEWHERE = '203.0.113.9';
const settings = exampleSettings({ breakGlass: { user: 'glass', allowedSources: [SOURCE], password: null } });

const persona = (over: Partial<Persona> = {}): Persona => ({
  kind: 'server-access member',
  user: 'alice',
  account: accountOf(),
  isReal: true,
  label: 'access-member',
  address: '',
  ...over,
});

describe('what is asked of a host', () => {
  test('about everybody is what every run asks, so that it costs no more', () => {
    const { request } = explainRequest(settings, { user: null, from: null, sourceAddress: US });
    expect(request).toEqual(makeObserveRequest(settings, { sourceAddress: US }));
  });

  test('about one user is sshd’s own answer for that user and address', () => {
    const { request, asAsked } = explainRequest(settings, {
      user: 'alice',
      from: ELSEWHERE,
      sourceAddress: US,
    });
    expect(request.connections.at(-1)).toEqual({ label: 'asked', user: 'alice', address: ELSEWHERE });
    expect(request.accounts).toContain('alice');
    expect(asAsked(persona())).toMatchObject({ label: 'asked', address: ELSEWHERE });
  });

  test('without an address, it is ours, and break-glass’ first source for break-glass', () => {
    const of = (user: string) =>
      explainRequest(settings, { user, from: null, sourceAddress: US }).request.connections.at(-1);
    expect(of('alice')).toEqual({ label: 'asked', user: 'alice', address: US });
    expect(of('glass')).toEqual({ label: 'asked', user: 'glass', address: SOURCE });
  });

  test('break-glass from where it must not get in keeps the label by which that is judged', () => {
    const { request, asAsked } = explainRequest(settings, {
      user: 'glass',
      from: ELSEWHERE,
      sourceAddress: US,
    });
    const label = 'breakglass-elsewhere';
    expect([...request.connections, ...request.personas].filter((one) => one.label === label)).toEqual([
      { label, user: 'glass', address: ELSEWHERE },
    ]);
    expect(asAsked(persona({ kind: 'break-glass', user: 'glass' }))).toMatchObject({
      label,
      address: ELSEWHERE,
    });
  });

  test.each([
    [SOURCE, 'breakglass', 'breakglass-elsewhere'],
    [ELSEWHERE, 'breakglass-elsewhere', 'breakglass'],
  ])('everybody from %s means break-glass as %s and not as %s', (from, kept, left) => {
    const { request, asAsked } = explainRequest(settings, { user: null, from, sourceAddress: US });
    const all = [...request.connections, ...request.personas];
    expect(new Set(all.map(({ address }) => address))).toEqual(new Set([from]));
    expect(all.map(({ label }) => label)).toContain(kept);
    expect(all.map(({ label }) => label)).not.toContain(left);
    expect(asAsked(persona({ label: kept }))).toMatchObject({ label: kept, address: from });
    expect(asAsked(persona({ label: left }))).toBeNull();
  });
});
