// What pam_duo answers for one account: its return code, what it logs, and how long it takes over it.
import type { AccountFacts } from '../core/facts.ts';
import { printable } from '../core/printable.ts';
import type { DuoAnswer } from './duo-answer.ts';
import type { DuoConf, DuoConfReading } from './duo-conf.ts';
import { matchesDuoGroups, type DuoVersion } from './duo-groups.ts';
import type { PamCode } from './pam-code.ts';
import type { ModuleAnswer } from './pam-situation.ts';

/** Who stands before the module; `account: null` is a name that libc does not know. */
export interface DuoUser {
  readonly user: string;
  readonly account: AccountFacts | null;
}

/** What else the answer hangs on; each has the commonest case for its default. */
export interface DuoCircumstances {
  /** `v2`. */
  readonly version?: DuoVersion;
  /** What messages call the file: /etc/duo/pam_duo.conf. */
  readonly confPath?: string;
  /** Addresses that the API's name resolves to; 1. */
  readonly addresses?: number;
  /** PAM_RHOST; '' for none. */
  readonly rhost?: string;
  /** Somebody is there to answer the module's prompt; true. With autopush there is no prompt. */
  readonly canAnswer?: boolean;
  /** With `deny`: Duo refuses before it asks for anything (locked out, denied by policy); false. */
  readonly isLockedOut?: boolean;
  /** The file named by `cafile` is there and holds certificates; true. */
  readonly cafileLoads?: boolean;
}

/** How the module meets somebody, and how it ends. */
export interface DuoOutcome {
  /** `challenged` is asked of Duo, `exempt` is in none of its groups, `broken` is let through or denied unasked. */
  readonly stands: 'challenged' | 'exempt' | 'broken' | 'unknown-user';
  readonly answer: ModuleAnswer;
  /**
   * The last line that the module logs, or its beginning, where words of Duo's or of the network follow; '' for none. As in
   * auth.log, without syslog's head; control characters are replaced.
   */
  readonly log: string;
  /** Seconds that it takes at most before it answers, other than somebody's time to react: while Duo is out of reach. */
  readonly waitS: number;
}

/**
 * Goes through pam_sm_authenticate (pam_duo/pam_duo.c) and duo_login (lib/duo.c) in their order: the file, the account,
 * its groups, and only then Duo. Compared with the real 1.11.3 in the tests; for `v2` it rests on the sources of 2.2, which
 * ping before they ask and return PAM_MAXTRIES for any number of prompts. The service `su`, for which the module looks at
 * the caller, and bad arguments on the module's own line are the caller's to judge; so is an account that is to be asked
 * about by its GECOS name (`asksByGecos`): `cloud` is then about that one.
 */
export const answerOfDuo = (
  reading: DuoConfReading,
  who: DuoUser,
  cloud: DuoAnswer,
  circumstances: DuoCircumstances = {},
): DuoOutcome => {
  const path = circumstances.confPath ?? DEFAULT_PATH;
  if (reading.kind === 'broken') return answerOfBroken(reading, path);
  const { conf } = reading;
  if (conf.fipsMode === true) return FIPS_REFUSED;
  if (who.account === null) {
    return outcome('unknown-user', 'PAM_USER_UNKNOWN', `no account '${printable(who.user)}' on this host`);
  }
  if (!matchesDuoGroups(conf.groups, who.account.groups)) {
    const log = printable(`User ${who.user} bypassed Duo 2FA due to user's UNIX group`);
    const groups = printable(conf.groups.join(' '), GROUPS_CHARS_MAX);
    return outcome('exempt', 'PAM_SUCCESS', `not in groups ${groups}: exempt`, log);
  }
  const from =
    circumstances.rhost === undefined || circumstances.rhost === '' ? '' : ` from ${circumstances.rhost}`;
  const login = (word: string): string => printable(`${word} for '${who.user}'${from}`);
  if (conf.refusesProxy === true || (conf.cafile !== undefined && circumstances.cafileLoads === false)) {
    const cause = conf.refusesProxy === true ? 'http_proxy is not http://' : 'the cafile cannot be loaded';
    const why = `${cause}: denied, whatever failmode says`;
    return outcome('challenged', 'PAM_SERVICE_ERR', why, login("Couldn't open Duo API handle"));
  }
  return answerOfCloud(conf, cloud, circumstances, login);
};

const DEFAULT_PATH = '/etc/duo/pam_duo.conf';
const GROUPS_CHARS_MAX = 200;

const outcome = (
  stands: DuoOutcome['stands'],
  code: PamCode,
  why: string,
  log: string = '',
  waitS: number = 0,
): DuoOutcome => ({ stands, answer: { kind: 'returns', code, why }, log, waitS });

/** The same after the module has tried for so long. */
const waiting = (ended: DuoOutcome, waitS: number): DuoOutcome => ({
  ...ended,
  waitS,
  answer: ended.answer.kind === 'returns' ? { ...ended.answer, waitS } : ended.answer,
});

/** `return (EXIT_FAILURE)`, which is 1, is PAM_OPEN_ERR for libpam. */
const FIPS_REFUSED = outcome(
  'broken',
  'PAM_OPEN_ERR',
  'dev_fips_mode is on and OpenSSL is no FIPS build: denied, whatever failmode says',
  'FIPS mode flag specified, but OpenSSL not built with FIPS support. Failing the auth.',
);

const answerOfBroken = (
  reading: Extract<DuoConfReading, { readonly kind: 'broken' }>,
  path: string,
): DuoOutcome => {
  const place = `${printable(path)}${reading.line === 0 ? '' : ` line ${reading.line}`}`;
  if (reading.crashes === true) {
    return outcome('broken', 'PAM_ABORT', `${place}: ${reading.reason}: nobody gets in`);
  }
  const passes = reading.failmode === 'safe';
  const end = passes
    ? 'Duo is not asked and everybody is let through (failmode safe, as read up to there)'
    : 'Duo is not asked and everybody is denied (failmode secure)';
  const log = (reading.complaint ?? '').replace('%s', () => path);
  return outcome(
    'broken',
    passes ? 'PAM_SUCCESS' : 'PAM_SERVICE_ERR',
    `${place}: ${reading.reason}: ${end}`,
    printable(log),
  );
};

/** duo_login's code, and what pam_sm_authenticate makes of it. */
function answerOfCloud(
  conf: DuoConf,
  cloud: DuoAnswer,
  circumstances: DuoCircumstances,
  login: (word: string) => string,
): DuoOutcome {
  switch (cloud) {
    case 'allow':
    case 'deny':
      return answerOfFactor(conf, cloud, circumstances, login);
    case 'bypass': {
      const log = `${login('Skipped Duo login')}: `;
      return outcome('challenged', 'PAM_SUCCESS', 'Duo lets the user through unasked', log);
    }
    case 'unknown-user':
      return aborted(
        'not enrolled at Duo: denied, whatever failmode says',
        login,
        'User enrollment required',
      );
    case 'forbidden':
      return aborted('Duo answers with an HTTP 4xx: denied, whatever failmode says', login, 'HTTP ');
    case 'badkeys':
      return answerByFailmode(conf, login, 'Duo rejects the keys', 'Invalid ikey or skey');
    case 'error':
      return answerByFailmode(conf, login, "Duo's service is broken", '');
    case 'unreachable': {
      const cause = `Couldn't connect to ${printable(conf.host)}: `;
      const ended = answerByFailmode(conf, login, 'Duo is out of reach', cause);
      return waiting(ended, unreachableS(circumstances.addresses ?? 1));
    }
    default:
      return cloud satisfies never;
  }
}

/** Duo wants a second factor of the user: it is asked for, up to `prompts` times, and approved or denied. */
function answerOfFactor(
  conf: DuoConf,
  cloud: 'allow' | 'deny',
  { version, canAnswer, isLockedOut }: DuoCircumstances,
  login: (word: string) => string,
): DuoOutcome {
  if (cloud === 'deny' && isLockedOut === true) return aborted('Duo refuses this user: denied', login, '');
  if (!conf.autopush && canAnswer === false) {
    return aborted('nobody can answer the prompt: denied', login, 'Error gathering user response');
  }
  if (cloud === 'allow') {
    return outcome('challenged', 'PAM_SUCCESS', 'Duo approves: let through', login('Successful Duo login'));
  }
  // 1.11.3 compares the tries with 3 whatever `prompts` is, and else returns its preset (mended by #189, 2020).
  const code = version === 'v1' && conf.prompts < 3 ? 'PAM_SERVICE_ERR' : 'PAM_MAXTRIES';
  const times = conf.prompts === 1 ? 'once' : `${conf.prompts} times`;
  return outcome('challenged', code, `Duo denies, ${times}: denied`, login('Failed Duo login'));
}

const aborted = (why: string, login: (word: string) => string, cause: string): DuoOutcome =>
  outcome('challenged', 'PAM_ABORT', why, `${login('Aborted Duo login')}: ${cause}`);

const answerByFailmode = (
  { failmode }: DuoConf,
  login: (word: string) => string,
  why: string,
  cause: string,
): DuoOutcome =>
  failmode === 'safe'
    ? outcome(
        'challenged',
        'PAM_SUCCESS',
        `${why}, failmode safe: let through`,
        `${login('Failsafe Duo login')}: ${cause}`,
      )
    : outcome(
        'challenged',
        'PAM_SERVICE_ERR',
        `${why}, failmode secure: denied`,
        `${login('Failsecure Duo login')}: ${cause}`,
      );

/** Seconds that the module waits for TCP to one address. */
export const CONNECT_S = 10;
const TRIES = 3;
/** Seconds between and after them: `sleep(1 << i)` after each of the three tries (lib/duo.c, duo_call). */
export const PAUSES_S = 1 + 2 + 4;

/**
 * Seconds until the module gives up where packets are dropped (lib/https.c, _establish_connection): `addresses` one after
 * the other, three times. Measured with 1.11.3: 37 s with one, 67 s with two. A refused connection or a
 * name that does not resolve ends at once; a server that takes the request and never answers is waited for without an end,
 * unless `https_timeout` is set.
 */
export const unreachableS = (addresses: number): number => TRIES * CONNECT_S * addresses + PAUSES_S;
