// sshd's effective settings for a persona as they are, and as our drop-in makes them.
import type { Facts } from '../core/facts.ts';
import type { Settings } from '../core/settings.ts';
import type { Persona } from './persona.ts';
import { isKeyOnly } from './personas.ts';
import { DECLARED } from './sshd-declared.ts';

/** One connection's settings: keyword in lower case -> values of each line of `sshd -T`. */
export type Effective = Readonly<Record<string, readonly string[]>>;

/**
 * sshd's own answer for a persona. Where it was not asked for one, what holds for everybody, with the Match blocks of our
 * drop-in over it where that is in place.
 */
export const effectiveNow = (
  facts: Facts,
  settings: Settings,
  persona: Persona,
  options: { readonly dropInIsLive: boolean },
): Effective => {
  const own = facts.sshd.effective[persona.label];
  const everybody = facts.sshd.effective['*'] ?? {};
  if (own !== undefined) return { ...everybody, ...own };
  return options.dropInIsLive ? { ...everybody, ...matchBlocks(settings, persona) } : everybody;
};

/**
 * The same once our drop-in is in place: it is read first and the first value wins, in its Match blocks too
 * (sshd_config(5)). What holds for this persona alone today comes from a Match block of somebody else, which beats what
 * we declare for everybody.
 */
export const effectiveAfter = (
  facts: Facts,
  settings: Settings,
  persona: Persona,
  options: { readonly dropInIsLive: boolean },
): Effective => {
  const now = effectiveNow(facts, settings, persona, options);
  const everybody = facts.sshd.effective['*'] ?? {};
  const isForeign = (keyword: string): boolean =>
    !options.dropInIsLive && now[keyword]?.join(' ') !== everybody[keyword]?.join(' ');
  const declared = Object.entries({ ...DECLARED, ...oldNames(now) }).filter(
    ([keyword]) => !isForeign(keyword),
  );
  return {
    ...now,
    ...Object.fromEntries(declared.map(([keyword, value]) => [keyword, [value]])),
    ...matchBlocks(settings, persona),
  };
};

/** Before OpenSSH 8.7 the conversation has a second switch, which the drop-in sets too. */
const oldNames = (now: Effective): Readonly<Record<string, string>> =>
  now['challengeresponseauthentication'] === undefined ? {} : { challengeresponseauthentication: 'yes' };

/** The Match blocks of templates/sshd-drop-in.hbs that a persona falls under, the first one's values before the later ones'. */
const matchBlocks = (settings: Settings, persona: Persona): Effective => {
  const glass = settings.breakGlass;
  const keyAlone = { authenticationmethods: ['publickey'] };
  const fromItsSources = persona.label !== 'breakglass-elsewhere';
  return {
    ...(isKeyOnly(persona, settings) ? keyAlone : {}),
    ...(glass !== null && persona.user === glass.user && fromItsSources
      ? { passwordauthentication: ['yes'], authenticationmethods: ['password'] }
      : {}),
    ...(persona.user === settings.connection.user ? keyAlone : {}),
  };
};
