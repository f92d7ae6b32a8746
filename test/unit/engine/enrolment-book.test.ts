import { describe, expect, test } from 'vitest';
import type { EnrolmentFacts } from '../../../src/core/preflight.ts';
import { makeEnrolmentBook } from '../../../src/engine/enrolment-book.ts';
import { deferred } from '../../support/fake-host-time.ts';

const ENROLLED: EnrolmentFacts = { kind: 'enrolled' };
type Answer = { enrolment: Record<string, EnrolmentFacts>; rest: string };

describe('the book of one run', () => {
  test('has each user asked about once, also while the first answer is still to come', async () => {
    const book = makeEnrolmentBook();
    const asked: (readonly string[])[] = [];
    const first = deferred<Answer>();
    const one = book.askAbout(['ada', 'bo'], (unknown) => {
      asked.push(unknown);
      return first.promise;
    });
    const two = book.askAbout(['bo', 'cy'], (unknown) => {
      asked.push(unknown);
      return Promise.resolve({ enrolment: { cy: { kind: 'not-enrolled' } as const }, rest: 'two' });
    });
    first.resolve({ enrolment: { ada: ENROLLED, bo: ENROLLED }, rest: 'one' });
    expect(await one).toEqual({ enrolment: { ada: ENROLLED, bo: ENROLLED }, rest: 'one' });
    expect(await two).toEqual({ enrolment: { bo: ENROLLED, cy: { kind: 'not-enrolled' } }, rest: 'two' });
    expect(asked).toEqual([['ada', 'bo'], ['cy']]);
  });

  test('asks again where no answer came, and waits for nobody who has failed', async () => {
    const book = makeEnrolmentBook();
    const broken = book.askAbout(['ada'], () => Promise.reject(new Error('gone')));
    const waiting = book.askAbout(['ada'], () => Promise.resolve({ enrolment: {}, rest: '' }));
    await expect(broken).rejects.toThrow('gone');
    expect((await waiting).enrolment['ada']?.kind).toBe('unproven');
    const again = await book.askAbout(['ada'], (unknown) =>
      Promise.resolve({ enrolment: Object.fromEntries(unknown.map((user) => [user, ENROLLED])), rest: '' }),
    );
    expect(again.enrolment).toEqual({ ada: ENROLLED });
  });
});
