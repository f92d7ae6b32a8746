// What the stand-in Duo cloud answers: decisions for users in, answers out. No network, no clock but the one given.
import {
  fail,
  isSigned,
  LAB_PASSCODE,
  ok,
  type DuoAnswer,
  type DuoDecision,
  type DuoDocument,
  type DuoRequest,
} from './duo-protocol.ts';

/** One request that was made, for the log. Nothing secret is in it. */
export interface LoggedRequest {
  readonly atMs: number;
  readonly method: string;
  readonly path: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** The user it was about; '' for ping and check. */
  readonly user: string;
  /** Whether there was a signature at all; a wrong one shows in the status. */
  readonly hasCredentials: boolean;
  readonly userAgent: string;
  /** HTTP status, or 0 for no answer. */
  readonly status: number;
}

/** A cloud's memory; `EVERYBODY` decides for all users when it is set. */
export interface DuoState {
  readonly decisions: Map<string, DuoDecision>;
  readonly transactions: Map<string, Transaction>;
}

/** The user name that stands for all. */
export const EVERYBODY = '*';

interface Transaction {
  readonly decision: DuoDecision;
  readonly polls: number;
}

/** How the lab's accounts stand with Duo; whoever is not named is unknown there. */
export const LAB_DECISIONS: Readonly<Record<string, DuoDecision>> = {
  alice: 'allow',
  bob: 'allow',
  canary: 'bypass',
};

/** A cloud that knows the lab's accounts. */
export const newDuoState = (): DuoState => ({
  decisions: new Map(Object.entries(LAB_DECISIONS)),
  transactions: new Map(),
});

/** What a call needs to know beyond the request. */
export interface AnswerContext {
  readonly keys: { readonly ikey: string; readonly skey: string };
  readonly nowMs: number;
  /** A fresh transaction's name. */
  readonly txid: () => string;
}

/** Answers one request; `null` is no answer, for ever. */
export function answer(state: DuoState, request: DuoRequest, context: AnswerContext): DuoAnswer | null {
  const call = callOf(request);
  if (call === null) return fail(404, 'Resource not found');
  // The module signs its ping, but Duo does not ask for that (Auth API, /ping).
  if (call.name === 'ping') return ok({ time: seconds(context) });
  if (!isSigned(request, context.keys)) return fail(401, 'Invalid signature in request credentials');
  if (isOutOfTime(request, context)) return fail(401, 'Bad request timestamp');
  if (call.name === 'check') {
    // Who it is about is nobody: what is decided for everybody holds.
    const forAll = interruption(state.decisions.get(EVERYBODY) ?? 'allow', 'check');
    return forAll === undefined ? ok({ time: seconds(context) }) : forAll;
  }
  const decision = call.name === 'status' ? null : decisionFor(state, userOf(request));
  const special = decision === null ? undefined : interruption(decision, call.name);
  if (special !== undefined) return special;
  switch (call.name) {
    case 'preauth':
      return preauth(decision ?? 'enroll', call.version, userOf(request));
    case 'auth':
      return auth(state, request, call.version, context.txid);
    case 'status':
      return status(state, request, call.version);
    default:
      return call.name satisfies never;
  }
}

/** Duo takes a date that is at most five minutes off (Auth API, Authentication). Older modules sign none. */
const isOutOfTime = ({ date }: DuoRequest, { nowMs }: AnswerContext): boolean =>
  date !== '' && !(Math.abs(Date.parse(date) - nowMs) <= DATE_OFF_MAX_MS);
const DATE_OFF_MAX_MS = 300_000;

/** The user a request is about: `username` from v2 on, `user` before. */
export const userOf = (request: DuoRequest): string =>
  request.parameters['username'] ?? request.parameters['user'] ?? '';

interface Call {
  readonly name: 'ping' | 'check' | 'preauth' | 'auth' | 'status';
  readonly version: 1 | 2;
}

const PATH =
  /^\/(?:(rest\/v1)\/(preauth|auth|status)\.(?:bson|json)|auth\/v2\/(ping|check|preauth|auth|auth_status))$/;

function callOf(request: DuoRequest): Call | null {
  const match = PATH.exec(request.path);
  if (match === null) return null;
  const [, v1, v1Name, v2Name] = match;
  const name = (v1Name ?? v2Name)?.replace('auth_status', 'status') as Call['name'];
  const isPost = name === 'preauth' || name === 'auth';
  if ((request.method === 'POST') !== isPost) return null;
  return { name, version: v1 === undefined ? 2 : 1 };
}

const decisionFor = (state: DuoState, user: string): DuoDecision =>
  state.decisions.get(EVERYBODY) ?? state.decisions.get(user) ?? 'enroll';

/** An answer that ends the conversation before it is about factors, or `undefined`. */
function interruption(decision: DuoDecision, call: Call['name']): DuoAnswer | null | undefined {
  switch (decision) {
    case 'hang':
      return null;
    case '401':
      return fail(401, 'Invalid integration key in request credentials');
    case '403':
      return fail(403, 'Access forbidden');
    case '429':
      return fail(429, 'Too many requests');
    case '500':
      return fail(500, 'Internal server error');
    case 'auth-500':
      return call === 'auth' ? fail(500, 'Internal server error') : undefined;
    case 'garbage':
      return { status: 200, body: 'this is neither JSON nor BSON' };
    case 'allow':
    case 'deny':
    case 'enroll':
    case 'bypass':
    case 'locked-out':
      return undefined;
    default:
      return decision satisfies never;
  }
}

/** v1 has the words for people in `status`, v2 in `status_msg`. */
const verdict = (version: 1 | 2, result: string, message: string): DuoDocument =>
  version === 1 ? { result, status: message } : { result, status: result, status_msg: message };

const FACTORS: DuoDocument = { default: 'push1', '1': 'push1', '2': 'phone1' };

function preauth(decision: DuoDecision, version: 1 | 2, user: string): DuoAnswer {
  if (decision === 'bypass') return ok(verdict(version, 'allow', 'Account is active'));
  if (decision === 'locked-out') return ok(verdict(version, 'deny', 'Your account is locked out'));
  return decision === 'enroll' ? enroll(version, user) : askForFactor(version, user);
}

function enroll(version: 1 | 2, user: string): DuoAnswer {
  const url = 'https://enroll.duosecurity.test/';
  const words = `Enroll an authentication device to proceed: ${url}${encodeURIComponent(user)}`;
  const v2 = { prompt: { text: words }, enroll_portal_url: url };
  return ok({ ...verdict(version, 'enroll', words), ...(version === 2 ? v2 : {}) });
}

/** v1 and v2 agree on the factors, and differ in where the prompt stands. */
function askForFactor(version: 1 | 2, user: string): DuoAnswer {
  const choice =
    'Enter a passcode or select one of the following options:\n\n 1. Duo Push\n 2. Phone call\n\n';
  const text = `Duo two-factor login for ${user}\n\n${choice}`;
  if (version === 1) return ok({ result: 'auth', prompt: text, factors: FACTORS });
  return ok({ ...verdict(2, 'auth', 'Account is active'), prompt: { text, factors: FACTORS } });
}

/** The transactions that are remembered; the oldest go. */
const TRANSACTIONS_MAX = 1000;

function auth(state: DuoState, request: DuoRequest, version: 1 | 2, txid: () => string): DuoAnswer {
  const decision = approves(request) ? decisionFor(state, userOf(request)) : 'deny';
  if (request.parameters['async'] !== '1') return ok(outcome(decision, version));
  const id = txid();
  state.transactions.set(id, { decision, polls: 0 });
  const [oldest] = state.transactions.keys();
  if (state.transactions.size > TRANSACTIONS_MAX && oldest !== undefined) state.transactions.delete(oldest);
  return ok({ txid: id });
}

/** A push or a call is whatever the user's decision is; a passcode has to be the right one as well. */
function approves(request: DuoRequest): boolean {
  const token =
    request.parameters['prompt'] ?? request.parameters['auto'] ?? request.parameters['passcode'] ?? '';
  return !/^\d{6,}$/.test(token) || token === LAB_PASSCODE;
}

function status(state: DuoState, request: DuoRequest, version: 1 | 2): DuoAnswer {
  const id = request.parameters['txid'] ?? '';
  const transaction = state.transactions.get(id);
  if (transaction === undefined) return fail(400, 'Invalid request parameters (txid)');
  state.transactions.set(id, { ...transaction, polls: transaction.polls + 1 });
  // The first poll says that the phone has been reached, as the real one does.
  if (transaction.polls === 0) {
    const words = 'Pushed a login request to your device...';
    // Module 1.11 takes any result at this point for a final one.
    return ok(version === 1 ? { status: words } : verdict(2, 'waiting', words));
  }
  return ok(outcome(transaction.decision, version));
}

const outcome = (decision: DuoDecision, version: 1 | 2): DuoDocument =>
  decision === 'allow'
    ? verdict(version, 'allow', 'Success. Logging you in...')
    : verdict(version, 'deny', 'Login request denied.');

const seconds = (context: AnswerContext): number => Math.floor(context.nowMs / 1000);
