// Many rounds, several hosts at work side by side; what strikes where and when hangs on the seed alone.
import { diceFor } from './dice.ts';
import type { Fault } from './fault.ts';
import { COMMANDS, type StruckCommand } from './fault-commands.ts';
import { faultsDuring } from './fault-kinds.ts';
import { begin, learnStates, playRound, statesOf, type LearntStates, type RoundEnd } from './fault-round.ts';
import { prepareJudge } from './host-judge.ts';
import { freshFleet, type LabFleet, type LabHost } from './lab.ts';
import { labHostSpec } from './lab-hosts.ts';
import { productFor, type Product } from './product.ts';

/** What is to be played. */
export interface Course {
  readonly hosts: readonly string[];
  readonly count: number;
  readonly seed: number;
  /** What is struck; apply. */
  readonly command?: StruckCommand;
  /** The number of the first round. */
  readonly from?: number;
  /** These kinds alone; all of them. */
  readonly only?: readonly string[];
}

/** One round, by its number: the same for the same seed, hosts, command and kinds, whatever was played before. */
export interface Round {
  readonly number: number;
  readonly host: string;
  readonly command: StruckCommand;
  readonly fault: Fault;
}

/** Whether there can be such a fault on such a host. */
export const canStrike = ({ on }: Fault, host: string): boolean => on?.(labHostSpec(host)) ?? true;

/** A round that has been played; `failed` where the fault could not be made to happen. */
export type PlayedRound = Round & ({ readonly end: RoundEnd } | { readonly failed: string });

/**
 * The rounds of a course. Hosts take turns; each has all kinds that there can be on it once, in an order of its own, before
 * one comes again.
 */
export function roundsOf({ command = COMMANDS.apply, ...course }: Course): readonly Round[] {
  const { hosts, count, seed, from = 0, only } = course;
  const wanted = faultsDuring(command).filter(({ kind }) => only === undefined || only.includes(kind));
  const decks = hosts.map((name) => {
    const possible = wanted.filter((fault) => canStrike(fault, name));
    return { name, possible };
  });
  return Array.from({ length: count }, (_, index) => from + index).flatMap((number) => {
    const at = number % hosts.length;
    const deck = decks[at];
    if (deck === undefined || deck.possible.length === 0) return [];
    const turn = Math.floor(number / hosts.length);
    const lap = Math.floor(turn / deck.possible.length);
    const order = shuffled(deck.possible, seed + at, lap);
    const fault = order[turn % order.length];
    return fault === undefined ? [] : [{ number, host: deck.name, command, fault }];
  });
}

const shuffled = <T>(items: readonly T[], seed: number, lap: number): readonly T[] => {
  const dice = diceFor(seed, lap);
  const rest = [...items];
  return items.map(() => rest.splice(dice(rest.length), 1)).flat();
};

/** How rounds are played: in a fleet of this name, by this program (else the sources as they are). */
export interface Play {
  readonly fleet: string;
  readonly seed: number;
  readonly program?: readonly string[];
  /** Told of each round as it ends. */
  readonly told?: (round: PlayedRound) => void;
}

/** Plays rounds, each host's one after the other and the hosts side by side, and takes the fleet away. */
export async function playRounds(rounds: readonly Round[], play: Play): Promise<readonly PlayedRound[]> {
  const hosts = [...new Set(rounds.map(({ host }) => host))];
  const fleet = await freshFleet({ name: play.fleet, hosts });
  try {
    await prepareJudge(fleet);
    const played = await Promise.all(
      fleet.hosts.map((host) =>
        playOn(fleet, host, { play, rounds: rounds.filter((round) => round.host === host.name) }),
      ),
    );
    return played.flat().toSorted((a, b) => a.number - b.number);
  } finally {
    await fleet.down();
  }
}

interface Share {
  readonly play: Play;
  readonly rounds: readonly Round[];
}

/** One host's rounds, one after the other. */
async function playOn(
  fleet: LabFleet,
  host: LabHost,
  { play, rounds }: Share,
): Promise<readonly PlayedRound[]> {
  const product = await productFor(fleet, play.program);
  const place = { fleet, host, product, inventory: await inventoryFor(product, host) };
  const played: PlayedRound[] = [];
  try {
    let learnt: LearntStates | null = null;
    for (const round of rounds) {
      const { command, fault, number } = round;
      const here = { ...place, command, dice: diceFor(play.seed, number) };
      const one = await attempt(async () => {
        learnt ??= await learnStates(here);
        await begin(here);
        return playRound(here, fault, statesOf(command, learnt));
      });
      const end = { ...round, ...one };
      play.told?.(end);
      played.push(end);
      await fleet.repository.set('good', host.address);
    }
    return played;
  } finally {
    await product.remove();
  }
}

const attempt = async (
  play: () => Promise<RoundEnd>,
): Promise<{ readonly end: RoundEnd } | { readonly failed: string }> => {
  try {
    return { end: await play() };
  } catch (error) {
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
};

const inventoryFor = (product: Product, host: LabHost): Promise<string> =>
  product.inventory({
    // Many hosts at work on one machine, and one stand-in for Duo: it may take its time to answer.
    duo_https_timeout: 30,
    // A host without systemd has no log in which a canary's login could be seen.
    ...(host.spec.init === 'systemd' ? {} : { canary_user: undefined, canary_private_key_file: undefined }),
  });
