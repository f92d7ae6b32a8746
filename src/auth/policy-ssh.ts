// What must hold at SSH login, persona by persona.
import type { DuoAnswer } from './duo-answer.ts';
import type { Proof } from '../core/login-table.ts';
import type { Door, Persona } from './persona.ts';
import { isKeyOnly } from './personas.ts';
import { breakOf, type Break, type PolicyInput } from './policy-breaks.ts';
import { causeOfPassing, causeOfPassingDuo, causeOfRefusal, type Cause } from './policy-causes.ts';
import { openDoors, sshDoors, stackDoors, tryEverything } from './sshd-doors.ts';
import { sshdGate } from './sshd-methods.ts';
import type { DoorModel } from './door-model.ts';

export const isMember = ({ kind }: Persona): boolean =>
  kind === 'server-access member' || kind === 'sudo member';

/** Everything that is wrong with one persona's logins. */
export const sshBreaks = (input: PolicyInput, persona: Persona): readonly Break[] => {
  const open = openBreaks(input, persona);
  const past = isMember(persona) && !isKeyOnly(persona, input.settings) ? duoBreaks(input, persona) : [];
  return [
    ...open,
    // The stack by itself is told where it is not what opened the door already.
    ...(open.length > 0 || past.some(({ cause }) => cause.kind !== 'sshd')
      ? []
      : stackBreaks(input, persona)),
    ...past,
    ...automationBreaks(input, persona),
    ...breakGlassBreaks(input, persona),
    ...(open.length > 0 || past.length > 0 ? [] : weakerBreaks(input, persona)),
    ...shutOutBreaks(input, persona),
    ...closedBreaks(input, persona),
  ];
};

const openBreaks = (input: PolicyInput, persona: Persona): readonly Break[] =>
  firstOf(openDoors(input.after, persona), (door) =>
    breakOf(
      'door-without-proof',
      persona,
      `${door.sure ? 'would' : 'might'} get in over SSH with no verified key or password`,
      causeOfDoor(input.after, persona, door),
    ),
  );

/** The stack by itself: the same has to hold whatever sshd is set to, today or after somebody's next change. */
const stackBreaks = ({ after }: PolicyInput, persona: Persona): readonly Break[] => {
  const doors = stackDoors(after, persona, 'allow');
  const open = doors.filter(({ proofs }) => !proofs.includes('password'));
  const past = isMember(persona) ? doors.filter(({ proofs }) => !proofs.includes('duo')) : [];
  return [
    ...firstOf(open, (door) =>
      breakOf(
        'stack-without-proof',
        persona,
        `${door.sure ? 'would' : 'might'} pass sshd's PAM stack with any password${door.proofs.includes('duo') ? ' once Duo approves' : ''}, so only sshd's settings keep the door shut`,
        causeOfDoor(after, persona, door),
      ),
    ),
    ...(open.length > 0
      ? []
      : firstOf(past, (door) =>
          breakOf(
            'duo-not-asked',
            persona,
            "would pass sshd's PAM stack without Duo, so only sshd's settings bring Duo in",
            causeOfPast(after, persona, door),
          ),
        )),
  ];
};

/** Members meet Duo, and what it refuses stays out; what failmode safe lets pass is as declared. */
const duoBreaks = ({ after, settings }: PolicyInput, persona: Persona): readonly Break[] => {
  const past = (duo: DuoAnswer): readonly Door[] =>
    sshDoors(after, persona, duo).doors.filter(({ proofs }) => !proofs.includes('duo'));
  const found = (duo: DuoAnswer, rule: string, what: string): readonly Break[] =>
    firstOf(past(duo), (door) => breakOf(rule, persona, what, causeOfPast(after, persona, door)));
  const unasked = found('allow', 'duo-not-asked', 'would get in over SSH without Duo');
  if (unasked.length > 0) return unasked;
  const refusals = (['unknown-user', 'forbidden'] as const).flatMap((duo) =>
    found(duo, 'duo-refusal-ignored', `would get in over SSH although Duo says no (${duo})`),
  );
  return [
    ...refusals,
    ...(settings.duo.failmode === 'secure'
      ? found(
          'unreachable',
          'failmode-secure-open',
          'would get in over SSH while Duo is away, although failmode is secure',
        )
      : []),
  ];
};

const automationBreaks = ({ after }: PolicyInput, persona: Persona): readonly Break[] => {
  if (persona.kind !== 'automation' || !isKnown(after, persona)) return [];
  const { doors, shutOut } = sshDoors(after, persona, 'unreachable');
  return doors.some(({ proofs }) => proofs.every((proof) => proof === 'key'))
    ? []
    : [
        breakOf(
          'automation-shut-out',
          persona,
          'could not log in by its key alone',
          causeOfNoDoor(after, persona, { shutOut, wanted: ['publickey'] }),
        ),
      ];
};

/** From its sources by password, Duo or no Duo; from elsewhere not by password alone. */
const breakGlassBreaks = ({ after, settings, facts }: PolicyInput, persona: Persona): readonly Break[] => {
  // What is wrong with the account itself has findings of its own.
  if (persona.kind !== 'break-glass' || persona.account.password !== 'set' || persona.account.expired)
    return [];
  // Somebody else's Match Address is not known where sshd was not asked for an address of its sources.
  const isAsked = facts.sshd.effective[persona.label] !== undefined;
  if (!isKnown(after, persona) || (settings.sshdConfig === 'check' && !isAsked)) return [];
  const { doors, shutOut } = sshDoors(after, persona, 'unreachable');
  const byPassword = doors.find(({ proofs }) => proofs.every((proof) => proof === 'password'));
  if (persona.label === 'breakglass-elsewhere') {
    return byPassword === undefined
      ? []
      : [
          breakOf(
            'break-glass-elsewhere',
            persona,
            `would get in by its password from other addresses than ${settings.breakGlass?.allowedSources.join(', ') ?? ''}`,
            causeOfSshd(after, persona, byPassword.methods),
          ),
        ];
  }
  // A keyword that shuts it out is told by break-glass-shut-out of the host's findings.
  return byPassword !== undefined || shutOut !== ''
    ? []
    : [
        breakOf(
          'break-glass-shut-out',
          persona,
          'could not log in by its password while Duo is away',
          causeOfNoDoor(after, persona, { shutOut, wanted: ['password'] }),
        ),
      ];
};

/** What the inventory itself declares for somebody is not a weakening. */
const declaredFor = (persona: Persona, { settings }: PolicyInput): readonly Proof[] | null => {
  if (persona.kind === 'automation' || isKeyOnly(persona, settings)) return ['key'];
  if (persona.label === 'breakglass') return ['password'];
  return isMember(persona) ? ['key', 'duo'] : null;
};

const covers = (less: readonly Proof[], more: readonly Proof[]): boolean =>
  less.every((proof) => more.includes(proof));

const weakerBreaks = (input: PolicyInput, persona: Persona): readonly Break[] => {
  const { before, after } = input;
  if (before === after || !isKnown(before, persona)) return [];
  const declared = declaredFor(persona, input);
  const undeclared = sshDoors(after, persona, 'allow').doors.filter(
    ({ proofs }) => declared === null || !covers(declared, proofs),
  );
  if (undeclared.length === 0) return [];
  const was = sshDoors(before, persona, 'allow').doors.filter(({ sure }) => sure);
  const weaker = undeclared.filter(({ proofs }) => !was.some((door) => covers(door.proofs, proofs)));
  // Where there was no way in at all there is nothing to compare with but that: no way in.
  return firstOf(weaker, (door) =>
    breakOf(
      'weaker-than-before',
      persona,
      `would get in over SSH with ${listed(door.proofs)}, and today that takes ${was.length === 0 ? 'more than anything' : was.map(({ proofs }) => listed(proofs)).join(', or ')}`,
      causeOfDoor(after, persona, door),
    ),
  );
};

/** A stack that keeps out somebody with a key, the right password and Duo's approval: nobody would get in. */
const shutOutBreaks = ({ after }: PolicyInput, persona: Persona): readonly Break[] => {
  if (!isMember(persona) && persona.kind !== 'local user') return [];
  const gate = sshdGate(after.sshd(persona), persona);
  if (gate.shutOut !== '' || gate.lists.length === 0 || after.host.nologin === true) return [];
  if (sshDoors(after, persona, 'allow').doors.length > 0) return [];
  const tries = gate.lists.map((methods) => tryEverything(after, persona, 'allow', methods));
  const walk = tries.find((one) => one.walk !== null)?.walk ?? null;
  return tries.some(({ passed }) => passed) || walk === null
    ? []
    : [
        breakOf(
          'stack-shuts-out',
          persona,
          `could not log in over SSH with a key, the right password and Duo's approval`,
          causeOfRefusal(walk, after),
        ),
      ];
};

/** A hole of today that the plan closes: told, since somebody may have come through it. */
const closedBreaks = (input: PolicyInput, persona: Persona): readonly Break[] => {
  const { before, after } = input;
  if (before === after) return [];
  const was = openDoors(before, persona).filter(({ sure }) => sure);
  if (was.length === 0 || openDoors(after, persona).length > 0) return [];
  return firstOf(was, (door) => ({
    ...breakOf(
      'open-door-closed',
      persona,
      'can get in over SSH today with no verified key or password, and this run closes that',
      { ...causeOfDoor(before, persona, door), remedy: 'look at who has logged in (last)' },
    ),
    severity: 'warning' as const,
  }));
};

const isKnown = (model: DoorModel, persona: Persona): boolean => Object.keys(model.sshd(persona)).length > 0;

/** One finding says it: the surest and least one of several doors. */
const firstOf = (doors: readonly Door[], tell: (door: Door) => Break): readonly Break[] => {
  const door = doors.find(({ sure }) => sure) ?? doors[0];
  return door === undefined ? [] : [tell(door)];
};

const listed = (proofs: readonly Proof[]): string => (proofs.length === 0 ? 'nothing' : proofs.join(' and '));

const causeOfDoor = (model: DoorModel, persona: Persona, { walk, methods, proofs }: Door): Cause =>
  walk === null
    ? causeOfSshd(model, persona, methods)
    : causeOfPassing(walk, proofs, { who: "who is in none of Duo's groups" });

const causeOfPast = (model: DoorModel, persona: Persona, door: Door): Cause =>
  door.walk === null ? causeOfSshd(model, persona, door.methods) : causeOfPassingDuo(door.walk, model);

const causeOfSshd = (model: DoorModel, persona: Persona, methods: readonly string[]): Cause => {
  const effective = model.sshd(persona);
  const value = (keyword: string): string => effective[keyword]?.join(' ') ?? 'unset';
  return {
    kind: 'sshd',
    words: `sshd takes ${methods.join(',')} by itself (AuthenticationMethods ${value('authenticationmethods')}, PasswordAuthentication ${value('passwordauthentication')}, UsePAM ${value('usepam')})`,
    remedy: 'set AuthenticationMethods publickey,keyboard-interactive, or let duo_sshd_config be managed',
  };
};

/** Why there is no door: sshd does not take the method, or the stack refuses. */
const causeOfNoDoor = (
  model: DoorModel,
  persona: Persona,
  at: { readonly shutOut: string; readonly wanted: readonly string[] },
): Cause => {
  if (at.shutOut !== '') {
    return { kind: 'sshd', words: `sshd shuts it out by ${at.shutOut}`, remedy: 'let it in there' };
  }
  const { lists } = sshdGate(model.sshd(persona), persona);
  const list = lists.find((methods) => methods.join(',') === at.wanted.join(','));
  if (list === undefined) {
    return {
      kind: 'sshd',
      words: `sshd takes ${lists.map((methods) => methods.join(',')).join(' or ') || 'no method'} from it`,
      remedy: `give it a Match block with AuthenticationMethods ${at.wanted.join(',')}, or let duo_sshd_config be managed`,
    };
  }
  const { walk } = tryEverything(model, persona, 'unreachable', list);
  return walk === null
    ? { kind: 'sshd', words: 'sshd does not take what it has', remedy: 'look at sshd -T' }
    : causeOfRefusal(walk, model);
};
