// One operation of the host's guard, and its refusals in words.
import { Failure } from '../core/failure.ts';
import { printable } from '../core/printable.ts';
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
  const said = printable(tellingLines(reply.lines).join('; '), 600);
  throw new Failure(reasonOf(reply.code), `${ctx.settings.host}: ${operation} failed: ${said}`);
};

/** The guard's own last word, and before it what apt, dpkg or another tool called an error; their chatter is left out. */
const tellingLines = (lines: readonly string[]): readonly string[] => {
  const spoken = lines.filter((line) => line.trim() !== '');
  const errors = spoken.slice(0, -1).filter((line) => /^(?:E: |.*\berror\b|.*: (?:bad|cannot) )/i.test(line));
  return [...errors.slice(-3), ...spoken.slice(-1)];
};

/** Who holds a host, since when and for which run, in a sentence. */
export const busyMessage = (
  host: string,
  owner: { readonly operator: string; readonly run: string; readonly sinceS: number },
): string => {
  const since = Number.isFinite(owner.sinceS)
    ? new Date(owner.sinceS * 1000).toISOString()
    : 'an unknown time';
  return `${host} is held by ${printable(owner.operator)} since ${since} (run ${printable(owner.run)}); nothing was touched; try again when that run has ended`;
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
