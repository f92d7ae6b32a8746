// What a PAM stack of a host answers to one attempt, in all the ways that the modules which are not known leave open.
import { PAM_CODES, type PamCode } from './pam-code.ts';
import { ALL_CODES, type PamAction } from './pam-control.ts';
import {
  actionOf,
  advance,
  enter,
  MUST_FAIL,
  PAM_START,
  resultAt,
  type PamPosition,
} from './pam-dispatch.ts';
import { PAM_READERS } from './pam-lines.ts';
import { answerOfModule } from './pam-modules.ts';
import { FRESH_HANDLE, type PamHandle } from './pam-passwords.ts';
import type {
  ModuleAnswer,
  PamAttempt,
  PamCall,
  PamFolder,
  PamHost,
  PamStep,
  PamVerdict,
} from './pam-situation.ts';
import { readPamService, UNREAD_CODES, type PamHandler, type PamService } from './pam-stack.ts';

/** Ends of walks and lines looked at, over all walks of one question; past either, anything is possible. */
const WALKS_MAX = 4096;
const LINES_MAX = 65_536;

/** How a module answers, and what it leaves in the handle for those that come after it. */
export type AskModule = (
  handler: PamHandler,
  call: PamCall,
  handle: PamHandle,
) => { readonly answer: ModuleAnswer; readonly handle: PamHandle };

/**
 * What libpam returns for a call, as versions 1.4 to 1.7 of Debian and Ubuntu do it. `setcred` follows an authenticate
 * of the same handle, whatever that came to; `setcred-alone` has none before it (sshd after a login by key).
 */
export const evaluatePam = (host: PamHost, attempt: PamAttempt, call: PamCall): PamVerdict =>
  evaluateStack(host.files, attempt.service, call, (handler, of, handle) =>
    answerOfModule({ host, known: attempt, handler, call: of, handle }),
  );

/** The same for files alone, with somebody else's word on what modules answer. */
export const evaluateStack = (
  files: PamFolder,
  service: string,
  call: PamCall,
  ask: AskModule,
): PamVerdict => {
  return mostPermissive(
    readingsOf(files, service).map((one) => evaluateService(one, { service, call, ask })),
  );
};

/** A folder is read once for all questions about a service; folders are values that nobody changes. */
const READ = new WeakMap<PamFolder, Map<string, readonly PamService[]>>();

/** The service as each version of libpam reads it, but for those that read it like another one: nearly always one is left. */
const readingsOf = (files: PamFolder, service: string): readonly PamService[] => {
  const services = READ.get(files) ?? new Map<string, readonly PamService[]>();
  READ.set(files, services);
  const known = services.get(service);
  if (known !== undefined) return known;
  const readings = PAM_READERS.map((reader) => readPamService(files, service, reader));
  const texts = readings.map((one) => JSON.stringify(one));
  const distinct = readings.filter((_one, at) => texts.indexOf(texts[at] ?? '') === at);
  services.set(service, distinct);
  return distinct;
};

/** The same for a service as one version of libpam has read it. */
export const evaluateService = (
  service: PamService,
  options: { readonly service: string; readonly call: PamCall; readonly ask: AskModule },
): PamVerdict => {
  const { broken } = service;
  if (broken !== null) return atOnce('PAM_ABORT', broken.why, broken);
  const { call } = options;
  const type = call === 'acct_mgmt' ? 'account' : 'auth';
  const chain = service.own[type].length > 0 ? service.own[type] : service.other[type];
  if (chain.length === 0) {
    const why = `neither the service nor "other" has an ${type} line`;
    return atOnce(MUST_FAIL, why, { file: options.service, line: 0 });
  }
  return walkAll({ chain, call, ask: options.ask });
};

const atOnce = (
  result: PamCode,
  why: string,
  place: { readonly file: string; readonly line: number },
): PamVerdict => {
  const answer = { kind: 'returns', code: result, why } as const;
  const step = { file: place.file, line: place.line, text: '', depth: 0, answer, action: 'die' };
  return { result, sure: true, possible: [result], steps: [step] };
};

/** One of several verdicts that may all come true. */
const mostPermissive = (verdicts: readonly PamVerdict[]): PamVerdict => {
  const possible = [...new Set(verdicts.flatMap((one) => one.possible))].toSorted(byPermission);
  const first = verdicts.find(({ result }) => result === possible[0]);
  if (first === undefined) throw new Error('no libpam reads the service');
  return { ...first, possible, sure: possible.length === 1 && verdicts.every(({ sure }) => sure) };
};

/** Success first, then a password to be changed (the login goes on), then the refusals. */
const byPermission = (one: PamCode, other: PamCode): number => rank(one) - rank(other);
const rank = (code: PamCode): number => (code === 'PAM_NEW_AUTHTOK_REQD' ? 0.5 : PAM_CODES[code]);

// --- all walks ---

interface Question {
  readonly chain: readonly PamHandler[];
  readonly call: PamCall;
  readonly ask: AskModule;
}

interface Node {
  readonly position: PamPosition;
  readonly handle: PamHandle;
  /** Which pass goes on: setcred has one of authenticate before it. */
  readonly pass: 'authenticate' | 'setcred' | 'setcred-alone' | 'acct_mgmt';
  /** Lines walked in this pass, the last one first. */
  readonly trail: Trail | null;
  /** What authenticate had from each line; `null` before it is done. */
  readonly cached: ReadonlyMap<number, PamCode> | null;
}

interface Trail {
  readonly before: Trail | null;
  readonly at: number;
  /** `null` for the mark of a substack. */
  readonly code: PamCode | null;
  readonly answer: ModuleAnswer | null;
  readonly action: string;
}

/** Depth first over every answer that a module may give; the walk that is shown is the first of the best result. */
const walkAll = (question: Question): PamVerdict => {
  const { chain, call } = question;
  const ends = new Map<PamCode, Trail | null>();
  const seen = new Set<string>();
  const open: Node[] = [
    {
      position: PAM_START,
      handle: FRESH_HANDLE,
      pass: call === 'setcred' ? 'authenticate' : call,
      trail: null,
      cached: null,
    },
  ];
  let walks = 0;
  let lines = 0;
  let isForked = false;
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const key = isForked ? keyOf(node, question) : null;
    if (key !== null && seen.has(key)) continue;
    if (key !== null) seen.add(key);
    lines += 1;
    const end = endOf(node, question);
    if (end === null) {
      const steps = stepsFrom(node, question);
      isForked ||= steps.length > 1;
      open.push(...steps.toReversed());
    } else if (call === 'setcred' && node.pass === 'authenticate') {
      open.push(setcredAfter(node, end));
    } else {
      walks += 1;
      if (!ends.has(end)) ends.set(end, node.trail);
    }
    if (walks >= WALKS_MAX || lines >= LINES_MAX) {
      return anything(ends, chain);
    }
  }
  const possible = [...ends.keys()].toSorted(byPermission);
  const result = possible[0] ?? MUST_FAIL;
  return { result, sure: possible.length === 1, possible, steps: stepsOf(ends.get(result) ?? null, chain) };
};

const anything = (ends: ReadonlyMap<PamCode, Trail | null>, chain: readonly PamHandler[]): PamVerdict => {
  const possible = ALL_CODES.toSorted(byPermission);
  const [shown] = [...ends.entries()].toSorted(([one], [other]) => byPermission(one, other));
  return { result: 'PAM_SUCCESS', sure: false, possible, steps: stepsOf(shown?.[1] ?? null, chain) };
};

/**
 * Two walks of one key go on alike. In setcred they do not, for each has its own authenticate behind it; and a walk that
 * stopped at a line stands where it stood before that line.
 */
const keyOf = ({ position, handle, trail }: Node, { call }: Question): string | null =>
  call === 'setcred' || trail?.code === 'PAM_INCOMPLETE' ? null : JSON.stringify([position, handle]);

/** The call's code where this walk is over, else `null`. */
const endOf = ({ position, trail }: Node, { chain }: Question): PamCode | null => {
  // The program would have to call again; what it calls next instead is refused (PAM_ABORT).
  if (trail?.code === 'PAM_INCOMPLETE') return 'PAM_INCOMPLETE';
  return position.at >= chain.length ? resultAt(position) : null;
};

const setcredAfter = (node: Node, end: PamCode): Node => {
  const cached = new Map<number, PamCode>();
  for (let { trail } = node; trail !== null; trail = trail.before) {
    if (trail.code !== null) cached.set(trail.at, trail.code);
  }
  const next: Node = { ...node, position: PAM_START, pass: 'setcred', trail: null, cached };
  if (end !== 'PAM_INCOMPLETE') return next;
  const why = 'authenticate was not brought to its end, so libpam refuses';
  const answer = { kind: 'returns', code: 'PAM_ABORT', why } as const;
  return {
    ...next,
    position: { ...PAM_START, at: Number.MAX_SAFE_INTEGER, impression: 'bad', status: 'PAM_ABORT' },
    trail: { before: null, at: 0, code: 'PAM_ABORT', answer, action: 'die' },
  };
};

/** The line of this position taken, once for each answer that leads somewhere else. */
const stepsFrom = (node: Node, { chain, call, ask }: Question): readonly Node[] => {
  const { position, trail, pass, cached } = node;
  const handler = chain[position.at];
  if (handler === undefined) return [];
  const { at } = position;
  if (handler.kind === 'substack') {
    const entered = { ...enter(chain, position), at: at + 1, previous: handler.level };
    return [
      { ...node, position: entered, trail: { before: trail, at, code: null, answer: null, action: '' } },
    ];
  }
  const { answer, handle } = answerOf(handler, { ask, node });
  const decisiveOf = (code: PamCode): PamCode => (pass === 'setcred' ? (cached?.get(at) ?? code) : code);
  const codes =
    answer.kind === 'returns'
      ? [answer.code]
      : distinctCodes(answer.codes, {
          actionFor: (code) => actionOf(handler, decisiveOf(code)),
          isBeforeSetcred: call === 'setcred' && pass === 'authenticate',
        });
  return codes.map((code) => {
    const decisive = decisiveOf(code);
    const incomplete = code === 'PAM_INCOMPLETE';
    return {
      ...node,
      handle,
      position: incomplete ? position : advance(chain, position, { code, decisive }),
      trail: {
        before: trail,
        at,
        code,
        answer,
        action: incomplete ? 'die' : named(actionOf(handler, decisive)),
      },
    };
  });
};

const answerOf = (
  handler: PamHandler,
  { ask, node }: { readonly ask: AskModule; readonly node: Node },
): ReturnType<AskModule> => {
  const { handle, pass } = node;
  const { why } = handler;
  switch (handler.kind) {
    case 'must-fail':
      return { answer: { kind: 'returns', code: MUST_FAIL, why }, handle };
    case 'unknown':
      return { answer: { kind: 'unknown', codes: UNREAD_CODES, why }, handle };
    case 'substack':
    case 'module':
      return ask(handler, pass, handle);
    default:
      return handler.kind satisfies never;
  }
};

/**
 * Of answers that come to the same the first: those that do not count, and, before setcred, all of one action but for
 * PAM_IGNORE, which setcred looks at.
 */
const distinctCodes = (
  codes: readonly PamCode[],
  options: { readonly actionFor: (code: PamCode) => PamAction; readonly isBeforeSetcred: boolean },
): readonly PamCode[] => {
  const { actionFor, isBeforeSetcred } = options;
  const like = new Map<string, PamCode>();
  for (const code of codes.toSorted(byPermission)) {
    const action = actionFor(code);
    const counts = action === 'ok' || action === 'done' || action === 'bad' || action === 'die';
    const isKept = isBeforeSetcred ? code === 'PAM_IGNORE' : counts;
    const key = isKept || code === 'PAM_INCOMPLETE' ? `${action} ${code}` : `${action}`;
    if (!like.has(key)) like.set(key, code);
  }
  return [...like.values()];
};

// --- one walk told ---

const stepsOf = (trail: Trail | null, chain: readonly PamHandler[]): readonly PamStep[] => {
  const taken = new Map<number, Trail>();
  for (let one = trail; one !== null; one = one.before) taken.set(one.at, one);
  return chain.map((handler, at) => {
    const one = taken.get(at);
    const { file, line, text, level } = handler;
    return { file, line, text, depth: level, answer: one?.answer ?? null, action: one?.action ?? '' };
  });
};

const named = (action: ReturnType<typeof actionOf>): string =>
  typeof action === 'number' ? `jump ${action}` : action;
