// verify --probe: the logins that must succeed, tried on the live host. None that must fail: those feed fail2ban.
import { automationGetsIn, judge } from '../auth/rehearsal.ts';
import type { Finding } from '../core/finding.ts';
import type { Remote } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';

const PROBE_MS = 60_000;

/** Tries them over new connections; a breach for each that does not do what it must. */
export const probeHost = async (settings: Settings, remote: Remote): Promise<readonly Finding[]> => {
  const expectation = automationGetsIn(settings);
  const failure = judge(expectation, await remote.login(settings, expectation.attempt, PROBE_MS));
  if (failure === null) return [];
  const { user: persona } = expectation.attempt;
  return [{ rule: 'probe-failed', persona, severity: 'breach', message: failure.message }];
};
