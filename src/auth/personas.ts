// Who stands for everybody that may come to a host: its own accounts, and typical ones where it has none of a kind.
import type { AccountFacts, Facts } from '../core/facts.ts';
import { isAddressOf } from '../core/ip-address.ts';
import type { Settings } from '../core/settings.ts';
import { isNoShell, meetsDuo } from './key-logins.ts';
import { stackConditions } from './pam-conditions.ts';
import type { PamFolder } from './pam-situation.ts';
import type { Persona, PersonaKind } from './persona.ts';

/** Accounts of one kind that are judged one by one; hosts with more have many that are alike. */
export const PERSONAS_PER_KIND_MAX = 4;

/** An address that nobody logs in from (RFC 5737): somewhere else, or one that is not known. */
export const ELSEWHERE = '198.51.100.1';

/** Names of the made-up accounts, which no host has. */
const TYPICAL_NAMES = {
  'server-access member': 'a member of the server-access group',
  'sudo member': 'a member of the sudo group',
  'local user': 'a local user',
} as const;
type OpenKind = keyof typeof TYPICAL_NAMES;

/** The connection whose sshd settings were asked for an account of the kind: see steps/observe-request.ts. */
const LABELS: Readonly<Record<PersonaKind, string>> = {
  automation: 'automation',
  'break-glass': 'breakglass',
  'server-access member': 'access-member',
  'sudo member': 'sudo-member',
  'local user': 'local',
  root: 'root',
};

/** Settings that hold for everybody, and the break-glass account's from an address that is none of its sources. */
const EVERYBODY = '*';
export const GLASS_ELSEWHERE = 'breakglass-elsewhere';

/**
 * The personas of a host: automation, break-glass (from one of its sources and, where there are any, from elsewhere),
 * root, and of members and local users those accounts that differ in what PAM stacks look at, or a typical one.
 * @param stacks the folders whose conditions tell accounts apart
 */
export const personasOf = (
  facts: Facts,
  settings: Settings,
  stacks: readonly PamFolder[] = [],
): readonly Persona[] => {
  const conditions = stackConditions(stacks);
  const glass = settings.breakGlass?.user;
  const automation = settings.connection.user;
  return [
    named(facts, settings, 'automation', automation),
    ...(glass === undefined
      ? []
      : [
          named(facts, settings, 'break-glass', glass),
          ...((settings.breakGlass?.allowedSources.length ?? 0) > 0
            ? [
                {
                  ...named(facts, settings, 'break-glass', glass),
                  label: GLASS_ELSEWHERE,
                  address: ELSEWHERE,
                },
              ]
            : []),
        ]),
    ...members(facts, settings, { kind: 'server-access member', conditions }),
    ...members(facts, settings, { kind: 'sudo member', conditions }),
    ...members(facts, settings, { kind: 'local user', conditions }),
    ...(automation === 'root' ? [] : [named(facts, settings, 'root', 'root')]),
  ];
};

/**
 * One account of the host as a persona, or `null` where the facts do not have it.
 * @param address where it comes from; by default one of its sources for break-glass, else somewhere
 */
export const personaFor = (
  facts: Facts,
  settings: Settings,
  user: string,
  address?: string,
): Persona | null => {
  const account = facts.accounts[user] ?? null;
  if (account === null) return null;
  const persona = named(facts, settings, kindOf(user, account, settings), user);
  if (address === undefined) return persona;
  const sources = settings.breakGlass?.allowedSources ?? [];
  const isElsewhere =
    persona.kind === 'break-glass' &&
    sources.length > 0 &&
    !sources.some((source) => isAddressOf(source, address));
  return { ...persona, address, label: isElsewhere ? GLASS_ELSEWHERE : persona.label };
};

/** What an account is to us; who is in both of Duo's groups counts by the sudo group, which asks for more. */
export const kindOf = (user: string, account: AccountFacts, settings: Settings): PersonaKind => {
  if (user === settings.connection.user) return 'automation';
  if (user === settings.breakGlass?.user) return 'break-glass';
  if (account.uid === 0) return 'root';
  if (!meetsDuo(account, settings)) return 'local user';
  return account.groups.some((group) => group.toLowerCase() === settings.sudoGroup.toLowerCase())
    ? 'sudo member'
    : 'server-access member';
};

/** Whether the inventory has an account log in by key alone. */
export const isKeyOnly = ({ user, account }: Persona, settings: Settings): boolean =>
  settings.keyOnlyUsers.includes(user) ||
  account.groups.some((group) => settings.keyOnlyGroups.includes(group));

/**
 * The persona with a password that PAM can verify: what a stack asks for must not hang on whether this very account has
 * one today. Who has an empty one keeps it.
 */
export const withPassword = (persona: Persona): Persona =>
  (persona.account.password === 'set' || persona.account.password === 'empty') && !persona.account.expired
    ? persona
    : { ...persona, account: { ...persona.account, password: 'set', expired: false } };

const named = (facts: Facts, settings: Settings, kind: PersonaKind, user: string): Persona => {
  const account = facts.accounts[user] ?? null;
  return {
    kind,
    user,
    account: account ?? typical(kind, settings),
    isReal: account !== null,
    label: facts.sshd.users[LABELS[kind]] === user || isAskedFor(kind) ? LABELS[kind] : EVERYBODY,
    address: kind === 'break-glass' ? sourceOf(settings) : ELSEWHERE,
  };
};

/** Kinds of which there is one account, named by the settings: their connection is theirs. */
const isAskedFor = (kind: PersonaKind): boolean =>
  kind === 'automation' || kind === 'break-glass' || kind === 'root';

/** The first source, a network's first address where it is none. */
const sourceOf = (settings: Settings): string =>
  settings.breakGlass?.allowedSources[0]?.replace(/\/.*$/, '') ?? ELSEWHERE;

const members = (
  facts: Facts,
  settings: Settings,
  { kind, conditions }: { readonly kind: OpenKind; readonly conditions: ReturnType<typeof stackConditions> },
): readonly Persona[] => {
  const real = Object.entries(facts.accounts).flatMap(([user, account]) =>
    account !== null && !account.expired && kindOf(user, account, settings) === kind
      ? [named(facts, settings, kind, user)]
      : [],
  );
  const judged = real.filter(
    (persona) => !isKeyOnly(persona, settings) && (kind !== 'local user' || isPerson(persona.account)),
  );
  // The one whose sshd settings were asked for comes first, then those that differ from it.
  const byLabel = judged.toSorted((a, b) => Number(b.label !== EVERYBODY) - Number(a.label !== EVERYBODY));
  // Whom some line of a stack singles out comes before those that only have another kind of password.
  const singledOut = firstOfEach(byLabel, ({ user, account }) => conditions(user, account));
  const others = firstOfEach(
    byLabel,
    (persona) => `${conditions(persona.user, persona.account)} ${alike(persona, settings)}`,
  );
  const chosen = [...new Set([...singledOut, ...others])].slice(0, PERSONAS_PER_KIND_MAX);
  return chosen.length > 0 ? chosen : [madeUp(kind, settings)];
};

const firstOfEach = (personas: readonly Persona[], keyOf: (persona: Persona) => string): readonly Persona[] =>
  [...new Map(personas.toReversed().map((persona) => [keyOf(persona), persona])).values()].toReversed();

const isPerson = (account: AccountFacts): boolean => account.uid >= 1000 && !isNoShell(account.shell);

/** Two accounts with the same word are the same to a PAM stack but for its conditions. */
const alike = ({ user, account }: Persona, settings: Settings): string => {
  const own = [settings.serverAccessGroup, settings.sudoGroup];
  const groups = account.groups.filter(
    (group) => group !== user && (own.includes(group.toLowerCase()) || group.toLowerCase() !== group),
  );
  return JSON.stringify([account.password, account.sudo.kind, account.uid < 1000, groups.toSorted()]);
};

const madeUp = (kind: OpenKind, settings: Settings): Persona => ({
  kind,
  user: TYPICAL_NAMES[kind],
  account: typical(kind, settings),
  isReal: false,
  label: EVERYBODY,
  address: ELSEWHERE,
});

/** An account as it will probably be: with a password that PAM can verify, so that no door stays unseen for want of one. */
const typical = (kind: PersonaKind, settings: Settings): AccountFacts => ({
  uid: kind === 'root' ? 0 : 60_000,
  home: '/home/typical',
  shell: '/bin/bash',
  groups: typicalGroups(kind, settings),
  password: 'set',
  expired: false,
  authorizedKeys: 1,
  keyLoginDaysAgo: null,
  sudo:
    kind === 'sudo member' || kind === 'break-glass'
      ? { kind: 'some', asking: ['(ALL : ALL) ALL'], silent: [] }
      : kind === 'automation'
        ? { kind: 'some', asking: [], silent: ['(ALL) NOPASSWD: ALL'] }
        : { kind: 'none' },
});

const typicalGroups = (kind: PersonaKind, settings: Settings): readonly string[] => {
  if (kind === 'server-access member') return ['users', settings.serverAccessGroup.toLowerCase()];
  if (kind === 'sudo member') return ['users', settings.sudoGroup.toLowerCase()];
  return [kind === 'root' ? 'root' : 'users'];
};
