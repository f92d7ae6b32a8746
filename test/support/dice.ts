// Chance that comes again: the same throws for the same seed, on every machine.

/** A whole number from 0 to `below - 1`. */
export type Dice = (below: number) => number;

/** mulberry32: a small generator whose course is the same on every machine. */
export const diceOf = (seed: number): Dice => {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

/** The dice of one number in a run: its own, so that one number can be had again without those before it. */
export const diceFor = (seed: number, number: number): Dice =>
  diceOf(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));

/** One of several, all as likely. */
export const pick = <T>(dice: Dice, among: readonly [T, ...T[]]): T => among[dice(among.length)] ?? among[0];
