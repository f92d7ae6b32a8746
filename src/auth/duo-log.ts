// What Duo's module writes to the host's log about a login, and what that proves.
import { printable } from '../core/printable.ts';
import type { DuoProof } from '../core/verdict.ts';

/**
 * How a line ends the question whether Duo was asked. `asked`: Duo answered, and the user is in. `not-asked`: the user is
 * in, or would be, without Duo. `denied`: Duo or the module said no.
 */
type Meaning = 'asked' | 'not-asked' | 'denied';

/**
 * What may stand before the module's words: nothing in systemd's journal, and in a file the logger's time, host and program.
 * Words further on in a line are somebody else's: whoever reaches sshd writes to its log by the name he asks for.
 */
const BEFORE =
  /^(?:(?:[A-Z][a-z]{2} [ \d]\d [\d:]{8}|\d{4}-\d\d-\d\dT\S+) \S+ )?(?:[A-Za-z0-9_./-]+\[\d+\]: )?/;

interface Sentence {
  /** The rule of a finding about it: `canary-failsafe`. */
  readonly rule: string;
  readonly meaning: Meaning;
  readonly pattern: RegExp;
}

/**
 * The module's sentences, most of them `MESSAGE for 'USER' from ADDRESS: WHY`. A group `user` is whom it is about; without
 * one it is about the module's own settings. Source: duo_unix lib/util.c (duo_log), pam_duo/pam_duo.c, 1.11.3 to 2.2.3;
 * what precedes it on a log's line (time, host, `sshd[123]: `) is not the module's, and nothing else may.
 */
const SENTENCES: readonly Sentence[] = [
  { rule: 'canary-successful', meaning: 'asked', pattern: /^Successful Duo login for '(?<user>[^']*)'/ },
  { rule: 'canary-skipped', meaning: 'asked', pattern: /^Skipped Duo login for '(?<user>[^']*)'/ },
  { rule: 'canary-failsafe', meaning: 'not-asked', pattern: /^Failsafe Duo login for '(?<user>[^']*)'/ },
  { rule: 'canary-failsecure', meaning: 'denied', pattern: /^Failsecure Duo login for '(?<user>[^']*)'/ },
  { rule: 'canary-aborted', meaning: 'denied', pattern: /^Aborted Duo login for '(?<user>[^']*)'/ },
  { rule: 'canary-failed', meaning: 'denied', pattern: /^Failed Duo login for '(?<user>[^']*)'/ },
  { rule: 'canary-error', meaning: 'denied', pattern: /^Error in Duo login for '(?<user>[^']*)'/ },
  {
    rule: 'canary-error',
    meaning: 'denied',
    pattern: /^Couldn't (?:get groups|open Duo API handle) for '(?<user>[^']*)'/,
  },
  { rule: 'canary-bypassed', meaning: 'not-asked', pattern: /^User (?<user>\S+) bypassed Duo 2FA/ },
  { rule: 'canary-misconfigured', meaning: 'not-asked', pattern: /^Parse error in \S+, line \d+/ },
  { rule: 'canary-misconfigured', meaning: 'not-asked', pattern: /^Missing host, ikey, or skey in / },
  { rule: 'canary-misconfigured', meaning: 'not-asked', pattern: /^\/\S+ must be readable only by user / },
  { rule: 'canary-misconfigured', meaning: 'not-asked', pattern: /^Couldn't open \/\S+: / },
  { rule: 'canary-misconfigured', meaning: 'denied', pattern: /^Invalid pam_duo option: / },
];

/** What to do about a refusal that Duo itself decided; other lines say it themselves. */
const REMEDIES: Readonly<Record<string, string>> = {
  'canary-aborted': "give the user bypass status in Duo's admin panel, or enrol it",
  'canary-failed':
    'the push was denied or not answered in time: run it again and approve it, or look at canary_passcode',
  'canary-failsafe': 'let the host reach Duo, and look at duo_ikey and duo_skey',
};

/** The module's own lines are shorter. */
const LINE_CHARS_MAX = 300;

/** Why a login does not prove that Duo was asked. */
export interface DuoDoubt {
  /** `canary-failsafe`, `canary-bypassed`, `canary-silent`, ... */
  readonly rule: string;
  readonly meaning: 'not-asked' | 'denied';
  /** A sentence that has the log's line in it. */
  readonly message: string;
}

/**
 * What the module's own log says of a user's login; `null` when it proves that Duo was asked and let the user in. A login
 * that got in is no proof by itself: under failmode safe everybody gets in while Duo is away.
 * @param lines of the host's log, since before the login; lines about others and of others count for nothing
 */
export const doubtOf = (user: string, lines: readonly string[]): DuoDoubt | null => {
  const said = saidOf(user, lines);
  // One way around Duo is enough to doubt the rest, whatever was written before or after it.
  const last = said.find(({ meaning }) => meaning === 'not-asked') ?? said.at(-1);
  if (last === undefined) {
    return {
      rule: 'canary-silent',
      meaning: 'not-asked',
      message: `Duo's module wrote nothing about ${user} to the host's log, so nothing shows that Duo was asked`,
    };
  }
  const { meaning, rule, text } = last;
  return meaning === 'asked'
    ? null
    : {
        rule,
        meaning,
        message: [`Duo's module says: ${printable(text, LINE_CHARS_MAX)}`, REMEDIES[rule] ?? []]
          .flat()
          .join('; '),
      };
};

/**
 * What proves that Duo was asked and let the user in; `null` where nothing does. `Skipped` is written where Duo answers that the user needs no
 * second factor (bypass status, a policy): Duo was asked, and nobody approved anything.
 */
export const proofOf = (user: string, lines: readonly string[]): DuoProof | null => {
  const said = saidOf(user, lines).findLast(({ meaning }) => meaning === 'asked');
  if (said === undefined || doubtOf(user, lines) !== null) return null;
  const how = said.rule === 'canary-successful' ? 'approved' : 'bypassed';
  return { user, how, line: printable(said.text, LINE_CHARS_MAX) };
};

/** What the module's lines say that can be about the user. */
const saidOf = (user: string, lines: readonly string[]): readonly (Sentence & { readonly text: string })[] =>
  lines.flatMap((line) => {
    const text = line.replace(BEFORE, '');
    for (const sentence of SENTENCES) {
      const match = sentence.pattern.exec(text);
      if (match === null) continue;
      const about = match.groups?.['user'];
      return about === undefined || about === user ? [{ ...sentence, text }] : [];
    }
    return [];
  });
