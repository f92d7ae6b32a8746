// The commands that are struck while they are at work, and what of a round hangs on which it is.
import type { TaskId } from '../../src/core/event.ts';

export type CommandName = 'apply' | 'rollback';

/** One command: where it takes its host, and by what means. */
export interface StruckCommand {
  readonly name: CommandName;
  /** Which of the host's two states is the one with Duo. Where it is the old one, a round begins with an apply. */
  readonly duo: 'old' | 'new';
  /** Rows of an apply that it does not have. */
  readonly lacks: readonly TaskId[];
  /** What is at work on packages in the row of that name. */
  readonly packageTools: readonly [string, ...string[]];
  /** Flags without which it leaves what somebody else has edited. */
  readonly overEdits: readonly string[];
}

export const COMMANDS: Readonly<Record<CommandName, StruckCommand>> = {
  apply: { name: 'apply', duo: 'new', lacks: [], packageTools: ['dpkg', 'apt-get'], overEdits: [] },
  rollback: {
    name: 'rollback',
    duo: 'old',
    lacks: ['download'],
    packageTools: ['dpkg'],
    overEdits: ['--discard-edits'],
  },
};

/** The command of that name; throws with the names there are when there is none. */
export function commandOf(name: string): StruckCommand {
  const found = Object.values(COMMANDS).find((command) => command.name === name);
  if (found !== undefined) return found;
  throw new Error(`'${name}' is not struck (known: ${Object.keys(COMMANDS).join(', ')})`);
}
