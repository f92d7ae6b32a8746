// What plans of one run show, each thing told once: a journal of 500 hosts holds what they have in common one time.
import { createHash } from 'node:crypto';
import { changeDiff } from '../core/change-diff.ts';
import { summarize } from '../core/change.ts';
import type { Exhibit, PlannedChange, RunEvent } from '../core/event.ts';
import type { LoginTable } from '../core/login-table.ts';
import type { Plan } from '../core/plan.ts';

/** What a `planned` event says beside its host, its digest and its findings. */
export type Told = Pick<Extract<RunEvent, { readonly type: 'planned' }>, 'changes' | 'logins' | 'exhibits'>;

/** Who gets in before and after. */
export interface BothTables {
  readonly now: LoginTable;
  readonly after: LoginTable;
}

/** What a `judged` event says beside its host. */
export type ToldLogins = Pick<Extract<RunEvent, { readonly type: 'judged' }>, 'logins' | 'exhibits'>;

/** Makes the parts of events that show something; remembers what it has told. */
export interface Exhibits {
  readonly ofPlan: (plan: Plan, logins: BothTables | null) => Told;
  readonly ofLogins: (logins: BothTables) => ToldLogins;
}

/** Hex digits of an exhibit's name; the names of one run need only differ from each other. */
const NAME_DIGITS = 16;

const namesOf = ({ now, after }: BothTables, nameOf: (exhibit: Exhibit) => string) => ({
  now: nameOf(now),
  after: nameOf(after),
});

/** The exhibits of one run. */
export const makeExhibits = (): Exhibits => {
  const told = new Set<string>();
  const naming = (): {
    readonly nameOf: (exhibit: Exhibit) => string;
    readonly fresh: () => FreshExhibits;
  } => {
    const fresh: Record<string, Exhibit> = {};
    return {
      nameOf: (exhibit) => {
        const name = createHash('sha256').update(JSON.stringify(exhibit)).digest('hex').slice(0, NAME_DIGITS);
        if (!told.has(name)) {
          told.add(name);
          fresh[name] = exhibit;
        }
        return name;
      },
      fresh: () => (Object.keys(fresh).length === 0 ? {} : { exhibits: fresh }),
    };
  };
  return {
    ofPlan: (plan, logins) => {
      const { nameOf, fresh } = naming();
      const changes = plan.changes.map((change): PlannedChange => {
        const diff = changeDiff(change, plan.changes);
        return { ...summarize(change), ...(diff === null ? {} : { diff: nameOf(diff) }) };
      });
      return { changes, ...(logins === null ? {} : { logins: namesOf(logins, nameOf) }), ...fresh() };
    },
    ofLogins: (logins) => {
      const { nameOf, fresh } = naming();
      return { logins: namesOf(logins, nameOf), ...fresh() };
    },
  };
};

/** Those that the run has not told yet. */
type FreshExhibits = Pick<Told, 'exhibits'>;
