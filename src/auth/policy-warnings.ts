// What an administrator should know of the doors though no policy is broken.
import { unsureAccountLine } from './account-lines.ts';
import { meetsDuo } from './key-logins.ts';
import type { Persona } from './persona.ts';
import { personaFor } from './personas.ts';
import { breakOf, type Break, type PolicyInput } from './policy-breaks.ts';
import { quoted, type Cause } from './policy-causes.ts';
import { sshdGate } from './sshd-methods.ts';
import { unreachableS } from './duo-module.ts';
import { standing, waitS } from './standings.ts';

/** Told, and no reason to refuse the host. */
export const warningOf = (rule: string, persona: Persona, what: string, cause: Cause): Break => ({
  ...breakOf(rule, persona, what, cause),
  severity: 'warning',
});

/** Members of Duo's groups whom sudo asks nothing, whatever its stack says. */
export const silentMembers = ({ facts, settings }: PolicyInput): readonly Break[] =>
  Object.entries(facts.accounts).flatMap(([user, account]) => {
    if (account === null || account.sudo.kind !== 'some' || account.uid === 0) return [];
    const [rule] = account.sudo.silent;
    const isOurs = user === settings.connection.user || user === settings.breakGlass?.user;
    const persona = personaFor(facts, settings, user);
    if (rule === undefined || isOurs || persona === null || !meetsDuo(account, settings)) return [];
    return [
      warningOf(
        'sudo-nopasswd-member',
        persona,
        "would never meet Duo at sudo, though one of Duo's groups has them",
        {
          kind: 'conf',
          words: `sudo asks nothing for ${rule}`,
          remedy: 'take NOPASSWD out of the rule (sudo -l -U NAME)',
        },
      ),
    ];
  });

/** An account line that goes by a file, or by what is not known, may keep break-glass out, and nobody tries its login. */
export const untriedBreakGlass = ({ after, settings }: PolicyInput, persona: Persona): readonly Break[] => {
  const { breakGlass } = settings;
  if (persona.label !== 'breakglass' || breakGlass === null || breakGlass.password !== null) return [];
  const line = unsureAccountLine(after, persona);
  return line === null
    ? []
    : [
        warningOf('break-glass-untried', persona, 'may be kept out of SSH, Duo or no Duo', {
          kind: 'unknown',
          words: `what ${quoted(line)} says of it is not known`,
          remedy: 'look at what that line goes by, and set break_glass_password, so that the login is tried',
        }),
      ];
};

/** sshd gives up while pam_duo still tries: failmode safe never comes to its turn. */
export const shortGrace = ({ after, settings }: PolicyInput, persona: Persona): readonly Break[] => {
  if (settings.duo.failmode !== 'safe') return [];
  const { graceS } = sshdGate(after.sshd(persona), persona);
  if (graceS === null || graceS === 0 || graceS > unreachableS(1)) return [];
  return waitS(standing(after, persona, 'unreachable')) < graceS
    ? []
    : [
        warningOf(
          'login-grace-short',
          persona,
          'would be cut off by sshd while Duo is away, although failmode is safe',
          {
            kind: 'sshd',
            words: `pam_duo tries for ${unreachableS(1)} s and 30 s more for each further address of Duo, and LoginGraceTime is ${graceS} s`,
            remedy: 'raise LoginGraceTime to 120',
          },
        ),
      ];
};
