// The matrix of hosts and phases.
import { STEP_IDS } from './change.ts';
import { PHASES, type TaskId } from './event.ts';
import { byUrgency } from './report-groups.ts';
import type { Report, ReportHost, ReportTask } from './report.ts';

/** Columns in the order in which things happen; the steps stand inside `activate`. Those that no host came to are left out. */
export interface PhaseMatrix {
  readonly phases: readonly TaskId[];
  /** The most urgent first. A cell is `null` where the host did not come there. */
  readonly rows: readonly { readonly host: ReportHost; readonly cells: readonly (ReportTask | null)[] }[];
}

const COLUMNS: readonly TaskId[] = PHASES.flatMap((phase): readonly TaskId[] =>
  phase === 'activate' ? [phase, ...STEP_IDS] : [phase],
);

/** The matrix; of a phase that a host went through twice (a resumed run observes anew) the last time counts. */
export const phasesOf = ({ hosts }: Pick<Report, 'hosts'>): PhaseMatrix => {
  const met = new Set(hosts.flatMap(({ tasks }) => tasks.map(({ task }) => task)));
  const phases = COLUMNS.filter((task) => met.has(task));
  return {
    phases,
    rows: byUrgency(hosts).map((host) => {
      const last = new Map(host.tasks.map((row) => [row.task, row]));
      return { host, cells: phases.map((task) => last.get(task) ?? null) };
    }),
  };
};
