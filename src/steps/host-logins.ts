// Who gets in with what on a host, as it is and as its changes leave it.
import { doorModels } from '../auth/door-model.ts';
import { loginTable } from '../auth/login-table.ts';
import type { Change } from '../core/change.ts';
import type { Facts } from '../core/facts.ts';
import type { LoginTable } from '../core/login-table.ts';
import type { Settings } from '../core/settings.ts';
import { platformOf } from '../platform/debian.ts';

/** Both tables, the same one twice without a change; `null` for a host that is none of ours. */
export const hostLogins = (
  facts: Facts,
  settings: Settings,
  changes: readonly Change[],
): { readonly now: LoginTable; readonly after: LoginTable } | null => {
  const platform = platformOf(facts);
  if ('refused' in platform) return null;
  const { before, after } = doorModels(facts, settings, { changes, places: platform });
  const now = loginTable(before, facts, settings);
  return { now, after: after === before ? now : loginTable(after, facts, settings) };
};
