// What a host's preflight asks for.
import { meetsDuo } from '../auth/key-logins.ts';
import type { Facts } from '../core/facts.ts';
import { ENROLMENT_ASKED_MAX, type PreflightRequest } from '../core/preflight.ts';
import type { OpenSecret, Settings } from '../core/settings.ts';

/** The module's settings as they are declared; `enrolment` are the names that Duo is asked about. */
export const makePreflightRequest = (
  settings: Settings,
  openSecret: OpenSecret,
  enrolment: readonly string[],
): PreflightRequest => {
  const { duo } = settings;
  const option = (key: string): string | null => duo.options.find(([name]) => name === key)?.[1] ?? null;
  return {
    apiHost: duo.apiHost,
    ikey: duo.ikey,
    skey: openSecret(duo.skey),
    proxy: option('http_proxy'),
    cafile: option('cafile'),
    enrolment,
  };
};

/**
 * Who is in one of Duo's groups, as far as the host's group lists and the accounts that were read tell, at most
 * {@link ENROLMENT_ASKED_MAX}, sorted. Empty where the module would send another name than the account's
 * (`gecos_username_pos`, lib/util.c): Duo would be asked about the wrong people.
 */
export const duoMembers = (settings: Settings, facts: Facts): readonly string[] => {
  if (settings.duo.options.some(([key]) => key === 'gecos_username_pos')) return [];
  const listed = [settings.serverAccessGroup, settings.sudoGroup].flatMap(
    (group) => (facts.groups[group.toLowerCase()] ?? facts.groups[group])?.members ?? [],
  );
  const known = Object.entries(facts.accounts).flatMap(([name, account]) =>
    account !== null && meetsDuo(account, settings) ? [name] : [],
  );
  return [...new Set([...listed, ...known])].toSorted().slice(0, ENROLMENT_ASKED_MAX);
};
