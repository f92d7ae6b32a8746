// What must hold at sudo, persona by persona.
import { warningOf } from './policy-warnings.ts';
import type { DoorModel } from './door-model.ts';
import type { DuoAnswer } from './duo-answer.ts';
import type { Persona } from './persona.ts';
import { breakOf, type Break, type PolicyInput } from './policy-breaks.ts';
import { causeOfPassing, causeOfPassingDuo, causeOfRefusal } from './policy-causes.ts';
import { sudoDoor, sudoWays } from './sudo-doors.ts';

type Service = 'sudo' | 'sudo-i';

/** Everything that is wrong with one persona's sudo. */
export const sudoBreaks = (input: PolicyInput, persona: Persona): readonly Break[] => {
  // From elsewhere it is the same account, and sudo knows no address.
  if (persona.account.uid === 0 || persona.label === 'breakglass-elsewhere') return [];
  return [
    ...servicesOf(input.after).flatMap((service) => [
      ...openBreaks(input, persona, service),
      ...(persona.kind === 'sudo member' ? duoBreaks(input, persona, service) : []),
      ...shutOutBreaks(input, persona, service),
    ]),
    ...automationBreaks(input, persona),
  ];
};

/** Services that sudo goes by on this host and that have a file; `sudo -i` only where its own says something else. */
const servicesOf = ({ sudo, host }: DoorModel): readonly Service[] =>
  (['sudo', 'sudo-i'] as const).filter(
    (service) =>
      sudo.implementation !== 'none' &&
      host.files[service] !== undefined &&
      (sudo.defaults?.services.includes(service) ?? true) &&
      (service === 'sudo' || !saysTheSame(host.files[service], host.files['sudo'])),
  );

/** Comments name the file's own base, so they differ always. */
const saysTheSame = (one: string, other: string | undefined): boolean =>
  rulesOf(one) === (other === undefined ? '' : rulesOf(other));
const rulesOf = (text: string): string =>
  text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');

const openBreaks = ({ after }: PolicyInput, persona: Persona, service: Service): readonly Break[] => {
  const open = sudoWays(after, persona, 'allow', service).ways.filter(
    ({ proofs }) => !proofs.includes('password'),
  );
  const way = open.find(({ sure }) => sure) ?? open[0];
  return way?.walk === undefined || way.walk === null
    ? []
    : [
        breakOf(
          'sudo-without-password',
          persona,
          `${way.sure ? 'would' : 'might'} pass ${service} with any password${way.proofs.includes('duo') ? ' once Duo approves' : ''}`,
          causeOfPassing(way.walk, way.proofs, { who: "who is not in Duo's sudo group" }),
        ),
      ];
};

const duoBreaks = (
  { after, settings }: PolicyInput,
  persona: Persona,
  service: Service,
): readonly Break[] => {
  const found = (duo: DuoAnswer, rule: string, what: string): readonly Break[] => {
    const way = sudoWays(after, persona, duo, service).ways.find(({ proofs }) => !proofs.includes('duo'));
    return way?.walk === undefined || way.walk === null
      ? []
      : [breakOf(rule, persona, what, causeOfPassingDuo(way.walk, after))];
  };
  const unasked = found('allow', 'duo-not-asked', `would pass ${service} without Duo`);
  if (unasked.length > 0) return unasked;
  return [
    ...(['unknown-user', 'forbidden'] as const).flatMap((duo) =>
      found(duo, 'duo-refusal-ignored', `would pass ${service} although Duo says no (${duo})`),
    ),
    ...(settings.duo.failmode === 'secure'
      ? found(
          'unreachable',
          'failmode-secure-open',
          `would pass ${service} while Duo is away, although failmode is secure`,
        )
      : []),
  ];
};

/** Break-glass needs no Duo for root; everybody who may use sudo gets through it with password and approval. */
const shutOutBreaks = ({ after }: PolicyInput, persona: Persona, service: Service): readonly Break[] => {
  const isGlass = persona.kind === 'break-glass';
  if (!isGlass && persona.kind !== 'sudo member') return [];
  const rights = sudoDoor(after, persona, 'unreachable', service);
  if (rights.kind === 'asks-nothing') return [];
  if (rights.kind === 'not-allowed') {
    return isGlass && service === 'sudo'
      ? [
          warningOf('break-glass-no-sudo', persona, 'may run nothing by sudo', {
            kind: 'conf',
            words: 'once in, it could not mend the host',
            remedy: 'give it a rule in sudoers',
          }),
        ]
      : [];
  }
  const { ways, walk } = sudoWays(after, persona, isGlass ? 'unreachable' : 'allow', service);
  return ways.length > 0
    ? []
    : [
        breakOf(
          isGlass ? 'break-glass-sudo' : 'stack-shuts-out',
          persona,
          isGlass
            ? `could not use ${service} with its password while Duo is away`
            : `could not use ${service} with the right password and Duo's approval`,
          causeOfRefusal(walk, after),
        ),
      ];
};

const automationBreaks = ({ after, settings }: PolicyInput, persona: Persona): readonly Break[] => {
  if (persona.kind !== 'automation' || !settings.connection.become) return [];
  const door = sudoDoor(after, persona, 'allow');
  return door.kind === 'asks'
    ? [
        breakOf('automation-sudo-asks', persona, 'would be asked for a password by sudo', {
          kind: 'conf',
          words: `it has no NOPASSWD rule (${persona.account.sudo.kind === 'some' ? persona.account.sudo.asking.join(', ') : ''})`,
          remedy: 'give it one in sudoers: NAME ALL=(ALL) NOPASSWD: ALL',
        }),
      ]
    : [];
};
