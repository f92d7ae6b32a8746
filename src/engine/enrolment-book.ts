// Whom Duo was asked about in this run: one answer for each user, however many hosts have the account.
import type { EnrolmentFacts } from '../core/preflight.ts';

/** One run's memory, for one application of Duo's; see {@link makeEnrolmentBook}. */
export interface EnrolmentBook {
  /**
   * Has `ask` find out about those that nobody has asked about yet, and waits for those that another host is asking
   * about. Whoever `ask` leaves out, or a throw of it, is `unproven`; a throw is thrown on.
   */
  readonly askAbout: <T>(
    users: readonly string[],
    ask: (
      unknown: readonly string[],
    ) => Promise<{ readonly enrolment: Readonly<Record<string, EnrolmentFacts>>; readonly rest: T }>,
  ) => Promise<{ readonly enrolment: Readonly<Record<string, EnrolmentFacts>>; readonly rest: T }>;
}

const NOT_ANSWERED: EnrolmentFacts = { kind: 'unproven', why: 'it was not asked' };

/** A book with nothing in it. */
export const makeEnrolmentBook = (): EnrolmentBook => {
  const known = new Map<string, Promise<EnrolmentFacts>>();
  const settled = async (
    user: string,
    answers: Promise<Readonly<Record<string, EnrolmentFacts>>>,
  ): Promise<EnrolmentFacts> => {
    const answer = (await answers)[user] ?? NOT_ANSWERED;
    // An answer that was none may be had over another host.
    if (answer.kind === 'unproven') known.delete(user);
    return answer;
  };
  return {
    askAbout: async (users, ask) => {
      const unknown = users.filter((user) => !known.has(user));
      const asking = ask(unknown);
      const answers = asking.then(
        ({ enrolment }) => enrolment,
        (): Readonly<Record<string, EnrolmentFacts>> => ({}),
      );
      for (const user of unknown) known.set(user, settled(user, answers));
      const others = users.flatMap((user) => {
        const answer = known.get(user);
        return answer === undefined ? [] : [answer.then((facts) => [user, facts] as const)];
      });
      const { rest } = await asking;
      return { enrolment: Object.fromEntries(await Promise.all(others)), rest };
    },
  };
};
