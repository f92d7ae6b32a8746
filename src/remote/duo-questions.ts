// What Duo is asked once it is reached: whether it takes the keys, what time it is, and whom it knows. Never /auth:
// nobody gets a push.
import { z } from 'zod';
import { asFailure } from '../core/failure.ts';
import type { EnrolmentFacts, KeysFacts } from '../core/preflight.ts';
import { printable } from '../core/printable.ts';
import type { Secret } from '../core/secret.ts';
import type { DuoConnection, DuoReply } from './duo-connection.ts';
import { duoAuthorization, duoDate, duoParameters } from './duo-signature.ts';
import { deadlineIn, pause, remainingMs, type Deadline } from './timer.ts';

/** One answer; the module without https_timeout would wait for ever. */
const ANSWER_MS = 10_000;
/** A signature dated further off than this may have been refused for its date: Duo's limit is five minutes. */
const DATE_DOUBTFUL_S = 60;
/** After an HTTP 429 the same question is asked again so many times, after waits of 1, 2, 4 and 8 seconds. */
const RETRIES_MAX = 4;
/** Connections after the first that one host's questions may take; web servers end one after a hundred requests or more. */
const REOPENED_MAX = 10;
const WORDS_CHARS_MAX = 200;

/** Who asks, and over what. */
export interface DuoAsker {
  readonly connection: DuoConnection;
  /** Without its port. */
  readonly host: string;
  readonly ikey: string;
  readonly skey: Secret;
  readonly deadline: Deadline;
}

/** What came of the first question. */
export interface KeysAnswer {
  readonly keys: KeysFacts;
  /** Duo's clock when it answered; `null`: it told no time. */
  readonly duoEpochS: number | null;
  /** To be added to the host's clock for a date that Duo takes. */
  readonly offsetS: number;
}

/**
 * Asks /auth/v2/check, which does nothing but look at the signature. It is dated by the host's clock, as the module dates
 * its own; where Duo then refuses the keys and its clock is far from the host's, it is asked once more by Duo's clock,
 * so that a wrong clock is not taken for wrong keys.
 */
export const askKeys = async (asker: DuoAsker, hostEpochS: () => number): Promise<KeysAnswer> => {
  const check = (epochS: number) =>
    ask(asker, { method: 'GET', path: '/auth/v2/check', parameters: {} }, epochS);
  try {
    let reply = await check(hostEpochS());
    const duoEpochS = timeOf(reply);
    const skewS = duoEpochS === null ? 0 : duoEpochS - hostEpochS();
    const offsetS = Math.abs(skewS) > DATE_DOUBTFUL_S ? skewS : 0;
    if (reply.status === 401 && offsetS !== 0) reply = await check(hostEpochS() + offsetS);
    return { keys: keysFacts(reply), duoEpochS, offsetS };
  } catch (error) {
    const why = printable(asFailure(error).message, WORDS_CHARS_MAX);
    return { keys: { kind: 'unproven', why }, duoEpochS: null, offsetS: 0 };
  }
};

/** Only a 401 is about the keys: others may come from a proxy, a policy, or an application that may not ask. */
const keysFacts = (reply: DuoReply): KeysFacts => {
  const answer = readAnswer(reply);
  if (reply.status === 200 && answer?.stat === 'OK') return { kind: 'accepted' };
  return { kind: reply.status === 401 ? 'refused' : 'unproven', why: wordsOf(reply) };
};

/**
 * Asks /auth/v2/preauth about one user after the other; what is not answered before the deadline is `unproven`.
 * @param reopen another connection, where a server ends one after so many requests; throws a Failure
 */
export const askEnrolment = async (
  first: DuoAsker,
  users: readonly string[],
  options: { readonly epochS: () => number; readonly reopen: () => Promise<DuoConnection> },
): Promise<Readonly<Record<string, EnrolmentFacts>>> => {
  const { epochS, reopen } = options;
  let asker = first;
  let reopened = 0;
  const askAbout = async (user: string): Promise<DuoReply> => {
    try {
      return await askPatiently(asker, user, epochS);
    } catch (error) {
      if (asFailure(error).reason !== 'link' || reopened >= REOPENED_MAX) throw error;
      reopened += 1;
      asker = { ...asker, connection: await reopen() };
      return askPatiently(asker, user, epochS);
    }
  };
  const facts: (readonly [string, EnrolmentFacts])[] = [];
  let broken: string | null = null;
  for (const user of users) {
    if (broken !== null) {
      facts.push([user, { kind: 'unproven', why: broken }]);
      continue;
    }
    try {
      facts.push([user, enrolmentFacts(await askAbout(user))]);
    } catch (error) {
      // No way to Duo any more, or no time left: the others would not be answered either.
      broken = printable(asFailure(error).message, WORDS_CHARS_MAX);
      facts.push([user, { kind: 'unproven', why: broken }]);
    }
  }
  return Object.fromEntries(facts);
};

const askPatiently = async (asker: DuoAsker, username: string, epochS: () => number): Promise<DuoReply> => {
  const question = { method: 'POST', path: '/auth/v2/preauth', parameters: { username } } as const;
  let reply = await ask(asker, question, epochS());
  for (let retry = 0; reply.status === 429 && retry < RETRIES_MAX; retry += 1) {
    const waitMs = 1_000 * 2 ** retry;
    if (waitMs > remainingMs(asker.deadline)) break;
    await pause(asker.deadline.timer, waitMs);
    reply = await ask(asker, question, epochS());
  }
  return reply;
};

const enrolmentFacts = (reply: DuoReply): EnrolmentFacts => {
  const answer = reply.status === 200 ? readAnswer(reply)?.response : undefined;
  const result = answer?.result ?? '';
  const known = Object.hasOwn(RESULTS, result) ? RESULTS[result] : undefined;
  if (known !== undefined) return { kind: known };
  return result === 'deny'
    ? { kind: 'denied', why: printable(answer?.status_msg ?? '', WORDS_CHARS_MAX) }
    : { kind: 'unproven', why: wordsOf(reply) };
};

/** `result` of preauth, but for `deny` (duo.com/docs/authapi, /preauth). */
const RESULTS: Readonly<Record<string, 'enrolled' | 'bypass' | 'not-enrolled'>> = {
  auth: 'enrolled',
  allow: 'bypass',
  enroll: 'not-enrolled',
};

const ask = async (
  asker: DuoAsker,
  question: {
    readonly method: 'GET' | 'POST';
    readonly path: string;
    readonly parameters: Readonly<Record<string, string>>;
  },
  epochS: number,
): Promise<DuoReply> => {
  const { connection, host, deadline } = asker;
  const { method, path, parameters } = question;
  const date = duoDate(epochS);
  const text = duoParameters(parameters);
  return connection.ask(
    {
      method,
      path: method === 'GET' && text !== '' ? `${path}?${text}` : path,
      headers: {
        'X-Duo-Date': date,
        Authorization: duoAuthorization({ method, host, path, parameters, date }, asker),
        'User-Agent': 'duo-fleet',
        ...(method === 'POST' ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {}),
      },
      body: method === 'POST' ? text : '',
    },
    deadlineIn(deadline.timer, Math.min(ANSWER_MS, remainingMs(deadline))),
  );
};

const ANSWER = z.object({
  stat: z.string(),
  code: z.number().optional(),
  message: z.string().optional(),
  response: z
    .object({
      time: z.number().optional(),
      result: z.string().optional(),
      status_msg: z.string().optional(),
    })
    .optional()
    .catch(undefined),
});

const readAnswer = ({ body }: DuoReply): z.infer<typeof ANSWER> | null => {
  try {
    return ANSWER.safeParse(JSON.parse(body)).data ?? null;
  } catch {
    return null;
  }
};

/** Duo's `time`, or HTTP's Date, which a refusal has too. */
const timeOf = (reply: DuoReply): number | null => {
  const told = readAnswer(reply)?.response?.time;
  if (told !== undefined && told > 0) return told;
  const dateMs = Date.parse(reply.headers.date ?? '');
  return Number.isNaN(dateMs) ? null : Math.round(dateMs / 1000);
};

const wordsOf = (reply: DuoReply): string => {
  const message = readAnswer(reply)?.message;
  return `HTTP ${reply.status}${message === undefined ? '' : `, ${printable(message, WORDS_CHARS_MAX)}`}`;
};
