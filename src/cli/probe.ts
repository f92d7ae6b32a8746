// verify --probe: the logins that must succeed, tried on the live host. None that must fail: those feed fail2ban.
import { judge, type Expectation } from '../auth/rehearsal.ts';
import type { Finding } from '../core/finding.ts';
import type { Remote } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';

const PROBE_MS = 60_000;

/** Tries them over new connections; a breach for each that does not do what it must. */
export const probeHost = async (settings: Settings, remote: Remote): Promise<readonly Finding[]> => {
  const findings: Finding[] = [];
  for (const expectation of expectations(settings)) {
    const failure = judge(expectation, await remote.login(settings, expectation.attempt, PROBE_MS));
    if (failure !== null) {
      const { user: persona } = expectation.attempt;
      findings.push({ rule: 'probe-failed', persona, severity: 'breach', message: failure.message });
    }
  }
  return findings;
};

const expectations = ({ connection: { user, become } }: Settings): readonly Expectation[] => [
  {
    must: 'get-in',
    attempt: {
      title: `${user} by key${become ? ', and sudo -n true' : ''}`,
      user,
      factors: [{ kind: 'publickey' }],
      command: become ? 'sudo -n true' : 'true',
      gate: 'candidate',
    },
  },
];
