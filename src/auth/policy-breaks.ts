// Breaches of policy as they are found, persona by persona, and told once for each cause.
import type { Finding } from '../core/finding.ts';
import { printable } from '../core/printable.ts';
import type { Facts } from '../core/facts.ts';
import type { Settings } from '../core/settings.ts';
import type { DoorModel } from './door-model.ts';
import type { Persona } from './persona.ts';
import type { Cause } from './policy-causes.ts';

export interface PolicyInput {
  /** The host as it is, and as the plan makes it: the same model where the plan changes nothing. */
  readonly before: DoorModel;
  readonly after: DoorModel;
  readonly facts: Facts;
  readonly settings: Settings;
}

/** One persona, one rule, one cause. */
export interface Break {
  readonly rule: string;
  readonly severity: Finding['severity'];
  readonly persona: Persona;
  /** What is wrong, without who: `gets in over SSH with no key and no password`. */
  readonly what: string;
  readonly cause: Cause;
}

export const breakOf = (rule: string, persona: Persona, what: string, cause: Cause): Break => ({
  rule,
  severity: 'breach',
  persona,
  what,
  cause,
});

/** Names in a message; more are counted. */
const NAMES_MAX = 6;

/** One finding for each rule and cause, with everybody whom it concerns. */
export const findingsOf = (breaks: readonly Break[]): readonly Finding[] => {
  const groups = new Map<string, Break[]>();
  for (const one of breaks) {
    const key = [one.rule, one.what, one.cause.words].join('\n');
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].flatMap((alike) => {
    const [first] = alike;
    if (first === undefined) return [];
    const names = [...new Set(alike.map(({ persona }) => nameOf(persona)))];
    return [
      {
        rule: first.rule,
        severity: first.severity,
        persona: names.length === 1 ? (names[0] ?? 'host') : 'host',
        message: `${joined(names)} ${first.what}: ${first.cause.words}; ${first.cause.remedy}`,
      },
    ];
  });
};

/** An account's name; a made-up one is called by what it is. */
export const nameOf = (persona: Persona): string => printable(persona.user, 64);

const joined = (names: readonly string[]): string => {
  const shown = names.slice(0, NAMES_MAX);
  const more = names.length - shown.length;
  const words = more > 0 ? [...shown, `${more} more`] : shown;
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
};
