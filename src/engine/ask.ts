// One operation of the host's guard, and its refusals in words.
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
import { trimEndOf } from '../core/trim-end.ts';
import { GUARD_EXIT, type GuardOperation, type GuardReply, type HostSession } from '../core/remote.ts';
import type { TransactionContext } from './held.ts';

/** One guard operation; a status other than 0 is a Failure that says the host's own words. */
export const ask = async (
  ctx: TransactionContext,
  session: HostSession,
  operation: GuardOperation,
  options: {
    readonly tx: string;
    readonly args?: readonly string[];
    readonly files?: Readonly<Record<string, Uint8Array>>;
    readonly deadlineMs: number;
  },
): Promise<GuardReply> => {
  const reply = await session.guard({
    operation,
    tx: options.tx,
    args: options.args ?? [],
    files: options.files ?? {},
    deadlineMs: options.deadlineMs,
    onMark: ctx.rows.mark,
  });
  if (reply.code === GUARD_EXIT.ok) return reply;
  if (reply.code === GUARD_EXIT.busy)
    throw new Failure('busy', busyMessage(ctx.settings.host, ownerOf(reply.lines)));
  throw new Failure(reasonOf(reply.code), `${ctx.settings.host}: ${whatItSaid(operation, reply.lines)}`);
};

/** For people: what is said more than this long is in the host's own log. */
const SAID_CHARS_MAX = 500;

/**
 * The guard's own last word, which says what could not be done, and after it what apt, dpkg or another tool called an
 * error; their chatter and their repetitions are left out.
 */
const whatItSaid = (operation: string, lines: readonly string[]): string => {
  const spoken = lines.map(withoutEnd).filter((line) => line !== '');
  const own = spoken.at(-1) ?? `${operation} failed and said nothing`;
  const errors = spoken
    .slice(0, -1)
    .filter((line) => /^(?:E: |.*\berror\b|.*: (?:bad|cannot) )/i.test(line))
    // apt's own word about dpkg's failure, and its warnings, which say what its errors say.
    .filter((line) => !line.startsWith('E: Sub-process ') && !line.startsWith('W: '))
    .map((line) => line.replace(/^E: /, ''));
  const why = [...new Set(errors)].slice(-2).join('; ');
  return printable(why === '' ? own : `${own} (${why})`, SAID_CHARS_MAX);
};

/** A line that becomes part of a sentence: without blanks around it, and without its own end. */
const withoutEnd = (line: string): string => trimEndOf(line.trim(), '.:;, \t');

/** Who holds a host, since when and for which run, in a sentence. */
export const busyMessage = (
  host: string,
  owner: { readonly operator: string; readonly run: string; readonly sinceS: number },
): string => {
  // A Date takes a hundred million days on both sides of 1970 (ECMA-262), and a host may say anything.
  const since = new Date(owner.sinceS * 1000);
  return `${host} is held by ${printable(owner.operator)} since ${Number.isNaN(since.getTime()) ? 'an unknown time' : since.toISOString()} (run ${printable(owner.run)}); nothing was touched; try again when that run has ended`;
};

/** The `owner` file that the guard shows when it refuses a claim. */
export const ownerOf = (lines: readonly string[]) => {
  const value = (key: string) => lines.find((line) => line.startsWith(`${key}=`))?.slice(key.length + 1);
  return {
    operator: value('operator') ?? 'somebody',
    run: value('run') ?? 'unknown',
    sinceS: Number(value('since') ?? Number.NaN),
  };
};

const reasonOf = (code: number): Failure['reason'] => {
  if (code === GUARD_EXIT.fenced) return 'fenced';
  return code === GUARD_EXIT.drifted ? 'drifted' : 'exit';
};
