// What plans of one run show, each thing told once: a journal of 500 hosts holds what they have in common one time.
import { createHash } from 'node:crypto';
import { changeDiff } from '../core/change-diff.ts';
import { summarize } from '../core/change.ts';
import type { Exhibit, PlannedChange, RunEvent } from '../core/event.ts';
import type { LoginTable } from '../core/login-table.ts';
import type { Plan } from '../core/plan.ts';

/** What a `planned` event says beside its host, its digest and its findings. */
export type Told = Pick<Extract<RunEvent, { readonly type: 'planned' }>, 'changes' | 'logins' | 'exhibits'>;

/** Makes the events' part that shows a plan; remembers what it has told. */
export type Exhibits = (
  plan: Plan,
  logins: { readonly now: LoginTable; readonly after: LoginTable } | null,
) => Told;

/** Hex digits of an exhibit's name; the names of one run need only differ from each other. */
const NAME_DIGITS = 16;

/** The exhibits of one run. */
export const makeExhibits = (): Exhibits => {
  const told = new Set<string>();
  return (plan, logins) => {
    const fresh: Record<string, Exhibit> = {};
    const nameOf = (exhibit: Exhibit): string => {
      const name = createHash('sha256').update(JSON.stringify(exhibit)).digest('hex').slice(0, NAME_DIGITS);
      if (!told.has(name)) {
        told.add(name);
        fresh[name] = exhibit;
      }
      return name;
    };
    const changes = plan.changes.map((change): PlannedChange => {
      const diff = changeDiff(change, plan.changes);
      return { ...summarize(change), ...(diff === null ? {} : { diff: nameOf(diff) }) };
    });
    return {
      changes,
      ...(logins === null ? {} : { logins: { now: nameOf(logins.now), after: nameOf(logins.after) } }),
      ...(Object.keys(fresh).length === 0 ? {} : { exhibits: fresh }),
    };
  };
};
