// The fleet's secrets, all opened before the first connection.
import { userInfo } from 'node:os';
import type { Diagnostic } from '../core/diagnostic.ts';
import { formatDiagnostics } from '../core/format-diagnostics.ts';
import type { Secret } from '../core/secret.ts';
import type { OpenSecret } from '../core/settings.ts';
import type { SecretVariable } from '../core/variables.ts';
import { hasErrors, type Fleet } from './load-fleet.ts';
import { loadKeytar, resolveSecrets, secretUsesOf } from './secrets.ts';
import { UsageError, type Surroundings } from './surroundings.ts';

/** Opened secrets. */
export interface OpenedSecrets {
  readonly open: OpenSecret;
  /** All of them, for cutting them out of whatever is written down. */
  readonly values: readonly Secret[];
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Says what is wrong with the fleet and its secrets, and goes on only where nothing forbids it.
 * @param without variables whose secrets are not needed, and need not be there
 * @throws UsageError
 */
export const readySecrets = async (
  fleet: Fleet,
  surroundings: Surroundings,
  without: readonly SecretVariable[] = [],
): Promise<OpenedSecrets> => {
  const secrets = hasErrors(fleet.diagnostics) ? null : await openSecrets(fleet, surroundings, without);
  const diagnostics = [...fleet.diagnostics, ...(secrets?.diagnostics ?? [])];
  if (diagnostics.length > 0) await surroundings.stderr.write(formatDiagnostics(diagnostics));
  if (secrets === null || hasErrors(diagnostics)) throw new UsageError(`${fleet.inventory}: see above`);
  return secrets;
};

/** Opens every secret that the fleet's settings refer to, but for those that nobody needs. */
const openSecrets = async (
  fleet: Fleet,
  { env, home, cwd }: Surroundings,
  without: readonly SecretVariable[],
): Promise<OpenedSecrets> => {
  const uses = secretUsesOf(fleet.settings, fleet.hosts).filter(
    ({ variable }) => !without.includes(variable),
  );
  const { open, diagnostics } = await resolveSecrets(uses, {
    env,
    homeDirectory: home,
    workingDirectory: cwd,
    uid: userInfo().uid,
    loadKeyring: loadKeytar,
  });
  const failed = diagnostics.some(({ severity }) => severity === 'error');
  return { open, diagnostics, values: failed ? [] : [...new Set(uses.map(({ ref }) => open(ref)))] };
};
