// The laws are worth what they notice: with each of these mistakes put in, one of them complains.
import { describe, expect, test } from 'vitest';
import { complaintsIn } from '../support/fault-laws.ts';
import { SITUATIONS } from '../support/fault-situations.ts';
import { SEEDED_BUGS } from '../support/seeded-bugs.ts';

describe.each(SEEDED_BUGS)('$title', (bug) => {
  test(`is noticed where ${bug.family}: ${bug.law}`, async () => {
    const found = new Set<string>();
    for (const situation of SITUATIONS.filter(({ family }) => family === bug.family)) {
      for (const complaint of await complaintsIn(situation, bug)) found.add(complaint);
      if (found.has(bug.law)) break;
    }
    expect([...found]).toContain(bug.law);
  });
});
