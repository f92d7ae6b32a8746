// The fleet's secrets, all opened before the first connection.
import { userInfo } from 'node:os';
import type { Diagnostic } from '../core/diagnostic.ts';
import type { Secret } from '../core/secret.ts';
import type { OpenSecret } from '../core/settings.ts';
import type { Fleet } from './load-fleet.ts';
import { loadKeytar, resolveSecrets, secretUsesOf } from './secrets.ts';
import type { Surroundings } from './surroundings.ts';

/** Opened secrets. */
export interface OpenedSecrets {
  readonly open: OpenSecret;
  /** All of them, for cutting them out of whatever is written down. */
  readonly values: readonly Secret[];
  readonly diagnostics: readonly Diagnostic[];
}

/** Opens every secret that the fleet's settings refer to. */
export const openSecrets = async (fleet: Fleet, { env, home, cwd }: Surroundings): Promise<OpenedSecrets> => {
  const uses = secretUsesOf(fleet.settings, fleet.hosts);
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
