// What `explain` wants read: what a run reads, with sshd asked about the account and the address in question.
import { GLASS_ELSEWHERE } from '../auth/personas.ts';
import type { Persona } from '../auth/persona.ts';
import { isAddressOf } from '../core/ip-address.ts';
import type { ObserveRequest } from '../core/remote.ts';
import type { Settings } from '../core/settings.ts';
import { makeObserveRequest } from './observe-request.ts';

/** Of whom and from where; `null`: everybody, and from where we come ourselves. */
export interface ExplainQuestion {
  readonly user: string | null;
  readonly from: string | null;
  /** Our address as the host sees it; '' where it is not known. */
  readonly sourceAddress: string;
}

export interface ExplainRequest {
  readonly request: ObserveRequest;
  /** A persona as this request asks about it, with the address that it is asked about; `null`: it was not asked about. */
  readonly asAsked: (persona: Persona) => Persona | null;
}

/** Label of the connection of the one account that is asked about. */
const ASKED = 'asked';
const GLASS = 'breakglass';

/** The request of one host. Without a question of its own it is what every run reads. */
export const explainRequest = (settings: Settings, question: ExplainQuestion): ExplainRequest => {
  const base = makeObserveRequest(settings, { sourceAddress: question.sourceAddress });
  return question.user === null
    ? everybody(base, settings, question.from)
    : oneUser(base, settings, { user: question.user, from: question.from });
};

const everybody = (base: ObserveRequest, settings: Settings, from: string | null): ExplainRequest => {
  // From one address break-glass comes either from a source of its own or from elsewhere.
  const left = from === null ? null : isForeign(settings, from) ? GLASS : GLASS_ELSEWHERE;
  const moved = <T extends { readonly label: string; readonly address: string }>(all: readonly T[]) =>
    all.filter(({ label }) => label !== left).map((one) => (from === null ? one : { ...one, address: from }));
  const request = { ...base, connections: moved(base.connections), personas: moved(base.personas) };
  return {
    request,
    asAsked: (persona) =>
      persona.label === left
        ? null
        : { ...persona, address: addressOf(request, persona.label) ?? persona.address },
  };
};

const oneUser = (
  base: ObserveRequest,
  settings: Settings,
  { user, from }: { readonly user: string; readonly from: string | null },
): ExplainRequest => {
  const isGlass = user === settings.breakGlass?.user;
  const usual = isGlass ? addressOf(base, GLASS) : null;
  const address = from ?? usual ?? addressOf(base, '*') ?? '';
  const label = isGlass && isForeign(settings, address) ? GLASS_ELSEWHERE : ASKED;
  return {
    request: {
      ...base,
      accounts: [...new Set([...base.accounts, user])],
      connections: [...base.connections, { label, user, address }],
      personas: base.personas.filter((one) => one.label !== label),
    },
    asAsked: (persona) => ({ ...persona, label, address }),
  };
};

const isForeign = ({ breakGlass }: Settings, address: string): boolean =>
  breakGlass !== null &&
  breakGlass.allowedSources.length > 0 &&
  !breakGlass.allowedSources.some((source) => isAddressOf(source, address));

const addressOf = ({ connections, personas }: ObserveRequest, wanted: string): string | null =>
  [...connections, ...personas].find(({ label }) => label === wanted)?.address ?? null;
