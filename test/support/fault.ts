// What a fault is: where and when it strikes a host at which the product is at work, and how it passes.
import type { TaskId } from '../../src/core/event.ts';
import type { Dice } from './dice.ts';
import type { CommandName, StruckCommand } from './fault-commands.ts';
import type { LabFleet, LabHost } from './lab.ts';
import type { LabHostSpec } from './lab-hosts.ts';
import type { Product, UnderWay } from './product.ts';

/** The host that is struck, and all that a fault may need. */
export interface FaultPlace {
  readonly fleet: LabFleet;
  readonly host: LabHost;
  readonly product: Product;
  /** What is at work on it. */
  readonly command: StruckCommand;
  /** The inventory of the run that is struck. */
  readonly inventory: string;
  /** The round's own: what else there is to choose is chosen by them. */
  readonly dice: Dice;
}

/** One kind of fault. */
export interface Fault {
  readonly kind: string;
  /** What happens, for a list of all kinds. */
  readonly what: string;
  /** The hosts on which it can be; all of them. */
  readonly on?: (spec: LabHostSpec) => boolean;
  /** The commands during which it can be; all of them. */
  readonly during?: readonly CommandName[];
  /** Made on the host before the run begins. */
  readonly prepare?: (place: FaultPlace) => Promise<void>;
  /** The rows at whose beginning, or a little after it, it strikes. */
  readonly rows: readonly TaskId[];
  /**
   * Strikes, and gives what takes it back.
   * @throws when it has not had its effect: a fault that does not happen proves nothing
   */
  readonly strike: (place: FaultPlace, run: UnderWay) => Promise<Healing>;
  /** What may come of it, where that is less than either state. */
  readonly ends?: 'old' | 'new';
}

/** How a fault passes. */
export interface Healing {
  /** After how many milliseconds; `at the end`: when the run and the host's guard have ended, at the latest after the limit. */
  readonly when: number | 'at the end';
  readonly heal: () => Promise<void>;
  /** Looks whether the fault really was there, when all is over. @throws when it was not */
  readonly proof?: () => Promise<void>;
  /** Files that somebody else edited, with what he left in them: they need be neither old nor new, but must say so. */
  readonly edited?: readonly Edit[];
}

/** Somebody else's edit of a file that the product manages. */
export interface Edit {
  readonly path: string;
  /** A line that must still be in it. */
  readonly line: string;
}

/** A fault that nothing needs to be done about. */
export const PASSED: Healing = { when: 0, heal: async () => undefined };

/** A duration of the dice, in milliseconds. */
export const between = (dice: Dice, fromS: number, toS: number): number =>
  fromS * 1000 + dice((toS - fromS) * 1000 + 1);

/** Runs a command as root on the host; throws, with what it said, when it does not succeed. */
export const must = async (host: LabHost, command: string, timeoutMs?: number): Promise<string> => {
  const done = await host.shell(command, timeoutMs === undefined ? {} : { timeoutMs });
  if (done.code !== 0)
    throw new Error(`${host.name}: \`${command}\` ended with ${done.code}: ${done.stdout}${done.stderr}`);
  return done.stdout;
};

const FIRST: readonly TaskId[] = ['claim', 'download', 'snapshot', 'arm', 'stage', 'rehearse'];
const STEPS: readonly TaskId[] = [
  'sshd-settings',
  'duo-repository',
  'packages',
  'pam-duo-conf',
  'sudoers',
  'pam-sudo',
  'pam-sshd',
];

/** The rows of a first apply, by what is live in them. */
export const ROWS = {
  /** Nothing live has changed. */
  before: FIRST,
  /** The host is neither old nor new. */
  activation: ['activate', ...STEPS],
  /** It is as declared, and not confirmed. */
  after: ['canary', 'validate', 'confirm'],
} as const satisfies Readonly<Record<string, readonly TaskId[]>>;

/** All of them. */
export const EVERY_ROW: readonly TaskId[] = [...ROWS.before, ...ROWS.activation, ...ROWS.after];
