// Our model of PAM against the real libpam of this machine: a thousand random stacks each time.
import { describe, expect, test } from 'vitest';
import { canAskLibpam } from '../support/ask-libpam.ts';
import { compareScenes } from '../support/pam-compare.ts';

const COUNT = 1000;
const SEED = Number(process.env['DUO_FLEET_SEED'] ?? '20261125');

describe.skipIf(!canAskLibpam())('in the real libpam', () => {
  test(`${COUNT} random stacks come to what the model says (DUO_FLEET_SEED=${SEED})`, async () => {
    const { disagreements, sure, questions, successes } = await compareScenes({ seed: SEED, count: COUNT });
    // `scripts/pam-compare --seed SEED --show NUMBER` prints the stack.
    expect({ seed: SEED, disagreements: disagreements.slice(0, 3) }).toEqual({
      seed: SEED,
      disagreements: [],
    });
    // A model that knows nothing, and stacks that all end alike, would agree as well.
    expect(sure / questions).toBeGreaterThan(0.99);
    expect(successes / questions).toBeGreaterThan(0.1);
    expect(successes / questions).toBeLessThan(0.9);
  });
});
