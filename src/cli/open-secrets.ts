// The fleet's secrets, all opened before the first connection.
import { userInfo } from 'node:os';
import type { Diagnostic } from '../core/diagnostic.ts';
import { formatDiagnostics } from '../core/format-diagnostics.ts';
import type { Secret } from '../core/secret.ts';
import type { OpenSecret } from '../core/settings.ts';
import type { SecretVariable } from '../core/variables.ts';
import { hasErrors, type Fleet } from './load-fleet.ts';
import { makeKeyring } from './keyring.ts';
import { environmentWithout, resolveSecrets, secretUsesOf } from './secrets.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** Opened secrets. */
export interface OpenedSecrets {
  readonly open: OpenSecret;
  /** All of them, for cutting them out of whatever is written down. */
  readonly values: readonly Secret[];
  /** This program's environment without those that came by it: what programs that it starts are given. */
  readonly env: Surroundings['env'];
}

/**
 * Says what is wrong with the fleet, and goes on only where nothing forbids it.
 * @throws UsageError
 */
export const readyFleet = async (fleet: Fleet, surroundings: Surroundings): Promise<void> => {
  await tell(fleet, fleet.diagnostics, surroundings);
};

/**
 * Opens every secret that the fleet's settings refer to: after the question, since it may ask somebody for one, and before
 * the first connection.
 * @param without variables whose secrets are not needed, and need not be there
 * @throws UsageError when one cannot be had
 */
export const readySecrets = async (
  fleet: Fleet,
  surroundings: Surroundings,
  without: readonly SecretVariable[] = [],
): Promise<OpenedSecrets> => {
  const { env, home, cwd, prompt } = surroundings;
  const all = secretUsesOf(fleet.settings, fleet.hosts);
  const uses = all.filter(({ variable }) => !without.includes(variable));
  const { open, diagnostics } = await resolveSecrets(uses, {
    env,
    homeDirectory: home,
    workingDirectory: cwd,
    uid: userInfo().uid,
    keyring: makeKeyring({ env }),
    prompt,
  });
  await tell(fleet, diagnostics, surroundings);
  return {
    open,
    values: [...new Set(uses.map(({ ref }) => open(ref)))],
    env: environmentWithout(all, env),
  };
};

const tell = async (
  { inventory }: Fleet,
  diagnostics: readonly Diagnostic[],
  { stderr }: Surroundings,
): Promise<void> => {
  if (diagnostics.length > 0) await stderr.write(formatDiagnostics(diagnostics));
  if (hasErrors(diagnostics)) throw new UsageError(`${inventory}: see above`);
};
