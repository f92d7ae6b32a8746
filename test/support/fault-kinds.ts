// All kinds of fault.
import type { Fault } from './fault.ts';
import type { StruckCommand } from './fault-commands.ts';
import { DISK_FAULTS } from './faults-disk.ts';
import { LIFE_FAULTS } from './faults-life.ts';
import { LINE_FAULTS } from './faults-line.ts';
import { PACKAGE_FAULTS } from './faults-packages.ts';
import { PEOPLE_FAULTS } from './faults-people.ts';

export const FAULTS: readonly Fault[] = [
  ...LIFE_FAULTS,
  ...LINE_FAULTS,
  ...DISK_FAULTS,
  ...PACKAGE_FAULTS,
  ...PEOPLE_FAULTS,
];

/** The kinds that there can be during a command. */
export const faultsDuring = ({ name }: StruckCommand): readonly Fault[] =>
  FAULTS.filter(({ during }) => during?.includes(name) ?? true);

/** The kind of that name; throws with the names there are when there is none. */
export function faultOf(kind: string): Fault {
  const found = FAULTS.find((fault) => fault.kind === kind);
  if (found !== undefined) return found;
  throw new Error(`there is no fault '${kind}' (known: ${FAULTS.map((fault) => fault.kind).join(', ')})`);
}
