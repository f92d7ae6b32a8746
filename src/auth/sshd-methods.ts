// Which methods sshd takes from a persona, in which order, and what it does with a password by itself.
import type { Effective } from './sshd-after.ts';
import type { Persona } from './persona.ts';
import { shutOutBy } from './sshd-allow.ts';

/** What of sshd's settings decides over one login. */
export interface SshdGate {
  /** Each list of AuthenticationMethods that can be gone through, methods without submethods. */
  readonly lists: readonly (readonly string[])[];
  readonly usesPam: boolean;
  readonly takesEmptyPasswords: boolean;
  /** Why nobody by this name gets in from there, or ''. */
  readonly shutOut: string;
  /** LoginGraceTime in seconds; 0: none; `null`: not known. */
  readonly graceS: number | null;
}

/** PAM as the only gate: every answer goes to it, from anybody. */
export const PAM_ALONE: SshdGate = {
  lists: [['keyboard-interactive']],
  usesPam: true,
  takesEmptyPasswords: true,
  shutOut: '',
  graceS: null,
};

/** Methods that let somebody in by what duo-fleet cannot see: another host's word, a Kerberos ticket. */
export const isForeignMethod = (method: string): boolean =>
  method === 'hostbased' || method === 'gssapi-with-mic' || method === 'gssapi-keyex';

/** The gate that a persona meets; no lists where nothing is known of the settings. */
export const sshdGate = (effective: Effective, persona: Persona): SshdGate => {
  const value = (keyword: string): string => effective[keyword]?.join(' ').toLowerCase() ?? '';
  const enabled = enabledMethods(value).filter((method) => isRootMethod(method, value, persona));
  return {
    lists: Object.keys(effective).length === 0 ? [] : listsOf(value('authenticationmethods'), enabled),
    usesPam: value('usepam') === 'yes',
    takesEmptyPasswords: value('permitemptypasswords') === 'yes',
    shutOut: shutOutWords(effective, value, persona),
    graceS: /^\d+$/.test(value('logingracetime')) ? Number(value('logingracetime')) : null,
  };
};

/** auth2.c; keyboard-interactive has only PAM behind it, and before OpenSSH 8.7 a second switch. */
const enabledMethods = (value: (keyword: string) => string): readonly string[] => [
  ...(value('pubkeyauthentication') !== 'no' ? ['publickey'] : []),
  ...(value('passwordauthentication') === 'yes' ? ['password'] : []),
  ...(value('kbdinteractiveauthentication') === 'yes' &&
  value('challengeresponseauthentication') !== 'no' &&
  value('usepam') === 'yes'
    ? ['keyboard-interactive']
    : []),
  ...(value('hostbasedauthentication') === 'yes' ? ['hostbased'] : []),
  ...(value('gssapiauthentication') === 'yes' ? ['gssapi-with-mic'] : []),
];

/** Without PermitRootLogin yes root passes no method that asks for a password, not as a second one either (auth.c, auth_root_allowed). */
const isRootMethod = (method: string, value: (keyword: string) => string, persona: Persona): boolean =>
  persona.account.uid !== 0 ||
  value('permitrootlogin') === 'yes' ||
  method === 'publickey' ||
  isForeignMethod(method);

/** A list that names a method which is off, or a device that sshd does not have, cannot be gone through (sshd_config(5)). */
const listsOf = (methods: string, enabled: readonly string[]): SshdGate['lists'] => {
  if (methods === '' || methods === 'any') return enabled.map((method) => [method]);
  return methods
    .split(/[ \t]+/)
    .filter((list) => !/keyboard-interactive:(?!pam(?:,|$))/.test(list))
    .map((list) => list.split(',').map((method) => method.replace(/:.*$/, '')))
    .filter((list) => list.every((method) => enabled.includes(method)));
};

const shutOutWords = (
  effective: Effective,
  value: (keyword: string) => string,
  { user, account, address }: Persona,
): string => {
  if (account.uid === 0 && value('permitrootlogin') === 'no') return 'PermitRootLogin no';
  const keyword = shutOutBy(effective, user, account, address);
  return keyword === null ? '' : `${KEYWORDS[keyword]} ${effective[keyword]?.join(' ') ?? ''}`;
};

const KEYWORDS = {
  denyusers: 'DenyUsers',
  allowusers: 'AllowUsers',
  denygroups: 'DenyGroups',
  allowgroups: 'AllowGroups',
} as const;
