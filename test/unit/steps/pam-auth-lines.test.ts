import { describe, expect, test } from 'vitest';
import type { PamTemplate } from '../../../src/core/settings.ts';
import { differences, planHost } from '../../../src/steps/plan-host.ts';
import { afterChanges, exampleFacts, exampleSettings, exampleTools } from '../../support/example-host.ts';

const tools = exampleTools();
const template = (text: string): PamTemplate => ({ path: 'own.hbs', text });
const withTemplates = (sshd: string | null, sudo: string | null) =>
  exampleSettings({
    pamTemplates: {
      sshd: sshd === null ? null : template(sshd),
      sudo: sudo === null ? null : template(sudo),
    },
  });

const contentOf = (settings: ReturnType<typeof withTemplates>, target: string): string => {
  const change = planHost(exampleFacts(), settings, tools).changes.find((one) => one.target === target);
  if (change?.kind !== 'file') throw new Error(`no change of ${target}`);
  return new TextDecoder().decode(change.content);
};

const SUDO = `session required pam_env.so
# Ours.
auth [success=1 default=ignore] pam_succeed_if.so quiet user notingroup {{word sudoGroup}}
auth requisite {{path modulePath}}
@include common-auth
@include common-account
`;

describe('a template of the operator’s own', () => {
  test('gives its auth lines, rendered; every other line is the host’s', () => {
    const content = contentOf(withTemplates(null, SUDO), '/etc/pam.d/sudo');
    expect(content).toContain(`# duo-fleet: begin auth
# Ours.
auth [success=1 default=ignore] pam_succeed_if.so quiet user notingroup sg_sudo
auth requisite /usr/lib64/security/pam_duo.so
@include common-auth
# duo-fleet: end auth
`);
    expect(content).toContain('session    required   pam_limits.so\n');
    expect(content).not.toContain('pam_env.so');
  });

  test('is for the one service; the other keeps ours', () => {
    const ours = contentOf(exampleSettings(), '/etc/pam.d/sshd');
    expect(contentOf(withTemplates(null, SUDO), '/etc/pam.d/sshd')).toBe(ours);
  });

  test('is told of the lines that are left out, once', () => {
    const { findings } = planHost(exampleFacts(), withTemplates(null, SUDO), tools);
    expect(findings.filter(({ rule }) => rule === 'template-lines-ignored')).toEqual([
      {
        rule: 'template-lines-ignored',
        persona: 'host',
        severity: 'warning',
        message: expect.stringContaining(
          'own.hbs: lines 1, 6 of what it renders are no auth lines',
        ) as string,
      },
    ]);
  });

  test('once live is compliant, and a change of it is drift', () => {
    const settings = withTemplates(null, SUDO);
    const live = afterChanges(exampleFacts(), planHost(exampleFacts(), settings, tools).changes, settings);
    expect(planHost(live, settings, tools).changes).toEqual([]);
    const changed = withTemplates(null, SUDO.replace('# Ours.', '# Mine.'));
    expect(differences(live, changed, tools).map(({ target }) => target)).toEqual([
      '/etc/pam.d/sudo',
      '/etc/pam.d/sudo-i',
    ]);
  });

  test('that is broken, where nobody has looked before, is a breach, and the service is not touched', () => {
    const { changes, findings } = planHost(exampleFacts(), withTemplates('auth required\n', null), tools);
    expect(findings).toContainEqual(expect.objectContaining({ rule: 'template-broken', severity: 'breach' }));
    expect(changes.map(({ target }) => target)).not.toContain('/etc/pam.d/sshd');
  });
});
