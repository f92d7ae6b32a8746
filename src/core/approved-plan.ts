// A plan that somebody has looked at: what it says of each host, as a document, and how a host differs from it now.
import type { ChangeSummary } from './change.ts';
import { changeDigest, planDigest, type Plan, type Sha256 } from './plan.ts';
import { printable } from './printable.ts';

/** One change, without why it was needed: that may name what changes by the minute. */
export interface ApprovedChange extends Pick<ChangeSummary, 'step' | 'kind' | 'target'> {
  /** Of what it does, contents included: see plan.ts. */
  readonly digest: string;
}

/** What was approved for one host. */
export interface ApprovedPlan {
  /** Of the plan, contents included: see plan.ts. */
  readonly digest: string;
  /** Digest of the host's settings, by which an inventory that says something else is told from a host that changed. */
  readonly declared: string;
  /** `null`: not known (a run that is resumed remembers digests alone). */
  readonly changes: readonly ApprovedChange[] | null;
}

/** A plan of many hosts. */
export interface ApprovedPlans {
  /** The run that made it. */
  readonly run: string;
  readonly hosts: ReadonlyMap<string, ApprovedPlan>;
}

/** What the document says beside its hosts. */
export interface PlanFileHead {
  readonly run: string;
  /** ISO 8601, UTC. */
  readonly madeAt: string;
  readonly operator: string;
  /** Absolute: one path, or several with commas between. */
  readonly inventory: string;
}

/** A document that was read. */
export interface PlanFile extends PlanFileHead {
  readonly plans: ApprovedPlans;
}

/** The first word of the document, by which it is known, and the version of what follows. */
const MARK = 'duoFleetPlan';
const VERSION = 1;

/** Whether a text says that it is such a document, whatever else is wrong with it. */
export const isPlanFile = (text: string): boolean => /^\uFEFF?\s*\{\s*"duoFleetPlan"\s*:/.test(text);

/** The document: JSON for people and for `apply`; no secret and no content of a file is in it. */
export const planFileText = (head: PlanFileHead, hosts: ReadonlyMap<string, ApprovedPlan>): string => {
  const document = {
    [MARK]: VERSION,
    run: head.run,
    madeAt: head.madeAt,
    operator: head.operator,
    inventory: head.inventory,
    hosts: [...hosts].map(([host, { digest, declared, changes }]) => ({
      host,
      digest,
      declared,
      changes: (changes ?? []).map(({ step, kind, target, digest: own }) => ({
        step,
        kind,
        target,
        digest: own,
      })),
    })),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
};

/** Thrown when a document cannot be used; the message ends a sentence that begins with the file's name and place. */
export class PlanFileError extends Error {
  /** 1-based; 0 where the place is not known. */
  readonly line: number;
  readonly column: number;
  constructor(message: string, place: { readonly line: number; readonly column: number } = NOWHERE) {
    super(message);
    this.name = 'PlanFileError';
    this.line = place.line;
    this.column = place.column;
  }
}
const NOWHERE = { line: 0, column: 0 };

const DIGEST = /^[0-9a-f]{64}$/;
const RUN = /^\d{8}-\d{6}-[0-9a-f]{4}$/;
const MAKE_ANEW = 'make it anew with duo-fleet plan --out';

/**
 * Reads the document. What it lists and the digest that is gone by are of the same changes: whoever takes one out of the list
 * must not believe that it is left out.
 * @throws PlanFileError
 */
export const parsePlanFile = (text: string, sha256: Sha256): PlanFile => {
  const document = parsed(text);
  if (document[MARK] !== VERSION) {
    throw new PlanFileError(
      `it is a plan of version ${shown(document[MARK])}, and this duo-fleet reads ${VERSION}: ${MAKE_ANEW}`,
    );
  }
  const run = textOf(document, 'run');
  if (!RUN.test(run)) throw damaged('run');
  if (!Array.isArray(document['hosts'])) throw damaged('hosts');
  const hosts = new Map<string, ApprovedPlan>();
  for (const [index, each] of document['hosts'].entries()) {
    const at = `hosts[${index}]`;
    if (!isRecord(each)) throw damaged(at);
    const [host, digest, declared] = ['host', 'digest', 'declared'].map((name) => textOf(each, name, at));
    if (host === undefined || host === '' || hosts.has(host)) throw damaged(`${at}.host`);
    if (digest === undefined || !DIGEST.test(digest)) throw damaged(`${at}.digest`);
    if (declared === undefined || !DIGEST.test(declared)) throw damaged(`${at}.declared`);
    const changes = changesOf(each['changes'], `${at}.changes`);
    const own = changes.map((change) => change.digest);
    if (planDigest(own, sha256) !== digest) throw damaged(`${at}.changes`);
    hosts.set(host, { digest, declared, changes });
  }
  if (hosts.size === 0) throw new PlanFileError('it plans no host: nothing to do');
  return {
    run,
    madeAt: textOf(document, 'madeAt'),
    operator: textOf(document, 'operator'),
    inventory: textOf(document, 'inventory'),
    plans: { run, hosts },
  };
};

const parsed = (text: string): Record<string, unknown> => {
  const body = text.replace(/^\uFEFF/, '');
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : '';
    const position = /at position (\d+)/.exec(message)?.[1];
    // V8 names no position where the text just ends.
    const before = body.slice(0, position === undefined ? body.length : Number(position)).split('\n');
    throw new PlanFileError(`it is no whole JSON document: was it cut short or edited? ${MAKE_ANEW}`, {
      line: before.length,
      column: (before.at(-1)?.length ?? 0) + 1,
    });
  }
  if (!isRecord(value)) throw new PlanFileError(`it is no plan: ${MAKE_ANEW}`);
  return value;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const textOf = (record: Record<string, unknown>, name: string, at = ''): string => {
  const value = record[name];
  if (typeof value === 'string') return value;
  throw damaged(at === '' ? name : `${at}.${name}`);
};

const changesOf = (value: unknown, at: string): readonly ApprovedChange[] => {
  if (!Array.isArray(value)) throw damaged(at);
  return value.map((each: unknown, index) => {
    const here = `${at}[${index}]`;
    if (!isRecord(each)) throw damaged(here);
    const names = ['step', 'kind', 'target', 'digest'] as const;
    const [step, kind, target, digest] = names.map((name) => textOf(each, name, here));
    // Only compared and shown; what is done is the plan that is made anew.
    return { step, kind, target, digest } as ApprovedChange;
  });
};

const damaged = (what: string): PlanFileError =>
  new PlanFileError(`${what} is not what duo-fleet writes there: was it edited? ${MAKE_ANEW}`);

/** A number or a word; whatever else stands there is not worth showing, and may be nested deeper than we can go. */
const shown = (value: unknown): string =>
  typeof value === 'number' || typeof value === 'string' ? printable(JSON.stringify(value), 40) : 'unknown';

/** Changes of one sort that a message names; the rest are counted. */
const NAMED_MAX = 4;

/**
 * How a host differs from what was approved: '' where it is exactly that, or where nothing is left to do about the same
 * settings, as after an apply of that plan. Else a sentence for people.
 * @param of.declared digest of the host's settings now
 */
export const deviationFrom = (
  approved: ApprovedPlan,
  now: Plan,
  { declared, sha256 }: { readonly declared: string; readonly sha256: Sha256 },
): string => {
  if (now.digest === approved.digest) return '';
  const isSameWish = declared === approved.declared;
  if (isSameWish && now.changes.length === 0) return '';
  const cause = isSameWish ? `${now.host} has changed` : `the settings of ${now.host} have changed`;
  return `${cause} since the plan was made: ${differences(approved.changes, now, sha256)}. Nothing was touched`;
};

const differences = (then: readonly ApprovedChange[] | null, now: Plan, sha256: Sha256): string => {
  if (then === null) return 'something else would be done now';
  const before = new Map(then.map((change) => [nameOf(change), change.digest]));
  const after = new Map(now.changes.map((change) => [nameOf(change), changeDigest(change, sha256)]));
  const names = [...after.keys()];
  const more = names.filter((name) => !before.has(name));
  const less = [...before.keys()].filter((name) => !after.has(name));
  const other = names.filter((name) => before.has(name) && before.get(name) !== after.get(name));
  const parts = [
    ...(more.length === 0 ? [] : [`not in the plan: ${namesOf(more)}`]),
    ...(less.length === 0 ? [] : [`no longer needed: ${namesOf(less)}`]),
    ...(other.length === 0 ? [] : [`another change than planned: ${namesOf(other)}`]),
  ];
  return parts.length === 0 ? 'in another order' : parts.join('; ');
};

const nameOf = ({ step, target }: Pick<ChangeSummary, 'step' | 'target'>): string => `${target} [${step}]`;

const namesOf = (names: readonly string[]): string => {
  const more = names.length - NAMED_MAX;
  const named = names.slice(0, NAMED_MAX).map((name) => printable(name, 160));
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
};
